/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution over windows of lanes; see lanes_rules.h. The file that includes this has defined
 *   LANES_LIMIT                       the most channels that a sum takes without interruption
 *   lanes_window(p)                   the window of a layer
 *   LANES_SHARED, LANES_SHARED_WORDS  lanes that share words, and the words
 *   lanes_pack(to, words, from, n, zero_point)
 *                                     writes n channels of lanes that share words, to every
 *                                     words-th word; null: zero points
 *   lanes_code(lanes)                 the address of the code of the items
 *   lanes_list_units(units, mask)     lists the kept units, returns the end
 *   lanes_zeros(bits)                 how many low bits are zero; bits is not 0
 *   LANES_PIECE_BYTES                 from the code of a piece to that of one channel more
 *   lanes_run(lanes, filter)          runs the list on all places
 *
 * The sums of a filter are a list of items for the assembly: each is a distance to move in the
 * window and the address of code to jump to, which sums up to 16 channels, or starts, interrupts
 * or ends the sums. */
#ifndef DTMM_SCALAR_LANES_H
#define DTMM_SCALAR_LANES_H

#include "../requantize.h"
#include "lanes_filter.h"

/* Where the code of an item starts, in bytes from that of the first. */
enum {
    DTMM_LANES_START = 0,        /* sums in memory begin with the bias */
    DTMM_LANES_INTERRUPT = 4,    /* adds the sums so far to those in memory */
    DTMM_LANES_FINISH = 8,       /* the outputs, sums never interrupted */
    DTMM_LANES_FINISH_SUMS = 12, /* the outputs from the sums in memory */
    DTMM_LANES_EXIT = 16,
    DTMM_LANES_PIECES = 20, /* pieces of 1 to 15 channels, then of 16, */
    DTMM_LANES_WHOLE = DTMM_LANES_PIECES + (DTMM_LANES_PIECE - 1) * LANES_PIECE_BYTES,
    DTMM_LANES_WHOLE_NEXT = DTMM_LANES_WHOLE + 2 /* and of 16 where the last item ended */
};

_Static_assert(sizeof(struct dtmm_lanes_filter) <= DTMM_LANES_FILTER_BYTES,
               "the host reserves less");

struct dtmm_lanes_conv {
    const struct dtmm_conv_2d *p;
    struct dtmm_lanes_window window;
    const int8_t *input;
    int8_t *output;
    struct dtmm_lanes_filter *filter;
    uint32_t *words; /* the window */
    int32_t columns, n_rows;
    uint32_t *items, *places;
    uint32_t code;
    struct dtmm_lanes_units units;
    int32_t mask_bytes, block;
    int32_t is_small, is_equal; /* units: at most 16 channels; all of the same size */
    int32_t is_wide;            /* more than 2^15 weights a filter */
    int32_t listed;             /* what the dense list was made for: raw or not; at first -1 */
    int32_t n_weights;          /* in the list */
    const uint32_t *items_start;
};

/* Fills the words of the lanes from `lane` on that share words, in a row of the window that starts
 * at column x of the input row; null: of zero points. */
static void dtmm_lanes_fill_lanes(const struct dtmm_lanes_conv *c, uint32_t *to,
                                  const int8_t *input, int32_t x)
{
    int32_t channels = c->p->input_channels, input_w = c->window.input_w;
    int32_t words = c->window.form.words, distance = c->window.steps * c->p->stride_w;
    for (int32_t i = 0, n; i < c->columns; i += n, x += n) {
        const int8_t *from[LANES_SHARED];
        n = c->columns - i;
        for (int32_t l = 0, at = x; l < LANES_SHARED; l++, at += distance) {
            int32_t run = at < 0 ? -at : input_w - at;
            from[l] = at < 0 || run <= 0 || !input ? 0 : input + at * channels;
            if (run > 0 && run < n)
                n = run;
        }
        lanes_pack(to, words, from, n * channels, c->p->input_zero_point);
        to += n * channels * words;
    }
}

