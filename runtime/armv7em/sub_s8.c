/* SPDX-License-Identifier: Apache-2.0 */
#include "elementwise.h"

/* x - y. */
static void subtract_y(const struct dtmm_dsp_add *c, const int8_t *x, const int8_t *y, int8_t *out,
                       int32_t n)
{
    int32_t n_blocks = n >> 2;
    if (n_blocks > 0)
        DTMM_DSP_ADD_BLOCKS(c, y, x, out, n_blocks, "   add", "   sub");
    for (int32_t i = n & 3; i > 0; i--) {
        int32_t sum = c->x_zero_point + *x++ * (1 << 20) - dtmm_dsp_add_y(c, *y++) * 2;
        *out++ = (int8_t)dtmm_dsp_saturate(dtmm_dsp_requantize_fast(sum, &c->output));
    }
}

/* y - x. */
static void subtract_x(const struct dtmm_dsp_add *c, const int8_t *x, const int8_t *y, int8_t *out,
                       int32_t n)
{
    int32_t n_blocks = n >> 2;
    if (n_blocks > 0)
        DTMM_DSP_ADD_BLOCKS(c, y, x, out, n_blocks, "   sub", "   add");
    for (int32_t i = n & 3; i > 0; i--) {
        int32_t sum = c->x_zero_point - *x++ * (1 << 20) + dtmm_dsp_add_y(c, *y++) * 2;
        *out++ = (int8_t)dtmm_dsp_saturate(dtmm_dsp_requantize_fast(sum, &c->output));
    }
}

void dtmm_sub_s8_armv7em(const struct dtmm_add *p, const void *input_a, const void *input_b,
                         void *output)
{
    struct dtmm_dsp_operand a = {p->multiplier_a, p->shift_a, p->zero_point_a};
    struct dtmm_dsp_operand b = {p->multiplier_b, p->shift_b, p->zero_point_b};
    int a_is_x = dtmm_dsp_is_half(p->multiplier_a, p->shift_a);
    struct dtmm_dsp_add c =
        a_is_x ? dtmm_dsp_add_constants(p, a, b, 1) : dtmm_dsp_add_constants(p, b, a, -1);
    int8_t *out = output;
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++) {
                const int8_t *row_a =
                    (const int8_t *)input_a + dtmm_row_offset(p->stride_a, i, j, k);
                const int8_t *row_b =
                    (const int8_t *)input_b + dtmm_row_offset(p->stride_b, i, j, k);
                if (a_is_x)
                    subtract_y(&c, row_a, row_b, out, p->dims[3]);
                else
                    subtract_x(&c, row_b, row_a, out, p->dims[3]);
                dtmm_dsp_clamp_bytes(out, p->dims[3], p->output_min, p->output_max);
                out += p->dims[3];
            }
}
