/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

static int8_t add(const struct dtmm_add *p, int8_t a, int8_t b)
{
    /* both operands on one scale, with 20 bits of fraction */
    int32_t left = dtmm_scale_down((a - p->zero_point_a) * (1 << 20), p->multiplier_a, -p->shift_a);
    int32_t right =
        dtmm_scale_down((b - p->zero_point_b) * (1 << 20), p->multiplier_b, -p->shift_b);
    int32_t result = dtmm_scale_down(left + right, p->multiplier_output, -p->shift_output);
    return dtmm_clamp(result, p->output_zero_point, p->output_min, p->output_max);
}

void dtmm_add_s8_c(const struct dtmm_add *p, const void *input_a, const void *input_b, void *output)
{
    const int8_t *a = input_a, *b = input_b;
    int8_t *out = output;
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++) {
                const int8_t *x = a + dtmm_row_offset(p->stride_a, i, j, k);
                const int8_t *y = b + dtmm_row_offset(p->stride_b, i, j, k);
                for (int32_t l = 0; l < p->dims[3]; l++)
                    *out++ = add(p, x[l * p->stride_a[3]], y[l * p->stride_b[3]]);
            }
}
