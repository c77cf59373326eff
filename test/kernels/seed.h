/* SPDX-License-Identifier: Apache-2.0 */
/* The seed of a randomized test: DTMM_SEED from the environment, or else a fixed one; printed, so
 * that a failure can be repeated. */
#ifndef DTMM_TEST_KERNELS_SEED_H
#define DTMM_TEST_KERNELS_SEED_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline uint64_t test_seed(void)
{
    const char *text = getenv("DTMM_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 20240607;
    printf("DTMM_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    return seed;
}

#endif
