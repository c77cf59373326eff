/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution with any kernel. The memory holds the rows of the input under the kernel
 * and some more, padding included, as int16 and channel by channel; when it is full, the rows that
 * are still needed move to its start. A filter is a list of entries: two taps side by side as the
 * halves of a word, and where they are. An entry takes 13 instructions for four outputs. */
#ifndef DTMM_ARMV7EM_DEPTHWISE_ANY_H
#define DTMM_ARMV7EM_DEPTHWISE_ANY_H

#include "depthwise.h"

struct entry {
    int32_t offset; /* in bytes, from the first tap */
    int32_t taps;   /* times two */
};

struct layer {
    const struct dtmm_depthwise_conv_2d *p;
    struct dtmm_dsp_depthwise g;
    struct entry *entries; /* of each filter of the planes */
    int8_t *planes;
    int32_t row_bytes, plane_bytes;
    int32_t n_inside;       /* columns of the input in a row */
    int32_t first, n_early; /* channel; the first n_early of the planes were computed before */
    int32_t start, end;     /* rows in memory, counted from the padding's first */
};

struct sums {
    int32_t a[4];
};

/* Doubled sums of four outputs, `step` bytes apart in the input. */
static inline struct sums sum_entries(const struct entry *entry, const struct entry *end,
                                      const int8_t *at, int32_t step, int32_t bias)
{
    int32_t a = bias, b = bias, c = bias, d = bias, q, w, x;
    __asm__ volatile("1: ldrd %[q], %[w], [%[entry]], #8\n"
                     "   add %[q], %[q], %[at]\n"
                     "   ldr %[x], [%[q]]\n"
                     "   smlad %[a], %[x], %[w], %[a]\n"
                     "   ldr %[x], [%[q], %[step]]\n"
                     "   add %[q], %[q], %[step], lsl #1\n"
                     "   smlad %[b], %[x], %[w], %[b]\n"
                     "   ldr %[x], [%[q]]\n"
                     "   smlad %[c], %[x], %[w], %[c]\n"
                     "   ldr %[x], [%[q], %[step]]\n"
                     "   cmp %[entry], %[end]\n"
                     "   smlad %[d], %[x], %[w], %[d]\n"
                     "   bne 1b\n"
                     : [entry] "+&r"(entry), [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c), [d] "+&r"(d),
                       [q] "=&r"(q), [w] "=&r"(w), [x] "=&r"(x)
                     : [end] "r"(end), [at] "r"(at), [step] "r"(step)
                     : "cc", "memory");
    struct sums sums = {{a, b, c, d}};
    return sums;
}

static int8_t finish_exact(const struct dtmm_depthwise_conv_2d *p, int32_t o, int32_t doubled)
{
    int32_t sum = dtmm_requantize(doubled >> 1, p->multiplier[o], p->shift[o]);
    return dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
}

/* A row of outputs of one filter. */
struct row {
    const struct entry *entries, *end;
    const int8_t *at; /* the first row of the input under the kernel */
    int8_t *out;
    int32_t step, channels; /* bytes from a column of the input to the next, and of the output */
    int32_t bias;           /* doubled */
};

/* Where the output has at least four columns and the requantization is fast. */
static void convolve_fast(const struct row *row, const struct dtmm_depthwise_conv_2d *p,
                          const struct dtmm_dsp_fast *fast)
{
    int32_t low = p->output_min, high = p->output_max, channels = row->channels;
    for (int32_t left = p->output_w, x = 0; left > 0; left -= 4) {
        x = left < 4 ? x + left - 4 : x;
        struct sums sums =
            sum_entries(row->entries, row->end, row->at + x * row->step, row->step, row->bias);
        int8_t *to = row->out + x * channels;
        *to = dtmm_clamp(dtmm_dsp_requantize_fast(sums.a[0], fast), 0, low, high);
        to += channels;
        *to = dtmm_clamp(dtmm_dsp_requantize_fast(sums.a[1], fast), 0, low, high);
        to += channels;
        *to = dtmm_clamp(dtmm_dsp_requantize_fast(sums.a[2], fast), 0, low, high);
        to += channels;
        *to = dtmm_clamp(dtmm_dsp_requantize_fast(sums.a[3], fast), 0, low, high);
        x += 4;
    }
}

static void convolve_exact(const struct row *row, const struct dtmm_depthwise_conv_2d *p, int32_t o)
{
    int8_t *to = row->out;
    for (int32_t x = 0; x < p->output_w; x += 4) {
        struct sums sums =
            sum_entries(row->entries, row->end, row->at + x * row->step, row->step, row->bias);
        for (int32_t i = 0; i < 4 && x + i < p->output_w; i++, to += row->channels)
            *to = finish_exact(p, o, sums.a[i]);
    }
}

static void convolve_filter(const struct layer *l, const struct entry *entries, const int8_t *at,
                            int32_t o, int8_t *out)
{
    const struct dtmm_depthwise_conv_2d *p = l->p;
    struct row row = {
        entries,       entries + l->g.n_entries, at,
        out,           p->stride_w * 2,          p->input_channels * p->depth_multiplier,
        p->bias[o] * 2};
    if (p->output_w >= 4 && dtmm_dsp_shift_is_fast(p->shift[o])) {
        struct dtmm_dsp_fast fast =
            dtmm_dsp_fast(p->multiplier[o], p->shift[o], p->output_zero_point);
        convolve_fast(&row, p, &fast);
    } else {
        convolve_exact(&row, p, o);
    }
}

