/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed-point arithmetic that the softmax kernels share, gemmlowp's. */
#ifndef DTMM_SOFTMAX_H
#define DTMM_SOFTMAX_H

#include "requantize.h"

/* Fixed-point numbers are written Qm.n: m integer bits, n fraction bits, and a sign. */
enum { DTMM_ONE_Q0 = INT32_MAX }; /* 1 in Q0.31, saturated */

/* x * 2^exponent, limited to the range of int32. */
static inline int32_t dtmm_shift_left_saturating(int32_t x, int32_t exponent)
{
    int32_t limit = (1 << (31 - exponent)) - 1;
    if (x > limit)
        return INT32_MAX;
    if (x < -limit)
        return INT32_MIN;
    return x * (1 << exponent);
}

/* 1 / (1 + x) in Q0.31 for x in [0, 1) in Q0.31: three steps of Newton's method. */
static inline int32_t dtmm_reciprocal(int32_t x)
{
    const int32_t one = 1 << 29, c48_17 = 1515870810, c32_17 = 1010580540; /* Q2.29 */
    int32_t half = (int32_t)(((uint32_t)x + (uint32_t)DTMM_ONE_Q0 + 1) >> 1);
    int32_t y = c48_17 + dtmm_high_multiply(half, -c32_17);
    for (int i = 0; i < 3; i++) {
        int32_t error = one - dtmm_high_multiply(half, y);
        y += dtmm_shift_left_saturating(dtmm_high_multiply(y, error), 2);
    }
    return dtmm_shift_left_saturating(y, 1);
}

/* What a row of the softmax becomes: the sum of its exponentials (Q12.19) as a factor and a shift
 * to the right, which may be too large to leave anything. */
struct dtmm_softmax_scale {
    int32_t factor, exponent;
};

static inline struct dtmm_softmax_scale dtmm_softmax_scale(uint32_t sum)
{
    /* sum = (1 + fraction) * 2^-leading_zeros * 2^12, and the output's unit is 2^-8. */
    int32_t leading_zeros = 0;
    for (; !(sum >> 31); sum <<= 1)
        leading_zeros++;
    return (struct dtmm_softmax_scale){dtmm_reciprocal((int32_t)(sum & INT32_MAX)),
                                       12 - leading_zeros + 31 - 8};
}

#endif
