/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the convolutions of Helium; see rules.h. */
#ifndef DTMM_MVE_CONV_2D_RULES_H
#define DTMM_MVE_CONV_2D_RULES_H

#include "../dtmm.h"

/* How sums are requantized; see conv_2d.h. */
enum dtmm_mve_rounding { DTMM_MVE_RELU, DTMM_MVE_DOWN, DTMM_MVE_ANY };

static inline int32_t dtmm_mve_rounding(const struct dtmm_conv_2d *p)
{
    int32_t highest = -31;
    for (int32_t o = 0; o < p->output_channels; o++)
        highest = p->shift[o] > highest ? p->shift[o] : highest;
    if (highest <= 0 && p->output_min >= p->output_zero_point)
        return DTMM_MVE_RELU;
    return highest < 0 ? DTMM_MVE_DOWN : DTMM_MVE_ANY;
}

/* ---- conv_2d_s8: columns of 4 pixels, 2 filters at a time ---- */

enum {
    DTMM_MVE_PAIR_BYTES = 24,     /* the constants of two filters */
    DTMM_MVE_MAX_FILTERS = 16000, /* so that offsets of 4 pixels fit 16 bits */
};

/* Vectors of 16 weights in a filter. */
static inline int32_t dtmm_mve_conv_vectors(const struct dtmm_conv_2d *p)
{
    return (p->kernel_h * p->kernel_w * p->input_channels + 15) >> 4;
}

static inline int dtmm_conv_2d_s8_mve_accepts(const struct dtmm_conv_2d *p)
{
    return p->output_channels <= DTMM_MVE_MAX_FILTERS;
}

/* The constants of pairs of filters, 4 columns, and 20 bytes for a row of taps. */
static inline int32_t dtmm_conv_2d_s8_mve_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return (p->output_channels + 1) / 2 * DTMM_MVE_PAIR_BYTES + dtmm_mve_conv_vectors(p) * 64 +
           p->kernel_h * 20;
}

/* ---- conv_2d_fwcs_s8: bands of the input, rearranged; 8 pixels x 1 filter ---- */

enum {
    DTMM_MVE_BAND_BYTES = 5248, /* of input that a call rearranges at once, where fewer would do */
    DTMM_MVE_CALL_BYTES = 256   /* what a call knows */
};

/* How a filter's weights are cut into pieces, each in one unit: as long as possible so that every
 * unit consists of whole ones, or of 4 with zeros where units are no multiple of 4. */
struct dtmm_mve_weight_pieces {
    int32_t units;        /* of a tap */
    int32_t length, last; /* weights of a unit, and of the last one of a tap */
    int32_t size;         /* weights of a piece: 64, 32, 16, 8 or 4 */
    int32_t is_padded;
};

static inline struct dtmm_mve_weight_pieces dtmm_mve_weight_pieces(const struct dtmm_conv_2d *p)
{
    struct dtmm_mve_weight_pieces pieces = {.size = 64};
    pieces.units = (p->input_channels + p->block - 1) / p->block;
    pieces.last = p->input_channels - (pieces.units - 1) * p->block;
    pieces.length = pieces.units > 1 ? p->block : pieces.last;
    int32_t all = pieces.length | pieces.last;
    while (pieces.size > 4 && all % pieces.size)
        pieces.size /= 2;
    pieces.is_padded = all % 4 != 0;
    return pieces;
}

/* Whether the list of a filter is not simply made of its mask's bits: where units have not all the
 * same number of pieces, several pieces of fewer than 16 weights, or are padded. */
static inline int dtmm_mve_is_irregular(const struct dtmm_mve_weight_pieces *pieces)
{
    return pieces->is_padded || pieces->length != pieces->last ||
           (pieces->size < 16 && pieces->length > pieces->size);
}

/* In a filter of which all units are kept. */
static inline int32_t dtmm_mve_max_pieces(const struct dtmm_conv_2d *p, int32_t size)
{
    return p->kernel_h * p->kernel_w * ((p->input_channels + size - 1) / size);
}

