/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

void dtmm_pointwise_inplace_s8_c(const struct dtmm_conv_2d *p, const void *input, void *output,
                                 void *scratch)
{
    const int8_t *in = input;
    int8_t *out = output, *x = scratch;
    int32_t n_pixels = p->output_h * p->output_w;
    for (int32_t i = 0; i < n_pixels; i++) {
        /* in the direction in which no output lands on a pixel that is still to be read */
        int32_t pixel = p->output_channels > p->input_channels ? n_pixels - 1 - i : i;
        memcpy(x, in + pixel * p->input_channels, (size_t)p->input_channels);
        int8_t *y = out + pixel * p->output_channels;
        const int8_t *weights = p->weights;
        for (int32_t o = 0; o < p->output_channels; o++, weights += p->input_channels) {
            int32_t sum = p->bias[o] + dtmm_dot(weights, x, p->input_channels);
            sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
            y[o] = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
        }
    }
}
