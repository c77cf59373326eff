/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the depthwise convolutions; see rules.h. */
#ifndef DTMM_MVE_DEPTHWISE_RULES_H
#define DTMM_MVE_DEPTHWISE_RULES_H

#include "../dtmm.h"

enum {
    DTMM_MVE_COLUMN_BYTES = 64,      /* four rows of 16 channels */
    DTMM_MVE_DEPTHWISE_BYTES = 3072, /* the columns that a call may keep where fewer would do */
    DTMM_MVE_DEPTHWISE_COLUMNS = 64, /* of a strip */
    DTMM_MVE_DEPTHWISE_MOST_BYTES = 32768,
    DTMM_MVE_DEPTHWISE_CONSTANTS = 544 /* struct memory of the kernels */
};

/* Whether the sum of this filter can be requantized the fast way: saturation is the only clamp (the
 * layer `saturates`), no shift to the left, and nothing overflows when the zero point of -128 is
 * added before the shift. */
static inline int dtmm_mve_is_fast(int saturates, int32_t bias, int32_t shift)
{
    return saturates && (uint32_t)(shift + 22) <= 22 &&
           (uint32_t)bias + (UINT32_C(1) << 29) < UINT32_C(1) << 30;
}

/* Whether the output's range is that of a ReLU with all of int8. */
static inline int dtmm_mve_saturates(const struct dtmm_depthwise_conv_2d *p)
{
    return p->output_min == -128 && p->output_max == 127 && p->output_zero_point == -128;
}

/* ---- depthwise_conv_2d_3x3_s8: tiles of 2x2 outputs ---- */

/* Pairs of rows are computed strip by strip; turned, when the image is higher than wide. */
struct dtmm_mve_3x3 {
    int32_t is_turned;
    int32_t rows, columns; /* of the output, turned */
    int32_t strip;         /* columns of a strip */
    int32_t n_pairs;       /* that have their columns of input in memory at once */
    int32_t words;         /* the columns of input in memory */
    int32_t looks_ahead;   /* in place: the next pairs' are there before pairs are computed */
};

static inline struct dtmm_mve_3x3 dtmm_mve_3x3(const struct dtmm_depthwise_conv_2d *p,
                                               int is_in_place)
{
    struct dtmm_mve_3x3 form = {
        !is_in_place && p->output_h > p->output_w, p->output_h, p->output_w, 0, 0, 0, 0};
    if (form.is_turned) {
        form.rows = p->output_w;
        form.columns = p->output_h;
    }
    int is_whole = is_in_place || form.columns < DTMM_MVE_DEPTHWISE_COLUMNS;
    form.strip = is_whole ? form.columns : DTMM_MVE_DEPTHWISE_COLUMNS;
    int32_t most = DTMM_MVE_DEPTHWISE_BYTES / DTMM_MVE_COLUMN_BYTES / (form.strip + 2);
    form.looks_ahead = is_in_place && (form.rows % 2 != 0 || form.rows / 2 > most);
    most = form.looks_ahead ? most / 2 : most;
    most = most < form.rows / 2 ? most : form.rows / 2;
    form.n_pairs = most > 1 ? most : 1;
    form.words = form.n_pairs * (form.strip + 2) * (form.looks_ahead ? 2 : 1);
    return form;
}

static inline int dtmm_depthwise_conv_2d_3x3_s8_mve_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return p->kernel_h == 3 && p->kernel_w == 3 && p->stride_h == 1 && p->stride_w == 1 &&
           p->dilation_h == 1 && p->dilation_w == 1 && p->depth_multiplier == 1 &&
           p->output_h >= 2 && p->output_w >= 2;
}

/* Constants, the filters of a group as 8 columns, columns of input. */
static inline int32_t dtmm_mve_3x3_bytes(const struct dtmm_depthwise_conv_2d *p, int is_in_place)
{
    return DTMM_MVE_DEPTHWISE_CONSTANTS +
           (8 + dtmm_mve_3x3(p, is_in_place).words) * DTMM_MVE_COLUMN_BYTES;
}

static inline int32_t
dtmm_depthwise_conv_2d_3x3_s8_mve_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_mve_3x3_bytes(p, 0);
}

static inline int32_t
dtmm_depthwise_conv_2d_3x3_inplace_s8_mve_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_mve_3x3_bytes(p, 1);
}

/* Loading the pairs y + 2 n .. may not need input that the pairs before y have overwritten. The
 * last pair may start but one row after y. */
