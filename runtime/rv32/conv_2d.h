/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution over windows of paired pixels; see conv_2d_rules.h and filter.h. */
#ifndef DTMM_RV32_CONV_2D_H
#define DTMM_RV32_CONV_2D_H

#include "../dtmm.h"
#include "../requantize.h"
#include "conv_2d_rules.h"
#include "filter.h"

struct dtmm_rv32_conv {
    const struct dtmm_conv_2d *p;
    struct dtmm_rv32_window window;
    const int8_t *input;
    int8_t *output;
    int32_t *words; /* the window */
    int32_t columns, n_rows;
    uint32_t *places;
    int32_t *items;
    struct dtmm_rv32_filter *filter;
};

/* n words of two values each; a null pointer stands for n zero points. */
static int32_t *dtmm_rv32_pair(int32_t *to, const int8_t *low, const int8_t *high, int32_t n,
                               int32_t zero_point)
{
    if (low && high) {
        for (; n >= 4; n -= 4, low += 4, high += 4, to += 4) {
            to[0] = low[0] + high[0] * 65536;
            to[1] = low[1] + high[1] * 65536;
            to[2] = low[2] + high[2] * 65536;
            to[3] = low[3] + high[3] * 65536;
        }
        for (; n; n--)
            *to++ = *low++ + *high++ * 65536;
    } else if (low) {
        for (; n; n--)
            *to++ = *low++ + zero_point * 65536;
    } else if (high) {
        for (; n; n--)
            *to++ = zero_point + *high++ * 65536;
    } else {
        for (; n; n--)
            *to++ = zero_point * 65537;
    }
    return to;
}

/* Fills row `row` of the window with input row y, starting at column x. */
static void dtmm_rv32_fill_row(const struct dtmm_rv32_conv *c, int32_t row, int32_t y, int32_t x)
{
    const struct dtmm_conv_2d *p = c->p;
    int32_t channels = p->input_channels, input_w = c->window.input_w;
    int32_t *to = c->words + row * c->columns * channels;
    if (y < 0 || y >= c->window.input_h) {
        dtmm_rv32_pair(to, 0, 0, c->columns * channels, p->input_zero_point);
        return;
    }
    int32_t distance = c->window.half * p->stride_w;
    const int8_t *input = c->input + y * input_w * channels;
    for (int32_t i = 0; i < c->columns; i++, x++) {
        int32_t x1 = x + distance;
        const int8_t *low = x >= 0 && x < input_w ? input + x * channels : 0;
        const int8_t *high = x1 >= 0 && x1 < input_w ? input + x1 * channels : 0;
        to = dtmm_rv32_pair(to, low, high, channels, p->input_zero_point);
    }
}

/* Moves the window from n_kept rows on, and fills the others. */
static void dtmm_rv32_move_window(const struct dtmm_rv32_conv *c, int32_t n_kept, int32_t y,
                                  int32_t x)
{
    int32_t row_words = c->columns * c->p->input_channels;
    const int32_t *from = c->words + (c->n_rows - n_kept) * row_words;
    int32_t *to = c->words, n = n_kept * row_words;
    for (; n >= 4; n -= 4, from += 4, to += 4) {
        int32_t a = from[0], b = from[1];
        to[0] = a;
        to[1] = b;
        a = from[2];
        b = from[3];
        to[2] = a;
        to[3] = b;
    }
    for (; n; n--)
        *to++ = *from++;
    for (int32_t row = n_kept; row < c->n_rows; row++)
        dtmm_rv32_fill_row(c, row, y + row, x);
}

/* Where the words of `rows` output rows and `width` columns from (oy, ox) on are read and written,
 * in groups of 4, 2 and 1. Returns the number of words. */
