/* SPDX-License-Identifier: Apache-2.0 */
/* Reproducible random numbers: the same seed gives the same sequence on every host. */
#ifndef DTMM_BASE_RANDOM_H
#define DTMM_BASE_RANDOM_H

#include <stdint.h>

/* State of splitmix64 (Steele, Lea, Flood 2014). Initialize with the seed. */
struct random {
    uint64_t state;
};

/* The next 64 random bits. */
static inline uint64_t random_bits(struct random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number in [low, high], both included; the tiny bias of the modulus is of no consequence here.
 */
static inline int32_t random_range(struct random *random, int32_t low, int32_t high)
{
    uint64_t span = (uint64_t)((int64_t)high - low) + 1;
    return (int32_t)((int64_t)low + (int64_t)(random_bits(random) % span));
}

#endif
