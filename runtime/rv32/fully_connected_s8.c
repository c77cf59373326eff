/* SPDX-License-Identifier: Apache-2.0 */
#include "vector.h"

void dtmm_fully_connected_s8_rv32(const struct dtmm_fully_connected *p, const void *input,
                                  void *output, void *scratch)
{
    (void)scratch;
    const int8_t *x = input;
    int8_t *out = output;
    for (int32_t row = 0; row < p->rows; row++, x += p->input_channels) {
        struct dtmm_rv32_vector vector;
        dtmm_rv32_vector_init(&vector, x, p->input_channels, p->weights);
        for (int32_t o = 0; o < p->output_channels; o += DTMM_RV32_FILTERS) {
            int32_t left = p->output_channels - o;
            int32_t n = left < DTMM_RV32_FILTERS ? left : DTMM_RV32_FILTERS;
            dtmm_rv32_dot_filters(&vector, n);
            vector.weights += n * p->input_channels;
            for (int32_t i = o; i < o + n; i++) {
                int32_t q = p->per_channel ? i : 0;
                *out++ =
                    dtmm_rv32_finish(vector.sums[i - o] + p->bias[i], p->multiplier[q], p->shift[q],
                                     p->output_zero_point, p->output_min, p->output_max);
            }
        }
    }
}
