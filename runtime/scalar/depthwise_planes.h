/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution with any kernel, channel by channel, on cores without SIMD. The memory
 * holds the rows of one channel of the input under the kernel and some more, padding included; when
 * it is full, the rows that are still needed move to its start. A filter is a list of taps: a
 * weight, and where its input is. So that output may overwrite input, a row of outputs is computed
 * after the rows of the input that it covers are in memory.
 *
 * Before this header a core defines
 *   void dtmm_planes_sum(int32_t *filter, int32_t *end, const int8_t *at, int32_t step)
 *     the sums of weight times input of four outputs, whose inputs are `step` apart, to the four
 *     words at `end`; filter .. end - 1 are pairs of an offset from `at` and a weight.
 *   int32_t dtmm_planes_scale_down(int32_t x, int32_t multiplier, int32_t exponent)
 *     dtmm_scale_down for |x| < 2^30 and exponent 1 .. 31. */
#ifndef DTMM_SCALAR_DEPTHWISE_PLANES_H
#define DTMM_SCALAR_DEPTHWISE_PLANES_H

#include "../requantize.h"
#include "depthwise_planes_rules.h"

struct layer {
    const struct dtmm_depthwise_conv_2d *p;
    struct dtmm_planes planes;
    int32_t *filters; /* of the channel */
    int32_t filter_words;
    int8_t *rows;
    int32_t n_inside;   /* columns of the input in a row */
    int32_t start, end; /* rows in memory, counted from the padding's first */
};

static inline int8_t finish(const struct dtmm_depthwise_conv_2d *p, int32_t sum, int32_t multiplier,
                            int32_t shift)
{
    if (shift < 0)
        sum = dtmm_planes_scale_down(sum, multiplier, -shift);
    else
        sum = dtmm_requantize(sum, multiplier, shift);
    return dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
}

/* A row of outputs of filter o; `at` is the first row of the input under the kernel. */
static void convolve_filter(const struct layer *l, int32_t *filter, const int8_t *at, int32_t o,
                            int8_t *out)
{
    const struct dtmm_depthwise_conv_2d *p = l->p;
    int32_t *end = filter + 2 * l->planes.n_taps, step = p->stride_w;
    int32_t channels = p->input_channels * p->depth_multiplier;
    int32_t bias = p->bias[o], multiplier = p->multiplier[o], shift = p->shift[o];
    for (int32_t left = p->output_w; left > 0; left -= 4, at += 4 * step) {
        int32_t n = left < 4 ? left : 4;
        dtmm_planes_sum(filter, end, at, step);
        for (int32_t i = 0; i < n; i++, out += channels)
            *out = finish(p, end[i] + bias, multiplier, shift);
    }
}

static void prepare_filter(const struct layer *l, int32_t *filter, int32_t o)
{
    const struct dtmm_depthwise_conv_2d *p = l->p;
    const int8_t *weights = p->weights + o;
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            *filter++ = ky * p->dilation_h * l->planes.row_bytes + kx * p->dilation_w;
            *filter++ = *weights;
            weights += p->input_channels * p->depth_multiplier;
        }
}

static void clear_rows(const struct layer *l, int8_t *row, int32_t n)
{
    int32_t word = (int32_t)((uint8_t)l->p->input_zero_point * UINT32_C(0x01010101));
    int32_t *to = (int32_t *)(void *)row, *end = to + n * (l->planes.row_bytes >> 2);
    while (to < end)
        *to++ = word;
}

/* `in` is the channel's first element. */
static void load_row(const struct layer *l, const int8_t *in, int32_t v)
{
    const struct dtmm_depthwise_conv_2d *p = l->p;
    int32_t y = v - p->pad_top, channels = p->input_channels, n = l->n_inside;
    int8_t *to = l->rows + (v - l->start) * l->planes.row_bytes;
    if (y < 0 || y >= p->input_h) {
        clear_rows(l, to, 1);
        return;
    }
    in += y * p->input_w * channels;
    to += p->pad_left;
    for (; n >= 4; n -= 4, to += 4) {
        to[0] = *in;
        in += channels;
        to[1] = *in;
        in += channels;
        to[2] = *in;
        in += channels;
        to[3] = *in;
        in += channels;
    }
    for (; n > 0; n--, in += channels)
        *to++ = *in;
}

/* Makes room for the rows up to v, where `first` is the first that is still needed. */
static void move_rows(struct layer *l, int32_t first, int32_t v)
{
    int32_t kept = l->end > first ? l->end - first : 0, words = l->planes.row_bytes >> 2;
    int32_t *to = (int32_t *)(void *)l->rows;
    const int32_t *from = to + (first - l->start) * words;
    if (v - l->start <= l->planes.n_rows)
        return;
    for (int32_t i = kept * words; i > 0; i--)
        *to++ = *from++;
    l->start = first;
    l->end = first + kept;
}

static void convolve_channel(struct layer *l, int32_t c, const int8_t *input, int8_t *output)
{
    const struct dtmm_depthwise_conv_2d *p = l->p;
    int32_t dm = p->depth_multiplier;
    l->start = l->end = 0;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        int32_t first = oy * p->stride_h;
        move_rows(l, first, first + l->planes.span);
        if (l->end < first)
            l->end = first;
        for (; l->end < first + l->planes.span; l->end++)
            load_row(l, input + c, l->end);
        const int8_t *row = l->rows + (first - l->start) * l->planes.row_bytes;
        for (int32_t m = 0; m < dm; m++)
            convolve_filter(l, l->filters + m * l->filter_words, row, c * dm + m,
                            output + c * dm + m);
        output += p->output_w * p->input_channels * dm;
    }
}

static inline void dtmm_planes_depthwise(const struct dtmm_depthwise_conv_2d *p,
                                         const int8_t *input, int8_t *output, void *scratch)
{
    struct layer l = {.p = p, .planes = dtmm_planes(p), .filters = scratch};
    int32_t n = l.planes.row_bytes - p->pad_left;
    l.filter_words = dtmm_planes_filter_words(&l.planes);
    l.rows = (int8_t *)(l.filters + p->depth_multiplier * l.filter_words);
    l.n_inside = n < p->input_w ? n : p->input_w;
    clear_rows(&l, l.rows, l.planes.n_rows);
    for (int32_t c = 0; c < p->input_channels; c++) {
        for (int32_t m = 0; m < p->depth_multiplier; m++)
            prepare_filter(&l, l.filters + m * l.filter_words, c * p->depth_multiplier + m);
        convolve_channel(&l, c, input, output);
    }
}

#endif
