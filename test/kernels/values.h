/* SPDX-License-Identifier: Apache-2.0 */
/* Random values, of which layers are made. */
#ifndef DTMM_TEST_KERNELS_VALUES_H
#define DTMM_TEST_KERNELS_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "test/kernels/guard.h"

static inline int one_in(struct random *random, int32_t n)
{
    return random_range(random, 1, n) == 1;
}

/* The largest integer whose square is at most x. */
static inline int32_t square_root(int32_t x)
{
    int32_t root = 0;
    while ((root + 1) * (root + 1) <= x)
        root++;
    return root;
}

static inline int8_t random_s8(struct random *random)
{
    return (int8_t)random_range(random, -128, 127);
}

/* int8 values: mostly any, sometimes only the extremes, sometimes mostly zero. */
static inline int8_t *random_values(struct random *random, struct guard *guard, size_t n)
{
    int8_t *values = guard_alloc(guard, n, 1);
    int kind = random_range(random, 0, 7);
    for (size_t i = 0; i < n; i++) {
        values[i] = random_s8(random);
        if (kind == 0 || (kind == 1 && values[i] >= 0))
            values[i] = values[i] < 0 ? -128 : 127;
        if (kind == 2)
            values[i] = -128;
    }
    return values;
}

static inline int bits_of(int64_t x)
{
    int bits = 0;
    for (; x > 0; x >>= 1)
        bits++;
    return bits;
}

static inline int32_t random_multiplier(struct random *random)
{
    return one_in(random, 20) ? 0 : random_range(random, 1 << 30, INT32_MAX);
}

#endif
