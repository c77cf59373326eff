/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution, dense or FWCS, on cores without SIMD. Several output rows are computed in a pass.
 * Where taps may lie outside the input, the pass's input rows are copied into scratch memory,
 * padded with the zero point. For each filter the kept units become a list of runs, bytes that
 * follow each other both in the weights and in the padded rows; the list serves all output pixels
 * of the pass, four at a time. */
#ifndef DTMM_SCALAR_CONV_2D_H
#define DTMM_SCALAR_CONV_2D_H

#include "../dtmm.h"
#include "requantize.h"

/* `n` bytes of the padded rows from `input` on meet the filter's next `n` weights; n = 0 ends a
 * list. */
struct dtmm_scalar_run {
    const int8_t *input;
    int32_t n;
};
enum { DTMM_SCALAR_RUN_BYTES = 8 }; /* on the device */

/* What the outputs of one filter have in common. */
struct dtmm_scalar_filter {
    int32_t bias, multiplier;
    int32_t shift;                 /* -31 .. -1 */
    int32_t output_step;           /* bytes from one pixel's output to the next one's */
    int32_t zero_point, low, high; /* of the output */
    int32_t is_full;               /* low and high are those of int8 */
    int32_t step;                  /* bytes from one pixel's input to the next one's */
};

/* The outputs of a filter at four pixels, or at one; the first pixel's input lies `column` bytes
 * after the runs' own. */
typedef void dtmm_scalar_block(const struct dtmm_scalar_run *runs, const int8_t *weights,
                               int32_t column, const struct dtmm_scalar_filter *filter,
                               int8_t *out);

/* What the padded rows may take, unless one output row needs more. */
enum { DTMM_SCALAR_ROWS_BYTES = 4608 };

/* The layer as the passes see it. */
struct dtmm_scalar_geometry {
    int32_t output_h, output_w; /* a 1x1 convolution of stride 1 is a single row */
    int32_t is_inside;          /* all taps lie inside the input: it needs no padded copy */
    int32_t row_bytes;          /* of a padded row, or of a row of the input without a copy */
    int32_t pass_rows;          /* output rows of a pass */
};