static int32_t dtmm_rv32_list_places(const struct dtmm_rv32_conv *c, int32_t oy, int32_t rows,
                                     int32_t ox)
{
    const struct dtmm_conv_2d *p = c->p;
    int32_t width = c->window.output_w - ox;
    int32_t half = c->window.half < width ? c->window.half : width;
    int32_t n = rows * half, size = 4, k = 0, left = n;
    uint32_t *to = c->places;
    for (int32_t row = 0; row < rows; row++) {
        const int32_t *word = c->words + row * p->stride_h * c->columns * p->input_channels;
        int8_t *out = c->output + ((oy + row) * c->window.output_w + ox) * p->output_channels;
        for (int32_t i = 0; i < half; i++) {
            while (size > left)
                size >>= 1;
            to[k] = (uint32_t)(uintptr_t)word;
            const int8_t *high =
                i + c->window.half < width ? out + c->window.half * p->output_channels : out;
            to[size + 2 * k] = (uint32_t)(uintptr_t)high;
            to[size + 2 * k + 1] = (uint32_t)(uintptr_t)out;
            word += p->stride_w * p->input_channels;
            out += p->output_channels;
            if (++k == size) {
                to += 3 * size;
                left -= size;
                k = 0;
            }
        }
    }
    return n;
}

/* The shape of the items, the same for all filters. */
static void dtmm_rv32_set_item(struct dtmm_rv32_filter *f, int32_t item)
{
    int32_t even = item & ~1;
    f->loops = (even + DTMM_RV32_LOOP_CHANNELS - 1) / DTMM_RV32_LOOP_CHANNELS;
    f->skipped_pairs = (f->loops * DTMM_RV32_LOOP_CHANNELS - even) / 2;
    f->is_odd = item & 1;
    f->has_four = item == 4;
    if (f->has_four)
        f->skipped_pairs = 0;
}

static void dtmm_rv32_set_requantization(struct dtmm_rv32_filter *f, int32_t multiplier,
                                         int32_t shift, int32_t zero_point)
{
    f->multiplier = (uint32_t)multiplier * 2;
    f->is_general = shift > -2;
    f->shift = -shift - 1;
    f->addend = 1 + 2 * zero_point;
    if (f->is_general) {
        f->left = shift > 0 ? shift : 0;
        f->shift = shift > 0 ? 0 : -shift;
        f->mask = (1 << f->shift) - 1;
        f->threshold = f->mask >> 1;
        f->addend = zero_point;
    }
}

/* How the items lie in the window, the same for all filters. Distances in bytes. */
struct dtmm_rv32_walk {
    int32_t rows, runs;   /* kernel rows, and in each the runs of taps without a gap */
    int32_t taps, items;  /* of a run */
    int32_t gap, row_gap; /* behind a run, and in addition behind a row */
    int32_t start;        /* from a word's address to the first item */
    int32_t adjacent;     /* from where one item has left the address to the next one */
    int32_t item_bytes;
    int32_t channels, block, item; /* where units are several items, else block is 0 */
};

static struct dtmm_rv32_walk dtmm_rv32_walk(const struct dtmm_rv32_conv *c,
                                            const struct dtmm_rv32_filter *f)
{
    const struct dtmm_conv_2d *p = c->p;
    int32_t channels = p->input_channels, item = c->window.item;
    struct dtmm_rv32_walk walk = {.rows = p->kernel_h, .runs = p->kernel_w, .taps = 1};
    if (p->dilation_w == 1) {
        walk.taps = p->kernel_w;
        walk.runs = 1;
    }
    walk.items = walk.taps * channels / item;
    walk.gap = (p->dilation_w - 1) * channels * 4;
    walk.row_gap = (p->dilation_h * c->columns - p->kernel_w * p->dilation_w) * channels * 4;
    walk.start = -8 * f->skipped_pairs;
    walk.item_bytes = item * 4;
    walk.adjacent = f->has_four ? walk.item_bytes : walk.start + 4 * f->is_odd;
    walk.channels = channels;
    walk.item = item;
    walk.block = p->mask && p->block < channels && p->block != item ? p->block : 0;
    return walk;
}

