/* SPDX-License-Identifier: Apache-2.0 */
/* Addition and subtraction on cores without SIMD. */
#ifndef DTMM_SCALAR_ADD_H
#define DTMM_SCALAR_ADD_H

#include "../dtmm.h"
#include "requantize.h"

/* One of the three requantizations; shift is -31 .. 0. */
struct dtmm_scalar_scale {
    int32_t multiplier, exponent, half, is_divided;
};

static inline struct dtmm_scalar_scale dtmm_scalar_scale(int32_t multiplier, int32_t shift)
{
    struct dtmm_scalar_scale scale = {multiplier, -shift, (int32_t)((UINT32_C(1) << -shift) >> 1),
                                      shift < 0 ? -1 : 0};
    return scale;
}

/* dtmm_scale_down() for |x| < 2^30: neither doubling x nor rounding overflows. */
static inline int32_t dtmm_scalar_scale_down(int32_t x, const struct dtmm_scalar_scale *scale)
{
    int64_t product = (int64_t)(2 * x) * scale->multiplier + (INT64_C(1) << 31);
    int32_t high = (int32_t)(product >> 32);
    return (high + (high >> 31 & scale->is_divided) + scale->half) >> scale->exponent;
}

/* 1 when the sum of both operands keeps below 2^30: always, since each is below 2^28. */
static inline int dtmm_scalar_add_accepts(const struct dtmm_add *p)
{
    (void)p;
    return 1;
}

/* The whole op; `sign` is 1 to add, -1 to subtract. */
static inline void dtmm_scalar_add(const struct dtmm_add *p, const int8_t *a, const int8_t *b,
                                   int8_t *out, int32_t sign)
{
    const struct dtmm_scalar_scale scale_a = dtmm_scalar_scale(p->multiplier_a, p->shift_a);
    const struct dtmm_scalar_scale scale_b = dtmm_scalar_scale(p->multiplier_b, p->shift_b);
    const struct dtmm_scalar_scale scale_output =
        dtmm_scalar_scale(p->multiplier_output, p->shift_output);
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++) {
                const int8_t *x = a + dtmm_row_offset(p->stride_a, i, j, k);
                const int8_t *y = b + dtmm_row_offset(p->stride_b, i, j, k);
                const int32_t step_a = p->stride_a[3], step_b = p->stride_b[3];
                for (int8_t *end = out + p->dims[3]; out < end; x += step_a, y += step_b) {
                    int32_t left = (*x - p->zero_point_a) * (1 << 20);
                    int32_t right = (*y - p->zero_point_b) * (1 << 20);
                    left = dtmm_scalar_scale_down(left, &scale_a);
                    right = dtmm_scalar_scale_down(right, &scale_b);
                    int32_t sum = dtmm_scalar_scale_down(left + sign * right, &scale_output);
                    *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
                }
            }
}

#endif
