/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

void dtmm_fully_connected_s8_c(const struct dtmm_fully_connected *p, const void *input,
                               void *output, void *scratch)
{
    (void)scratch;
    const int8_t *x = input;
    int8_t *out = output;
    for (int32_t row = 0; row < p->rows; row++, x += p->input_channels) {
        const int8_t *weights = p->weights;
        for (int32_t o = 0; o < p->output_channels; o++, weights += p->input_channels) {
            int32_t q = p->per_channel ? o : 0;
            int32_t sum = p->bias[o] + dtmm_dot(weights, x, p->input_channels);
            sum = dtmm_requantize(sum, p->multiplier[q], p->shift[q]);
            *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
        }
    }
}
