/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* The largest of `channels`-strided values in a window of the input. */
static int32_t window_max(const struct dtmm_pool_2d *p, const int8_t *input, struct dtmm_span rows,
                          struct dtmm_span columns)
{
    int32_t max = INT8_MIN;
    for (int32_t y = rows.begin; y < rows.end; y++) {
        const int8_t *at = input + (y * p->input_w + columns.begin) * p->channels;
        for (int32_t n = columns.end - columns.begin; n > 0; n--, at += p->channels)
            if (*at > max)
                max = *at;
    }
    return max;
}

void dtmm_max_pool_2d_s8_c(const struct dtmm_pool_2d *p, const void *input, void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        struct dtmm_span rows = dtmm_window(oy * p->stride_h - p->pad_top, p->window_h, p->input_h);
        for (int32_t ox = 0; ox < p->output_w; ox++) {
            struct dtmm_span columns =
                dtmm_window(ox * p->stride_w - p->pad_left, p->window_w, p->input_w);
            for (int32_t c = 0; c < p->channels; c++)
                *out++ = dtmm_clamp(window_max(p, in + c, rows, columns), 0, p->output_min,
                                    p->output_max);
        }
    }
}
