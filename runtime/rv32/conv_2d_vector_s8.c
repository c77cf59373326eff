/* SPDX-License-Identifier: Apache-2.0 */
#include "vector.h"

void dtmm_conv_2d_vector_s8_rv32(const struct dtmm_conv_2d *p, const void *input, void *output,
                                 void *scratch)
{
    struct dtmm_rv32_vector *vector = scratch;
    int8_t *out = output;
    dtmm_rv32_vector_init(vector, input, p->input_channels, p->weights);
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