/* Fills row `row` of the window with input row y, starting at column x. */
static void dtmm_lanes_fill_row(const struct dtmm_lanes_conv *c, int32_t row, int32_t y, int32_t x)
{
    int32_t channels = c->p->input_channels, words = c->window.form.words;
    uint32_t *to = c->words + row * c->columns * channels * words;
    const int8_t *input = 0;
    if (y >= 0 && y < c->window.input_h)
        input = c->input + y * c->window.input_w * channels;
    for (int32_t l = 0; l < c->window.form.lanes; l += LANES_SHARED) {
        dtmm_lanes_fill_lanes(c, to, input, x);
        to += LANES_SHARED_WORDS;
        x += LANES_SHARED * c->window.steps * c->p->stride_w;
    }
}

/* Copies n words to a lower address. */
static inline void dtmm_lanes_move(uint32_t *to, const uint32_t *from, int32_t n)
{
    for (const uint32_t *eights = from + n / 8 * 8; from < eights;)
        __asm__ volatile("ldmia %[from]!, {r2, r3, r4, r5}\n\t"
                         "stmia %[to]!, {r2, r3, r4, r5}\n\t"
                         "ldmia %[from]!, {r2, r3, r4, r5}\n\t"
                         "stmia %[to]!, {r2, r3, r4, r5}"
                         : [from] "+l"(from), [to] "+l"(to)
                         :
                         : "r2", "r3", "r4", "r5", "memory");
    for (n %= 8; n; n--)
        *to++ = *from++;
}

/* Moves the window down: its last n_kept rows become the first, the others are filled. */
static void dtmm_lanes_move_window(const struct dtmm_lanes_conv *c, int32_t n_kept, int32_t y,
                                   int32_t x)
{
    int32_t row_words = c->columns * c->p->input_channels * c->window.form.words;
    dtmm_lanes_move(c->words, c->words + (c->n_rows - n_kept) * row_words, n_kept * row_words);
    for (int32_t row = n_kept; row < c->n_rows; row++)
        dtmm_lanes_fill_row(c, row, y + row, x);
}

/* Where the groups of `rows` output rows from (oy, ox) on are read and written. A lane outside the
 * output writes where the first one does later. Returns the end. */
static uint32_t *dtmm_lanes_list_places(const struct dtmm_lanes_conv *c, int32_t oy, int32_t rows,
                                        int32_t ox)
{
    const struct dtmm_conv_2d *p = c->p;
    const struct dtmm_lanes_window *w = &c->window;
    int32_t column_words = p->input_channels * w->form.words;
    int32_t distance = w->steps * p->output_channels;
    int32_t steps = w->output_w - ox < w->steps ? w->output_w - ox : w->steps;
    uint32_t *to = c->places;
    for (int32_t row = 0; row < rows; row++) {
        const uint32_t *word = c->words + row * p->stride_h * c->columns * column_words;
        int8_t *out = c->output + ((oy + row) * w->output_w + ox) * p->output_channels;
        for (int32_t i = 0; i < steps; i++) {
            *to++ = (uint32_t)(uintptr_t)word;
            for (int32_t l = w->form.lanes - 1; l >= 0; l--) {
                int is_inside = ox + l * w->steps + i < w->output_w;
                *to++ = (uint32_t)(uintptr_t)(is_inside ? out + l * distance : out);
            }
            word += p->stride_w * column_words;
            out += p->output_channels;
        }
    }
    return to;
}

/* A list in the making. */
struct dtmm_lanes_list {
    uint32_t *end;
    int32_t position; /* where the last piece ends in the window, in bytes */
    int32_t left;     /* channels before the next interruption */
    int32_t n;        /* channels in all */
    int32_t n_interrupts;
    uint32_t code;
    int32_t channel_bytes;
};

/* An empty list; two words are left for the start of interrupted sums. */
static inline struct dtmm_lanes_list dtmm_lanes_start_list(const struct dtmm_lanes_conv *c)
{
    struct dtmm_lanes_list list = {.end = c->items + 2, .left = LANES_LIMIT, .code = c->code};
    list.channel_bytes = c->window.form.words * 4;
    return list;
}

static inline void dtmm_lanes_add_item(struct dtmm_lanes_list *list, int32_t distance,
                                       uint32_t code)
{
    list->end[0] = (uint32_t)distance;
    list->end[1] = list->code + code;
    list->end += 2;
}

static inline uint32_t dtmm_lanes_piece(int32_t n, int32_t distance)
{
    if (n == DTMM_LANES_PIECE && distance == 0)
        return DTMM_LANES_WHOLE_NEXT;
    return DTMM_LANES_PIECES + LANES_PIECE_BYTES * (uint32_t)(n - 1);
}

