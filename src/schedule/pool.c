/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/pool.h"

#include <math.h>
#include <string.h>

struct pool pool_start(const struct space *space, int32_t size, struct arena *arena)
{
    struct pool pool = {space, 0, size, ARENA_ARRAY(arena, (size_t)size + 1, double),
                        ARENA_ARRAY(arena, (size_t)size + 1, uint8_t *)};
    for (int32_t i = 0; i <= size; i++)
        pool.candidates[i] = ARENA_ARRAY(arena, (size_t)space->n_knobs + 1, uint8_t);
    return pool;
}

static int same_filters(const struct space *space, const uint8_t *a, const uint8_t *b)
{
    for (int32_t s = 0; s < space->sets.n_sets; s++)
        if (a[space->filters_knob[s]] != b[space->filters_knob[s]])
            return 0;
    return 1;
}

static void swap(struct pool *pool, int32_t i, int32_t k)
{
    double value = pool->values[i];
    uint8_t *candidate = pool->candidates[i];
    pool->values[i] = pool->values[k];
    pool->candidates[i] = pool->candidates[k];
    pool->values[k] = value;
    pool->candidates[k] = candidate;
}

double pool_worst(const struct pool *pool)
{
    if (pool->n < pool->size)
        return (double)INFINITY;
    return pool->n == 0 ? -(double)INFINITY : pool->values[pool->n - 1];
}

void pool_add(struct pool *pool, double value, const uint8_t *candidate)
{
    int32_t at = 0;
    if (value >= pool_worst(pool))
        return;
    while (at < pool->n && !same_filters(pool->space, pool->candidates[at], candidate))
        at++;
    if (at < pool->n && pool->values[at] <= value)
        return;
    pool->values[at] = value;
    memcpy(pool->candidates[at], candidate, (size_t)pool->space->n_knobs);
    if (at == pool->n && pool->n < pool->size)
        pool->n++;
    for (; at > 0 && pool->values[at - 1] > pool->values[at]; at--)
        swap(pool, at - 1, at);
}
