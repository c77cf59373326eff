/* SPDX-License-Identifier: Apache-2.0 */
/* The most promising choices of sets that a search has met. */
#ifndef DTMM_SCHEDULE_POOL_H
#define DTMM_SCHEDULE_POOL_H

#include "schedule/space.h"

struct pool {
    const struct space *space;
    int32_t n, size;
    double *values; /* ascending */
    uint8_t **candidates;
};

/* An empty pool of `size` candidates. */
struct pool pool_start(const struct space *space, int32_t size, struct arena *arena);

/* The value that a candidate needs less than to be taken; INFINITY: any. */
double pool_worst(const struct pool *pool);

/* Takes a copy of the candidate if its value is among the lowest; of candidates with the same
 * filters the one with the lowest value stays. */
void pool_add(struct pool *pool, double value, const uint8_t *candidate);

#endif
