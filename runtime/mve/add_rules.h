/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of add_direct_s8; see rules.h.
 *
 * It computes an add as one sum: with 22 bits of fraction, multiplier_a * a + multiplier_b * b +
 * offset, rounded once. Where TensorFlow Lite's three roundings give the same for each of the 65536
 * pairs of inputs, and most often they do, that is exact; else add_s8 is there. */
#ifndef DTMM_MVE_ADD_RULES_H
#define DTMM_MVE_ADD_RULES_H

#include "../dtmm.h"
#include "../requantize.h"

struct dtmm_mve_add_direct {
    int32_t multiplier_a, multiplier_b; /* 29 bits of fraction */
    int32_t offset;                     /* 22 bits of fraction */
};

/* The multiplier of an operand; 2^31 - 1 where it is 4 or more. */
static inline int32_t dtmm_mve_add_multiplier(const struct dtmm_add *p, int32_t multiplier,
                                              int32_t shift)
{
    int32_t right = 13 - shift - p->shift_output;
    if (right > 62)
        return 0;
    int64_t product = (int64_t)multiplier * p->multiplier_output;
    int64_t rounded = (product + (INT64_C(1) << (right - 1))) >> right;
    return rounded < INT32_MAX ? (int32_t)rounded : INT32_MAX;
}

static inline struct dtmm_mve_add_direct dtmm_mve_add_direct(const struct dtmm_add *p)
{
    int32_t a = dtmm_mve_add_multiplier(p, p->multiplier_a, p->shift_a);
    int32_t b = dtmm_mve_add_multiplier(p, p->multiplier_b, p->shift_b);
    int64_t zero = (int64_t)a * p->zero_point_a + (int64_t)b * p->zero_point_b;
    /* A half; half a unit of the first narrowing (to 8 bits of fraction) comes with its rounding.
     * TensorFlow Lite first rounds to -shift_output bits of fraction, which lifts what is less than
     * half of their unit below a half. */
    int32_t half = (1 << 21) - (1 << 13) + ((1 << 21) >> -p->shift_output);
    int64_t offset = p->output_zero_point * (INT64_C(1) << 22) + half - ((zero + 64) >> 7);
    return (struct dtmm_mve_add_direct){a, b, (int32_t)offset};
}

static inline int64_t dtmm_mve_saturate(int64_t x, int bits)
{
    int64_t limit = INT64_C(1) << (bits - 1);
    return x < -limit ? -limit : x >= limit ? limit - 1 : x;
}

/* One element, as the kernel computes it. */
static inline int32_t dtmm_mve_add_element(const struct dtmm_add *p,
                                           const struct dtmm_mve_add_direct *direct, int32_t a,
                                           int32_t b)
{
    int64_t x = dtmm_high_multiply(a * (1 << 24), direct->multiplier_a);
    int64_t y = dtmm_high_multiply(b * (1 << 24), direct->multiplier_b);
    x = dtmm_mve_saturate(dtmm_mve_saturate(x + direct->offset, 32) + y, 32);
    x = dtmm_mve_saturate((x + (1 << 13)) >> 14, 16) >> 8;
    return dtmm_clamp((int32_t)x, 0, p->output_min, p->output_max);
}

static inline int dtmm_add_direct_s8_mve_accepts(const struct dtmm_add *p)
{
    if (p->dims[0] != 1 || p->dims[1] != 1 || p->dims[2] != 1 || p->stride_a[3] != 1 ||
        p->stride_b[3] != 1)
        return 0;
    struct dtmm_mve_add_direct direct = dtmm_mve_add_direct(p);
    for (int32_t a = -128; a < 128; a++) {
        int32_t left =
            dtmm_scale_down((a - p->zero_point_a) * (1 << 20), p->multiplier_a, -p->shift_a);
        for (int32_t b = -128; b < 128; b++) {
            int32_t right =
                dtmm_scale_down((b - p->zero_point_b) * (1 << 20), p->multiplier_b, -p->shift_b);
            int32_t sum = dtmm_scale_down(left + right, p->multiplier_output, -p->shift_output);
            if (dtmm_mve_add_element(p, &direct, a, b) !=
                dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max))
                return 0;
        }
    }
    return 1;
}

#endif
