/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* The mean of `channels`-strided values in a window of the input, rounded half away from zero. */
static int32_t window_mean(const struct dtmm_pool_2d *p, const int8_t *input, struct dtmm_span rows,
                           struct dtmm_span columns)
{
    int32_t sum = 0;
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int8_t *at = input + (y * p->input_w + columns.begin) * p->channels;
        for (int32_t n = columns.end - columns.begin; n > 0; n--, at += p->channels)
            sum += *at;
    }
    int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

void dtmm_average_pool_2d_s8_c(const struct dtmm_pool_2d *p, const void *input, void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        struct dtmm_span rows = dtmm_window(oy * p->stride_h - p->pad_top, p->window_h, p->input_h);
        for (int32_t ox = 0; ox < p->output_w; ox++) {
            struct dtmm_span columns =
                dtmm_window(ox * p->stride_w - p->pad_left, p->window_w, p->input_w);
            for (int32_t c = 0; c < p->channels; c++)
                *out++ = dtmm_clamp(window_mean(p, in + c, rows, columns), 0, p->output_min,
                                    p->output_max);
        }
    }
}