/* Bytes of the list's entry for a piece. */
static inline int32_t dtmm_mve_entry_bytes(const struct dtmm_mve_weight_pieces *pieces)
{
    return pieces->size == 4 ? 4 : 8;
}

/* How the image is cut: bands of `rows` x `columns` outputs, each with its input laid out so that
 * the inputs of neighboring outputs under one tap are neighbors in memory: [group of
 * channels][row][phase][column][channel], where column x of the input has phase x % stride. A 1x1
 * convolution of stride 1 is one long row. */
struct dtmm_mve_band {
    int32_t height, width; /* of the whole output */
    int32_t rows, columns; /* of a band of outputs */
    int32_t phases;        /* 1 or the stride along x */
    int32_t row_stride;    /* rows of the band's input from one output row to the next */
    int32_t input_rows, input_columns; /* of a band's input; columns in one phase */
    int32_t pitch;                     /* channels of a group: 64, 32, 16 or 4 */
};

static inline int32_t dtmm_mve_band_row_bytes(const struct dtmm_mve_band *band)
{
    return band->phases * band->input_columns * band->pitch;
}

static inline int32_t dtmm_mve_band_bytes(const struct dtmm_conv_2d *p,
                                          const struct dtmm_mve_band *band)
{
    return (p->input_channels + band->pitch - 1) / band->pitch * band->input_rows *
           dtmm_mve_band_row_bytes(band);
}

static inline void dtmm_mve_set_band_size(const struct dtmm_conv_2d *p, struct dtmm_mve_band *band,
                                          int32_t rows, int32_t columns)
{
    band->rows = rows;
    band->columns = columns;
    band->input_rows = (rows - 1) * band->row_stride + (p->kernel_h - 1) * p->dilation_h + 1;
    band->input_columns = columns + (p->kernel_w - 1) * p->dilation_w / band->phases;
}

static inline int dtmm_mve_is_one_row(const struct dtmm_conv_2d *p)
{
    return p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 && p->output_w == p->input_w &&
           p->output_h <= p->input_h;
}

/* Where pieces have `size` weights. */
static inline struct dtmm_mve_band dtmm_mve_band(const struct dtmm_conv_2d *p, int32_t size)
{
    int32_t rows = 1;
    int is_one_row = dtmm_mve_is_one_row(p);
    struct dtmm_mve_band band = {
        .height = is_one_row ? 1 : p->output_h,
        .width = is_one_row ? p->output_h * p->output_w : p->output_w,
        .phases = p->kernel_w == 1 ? 1 : p->stride_w,
        .row_stride = p->kernel_h == 1 ? 1 : p->stride_h,
        .pitch = size < 16 ? 16 : size,
    };
    if (size == 4 && p->input_channels <= 4 && p->stride_w * p->input_channels <= 84)
        band.pitch = 4; /* 4 pixels are not farther apart than 8 bits can tell */
    dtmm_mve_set_band_size(p, &band, rows, band.width);
    while (band.columns > 8 && dtmm_mve_band_bytes(p, &band) > DTMM_MVE_BAND_BYTES)
        dtmm_mve_set_band_size(p, &band, rows, (band.columns / 2 + 7) / 8 * 8);
    while (rows <= band.height && dtmm_mve_band_bytes(p, &band) <= DTMM_MVE_BAND_BYTES)
        dtmm_mve_set_band_size(p, &band, ++rows, band.columns);
    rows = rows > 1 ? rows - 1 : 1;
    int32_t n_bands = (band.height + rows - 1) / rows; /* of the same size, as far as can be */
    dtmm_mve_set_band_size(p, &band, (band.height + n_bands - 1) / n_bands, band.columns);
    return band;
}

/* Of groups of 2 x 4 pixels in a band. */
static inline int32_t dtmm_mve_max_groups(const struct dtmm_mve_band *band)
{
    return band->rows * ((band->columns + 7) / 8);
}

/* Where the offsets of 8 outputs fit 16 bits, and units begin where vectors of 4 do. */
static inline int dtmm_conv_2d_fwcs_s8_mve_accepts(const struct dtmm_conv_2d *p)
{
    return p->output_channels <= 65535 / 8 && (p->block % 4 == 0 || p->block >= p->input_channels);
}