/* Adds n channels from byte `start` of the window on. */
static inline void dtmm_lanes_add(struct dtmm_lanes_list *list, int32_t start, int32_t n)
{
    int32_t distance = start - list->position;
    list->position = start + n * list->channel_bytes;
    list->n += n;
    while (n > 0) {
        int32_t piece = n < DTMM_LANES_PIECE ? n : DTMM_LANES_PIECE;
        n -= piece;
        list->left -= piece;
        if (list->left < 0) {
            list->n_interrupts++;
            dtmm_lanes_add_item(list, 0, DTMM_LANES_INTERRUPT);
            list->left = LANES_LIMIT - piece;
        }
        dtmm_lanes_add_item(list, distance, dtmm_lanes_piece(piece, distance));
        distance = 0;
    }
}

/* Returns where the list starts. */
static inline const uint32_t *dtmm_lanes_end_list(const struct dtmm_lanes_conv *c,
                                                  struct dtmm_lanes_list *list, int is_raw)
{
    if (!is_raw && list->n_interrupts == 0) {
        dtmm_lanes_add_item(list, 0, DTMM_LANES_FINISH);
        return c->items + 2;
    }
    c->items[0] = 0;
    c->items[1] = c->code + DTMM_LANES_START;
    dtmm_lanes_add_item(list, 0, DTMM_LANES_INTERRUPT);
    dtmm_lanes_add_item(list, 0, is_raw ? DTMM_LANES_EXIT : DTMM_LANES_FINISH_SUMS);
    return c->items;
}

/* Lists all weights of a dense filter. Returns where the list starts. */
static const uint32_t *dtmm_lanes_list_all(struct dtmm_lanes_conv *c, int is_raw)
{
    const struct dtmm_conv_2d *p = c->p;
    struct dtmm_lanes_list list = dtmm_lanes_start_list(c);
    int32_t column_bytes = p->input_channels * list.channel_bytes;
    int32_t row_bytes = p->dilation_h * c->columns * column_bytes;
    int32_t n = p->input_channels, n_runs = p->kernel_w;
    if (p->dilation_w == 1) { /* the taps of a row are neighbors: one long run */
        n *= n_runs;
        n_runs = 1;
    }
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t i = 0; i < n_runs; i++)
            dtmm_lanes_add(&list, ky * row_bytes + i * p->dilation_w * column_bytes, n);
    c->n_weights = list.n;
    return dtmm_lanes_end_list(c, &list, is_raw);
}

/* Where each unit starts in the window, and how units are listed. */
static void dtmm_lanes_find_units(struct dtmm_lanes_conv *c, int32_t *offsets)
{
    const struct dtmm_conv_2d *p = c->p;
    int32_t channel_bytes = c->window.form.words * 4, block = p->block;
    if (block > p->input_channels)
        block = p->input_channels;
    c->block = block;
    c->mask_bytes = (dtmm_lanes_n_offsets(p) + 7) >> 3;
    c->is_small = dtmm_lanes_is_small(p);
    c->is_equal = p->input_channels % block == 0 && block <= LANES_LIMIT;
    c->units.offsets = offsets;
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            int32_t tap = ky * p->dilation_h * c->columns + kx * p->dilation_w;
            for (int32_t i = 0; i < p->input_channels; i += block)
                *offsets++ = (tap * p->input_channels + i) * channel_bytes;
        }
    c->units.offsets_end = offsets;
    c->units.items = c->items + 2;
    c->units.bytes = block * channel_bytes;
    c->units.interrupt = c->code + DTMM_LANES_INTERRUPT;
    c->units.piece = c->code + dtmm_lanes_piece(block, 1);
    c->units.most_bytes = INT32_MAX / 2;
    if (p->kernel_h * p->kernel_w * p->input_channels > LANES_LIMIT)
        c->units.most_bytes = 8 * (LANES_LIMIT / block - 8);
}

/* Lists the kept units of the filter with this mask, at most 16 channels each and all of the same
 * size. Returns where the list starts. */
static inline const uint32_t *dtmm_lanes_list_small(struct dtmm_lanes_conv *c, int is_raw,
                                                    const uint8_t *mask)
{
    struct dtmm_lanes_list list = dtmm_lanes_start_list(c);
    c->units.n_interrupts = 0;
    list.end = lanes_list_units(&c->units, mask);
    list.n_interrupts = c->units.n_interrupts;
    int32_t n_units = (int32_t)(list.end - c->units.items) / 2 - list.n_interrupts;
    c->n_weights = n_units * c->block;
    return dtmm_lanes_end_list(c, &list, is_raw);
}

