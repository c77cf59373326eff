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

#endif