static inline int
dtmm_depthwise_conv_2d_3x3_inplace_s8_mve_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_conv_2d_3x3_s8_mve_accepts(p) && p->pad_top <= 1 &&
           p->output_w <= p->input_w && dtmm_mve_3x3_bytes(p, 1) <= DTMM_MVE_DEPTHWISE_MOST_BYTES;
}

/* ---- depthwise_conv_2d_s8: four outputs of a row, any kernel in pieces of 4x4 ---- */

/* The kernel's pieces, and the columns of input for a strip of output_w columns or fewer. */
struct dtmm_mve_pieces {
    int32_t down, across; /* pieces in a column and in a row of them */
    int32_t strip;        /* output columns of a strip; a multiple of 4 unless there is but one */
    int32_t n_columns;    /* of input for a strip and a row of pieces */
    int32_t n_rows;       /* output rows that have their columns in memory at once */
    int32_t looks_ahead;  /* in place: the next rows' are there before rows are computed */
};

static inline struct dtmm_mve_pieces dtmm_mve_pieces(const struct dtmm_depthwise_conv_2d *p,
                                                     int is_in_place)
{
    struct dtmm_mve_pieces pieces = {(p->kernel_h + 3) / 4, (p->kernel_w + 3) / 4, 0, 0, 0, 0};
    int32_t kernel_columns = (4 * pieces.across - 1) * p->dilation_w + 1;
    int32_t room = DTMM_MVE_DEPTHWISE_COLUMNS / pieces.down - kernel_columns;
    int32_t most = room < 0 ? 4 : (room / p->stride_w + 1) / 4 * 4;
    most = most < 4 ? 4 : most;
    pieces.strip = p->output_w < most || is_in_place ? p->output_w : most;
    pieces.n_columns = ((pieces.strip + 3) / 4 * 4 - 1) * p->stride_w + kernel_columns;
    int32_t row_bytes = pieces.down * pieces.n_columns * DTMM_MVE_COLUMN_BYTES;
    int32_t n_rows = DTMM_MVE_DEPTHWISE_BYTES / row_bytes;
    n_rows = n_rows > 1 ? n_rows : 1;
    /* else what is loaded after these rows lies behind what they have overwritten */
    pieces.looks_ahead =
        is_in_place && n_rows < p->output_h &&
        n_rows * (p->stride_h * p->input_w - p->output_w) < p->pad_top * p->input_w;
    if (pieces.looks_ahead && n_rows > 1)
        n_rows /= 2;
    pieces.n_rows = n_rows < p->output_h ? n_rows : p->output_h;
    return pieces;
}

/* Constants, then for each piece where it lies and the filters of a group as 4 columns, then
 * columns of input. */
static inline int32_t dtmm_mve_pieces_bytes(const struct dtmm_depthwise_conv_2d *p, int is_in_place)
{
    struct dtmm_mve_pieces pieces = dtmm_mve_pieces(p, is_in_place);
    int32_t n = pieces.down * pieces.across, n_rows = pieces.n_rows * (pieces.looks_ahead ? 2 : 1);
    return DTMM_MVE_DEPTHWISE_CONSTANTS + n * (4 + 4 * DTMM_MVE_COLUMN_BYTES) +
           n_rows * pieces.down * pieces.n_columns * DTMM_MVE_COLUMN_BYTES;
}

static inline int32_t
dtmm_depthwise_conv_2d_s8_mve_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_mve_pieces_bytes(p, 0);
}

/* Not kernels so large, or so dilated, that their input columns would fill a small SRAM. */
static inline int dtmm_depthwise_conv_2d_s8_mve_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_mve_pieces_bytes(p, 0) <= DTMM_MVE_DEPTHWISE_MOST_BYTES;
}

static inline int32_t
dtmm_depthwise_conv_2d_inplace_s8_mve_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_mve_pieces_bytes(p, 1);
}

/* Loading the rows y + n_rows .. may not need input that the rows before y have overwritten. */
static inline int
dtmm_depthwise_conv_2d_inplace_s8_mve_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return p->depth_multiplier == 1 && p->output_w <= p->input_w &&
           (!dtmm_mve_pieces(p, 1).looks_ahead ||
            dtmm_mve_pieces(p, 1).n_rows * p->stride_h >= p->pad_top) &&
           dtmm_mve_pieces_bytes(p, 1) <= DTMM_MVE_DEPTHWISE_MOST_BYTES;
}

#endif
