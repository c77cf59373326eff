/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution on Arm cores without SIMD: how a layer is cut into windows, and what that needs of
 * scratch memory.
 *
 * Some output pixels of a row, one a lane, are computed together: several inputs share a word, and
 * one multiplication of that word with a weight adds to the sums of several lanes. A window is the
 * input under some output rows, borders included, in such words: for each row, column and channel
 * one word group. Lane l starts `steps` output columns to the right of lane l - 1, so that the next
 * tap, and the next output column, of all lanes is the next column of the window. */
#ifndef DTMM_SCALAR_LANES_RULES_H
#define DTMM_SCALAR_LANES_RULES_H

#include "../dtmm.h"

enum {
    DTMM_LANES_PIECE = 16,         /* channels summed by one item of the list */
    DTMM_LANES_MAX = 8,            /* most lanes of any core */
    DTMM_LANES_MAX_BYTES = 1 << 24 /* no window is as large */
};

/* Lanes that a core has code for, most first, and the words that hold one channel of all. */
struct dtmm_lanes_form {
    int32_t lanes, words;
};

/* The bytes that a window should stay below where fewer steps or lanes allow. */
struct dtmm_lanes_budget {
    int32_t wide, single; /* of windows of several groups of lanes; of one group */
};

struct dtmm_lanes_window {
    int32_t input_h, input_w, output_h, output_w; /* a 1x1 layer's pixels are one long row */
    struct dtmm_lanes_form form;
    int32_t steps; /* output columns of a lane */
    int32_t rows;  /* output rows */
};

static inline int dtmm_lanes_is_pointwise(const struct dtmm_conv_2d *p)
{
    return p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 && p->output_h == p->input_h &&
           p->output_w == p->input_w;
}

/* Columns of the window. */
static inline int32_t dtmm_lanes_columns(const struct dtmm_conv_2d *p, int32_t steps)
{
    return (steps - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
}

/* Rows of the window. */
static inline int32_t dtmm_lanes_rows(const struct dtmm_conv_2d *p, int32_t rows)
{
    return (rows - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;
}

static inline int32_t dtmm_lanes_window_bytes(const struct dtmm_conv_2d *p,
                                              const struct dtmm_lanes_window *w)
{
    int64_t bytes = (int64_t)dtmm_lanes_rows(p, w->rows) * dtmm_lanes_columns(p, w->steps) *
                    p->input_channels * w->form.words * 4;
    return bytes < DTMM_LANES_MAX_BYTES ? (int32_t)bytes : DTMM_LANES_MAX_BYTES;
}

/* Whether all units have the same, at most 16 channels. */
static inline int dtmm_lanes_is_small(const struct dtmm_conv_2d *p)
{
    if (p->block >= p->input_channels)
        return p->input_channels <= DTMM_LANES_PIECE;
    return p->block <= DTMM_LANES_PIECE && p->input_channels % p->block == 0;
}

/* Chooses the window: `forms` ends with one of 0 lanes. */
static inline struct dtmm_lanes_window dtmm_lanes_choose(const struct dtmm_conv_2d *p,
                                                         const struct dtmm_lanes_form *forms,
                                                         struct dtmm_lanes_budget budget)
{
    struct dtmm_lanes_window w = {p->input_h, p->input_w, p->output_h, p->output_w, *forms, 1, 1};
    if (dtmm_lanes_is_pointwise(p)) {
        w.input_w = w.output_w = w.input_h * w.input_w;
        w.input_h = w.output_h = 1;
    }
    /* Small units are listed anew for each window, which costs as much as computing with them. */
    int32_t most_bytes = p->mask && dtmm_lanes_is_small(p) ? budget.single : budget.wide;
    for (; forms->lanes; forms++) {
        w.form = *forms;
        w.steps = (w.output_w + forms->lanes - 1) / forms->lanes;
        while (w.steps > 1 && dtmm_lanes_window_bytes(p, &w) > most_bytes)
            w.steps = (w.steps + 1) / 2;
        if (w.output_w > forms[1].lanes && dtmm_lanes_window_bytes(p, &w) <= budget.single)
            break;
    }
    while (w.rows < w.output_h && w.rows * w.steps < 4 && w.steps * w.form.lanes >= w.output_w) {
        w.rows++;
        if (dtmm_lanes_window_bytes(p, &w) > most_bytes) {
            w.rows--;
            break;
        }
    }
    return w;
}

static inline int dtmm_lanes_accepts(const struct dtmm_conv_2d *p,
                                     const struct dtmm_lanes_window *w)
{
    return dtmm_lanes_window_bytes(p, w) < DTMM_LANES_MAX_BYTES;
}

/* Units of a filterlet; one when dense. */
static inline int32_t dtmm_lanes_tap_units(const struct dtmm_conv_2d *p)
{
    return p->mask ? (p->input_channels + p->block - 1) / p->block : 1;
}

static inline int32_t dtmm_lanes_max_pieces(const struct dtmm_conv_2d *p)
{
    int32_t channels = p->input_channels, taps = p->kernel_h * p->kernel_w;
    if (p->mask && p->block < channels)
        return taps *
               (channels / p->block * ((p->block + DTMM_LANES_PIECE - 1) / DTMM_LANES_PIECE) +
                (channels % p->block + DTMM_LANES_PIECE - 1) / DTMM_LANES_PIECE);
    return taps * ((channels + DTMM_LANES_PIECE - 1) / DTMM_LANES_PIECE);
}

/* Most items of a list: the pieces, and the starts, ends and interruptions of sums. */
static inline int32_t dtmm_lanes_max_items(const struct dtmm_conv_2d *p, int32_t limit)
{
    int32_t weights = p->kernel_h * p->kernel_w * p->input_channels;
    return dtmm_lanes_max_pieces(p) + weights / (limit + 1 - 8 * DTMM_LANES_PIECE) + 3;
}

static inline int32_t dtmm_lanes_n_places(const struct dtmm_lanes_window *w)
{
    return w->steps * w->rows * (1 + w->form.lanes);
}

static inline int32_t dtmm_lanes_n_offsets(const struct dtmm_conv_2d *p)
{
    return p->mask ? p->kernel_h * p->kernel_w * dtmm_lanes_tap_units(p) : 0;
}

enum { DTMM_LANES_FILTER_BYTES = 120 }; /* struct dtmm_lanes_filter on the device */

/* The filter, the window, the list, the offsets of the units, and the places of the groups. `limit`
 * is the most channels that a sum takes without interruption. */
static inline int32_t dtmm_lanes_scratch_bytes(const struct dtmm_conv_2d *p,
                                               const struct dtmm_lanes_window *w, int32_t limit)
{
    int32_t offsets = (dtmm_lanes_n_offsets(p) + 7) & ~7;
    return DTMM_LANES_FILTER_BYTES + dtmm_lanes_window_bytes(p, w) +
           4 * (2 * dtmm_lanes_max_items(p, limit) + dtmm_lanes_n_places(w) + offsets);
}

#endif
