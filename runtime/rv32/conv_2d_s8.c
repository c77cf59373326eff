/* SPDX-License-Identifier: Apache-2.0 */
#include "conv_2d.h"
#include "vector.h"

/* The output is one pixel, of one input pixel. */
static void convolve_pixel(const struct dtmm_conv_2d *p, const int8_t *x, int8_t *out,
                           struct dtmm_rv32_vector *vector)
{
    dtmm_rv32_vector_init(vector, x, p->input_channels, p->weights);
    for (int32_t o = 0; o < p->output_channels; o += DTMM_RV32_FILTERS) {
        int32_t left = p->output_channels - o;
        int32_t n = left < DTMM_RV32_FILTERS ? left : DTMM_RV32_FILTERS;
        dtmm_rv32_dot_filters(vector, n);
        vector->weights += n * p->input_channels;
        for (int32_t i = o; i < o + n; i++)
            *out++ =
                dtmm_rv32_finish(vector->sums[i - o] + p->bias[i], p->multiplier[i], p->shift[i],
                                 p->output_zero_point, p->output_min, p->output_max);
    }
}

void dtmm_conv_2d_s8_rv32(const struct dtmm_conv_2d *p, const void *input, void *output,
                          void *scratch)
{
    if (dtmm_rv32_is_vector(p))
        convolve_pixel(p, input, output, scratch);
    else
        dtmm_rv32_convolve(p, input, output, scratch, 0);
}
