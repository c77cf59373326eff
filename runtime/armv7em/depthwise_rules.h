/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the depthwise convolutions; see rules.h. */
#ifndef DTMM_ARMV7EM_DEPTHWISE_RULES_H
#define DTMM_ARMV7EM_DEPTHWISE_RULES_H

#include "../dtmm.h"
#include "sums.h"

enum {
    DTMM_DSP_FILTER_BYTES = 56, /* of a prepared 3x3 filter */
    DTMM_DSP_PAIR_BYTES = 12    /* two columns of three rows of one channel */
};

/* ---- 3x3, stride 1 or 2 to the right, four channels at a time ---- */

/* Output columns computed two by two, and those that are computed one by one. */
static inline int32_t dtmm_dsp_depthwise_3x3_pairs(const struct dtmm_depthwise_conv_2d *p)
{
    return p->stride_w == 1 ? p->output_w / 2 : 0;
}

static inline int32_t dtmm_dsp_depthwise_3x3_singles(const struct dtmm_depthwise_conv_2d *p)
{
    return p->stride_w == 1 ? p->output_w % 2 : p->output_w;
}

/* Pairs of columns of a row of the input. */
static inline int32_t dtmm_dsp_depthwise_3x3_columns(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_dsp_depthwise_3x3_pairs(p) + dtmm_dsp_depthwise_3x3_singles(p) + 1;
}

static inline int
dtmm_depthwise_conv_2d_3x3_s8_armv7em_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_h == 1 && p->dilation_w == 1 &&
           p->stride_w <= 2 && p->depth_multiplier == 1 && p->input_channels >= 4 &&
           dtmm_dsp_sums_are_small(p->bias, p->input_channels, 9);
}

/* Four filters, then three rows of the input of four channels. */
static inline int32_t
dtmm_depthwise_conv_2d_3x3_s8_armv7em_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return 4 * (DTMM_DSP_FILTER_BYTES + dtmm_dsp_depthwise_3x3_columns(p) * DTMM_DSP_PAIR_BYTES);
}

static inline int
dtmm_depthwise_conv_2d_3x3_inplace_s8_armv7em_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_conv_2d_3x3_s8_armv7em_accepts(p) && p->output_w <= p->input_w &&
           p->pad_top <= 2;
}

static inline int32_t
dtmm_depthwise_conv_2d_3x3_inplace_s8_armv7em_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_conv_2d_3x3_s8_armv7em_scratch_bytes(p);
}

/* ---- any kernel: four outputs of a row of one channel ---- */

enum { DTMM_DSP_DEPTHWISE_MOST_BYTES = 32768 };

struct dtmm_dsp_depthwise {
    int32_t n_planes;  /* channels of the input in memory at once */
    int32_t n_entries; /* of a filter: two taps side by side, or one */
    int32_t span;      /* rows of the input under the kernel */
    int32_t n_rows;    /* of the input in memory at once */
    int32_t n_columns; /* of a row; even */
};

static inline struct dtmm_dsp_depthwise
dtmm_dsp_depthwise_geometry(const struct dtmm_depthwise_conv_2d *p)
{
    struct dtmm_dsp_depthwise g;
    int32_t width = (p->output_w + 3) / 4 * 4;
    g.n_planes = p->input_channels >= 4 && p->depth_multiplier == 1 ? 4 : 1;
    g.n_entries = p->kernel_h * (p->dilation_w == 1 ? (p->kernel_w + 1) / 2 : p->kernel_w);
    g.span = (p->kernel_h - 1) * p->dilation_h + 1;
    g.n_rows = g.span + (g.span / 2 < p->stride_h ? p->stride_h : g.span / 2);
    g.n_columns = ((width - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 3) / 2 * 2;
    return g;
}

/* Filters, then rows of the input. */
static inline int32_t
dtmm_depthwise_conv_2d_s8_armv7em_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    struct dtmm_dsp_depthwise g = dtmm_dsp_depthwise_geometry(p);
    return g.n_planes * (p->depth_multiplier * g.n_entries * 8 + g.n_rows * g.n_columns * 2);
}

static inline int dtmm_depthwise_conv_2d_s8_armv7em_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return p->depth_multiplier < 256 && p->output_w < 8192 &&
           dtmm_depthwise_conv_2d_s8_armv7em_scratch_bytes(p) <= DTMM_DSP_DEPTHWISE_MOST_BYTES &&
           dtmm_dsp_sums_are_small(p->bias, p->input_channels * p->depth_multiplier,
                                   p->kernel_h * p->kernel_w);
}

static inline int32_t
dtmm_depthwise_conv_2d_inplace_s8_armv7em_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_conv_2d_s8_armv7em_scratch_bytes(p);
}

static inline int
dtmm_depthwise_conv_2d_inplace_s8_armv7em_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_conv_2d_s8_armv7em_accepts(p) && p->depth_multiplier == 1 &&
           p->output_w <= p->input_w && p->pad_top <= (p->kernel_h - 1) * p->dilation_h;
}

#endif
