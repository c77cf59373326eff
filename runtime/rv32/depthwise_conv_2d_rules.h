/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution on RV32: which layers, and how much scratch memory. The input under a band
 * of output rows is copied with its borders, and each channel is computed for the whole band. */
#ifndef DTMM_RV32_DEPTHWISE_CONV_2D_RULES_H
#define DTMM_RV32_DEPTHWISE_CONV_2D_RULES_H

#include "../dtmm.h"

enum { DTMM_RV32_BAND_BYTES = 4096, DTMM_RV32_BAND_PIXELS = 48 };

/* Bytes of a row of the band. */
static inline int32_t dtmm_rv32_band_row_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_ring_width(p) * p->input_channels;
}

/* Input rows under so many output rows. */
static inline int32_t dtmm_rv32_band_input_rows(const struct dtmm_depthwise_conv_2d *p, int32_t n)
{
    return (n - 1) * p->stride_h + dtmm_depthwise_ring_rows(p);
}

/* Output rows of a band. */
static inline int32_t dtmm_rv32_band_rows(const struct dtmm_depthwise_conv_2d *p)
{
    int32_t n = 1;
    while (n < p->output_h && n * p->output_w < DTMM_RV32_BAND_PIXELS &&
           dtmm_rv32_band_input_rows(p, n + 1) * dtmm_rv32_band_row_bytes(p) <=
               DTMM_RV32_BAND_BYTES)
        n++;
    return n;
}

/* 1 where the kernel's taps and a pixel's sums fit registers. */
static inline int dtmm_rv32_is_3x3(const struct dtmm_depthwise_conv_2d *p)
{
    return p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_h == 1 && p->dilation_w == 1 &&
           p->stride_w <= 2 && p->depth_multiplier == 1;
}

static inline int dtmm_depthwise_conv_2d_s8_rv32_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    (void)p;
    return 1;
}

static inline int32_t
dtmm_depthwise_conv_2d_s8_rv32_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_rv32_band_input_rows(p, dtmm_rv32_band_rows(p)) * dtmm_rv32_band_row_bytes(p);
}

/* In place: the first row that a later band reads lies behind the outputs of this one. */
static inline int
dtmm_depthwise_conv_2d_inplace_s8_rv32_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return p->depth_multiplier == 1 && p->output_w <= p->input_w &&
           p->pad_top <= (p->kernel_h - 1) * p->dilation_h;
}

static inline int32_t
dtmm_depthwise_conv_2d_inplace_s8_rv32_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_conv_2d_s8_rv32_scratch_bytes(p);
}

#endif
