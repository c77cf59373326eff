/* SPDX-License-Identifier: Apache-2.0 */
/* Addition and subtraction on RV32. */
#ifndef DTMM_RV32_ADD_H
#define DTMM_RV32_ADD_H

#include "../dtmm.h"
#include "add_rules.h"
#include "requantize.h"

/* Rows of the output, with the strides and offsets of both operands. */
struct dtmm_rv32_operands {
    const int8_t *a, *b;
    int8_t *out;
    int32_t sign; /* of b */
};

/* An operand's requantization. */
struct dtmm_rv32_operand {
    uint32_t multiplier; /* doubled */
    int32_t zero_point, exponent, half;
    int32_t limit; /* smaller values are rounded down from the half: 0, or nothing at exponent 0 */
};

static inline struct dtmm_rv32_operand dtmm_rv32_operand(int32_t multiplier, int32_t shift,
                                                         int32_t zero_point)
{
    struct dtmm_rv32_operand operand = {(uint32_t)multiplier * 2, zero_point * (1 << 20), -shift,
                                        (int32_t)((UINT32_C(1) << -shift) >> 1),
                                        shift < 0 ? 0 : INT32_MIN};
    return operand;
}

/* dtmm_scale_down() of x - zero point, with 20 bits of fraction: below 2^28, so that no sum here
 * overflows. */
static inline int32_t dtmm_rv32_scale_operand(const struct dtmm_rv32_operand *operand, int32_t x)
{
    x = dtmm_rv32_high_multiply(x * (1 << 20) - operand->zero_point, operand->multiplier);
    return (x - (x < operand->limit) + operand->half) >> operand->exponent;
}

/* One row, where the output is shifted to the right by 2 or more. */
static inline void dtmm_rv32_add_row(const struct dtmm_add *p, struct dtmm_rv32_operands row)
{
    const struct dtmm_rv32_operand a =
        dtmm_rv32_operand(p->multiplier_a, p->shift_a, p->zero_point_a);
    const struct dtmm_rv32_operand b =
        dtmm_rv32_operand(p->multiplier_b, p->shift_b, p->zero_point_b);
    const uint32_t multiplier = (uint32_t)p->multiplier_output * 2;
    const int32_t addend = 1 + 2 * p->output_zero_point, exponent = -p->shift_output;
    const int32_t low = p->output_min, high = p->output_max;
    const int32_t step_a = p->stride_a[3], step_b = p->stride_b[3];
    for (const int8_t *end = row.out + p->dims[3]; row.out < end;) {
        int32_t sum = dtmm_rv32_scale_operand(&a, *row.a);
        sum += row.sign * dtmm_rv32_scale_operand(&b, *row.b);
        sum = dtmm_rv32_divide(dtmm_rv32_high_multiply(sum, multiplier), exponent, addend);
        row.a += step_a;
        row.b += step_b;
        *row.out++ = dtmm_clamp(sum, 0, low, high);
    }
}

/* One row, any shifts. */
static inline void dtmm_rv32_add_row_any(const struct dtmm_add *p, struct dtmm_rv32_operands row)
{
    for (int32_t i = 0; i < p->dims[3]; i++) {
        int32_t left = row.a[i * p->stride_a[3]] - p->zero_point_a;
        int32_t right = row.b[i * p->stride_b[3]] - p->zero_point_b;
        left = dtmm_scale_down(left * (1 << 20), p->multiplier_a, -p->shift_a);
        right = dtmm_scale_down(right * (1 << 20), p->multiplier_b, -p->shift_b);
        int32_t sum =
            dtmm_scale_down(left + row.sign * right, p->multiplier_output, -p->shift_output);
        row.out[i] = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
    }
}

/* The whole op; `sign` is 1 to add, -1 to subtract. */
static inline void dtmm_rv32_add(const struct dtmm_add *p, const int8_t *a, const int8_t *b,
                                 int8_t *out, int32_t sign)
{
    int is_fast = dtmm_rv32_add_is_fast(p);
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++, out += p->dims[3]) {
                struct dtmm_rv32_operands row = {a + dtmm_row_offset(p->stride_a, i, j, k),
                                                 b + dtmm_row_offset(p->stride_b, i, j, k), out,
                                                 sign};
                if (is_fast)
                    dtmm_rv32_add_row(p, row);
                else
                    dtmm_rv32_add_row_any(p, row);
            }
}

#endif
