/* SPDX-License-Identifier: Apache-2.0 */
/* Placing buffers with known lifetimes in as little memory as possible. Knows no networks. */
#ifndef DTMM_PASS_PLAN_PLACE_H
#define DTMM_PASS_PLAN_PLACE_H

#include <stddef.h>
#include <stdint.h>

struct buffer {
    size_t bytes;        /* > 0; below 2^31; the most at any call */
    size_t alignment;    /* of the offset: a power of two */
    int32_t first, last; /* lifetime in calls, both included */
    size_t offset;       /* the result */
    const size_t *steps; /* bytes at each call of the lifetime, all > 0; null: `bytes` at all */
};

/* Gives every buffer an offset such that no two that live at the same call overlap, and returns the
 * peak: the highest end, each size rounded up to its alignment. First the best of several greedy
 * orders and of a seeded local search, then a search in depth with a limit on its work; it stops as
 * soon as the peak equals the largest sum at any call. The same buffers give the same offsets on
 * every host. Lifetimes lie in 0 .. n_calls - 1. */
size_t buffers_place(struct buffer *buffers, int32_t n, int32_t n_calls);

#endif
