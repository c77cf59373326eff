/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* One output value before requantization. An input position (y, x) reaches output row
 * y * stride_h - pad_top + ky; seen from the output, every stride-th tap meets an input row. */
static int32_t sum_taps(const struct dtmm_conv_2d *p, const int8_t *input, const int8_t *weights,
                        int32_t oy, int32_t ox)
{
    int32_t channels = p->input_channels, sum = 0;
    int32_t y = (oy + p->pad_top) / p->stride_h, ky = (oy + p->pad_top) % p->stride_h;
    for (; ky < p->kernel_h && y >= 0; ky += p->stride_h, y--) {
        if (y >= p->input_h)
            continue;
        int32_t x = (ox + p->pad_left) / p->stride_w, kx = (ox + p->pad_left) % p->stride_w;
        for (; kx < p->kernel_w && x >= 0; kx += p->stride_w, x--) {
            if (x >= p->input_w)
                continue;
            const int8_t *w = weights + (ky * p->kernel_w + kx) * channels;
            const int8_t *in = input + (y * p->input_w + x) * channels;
            for (int32_t i = 0; i < channels; i++)
                sum += w[i] * (in[i] - p->input_zero_point);
        }
    }
    return sum;
}

void dtmm_transpose_conv_s8_c(const struct dtmm_conv_2d *p, const void *input, void *output,
                              void *scratch)
{
    (void)scratch;
    int32_t filter = p->kernel_h * p->kernel_w * p->input_channels;
    int8_t *out = output;
    for (int32_t oy = 0; oy < p->output_h; oy++)
        for (int32_t ox = 0; ox < p->output_w; ox++)
            for (int32_t o = 0; o < p->output_channels; o++) {
                int32_t sum = p->bias[o] + sum_taps(p, input, p->weights + o * filter, oy, ox);
                sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
                *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
            }
}