/* Lists the kept units of the filter with this mask, all of the same size, which is more than 16
 * channels and at most what a sum takes. Returns where the list starts. */
static const uint32_t *dtmm_lanes_list_equal(struct dtmm_lanes_conv *c, int is_raw,
                                             const uint8_t *mask)
{
    struct dtmm_lanes_list list = dtmm_lanes_start_list(c);
    const int32_t *offset = c->units.offsets, *offset_end = c->units.offsets_end;
    const uint32_t whole = c->code + DTMM_LANES_WHOLE, next = c->code + DTMM_LANES_WHOLE_NEXT;
    const int32_t block = c->block, unit_bytes = c->units.bytes, last = c->block % DTMM_LANES_PIECE;
    uint32_t *end = list.end;
    int32_t position = 0, left = LANES_LIMIT, n = 0;
    for (; offset < offset_end; offset += 8) {
        const int32_t *unit = offset;
        for (uint32_t bits = *mask++; bits; bits >>= 1, unit++) {
            int32_t zeros = lanes_zeros(bits);
            bits >>= zeros;
            unit += zeros;
            n += block;
            left -= block;
            if (left < 0) {
                *end++ = 0;
                *end++ = c->units.interrupt;
                list.n_interrupts++;
                left = LANES_LIMIT - block;
            }
            *end++ = (uint32_t)(*unit - position);
            *end++ = whole;
            position = *unit + unit_bytes;
            for (int32_t i = block - 2 * DTMM_LANES_PIECE; i >= 0; i -= DTMM_LANES_PIECE) {
                *end++ = 0;
                *end++ = next;
            }
            if (last) {
                *end++ = 0;
                *end++ = c->code + dtmm_lanes_piece(last, 0);
            }
        }
    }
    list.end = end;
    c->n_weights = n;
    return dtmm_lanes_end_list(c, &list, is_raw);
}

/* Lists the kept units of the filter with this mask. Returns where the list starts. */
static const uint32_t *dtmm_lanes_list_any(struct dtmm_lanes_conv *c, int is_raw,
                                           const uint8_t *mask)
{
    const struct dtmm_conv_2d *p = c->p;
    struct dtmm_lanes_list list = dtmm_lanes_start_list(c);
    int32_t block = c->block;
    int32_t rest = p->input_channels % block, tap_bytes = p->input_channels * list.channel_bytes;
    const int32_t *offset = c->units.offsets, *end = c->units.offsets_end;
    for (; offset < end; offset += 8) {
        const int32_t *next = offset;
        for (uint32_t bits = *mask++; bits; bits >>= 1) {
            int32_t zeros = lanes_zeros(bits);
            bits >>= zeros;
            next += zeros;
            int32_t start = *next++, n = block;
            if (rest && start % tap_bytes >= tap_bytes - rest * list.channel_bytes)
                n = rest;
            dtmm_lanes_add(&list, start, n);
        }
    }
    c->n_weights = list.n;
    return dtmm_lanes_end_list(c, &list, is_raw);
}

/* All places of the filter with exact, slow requantization. */
static void dtmm_lanes_run_raw(const struct dtmm_lanes_conv *c, struct dtmm_lanes_filter *f)
{
    const struct dtmm_conv_2d *p = c->p;
    const uint32_t *end = f->places_end;
    int32_t lanes = c->window.form.lanes;
    while (f->places < end) {
        lanes_run(lanes, f);
        const uint32_t *place = f->places + lanes;
        for (int32_t l = 0; l < lanes; l++, place--) {
            int32_t sum = dtmm_requantize(f->sums[l], f->multiplier, p->shift[f->channel]);
            int8_t *out = (int8_t *)(uintptr_t)*place;
            /* Lanes outside the output share the place of lane 0. */
            if (l == 0 || *place != f->places[lanes])
                out[f->channel] =
                    dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
        }
        f->places += 1 + lanes;
    }
}

