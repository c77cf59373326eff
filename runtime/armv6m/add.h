/* SPDX-License-Identifier: Apache-2.0 */
/* add and sub on Cortex-M0. With m = 2^16 c + d, dtmm_high_multiply(x * 2^20, m) of a 9-bit x is
 * 32 x c + ((x d + 2^10) >> 11): two multiplications of 32 bits. */
#ifndef DTMM_ARMV6M_ADD_H
#define DTMM_ARMV6M_ADD_H

#include "../requantize.h"
#include "add_rules.h"
#include "requantize.h"

/* An operand's scale. */
struct operand {
    const int8_t *at;
    int32_t step, zero_point;
    int32_t high, low;            /* the multiplier: 32 times its upper half, its lower half */
    int32_t exponent, half, sign; /* sign: -1 where a negative value is lowered before division */
};

static inline struct operand dtmm_armv6m_operand(int32_t multiplier, int32_t shift,
                                                 int32_t zero_point, int32_t step)
{
    struct operand operand = {.step = step, .zero_point = zero_point};
    operand.high = (multiplier >> 16) * 32;
    operand.low = multiplier & 0xffff;
    operand.exponent = -shift;
    operand.half = shift < 0 ? 1 << (-shift - 1) : 0;
    operand.sign = shift < 0 ? -1 : 0;
    return operand;
}

/* The element, scaled, and moves to the next. */
static inline int32_t dtmm_armv6m_take(struct operand *operand)
{
    int32_t x = *operand->at - operand->zero_point;
    operand->at += operand->step;
    x = x * operand->high + ((x * operand->low + (1 << 10)) >> 11);
    return (x + (x >> 31 & operand->sign) + operand->half) >> operand->exponent;
}

/* sign: 1 to add, -1 to subtract. */
static inline void dtmm_armv6m_add(const struct dtmm_add *p, const int8_t *input_a,
                                   const int8_t *input_b, int8_t *out, int32_t sign)
{
    struct operand a =
        dtmm_armv6m_operand(p->multiplier_a, p->shift_a, p->zero_point_a, p->stride_a[3]);
    struct operand b =
        dtmm_armv6m_operand(p->multiplier_b, p->shift_b, p->zero_point_b, p->stride_b[3]);
    int32_t multiplier = p->multiplier_output, exponent = -p->shift_output;
    int32_t zero_point = p->output_zero_point, low = p->output_min, high = p->output_max;
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++) {
                a.at = input_a + dtmm_row_offset(p->stride_a, i, j, k);
                b.at = input_b + dtmm_row_offset(p->stride_b, i, j, k);
                for (int32_t l = p->dims[3]; l > 0; l--) {
                    int32_t sum = dtmm_armv6m_take(&a);
                    sum += sign * dtmm_armv6m_take(&b);
                    sum = dtmm_armv6m_scale_down(sum, multiplier, exponent);
                    *out++ = dtmm_clamp(sum, zero_point, low, high);
                }
            }
}

#endif
