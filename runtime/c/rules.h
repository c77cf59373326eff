/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers the portable kernels compute, and with how much scratch memory; see
 * ../armv7em/rules.h for the form. Those without "inplace" or "list" in their name compute every
 * layer. */
#ifndef DTMM_C_RULES_H
#define DTMM_C_RULES_H

#include "../dtmm.h"

#define DTMM_C_ANY(name, parameters)                                                               \
    static inline int dtmm_##name##_c_accepts(const struct dtmm_##parameters *p)                   \
    {                                                                                              \
        (void)p;                                                                                   \
        return 1;                                                                                  \
    }
#define DTMM_C_NO_SCRATCH(name, parameters)                                                        \
    static inline int32_t dtmm_##name##_c_scratch_bytes(const struct dtmm_##parameters *p)         \
    {                                                                                              \
        (void)p;                                                                                   \
        return 0;                                                                                  \
    }

DTMM_C_ANY(conv_2d_s8, conv_2d)
DTMM_C_ANY(conv_2d_fwcs_s8, conv_2d)
DTMM_C_ANY(depthwise_conv_2d_s8, depthwise_conv_2d)
DTMM_C_ANY(fully_connected_s8, fully_connected)
DTMM_C_ANY(transpose_conv_s8, conv_2d)
DTMM_C_ANY(add_s8, add)
DTMM_C_ANY(sub_s8, add)
DTMM_C_ANY(mul_s8, mul)
DTMM_C_ANY(average_pool_2d_s8, pool_2d)
DTMM_C_ANY(max_pool_2d_s8, pool_2d)
DTMM_C_ANY(mean_s8, mean)
DTMM_C_ANY(softmax_s8, softmax)
DTMM_C_ANY(lookup_s8, lookup)
DTMM_C_ANY(copy_s8, copy)
DTMM_C_ANY(pad_s8, pad)
DTMM_C_ANY(slice_s8, slice)
DTMM_C_ANY(resize_nearest_s8, resize_nearest)
DTMM_C_ANY(quantize_f32_s8, quantize)
DTMM_C_ANY(dequantize_s8_f32, quantize)

DTMM_C_NO_SCRATCH(conv_2d_s8, conv_2d)
DTMM_C_NO_SCRATCH(conv_2d_fwcs_s8, conv_2d)
DTMM_C_NO_SCRATCH(conv_2d_fwcs_list_s8, conv_2d)
DTMM_C_NO_SCRATCH(depthwise_conv_2d_s8, depthwise_conv_2d)
DTMM_C_NO_SCRATCH(fully_connected_s8, fully_connected)
DTMM_C_NO_SCRATCH(transpose_conv_s8, conv_2d)

/* A single output pixel, 1x1, in whole blocks of 4 of which a byte can tell the number and how many
 * there are. */
static inline int dtmm_conv_2d_fwcs_list_s8_c_accepts(const struct dtmm_conv_2d *p)
{
    return p->kernel_h == 1 && p->kernel_w == 1 && p->output_h == 1 && p->output_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 && p->block == 4 && p->input_channels % 4 == 0 &&
           p->input_channels / 4 <= 255;
}

static inline int
dtmm_depthwise_conv_2d_inplace_s8_c_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return p->depth_multiplier == 1 && p->output_w <= p->input_w &&
           p->pad_top <= (p->kernel_h - 1) * p->dilation_h;
}

static inline int32_t
dtmm_depthwise_conv_2d_inplace_s8_c_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_inplace_scratch_bytes(p);
}

/* 1x1, stride 1, no padding. */
static inline int dtmm_pointwise_inplace_s8_c_accepts(const struct dtmm_conv_2d *p)
{
    return p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 && p->output_h == p->input_h &&
           p->output_w == p->input_w;
}

static inline int32_t dtmm_pointwise_inplace_s8_c_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_pointwise_inplace_scratch_bytes(p);
}

static inline int dtmm_pointwise_fwcs_inplace_s8_c_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_pointwise_inplace_s8_c_accepts(p);
}

static inline int32_t dtmm_pointwise_fwcs_inplace_s8_c_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_pointwise_inplace_scratch_bytes(p);
}

#endif
