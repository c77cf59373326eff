/* SPDX-License-Identifier: Apache-2.0 */
#include "conv_2d_dense.h"

static void fill_column(int8_t *column, int32_t n_vectors, int8_t value)
{
    int8x16_t values = vdupq_n_s8(value);
    for (int32_t i = 0; i < n_vectors; i++, column += 64)
        vstrbq_s8(column, values);
}

/* Lays out a column of which some taps lie outside of the input. (y, x) is under tap (0, 0). */
static __attribute__((noinline, cold)) void lay_out_border(const struct dtmm_conv_2d *p,
                                                           const struct layout *layout, int32_t y,
                                                           int32_t x, int8_t *column)
{
    int32_t channels = p->input_channels;
    struct dtmm_span rows = dtmm_clip(y, p->dilation_h, p->kernel_h, p->input_h);
    struct dtmm_span taps = dtmm_clip(x, p->dilation_w, p->kernel_w, p->input_w);
    fill_column(column, dtmm_mve_conv_vectors(p), p->input_zero_point);
    int32_t n_runs = taps.end - taps.begin, run = channels, step = p->dilation_w * channels;
    if (p->dilation_w == 1) { /* the taps of a row are neighbors: one long run */
        run *= n_runs;
        n_runs = n_runs > 0;
    }
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        int32_t at = layout->lacking + (ky * p->kernel_w + taps.begin) * channels;
        int32_t pixel = (y + ky * p->dilation_h) * p->input_w + x + taps.begin * p->dilation_w;
        const int8_t *from = layout->input + pixel * channels;
        for (int32_t i = 0; i < n_runs; i++, at += run, from += step)
            copy_run(column, at, from, run);
    }
}

__attribute__((cold)) void dtmm_conv_2d_s8_mve(const struct dtmm_conv_2d *p, const void *input,
                                               void *output, void *scratch)
{
    struct pair *constants = scratch;
    int8_t *columns = (int8_t *)(constants + (p->output_channels + 1) / 2), *out = output;
    struct pairs pairs = {.columns = columns};
    struct layout layout = {.input = input};
    set_layout(p, &layout, columns + dtmm_mve_conv_vectors(p) * 64);
    set_pairs(p, &pairs);
    set_constants(p, constants);
    set_offsets(p, &pairs, 4);
    int32_t n = 0, step = p->stride_w * p->input_channels;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        int32_t y = oy * p->stride_h - p->pad_top, x = -p->pad_left;
        int is_inside = y >= 0 && y + (p->kernel_h - 1) * p->dilation_h < p->input_h;
        const int8_t *from = layout.input + (y * p->input_w + x) * p->input_channels;
        for (int32_t ox = 0; ox < p->output_w; ox++, x += p->stride_w, from += step) {
            int8_t *column = columns + 16 * n;
            if (is_inside && x >= 0 && x <= layout.last_x)
                lay_out_inside(p, &layout, from, column);
            else
                lay_out_border(p, &layout, y, x, column);
            if (++n < 4)
                continue;
            convolve_pixels(p, &pairs, constants, out);
            out += 4 * p->output_channels;
            n = 0;
        }
    }
    if (n == 0)
        return;
    repeat_column(columns, dtmm_mve_conv_vectors(p), n);
    set_offsets(p, &pairs, n);
    convolve_pixels(p, &pairs, constants, out);
}