/* The list of a filter, and the filter's mask, as they are written and read. */
struct dtmm_rv32_list {
    int32_t *end;
    int32_t distance; /* to the next item, should it be the next possible one */
    const uint8_t *mask;
    uint32_t bits; /* of the current byte of the mask, below a 1; 1 at its end */
};

#define DTMM_RV32_UNIT(i)                                                                          \
    if (bits & 1u << (i)) {                                                                        \
        *end++ = distance;                                                                         \
        distance = adjacent;                                                                       \
    } else {                                                                                       \
        distance += item_bytes;                                                                    \
    }

/* Lists the kept ones of a run of units, each one item. */
static inline void dtmm_rv32_list_units(const struct dtmm_rv32_walk *walk,
                                        struct dtmm_rv32_list *list)
{
    int32_t *end = list->end;
    const uint8_t *mask = list->mask;
    int32_t adjacent = walk->adjacent, item_bytes = walk->item_bytes;
    int32_t distance = list->distance, n = walk->items;
    uint32_t bits = list->bits;
    while (n > 0) {
        if (bits == 1) {
            for (; n >= 8; n -= 8) {
                bits = *mask++;
                DTMM_RV32_UNIT(0)
                DTMM_RV32_UNIT(1)
                DTMM_RV32_UNIT(2)
                DTMM_RV32_UNIT(3)
                DTMM_RV32_UNIT(4)
                DTMM_RV32_UNIT(5)
                DTMM_RV32_UNIT(6)
                DTMM_RV32_UNIT(7)
            }
            bits = 1;
            if (!n)
                break;
            bits = *mask++ | 0x100u;
        }
        DTMM_RV32_UNIT(0)
        bits >>= 1;
        n--;
    }
    list->mask = mask;
    list->bits = bits;
    list->end = end;
    list->distance = distance;
}

static inline void dtmm_rv32_list_all(const struct dtmm_rv32_walk *walk, int32_t n,
                                      struct dtmm_rv32_list *list)
{
    for (; n; n--) {
        *list->end++ = list->distance;
        list->distance = walk->adjacent;
    }
}

/* The same where units are several items, and the last one of a filterlet has fewer. */
static void dtmm_rv32_list_uneven_units(const struct dtmm_rv32_walk *walk,
                                        struct dtmm_rv32_list *list)
{
    for (int32_t tap = 0; tap < walk->taps; tap++)
        for (int32_t i = 0; i < walk->channels; i += walk->block) {
            if (list->bits == 1)
                list->bits = *list->mask++ | 0x100u;
            int32_t left = walk->channels - i;
            int32_t n_items = (left < walk->block ? left : walk->block) / walk->item;
            if (list->bits & 1)
                dtmm_rv32_list_all(walk, n_items, list);
            else
                list->distance += n_items * walk->item_bytes;
            list->bits >>= 1;
        }
}

/* Lists the kept units of the filter with this mask, or all items where it is null; returns the
 * end of the list. */
static inline int32_t *dtmm_rv32_list_items(const struct dtmm_rv32_walk *walk, int32_t *to,
                                            const uint8_t *mask)
{
    struct dtmm_rv32_list list = {to, walk->start, mask, 1};
    for (int32_t row = walk->rows; row; row--) {
        for (int32_t run = walk->runs; run; run--) {
            if (!mask)
                dtmm_rv32_list_all(walk, walk->items, &list);
            else if (walk->block)
                dtmm_rv32_list_uneven_units(walk, &list);
            else
                dtmm_rv32_list_units(walk, &list);
            list.distance += walk->gap;
        }
        list.distance += walk->row_gap;
    }
    return list.end;
}

/* All words of the window for the filter. */
static inline void dtmm_rv32_run_filter(const uint32_t *places, struct dtmm_rv32_filter *f,
                                        int32_t n_words)
{
    f->places = places;
    f->places_end = places + (n_words & ~3) * 3;
    if (n_words & ~3)
        dtmm_rv32_filter_4(f);
    if (n_words & 2) {
        f->places = f->places_end;
        f->places_end += 2 * 3;
        dtmm_rv32_filter_2(f);
    }
    if (n_words & 1) {
        f->places = f->places_end;
        f->places_end += 3;
        dtmm_rv32_filter_1(f);
    }
}

