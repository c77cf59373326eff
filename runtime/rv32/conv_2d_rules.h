/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution on RV32: how a layer is cut into windows, and what that needs of scratch memory.
 *
 * A window is the input under some output rows, borders included, with two pixels in each word: the
 * low half is the input of an output pixel in the left half of the window, the high half that of
 * the output pixel `half` columns to the right. One multiplication serves both. */
#ifndef DTMM_RV32_CONV_2D_RULES_H
#define DTMM_RV32_CONV_2D_RULES_H

#include "../dtmm.h"

enum {
    DTMM_RV32_WINDOW_BYTES = 6144,      /* of one output row, where narrower segments allow */
    DTMM_RV32_TALL_WINDOW_BYTES = 8192, /* of several output rows */
    DTMM_RV32_LOOP_CHANNELS = 16,
    DTMM_RV32_FILTER_BYTES = 116, /* of struct dtmm_rv32_filter */
    DTMM_RV32_VECTOR_BYTES = 52,  /* of struct dtmm_rv32_vector */
    DTMM_RV32_PLANE_BYTES = 256   /* of one channel of each unit, for conv_2d_fwcs_list_s8 */
};

struct dtmm_rv32_window {
    int32_t input_h, input_w, output_h, output_w; /* a 1x1 layer's pixels are one long row */
    int32_t half;                                 /* words of output in a row of the window */
    int32_t rows;                                 /* output rows */
    int32_t item;                                 /* channels summed at a time */
    int32_t max_items;                            /* per filter */
};

static inline int dtmm_rv32_is_pointwise(const struct dtmm_conv_2d *p)
{
    return p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 && p->output_h == p->input_h &&
           p->output_w == p->input_w;
}

/* Words of a row of the window, one channel each. */
static inline int32_t dtmm_rv32_window_columns(const struct dtmm_conv_2d *p, int32_t half)
{
    return (half - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
}

static inline int32_t dtmm_rv32_window_rows(const struct dtmm_conv_2d *p, int32_t rows)
{
    return (rows - 1) * p->stride_h + (p->kernel_h - 1) * p->dilation_h + 1;
}

static inline int32_t dtmm_rv32_window_bytes(const struct dtmm_conv_2d *p, int32_t half,
                                             int32_t rows)
{
    return dtmm_rv32_window_rows(p, rows) * dtmm_rv32_window_columns(p, half) * p->input_channels *
           4;
}

/* What is summed without a gap in weights or window: a kernel row, a filterlet, a unit, or what
 * divides both a unit and the shorter last one. */
static inline void dtmm_rv32_choose_item(const struct dtmm_conv_2d *p, struct dtmm_rv32_window *w)
{
    int32_t channels = p->input_channels;
    int32_t block = p->block > 0 && p->block < channels ? p->block : channels;
    w->item = channels;
    w->max_items = p->kernel_h * p->kernel_w;
    if (!p->mask && p->dilation_w == 1) {
        w->item = channels * p->kernel_w;
        w->max_items = p->kernel_h;
    } else if (p->mask) {
        w->item = block;
        for (int32_t rest = channels % block; rest;) {
            int32_t next = w->item % rest;
            w->item = rest;
            rest = next;
        }
        w->max_items *= channels / w->item;
    }
}

static inline struct dtmm_rv32_window dtmm_rv32_window(const struct dtmm_conv_2d *p)
{
    struct dtmm_rv32_window w = {p->input_h, p->input_w, p->output_h, p->output_w, 0, 1, 0, 0};
    if (dtmm_rv32_is_pointwise(p)) {
        w.input_w = w.output_w = w.input_h * w.input_w;
        w.input_h = w.output_h = 1;
    }
    w.half = (w.output_w + 1) / 2;
    while (w.half > 4 && dtmm_rv32_window_bytes(p, w.half, 1) > DTMM_RV32_WINDOW_BYTES)
        w.half = w.half > 8 ? (w.half / 2 + 3) / 4 * 4 : 4;
    if (2 * w.half >= w.output_w)
        while (w.rows * w.half < 8 && w.rows < w.output_h &&
               dtmm_rv32_window_bytes(p, w.half, w.rows + 1) <= DTMM_RV32_TALL_WINDOW_BYTES)
            w.rows++;
    dtmm_rv32_choose_item(p, &w);
    return w;
}

/* 1 where the output is one pixel of one input pixel: two pixels a word would be half empty. */
static inline int dtmm_rv32_is_vector(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_is_pointwise(p) && p->output_h == 1 && p->output_w == 1;
}

static inline int32_t dtmm_rv32_conv_2d_scratch_bytes(const struct dtmm_conv_2d *p)
{
    struct dtmm_rv32_window w = dtmm_rv32_window(p);
    /* the window, a base and two outputs a word, the items, a filter */
    return dtmm_rv32_window_bytes(p, w.half, w.rows) + w.rows * w.half * 12 + w.max_items * 4 +
           DTMM_RV32_FILTER_BYTES;
}

static inline int dtmm_conv_2d_s8_rv32_accepts(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 1;
}

static inline int32_t dtmm_conv_2d_s8_rv32_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_conv_2d_scratch_bytes(p);
}

static inline int dtmm_conv_2d_fwcs_s8_rv32_accepts(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 1;
}

static inline int32_t dtmm_conv_2d_fwcs_s8_rv32_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_conv_2d_scratch_bytes(p);
}

/* A single pixel. */
static inline int dtmm_conv_2d_vector_s8_rv32_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_is_vector(p);
}

static inline int32_t dtmm_conv_2d_vector_s8_rv32_scratch_bytes(const struct dtmm_conv_2d *p)
{
    (void)p;
    return DTMM_RV32_VECTOR_BYTES;
}

static inline int dtmm_conv_2d_fwcs_vector_s8_rv32_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_is_vector(p);
}

static inline int32_t dtmm_conv_2d_fwcs_vector_s8_rv32_scratch_bytes(const struct dtmm_conv_2d *p)
{
    (void)p;
    return DTMM_RV32_VECTOR_BYTES;
}

/* In place: a segment is in the window before its outputs are written. */
static inline int dtmm_pointwise_inplace_s8_rv32_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_is_pointwise(p);
}

static inline int32_t dtmm_pointwise_inplace_s8_rv32_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_conv_2d_scratch_bytes(p);
}

static inline int dtmm_pointwise_fwcs_inplace_s8_rv32_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_is_pointwise(p);
}

static inline int32_t
dtmm_pointwise_fwcs_inplace_s8_rv32_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_rv32_conv_2d_scratch_bytes(p);
}

static inline int dtmm_conv_2d_fwcs_list_s8_rv32_accepts(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 1;
}

/* Four planes of the input. */
static inline int32_t dtmm_conv_2d_fwcs_list_s8_rv32_scratch_bytes(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 4 * DTMM_RV32_PLANE_BYTES;
}

#endif