/* Whether the assembly cannot requantize the sums of filter o. */
static inline int dtmm_lanes_is_raw(const struct dtmm_lanes_conv *c, int32_t o)
{
    uint32_t limit = UINT32_C(1) << 29;
    return c->is_wide || c->p->shift[o] >= 0 || (uint32_t)c->p->bias[o] + limit > 2 * limit;
}

static void dtmm_lanes_start_filter(const struct dtmm_conv_2d *p, struct dtmm_lanes_filter *f)
{
    for (int32_t i = 0; i < 8; i++)
        f->zeros[i] = 0;
    f->zero_point = p->output_zero_point;
    f->min = p->output_min;
    f->max = p->output_max;
    f->rounding[0] = (1 << 30) + (1 << 14);
    f->rounding[1] = -(1 << 15);
    f->is_clamped = p->output_min > -128 || p->output_max < 127;
}

/* All filters on the window, whose places end at `places_end`. */
static inline void dtmm_lanes_run_filters(struct dtmm_lanes_conv *c, const uint32_t *places_end,
                                          int is_sparse)
{
    const struct dtmm_conv_2d *p = c->p;
    struct dtmm_lanes_filter *f = c->filter;
    dtmm_lanes_start_filter(p, f);
    f->weights = p->weights;
    f->places_end = places_end;
    const uint8_t *mask = p->mask;
    for (int32_t o = 0; o < p->output_channels; o++, f->weights += c->n_weights) {
        int is_raw = dtmm_lanes_is_raw(c, o);
        if (is_sparse) {
            if (c->is_small)
                c->items_start = dtmm_lanes_list_small(c, is_raw, mask);
            else if (c->is_equal)
                c->items_start = dtmm_lanes_list_equal(c, is_raw, mask);
            else
                c->items_start = dtmm_lanes_list_any(c, is_raw, mask);
            mask += c->mask_bytes;
        } else if (c->listed != is_raw) {
            c->items_start = dtmm_lanes_list_all(c, is_raw);
            c->listed = is_raw;
        }
        f->items = c->items_start;
        f->places = c->places;
        f->bias = p->bias[o];
        f->channel = o;
        f->multiplier = p->multiplier[o];
        f->shift = -p->shift[o];
        if (is_raw)
            dtmm_lanes_run_raw(c, f);
        else
            lanes_run(c->window.form.lanes, f);
    }
}

/* A column of windows, `ox` the first output column. */
static inline void dtmm_lanes_run_segment(struct dtmm_lanes_conv *c, int32_t ox, int is_sparse)
{
    const struct dtmm_conv_2d *p = c->p;
    int32_t n_kept = 0, step = c->window.rows, n_shared = c->n_rows - step * p->stride_h;
    for (int32_t oy = 0; oy < c->window.output_h; oy += step) {
        dtmm_lanes_move_window(c, n_kept, oy * p->stride_h - p->pad_top,
                               ox * p->stride_w - p->pad_left);
        n_kept = n_shared > 0 ? n_shared : 0;
        int32_t rows = c->window.output_h - oy < step ? c->window.output_h - oy : step;
        dtmm_lanes_run_filters(c, dtmm_lanes_list_places(c, oy, rows, ox), is_sparse);
    }
}

static inline void dtmm_lanes_convolve(const struct dtmm_conv_2d *p, const void *input,
                                       void *output, void *scratch, int is_sparse)
{
    struct dtmm_lanes_conv c = {.p = p, .window = lanes_window(p), .input = input};
    c.output = output;
    c.filter = scratch;
    c.words = (void *)((int8_t *)scratch + DTMM_LANES_FILTER_BYTES);
    c.columns = dtmm_lanes_columns(p, c.window.steps);
    c.n_rows = dtmm_lanes_rows(p, c.window.rows);
    c.items = c.words + dtmm_lanes_window_bytes(p, &c.window) / 4;
    c.places = c.items + 2 * dtmm_lanes_max_items(p, LANES_LIMIT);
    c.code = lanes_code(c.window.form.lanes);
    c.listed = -1;
    c.is_wide = p->kernel_h * p->kernel_w * p->input_channels > 1 << 15;
    if (is_sparse)
        dtmm_lanes_find_units(&c, (int32_t *)c.places + dtmm_lanes_n_places(&c.window));
    for (int32_t ox = 0; ox < c.window.output_w; ox += c.window.steps * c.window.form.lanes)
        dtmm_lanes_run_segment(&c, ox, is_sparse);
}

#endif
