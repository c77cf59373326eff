/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* The sum over the kept units of one filter; moves *weights behind them. */
static int32_t sum_filter(const struct dtmm_conv_2d *p, const uint8_t *mask, const int8_t *x,
                          const int8_t **weights)
{
    int32_t sum = 0;
    for (int32_t i = 0, unit = 0; i < p->input_channels; i += p->block, unit++) {
        if (!(mask[unit >> 3] >> (unit & 7) & 1))
            continue;
        int32_t n = p->input_channels - i < p->block ? p->input_channels - i : p->block;
        sum += dtmm_dot(*weights, x + i, n);
        *weights += n;
    }
    return sum;
}

void dtmm_pointwise_fwcs_inplace_s8_c(const struct dtmm_conv_2d *p, const void *input, void *output,
                                      void *scratch)
{
    const int8_t *in = input;
    int8_t *out = output, *x = scratch;
    int32_t n_pixels = p->output_h * p->output_w;
    int32_t mask_bytes = ((p->input_channels + p->block - 1) / p->block + 7) >> 3;
    for (int32_t i = 0; i < n_pixels; i++) {
        /* in the direction in which no output lands on a pixel that is still to be read */
        int32_t pixel = p->output_channels > p->input_channels ? n_pixels - 1 - i : i;
        memcpy(x, in + pixel * p->input_channels, (size_t)p->input_channels);
        int8_t *y = out + pixel * p->output_channels;
        const int8_t *weights = p->weights;
        const uint8_t *mask = p->mask;
        for (int32_t o = 0; o < p->output_channels; o++, mask += mask_bytes) {
            int32_t sum = p->bias[o] + sum_filter(p, mask, x, &weights);
            sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
            y[o] = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
        }
    }
}
