/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "requantize.h"

/* One row, where the shift is to the right by 2 or more. */
static void multiply_row(const struct dtmm_mul *p, const int8_t *a, const int8_t *b, int8_t *out)
{
    const uint32_t multiplier = (uint32_t)p->multiplier * 2;
    const int32_t exponent = -p->shift, addend = 1 + 2 * p->output_zero_point;
    const int32_t zero_a = p->zero_point_a, zero_b = p->zero_point_b;
    const int32_t low = p->output_min, high = p->output_max;
    const int32_t step_a = p->stride_a[3], step_b = p->stride_b[3];
    for (const int8_t *end = out + p->dims[3]; out < end; a += step_a, b += step_b) {
        int32_t product = (*a - zero_a) * (*b - zero_b);
        product = dtmm_rv32_high_multiply(product, multiplier);
        *out++ = dtmm_clamp(dtmm_rv32_divide(product, exponent, addend), 0, low, high);
    }
}

static void multiply_row_any(const struct dtmm_mul *p, const int8_t *a, const int8_t *b,
                             int8_t *out)
{
    for (int32_t i = 0; i < p->dims[3]; i++) {
        int32_t left = a[i * p->stride_a[3]] - p->zero_point_a;
        int32_t product = left * (b[i * p->stride_b[3]] - p->zero_point_b);
        out[i] = dtmm_rv32_finish(product, p->multiplier, p->shift, p->output_zero_point,
                                  p->output_min, p->output_max);
    }
}

void dtmm_mul_s8_rv32(const struct dtmm_mul *p, const void *input_a, const void *input_b,
                      void *output)
{
    int8_t *out = output;
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++, out += p->dims[3]) {
                const int8_t *a = (const int8_t *)input_a + dtmm_row_offset(p->stride_a, i, j, k);
                const int8_t *b = (const int8_t *)input_b + dtmm_row_offset(p->stride_b, i, j, k);
                if (p->shift <= -2)
                    multiply_row(p, a, b, out);
                else
                    multiply_row_any(p, a, b, out);
            }
}