/* Input rows under `n` output rows. */
static inline int32_t dtmm_scalar_conv_rows_under(const struct dtmm_conv_2d *p, int32_t n)
{
    return (n - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;
}

static inline struct dtmm_scalar_geometry dtmm_scalar_conv_geometry(const struct dtmm_conv_2d *p)
{
    struct dtmm_scalar_geometry g = {p->output_h, p->output_w, 0, 0, 1};
    int32_t width = (p->output_w - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
    g.is_inside = p->pad_top == 0 && p->pad_left == 0 && width <= p->input_w &&
                  dtmm_scalar_conv_rows_under(p, p->output_h) <= p->input_h;
    g.row_bytes = (g.is_inside ? p->input_w : width) * p->input_channels;
    if (g.is_inside && p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 &&
        p->stride_w == 1 && p->output_w == p->input_w) {
        g.output_w *= g.output_h;
        g.output_h = 1;
    }
    if (g.is_inside)
        g.pass_rows = g.output_h;
    else
        g.pass_rows = 1;
    while (g.pass_rows < g.output_h &&
           dtmm_scalar_conv_rows_under(p, g.pass_rows + 1) * g.row_bytes <= DTMM_SCALAR_ROWS_BYTES)
        g.pass_rows++;
    return g;
}

/* Most runs of a filter, a slot below the list and its end. Neighbors merge, so that at most every
 * other unit starts a run. */
static inline int32_t dtmm_scalar_conv_slots(const struct dtmm_conv_2d *p)
{
    int32_t units = p->mask ? (p->input_channels + p->block - 1) / p->block : 1;
    int32_t per_row =
        p->dilation_w == 1 ? (p->kernel_w * units + 1) / 2 : p->kernel_w * ((units + 1) / 2);
    return p->kernel_h * per_row + 2;
}

static inline int32_t dtmm_scalar_conv_scratch_bytes(const struct dtmm_conv_2d *p)
{
    struct dtmm_scalar_geometry g = dtmm_scalar_conv_geometry(p);
    int32_t bytes = dtmm_scalar_conv_slots(p) * DTMM_SCALAR_RUN_BYTES;
    if (!g.is_inside)
        bytes += dtmm_scalar_conv_rows_under(p, g.pass_rows) * g.row_bytes;
    return bytes;
}

static inline int32_t dtmm_scalar_conv_mask_bytes(const struct dtmm_conv_2d *p)
{
    int32_t units = (p->input_channels + p->block - 1) / p->block;
    return (p->kernel_h * p->kernel_w * units + 7) >> 3;
}

/* Whether the sums of all filters are requantized exactly. `n_weights`: those of filter o begin at
 * the sum of the lower ones' counts. */
static inline int dtmm_scalar_conv_accepts(const struct dtmm_conv_2d *p)
{
    const int8_t *weights = p->weights;
    const uint8_t *mask = p->mask;
    int32_t taps = p->kernel_h * p->kernel_w;
    if (!dtmm_scalar_shifts(p->shift, p->output_channels))
        return 0;
    for (int32_t o = 0; o < p->output_channels; o++) {
        int32_t n = taps * p->input_channels;
        if (mask) {
            int32_t bit = 0;
            n = 0;
            for (int32_t tap = 0; tap < taps; tap++)
                for (int32_t i = 0; i < p->input_channels; i += p->block, bit++) {
                    int32_t left = p->input_channels - i;
                    if (mask[bit >> 3] >> (bit & 7) & 1)
                        n += left < p->block ? left : p->block;
                }
            mask += dtmm_scalar_conv_mask_bytes(p);
        }
        if (!dtmm_scalar_bounds(weights, 0, 1, n, p->bias + o, 1))
            return 0;
        weights += n;
    }
    return 1;
}

/* Copies the rows from `y` on under `n` output rows, padded. */
static inline void dtmm_scalar_conv_load(const struct dtmm_conv_2d *p, const int8_t *input,
                                         int32_t row_bytes, int32_t y, int32_t n, int8_t *to)
{
    int32_t left = p->pad_left * p->input_channels;
    int32_t input_row = p->input_w * p->input_channels, inside = input_row;
    if (left > row_bytes)
        left = row_bytes;
    if (inside > row_bytes - left)
        inside = row_bytes - left;
    for (n = dtmm_scalar_conv_rows_under(p, n); n > 0; n--, y++, to += row_bytes) {
        int is_inside = y >= 0 && y < p->input_h;
        memset(to, p->input_zero_point, (size_t)(is_inside ? left : row_bytes));
        if (!is_inside)
            continue;
        memcpy(to + left, input + y * input_row, (size_t)inside);
        memset(to + left + inside, p->input_zero_point, (size_t)(row_bytes - left - inside));
    }
}

/* A list of runs that grows. */
struct dtmm_scalar_list {
    struct dtmm_scalar_run *last; /* before the first: the slot below the list */
    const int8_t *end;            /* of the last run */
    int32_t n_weights;
};

static inline void dtmm_scalar_list_add(struct dtmm_scalar_list *list, const int8_t *at, int32_t n)
{
    if (at == list->end) {
        list->last->n += n;
    } else {
        list->last++;
        list->last->input = at;
        list->last->n = n;
    }
    list->n_weights += n;
    list->end = at + n;
}

/* The mask's bits, read one after the other; `bits` ends with a one above the bits that are left.
 */
struct dtmm_scalar_bits {
    const uint8_t *mask;
    uint32_t bits;
};

/* The next unit's bit. */
static inline uint32_t dtmm_scalar_next_bit(struct dtmm_scalar_bits *reader)
{
    if (reader->bits == 1)
        reader->bits = *reader->mask++ | 0x100U;
    uint32_t bit = reader->bits & 1;
    reader->bits >>= 1;
    return bit;
}

/* The kept units of a filterlet whose input is at `at`. */
static inline void dtmm_scalar_list_units(const struct dtmm_conv_2d *p,
                                          struct dtmm_scalar_bits *bits, const int8_t *at,
                                          struct dtmm_scalar_list *list)
{
    const int32_t block = p->block;
    int32_t left = p->input_channels;
    for (; left >= block; left -= block, at += block)
        if (dtmm_scalar_next_bit(bits))
            dtmm_scalar_list_add(list, at, block);
    if (left > 0 && dtmm_scalar_next_bit(bits))
        dtmm_scalar_list_add(list, at, left);
}

/* Lists the runs of a filter whose pass's rows begin at `rows`, from runs[1] on; returns its number
 * of weights. */
static inline int32_t dtmm_scalar_conv_list(const struct dtmm_conv_2d *p, int32_t row_bytes,
                                            const int8_t *rows, const uint8_t *mask,
                                            struct dtmm_scalar_run *runs)
{
    struct dtmm_scalar_list list = {runs, 0, 0};
    struct dtmm_scalar_bits bits = {mask, 1};
    int32_t channels = p->input_channels;
    for (int32_t ky = 0; ky < p->kernel_h; ky++, rows += p->dilation_h * row_bytes) {
        const int8_t *at = rows;
        for (int32_t kx = 0; kx < p->kernel_w; kx++, at += p->dilation_w * channels) {
            if (mask)
                dtmm_scalar_list_units(p, &bits, at, &list);
            else
                dtmm_scalar_list_add(&list, at, channels);
        }
    }
    list.last[1].n = 0;
    return list.n_weights;
}

/* The kernel's inner loops. */
struct dtmm_scalar_blocks {
    dtmm_scalar_block *four, *one;
};

/* One filter's outputs in a pass of `n_rows` rows; `out` is the first. */
static inline void dtmm_scalar_conv_filter(const struct dtmm_conv_2d *p,
                                           const struct dtmm_scalar_geometry *g, int32_t n_rows,
                                           const struct dtmm_scalar_filter *filter,
                                           const struct dtmm_scalar_run *runs,
                                           const int8_t *weights, int8_t *out,
                                           struct dtmm_scalar_blocks block)
{
    const int32_t step = filter->step, output_step = filter->output_step;
    if (runs->n == 0) { /* all outputs are equal */
        block.one(runs, weights, 0, filter, out);
        int8_t value = *out;
        for (int32_t i = n_rows * g->output_w; i > 0; i--, out += output_step)
            *out = value;
        return;
    }
    for (int32_t row = 0; row < n_rows; row++) {
        int32_t column = row * p->stride_h * g->row_bytes, left = g->output_w;
        for (; left >= 4; left -= 4, column += 4 * step, out += 4 * output_step)
            block.four(runs, weights, column, filter, out);
        for (; left > 0; left--, column += step, out += output_step)
            block.one(runs, weights, column, filter, out);
    }
}

static inline struct dtmm_scalar_filter dtmm_scalar_filter_of(const struct dtmm_conv_2d *p,
                                                              int32_t o)
{
    struct dtmm_scalar_filter filter = {p->bias[o],
                                        p->multiplier[o],
                                        p->shift[o],
                                        p->output_channels,
                                        p->output_zero_point,
                                        p->output_min,
                                        p->output_max,
                                        p->output_min == INT8_MIN && p->output_max == INT8_MAX,
                                        p->stride_w * p->input_channels};
    return filter;
}

/* The whole op. */
static inline void dtmm_scalar_conv_2d(const struct dtmm_conv_2d *p, const int8_t *input,
                                       int8_t *output, void *scratch,
                                       struct dtmm_scalar_blocks block)
{
    const struct dtmm_scalar_geometry g = dtmm_scalar_conv_geometry(p);
    struct dtmm_scalar_run *slots = scratch, *runs = slots + 1;
    int8_t *copy = (int8_t *)(slots + dtmm_scalar_conv_slots(p));
    for (int32_t y = 0; y < g.output_h; y += g.pass_rows) {
        int32_t n_rows = g.output_h - y < g.pass_rows ? g.output_h - y : g.pass_rows;
        const int8_t *rows = g.is_inside ? input : copy, *weights = p->weights;
        const uint8_t *mask = p->mask;
        int8_t *out = output + y * g.output_w * p->output_channels;
        if (!g.is_inside)
            dtmm_scalar_conv_load(p, input, g.row_bytes, y * p->stride_h - p->pad_top, n_rows,
                                  copy);
        for (int32_t o = 0; o < p->output_channels; o++) {
            int32_t n = dtmm_scalar_conv_list(p, g.row_bytes, rows, mask, slots);
            const struct dtmm_scalar_filter filter = dtmm_scalar_filter_of(p, o);
            dtmm_scalar_conv_filter(p, &g, n_rows, &filter, runs, weights, out + o, block);
            weights += n;
            if (mask)
                mask += dtmm_scalar_conv_mask_bytes(p);
        }
    }
}

#endif
