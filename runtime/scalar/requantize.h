/* SPDX-License-Identifier: Apache-2.0 */
/* Requantization for kernels on cores without SIMD, exact where the compiler has proved its bounds.
 */
#ifndef DTMM_SCALAR_REQUANTIZE_H
#define DTMM_SCALAR_REQUANTIZE_H

#include "../requantize.h"

/* dtmm_requantize() for |x| < 2^30 and shift < 0, where doubling x does not overflow, and the
 * rounding divide is a shift, an addition and a shift by one. */
static inline int32_t dtmm_scalar_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    int64_t product = (int64_t)(2 * x) * multiplier + (INT64_C(1) << 31);
    int32_t high = (int32_t)(product >> 32);
    return (((high + (high >> 31)) >> ~shift) + 1) >> 1;
}

/* 1 when dtmm_scalar_requantize() is exact for all n sums: each is at most |bias| + 128 * (sum of
 * the magnitudes of its weights). The weights of sum o are weights[o * step_o + i * step_i], i
 * below n_weights. */
static inline int dtmm_scalar_bounds(const int8_t *weights, int32_t step_o, int32_t step_i,
                                     int32_t n_weights, const int32_t *bias, int32_t n)
{
    for (int32_t o = 0; o < n; o++) {
        int64_t most = bias[o] < 0 ? -(int64_t)bias[o] : bias[o];
        for (int32_t i = 0; i < n_weights; i++) {
            int32_t weight = weights[(int64_t)o * step_o + (int64_t)i * step_i];
            most += 128 * (weight < 0 ? -weight : weight);
        }
        if (most >= INT64_C(1) << 30)
            return 0;
    }
    return 1;
}

/* 1 when all n shifts are to the right by at least one bit. */
static inline int dtmm_scalar_shifts(const int8_t *shift, int32_t n)
{
    for (int32_t o = 0; o < n; o++)
        if (shift[o] >= 0)
            return 0;
    return 1;
}

#endif