/* The entries of output channel o. */
static void prepare_filter(const struct layer *l, struct entry *entry, int32_t o)
{
    const struct dtmm_depthwise_conv_2d *p = l->p;
    int32_t channels = p->input_channels * p->depth_multiplier;
    const int8_t *weights = p->weights + o;
    int32_t pairs = p->dilation_w == 1;
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++, entry++) {
            uint32_t taps = (uint16_t)(*weights * 2);
            entry->offset = ky * p->dilation_h * l->row_bytes + kx * p->dilation_w * 2;
            weights += channels;
            if (pairs && kx + 1 < p->kernel_w) {
                taps |= (uint32_t)*weights << 17;
                weights += channels;
                kx++;
            }
            entry->taps = (int32_t)taps;
        }
}

static void clear_row(const struct layer *l, int8_t *row)
{
    int32_t word = (int32_t)dtmm_dsp_twice(l->p->input_zero_point);
    for (int32_t plane = 0; plane < l->g.n_planes; plane++, row += l->plane_bytes)
        for (int32_t i = 0; i < l->row_bytes; i += 4)
            *(int32_t *)(void *)(row + i) = word;
}

static void load_row(const struct layer *l, const int8_t *input, int32_t v)
{
    const struct dtmm_depthwise_conv_2d *p = l->p;
    int32_t y = v - p->pad_top, channels = p->input_channels;
    int8_t *to = l->planes + (v - l->start) * l->row_bytes;
    const int8_t *in = input + y * p->input_w * channels + l->first;
    struct dtmm_dsp_row row = {to, l->plane_bytes, p->pad_left, l->n_inside};
    if (y < 0 || y >= p->input_h) {
        clear_row(l, to);
    } else if (l->g.n_planes == 4) {
        dtmm_dsp_load_row(&row, in, channels, 4);
    } else {
        int16_t *at = (int16_t *)(void *)to + p->pad_left;
        for (int32_t n = l->n_inside; n > 0; n--, in += channels)
            *at++ = *in;
    }
}

/* Makes room for the rows up to v, where `first` is the first that is still needed. */
static void move_rows(struct layer *l, int32_t first, int32_t v)
{
    int8_t *plane = l->planes;
    int32_t kept = l->end > first ? l->end - first : 0;
    if (v - l->start <= l->g.n_rows)
        return;
    for (int32_t c = 0; c < l->g.n_planes; c++, plane += l->plane_bytes) {
        int32_t *to = (int32_t *)(void *)plane;
        const int32_t *from = to + (first - l->start) * (l->row_bytes >> 2);
        for (int32_t i = kept * (l->row_bytes >> 2); i > 0; i--)
            *to++ = *from++;
    }
    l->start = first;
    l->end = first + kept;
}

static void convolve_planes(struct layer *l, const int8_t *input, int8_t *output)
{
    const struct dtmm_depthwise_conv_2d *p = l->p;
    int32_t dm = p->depth_multiplier, out_bytes = p->output_w * p->input_channels * dm;
    l->start = l->end = 0;
    for (int32_t oy = 0; oy < p->output_h; oy++, output += out_bytes) {
        int32_t first = oy * p->stride_h;
        move_rows(l, first, first + l->g.span);
        if (l->end < first)
            l->end = first;
        for (; l->end < first + l->g.span; l->end++)
            load_row(l, input, l->end);
        const int8_t *row = l->planes + (first - l->start) * l->row_bytes;
        for (int32_t i = l->n_early * dm; i < l->g.n_planes * dm; i++)
            convolve_filter(l, l->entries + i * l->g.n_entries, row + i / dm * l->plane_bytes,
                            l->first * dm + i, output + l->first * dm + i);
    }
}

static inline void dtmm_dsp_depthwise_any(const struct dtmm_depthwise_conv_2d *p,
                                          const int8_t *input, int8_t *output, void *scratch)
{
    struct layer l = {.p = p, .g = dtmm_dsp_depthwise_geometry(p), .entries = scratch};
    int32_t n_filters = l.g.n_planes * p->depth_multiplier, n = l.g.n_columns - p->pad_left;
    l.planes = (int8_t *)(l.entries + n_filters * l.g.n_entries);
    l.row_bytes = l.g.n_columns * 2;
    l.plane_bytes = l.row_bytes * l.g.n_rows;
    l.n_inside = n < p->input_w ? n : p->input_w;
    for (int32_t row = 0; row < l.g.n_rows; row++)
        clear_row(&l, l.planes + row * l.row_bytes);
    for (int32_t first = 0; first < p->input_channels; first += l.g.n_planes) {
        int32_t last = p->input_channels - l.g.n_planes;
        l.first = first < last ? first : last;
        l.n_early = first - l.first;
        for (int32_t i = 0; i < n_filters; i++)
            prepare_filter(&l, l.entries + i * l.g.n_entries, l.first * p->depth_multiplier + i);
        convolve_planes(&l, input, output);
    }
}

#endif