/* All filters on the window. */
static inline void dtmm_rv32_run_filters(const struct dtmm_rv32_conv *c, int32_t n_words,
                                         int is_sparse)
{
    const struct dtmm_conv_2d *p = c->p;
    struct dtmm_rv32_filter *f = c->filter;
    f->items = c->items;
    f->min = p->output_min;
    f->max = p->output_max;
    dtmm_rv32_set_item(f, c->window.item);
    const struct dtmm_rv32_walk walk = dtmm_rv32_walk(c, f);
    if (!is_sparse)
        f->items_end = dtmm_rv32_list_items(&walk, c->items, 0);
    int32_t mask_bytes = 0;
    if (is_sparse)
        mask_bytes =
            (p->kernel_h * p->kernel_w * ((p->input_channels + p->block - 1) / p->block) + 7) >> 3;
    const uint8_t *mask = p->mask;
    const int32_t high_offset = -DTMM_RV32_HIGH_OFFSET * ((walk.item + 1) >> 1);
    f->weights = p->weights;
    for (int32_t o = 0; o < p->output_channels; o++, mask += mask_bytes) {
        if (is_sparse)
            f->items_end = dtmm_rv32_list_items(&walk, c->items, mask);
        int32_t n_items = (int32_t)(f->items_end - f->items);
        f->high_start = n_items * high_offset;
        f->bias = p->bias[o];
        f->channel = o;
        dtmm_rv32_set_requantization(f, p->multiplier[o], p->shift[o], p->output_zero_point);
        dtmm_rv32_run_filter(c->places, f, n_words);
        f->weights += n_items * walk.item;
    }
}

/* A column of windows, `ox` the first output column. */
static inline void dtmm_rv32_run_segment(const struct dtmm_rv32_conv *c, int32_t ox, int is_sparse)
{
    const struct dtmm_conv_2d *p = c->p;
    int32_t n_kept = 0, step = c->window.rows;
    int32_t n_shared = c->n_rows - step * p->stride_h;
    for (int32_t oy = 0; oy < c->window.output_h; oy += step) {
        dtmm_rv32_move_window(c, n_kept, oy * p->stride_h - p->pad_top,
                              ox * p->stride_w - p->pad_left);
        n_kept = n_shared > 0 ? n_shared : 0;
        int32_t rows = c->window.output_h - oy < step ? c->window.output_h - oy : step;
        dtmm_rv32_run_filters(c, dtmm_rv32_list_places(c, oy, rows, ox), is_sparse);
    }
}

static inline void dtmm_rv32_convolve(const struct dtmm_conv_2d *p, const void *input, void *output,
                                      void *scratch, int is_sparse)
{
    struct dtmm_rv32_conv c = {.p = p, .window = dtmm_rv32_window(p), .input = input};
    c.output = output;
    c.columns = dtmm_rv32_window_columns(p, c.window.half);
    c.n_rows = dtmm_rv32_window_rows(p, c.window.rows);
    c.words = scratch;
    c.places = (uint32_t *)c.words + c.n_rows * c.columns * p->input_channels;
    c.items = (int32_t *)c.places + c.window.rows * c.window.half * 3;
    c.filter = (struct dtmm_rv32_filter *)(void *)(c.items + c.window.max_items);
    /* In place, no output may land on a pixel that is still to be read. */
    int is_backward = p->output_channels > p->input_channels;
    int32_t width = 2 * c.window.half, n = (c.window.output_w + width - 1) / width;
    for (int32_t i = 0; i < n; i++)
        dtmm_rv32_run_segment(&c, (is_backward ? n - 1 - i : i) * width, is_sparse);
}

#endif