/* What a call knows, the band's input and what of 3 pixels may be read beyond its end, groups of
 * outputs, the offset of each unit of a filter, a list of pieces between 16 bytes of zeros and 32
 * more, padded weights. */
static inline int32_t dtmm_conv_2d_fwcs_s8_mve_scratch_bytes(const struct dtmm_conv_2d *p)
{
    struct dtmm_mve_weight_pieces pieces = dtmm_mve_weight_pieces(p);
    struct dtmm_mve_band band = dtmm_mve_band(p, pieces.size);
    int32_t n_pieces = dtmm_mve_max_pieces(p, pieces.size);
    int32_t n_units = p->kernel_h * p->kernel_w * pieces.units;
    return DTMM_MVE_CALL_BYTES + dtmm_mve_band_bytes(p, &band) + 3 * band.pitch +
           8 * dtmm_mve_max_groups(&band) + 4 * n_units + 16 +
           n_pieces * dtmm_mve_entry_bytes(&pieces) + 32 + (pieces.is_padded ? 4 * n_pieces : 0);
}

/* ---- conv_2d_fwcs_16_s8: units of multiples of 16 channels, all of the same length ---- */

static inline int dtmm_conv_2d_fwcs_16_s8_mve_accepts(const struct dtmm_conv_2d *p)
{
    struct dtmm_mve_weight_pieces pieces = dtmm_mve_weight_pieces(p);
    return dtmm_conv_2d_fwcs_s8_mve_accepts(p) && pieces.size >= 16 &&
           !dtmm_mve_is_irregular(&pieces);
}

static inline int32_t dtmm_conv_2d_fwcs_16_s8_mve_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_conv_2d_fwcs_s8_mve_scratch_bytes(p);
}

/* ---- conv_2d_fwcs_single_s8: one output pixel, 1x1, of whole filterlets or whole blocks ---- */

static inline int dtmm_conv_2d_fwcs_single_s8_mve_accepts(const struct dtmm_conv_2d *p)
{
    int is_block = p->block == 4 || p->block == 8 || p->block == 16;
    return p->kernel_h == 1 && p->kernel_w == 1 && p->output_h == 1 && p->output_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 &&
           (p->block >= p->input_channels || (is_block && p->input_channels % p->block == 0));
}

/* The sums, and for blocks of 4 the input up to a multiple of 32. */
static inline int32_t dtmm_conv_2d_fwcs_single_s8_mve_scratch_bytes(const struct dtmm_conv_2d *p)
{
    int32_t aligned_bytes = p->block == 4 ? (p->input_channels + 31) / 32 * 32 : 0;
    return 4 * p->output_channels + aligned_bytes;
}

/* ---- conv_2d_fwcs_list_s8 ---- */

static inline int dtmm_conv_2d_fwcs_list_s8_mve_accepts(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 1;
}

/* The sums and the input. */
static inline int32_t dtmm_conv_2d_fwcs_list_s8_mve_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return 4 * p->output_channels + p->input_channels;
}

/* ---- In place: 1x1, stride 1, no padding ---- */

static inline int dtmm_mve_is_pointwise(const struct dtmm_conv_2d *p)
{
    return dtmm_mve_is_one_row(p) && p->output_h == p->input_h;
}

static inline int dtmm_pointwise_inplace_s8_mve_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_mve_is_pointwise(p) && dtmm_conv_2d_s8_mve_accepts(p);
}

static inline int32_t dtmm_pointwise_inplace_s8_mve_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_conv_2d_s8_mve_scratch_bytes(p);
}

static inline int dtmm_pointwise_fwcs_inplace_s8_mve_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_mve_is_pointwise(p) && dtmm_conv_2d_fwcs_s8_mve_accepts(p);
}

static inline int32_t dtmm_pointwise_fwcs_inplace_s8_mve_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_conv_2d_fwcs_s8_mve_scratch_bytes(p);
}

#endif
