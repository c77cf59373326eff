/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of conv_2d_s8 and conv_2d_fwcs_s8; see rules.h. */
#ifndef DTMM_ARMV7EM_CONV_2D_RULES_H
#define DTMM_ARMV7EM_CONV_2D_RULES_H

#include "conv_2d_layout.h"

/* Twice a sum of fewer than 2^15 products stays below 2^30; offsets in the widened rows fit 16 bits
 * in units of 8 bytes. */
static inline int dtmm_conv_2d_s8_armv7em_accepts(const struct dtmm_conv_2d *p)
{
    if (p->kernel_h * p->kernel_w > 0x7fff / p->input_channels)
        return 0;
    struct dtmm_dsp_layout l;
    dtmm_dsp_choose_columns(p, &l);
    return (int64_t)l.planes * l.phases_h * (l.more_rows + 1) * l.row_bytes <= 8 * 0xffff;
}

static inline int32_t dtmm_conv_2d_s8_armv7em_scratch_bytes(const struct dtmm_conv_2d *p)
{
    struct dtmm_dsp_layout l = dtmm_dsp_layout(p);
    return dtmm_dsp_scratch_bytes(&l);
}

static inline int dtmm_conv_2d_fwcs_s8_armv7em_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_conv_2d_s8_armv7em_accepts(p);
}

/* The stream, which comes last, need only take the filter that keeps most. */
static inline int32_t dtmm_conv_2d_fwcs_s8_armv7em_scratch_bytes(const struct dtmm_conv_2d *p)
{
    struct dtmm_dsp_layout l = dtmm_dsp_layout(p);
    int32_t most = 0, unit_groups = (l.a_unit + l.group - 1) / l.group;
    for (int32_t filter = 0; filter < p->output_channels; filter++) {
        int32_t kept = 0;
        for (int32_t unit = 0; unit < l.units; unit++)
            kept += p->mask[filter * l.mask_bytes + unit / 8] >> unit % 8 & 1;
        most = dtmm_dsp_larger(most, kept);
    }
    if (l.a_unit)
        l.stream = most * unit_groups * (l.group_bytes + 4);
    return dtmm_dsp_scratch_bytes(&l);
}

/* 1x1, stride 1, no padding: a pass widens its rows before it writes outputs. */
static inline int dtmm_pointwise_inplace_s8_armv7em_accepts(const struct dtmm_conv_2d *p)
{
    return p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 && p->output_h == p->input_h &&
           p->output_w == p->input_w && dtmm_conv_2d_s8_armv7em_accepts(p);
}

static inline int32_t dtmm_pointwise_inplace_s8_armv7em_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_conv_2d_s8_armv7em_scratch_bytes(p);
}

static inline int dtmm_pointwise_fwcs_inplace_s8_armv7em_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_pointwise_inplace_s8_armv7em_accepts(p);
}

static inline int32_t
dtmm_pointwise_fwcs_inplace_s8_armv7em_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_conv_2d_fwcs_s8_armv7em_scratch_bytes(p);
}

/* One output that reads one position. */
static inline int dtmm_conv_2d_single_s8_armv7em_accepts(const struct dtmm_conv_2d *p)
{
    if (!dtmm_conv_2d_s8_armv7em_accepts(p))
        return 0;
    struct dtmm_dsp_layout l = dtmm_dsp_layout(p);
    return l.a_unit > 0 && l.size == l.planes * l.group_bytes;
}

static inline int32_t dtmm_conv_2d_single_s8_armv7em_scratch_bytes(const struct dtmm_conv_2d *p)
{
    struct dtmm_dsp_layout l = dtmm_dsp_layout(p);
    return l.size + l.offsets + l.expanded;
}

static inline int dtmm_conv_2d_fwcs_single_s8_armv7em_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_conv_2d_single_s8_armv7em_accepts(p);
}

static inline int32_t
dtmm_conv_2d_fwcs_single_s8_armv7em_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_conv_2d_single_s8_armv7em_scratch_bytes(p);
}

static inline int dtmm_conv_2d_fwcs_list_s8_armv7em_accepts(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 1;
}

/* The widened input. */
static inline int32_t dtmm_conv_2d_fwcs_list_s8_armv7em_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return 2 * p->input_channels;
}

#endif
