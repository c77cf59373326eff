/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of depthwise convolution channel by channel; see depthwise_planes.h. */
#ifndef DTMM_SCALAR_DEPTHWISE_PLANES_RULES_H
#define DTMM_SCALAR_DEPTHWISE_PLANES_RULES_H

#include "../dtmm.h"

enum { DTMM_PLANES_MOST_BYTES = 16384 };

/* The rows of one channel of the input that are in memory at once. */
struct dtmm_planes {
    int32_t n_taps;
    int32_t span;      /* rows under the kernel */
    int32_t n_rows;    /* in memory */
    int32_t row_bytes; /* a multiple of 4 */
};

static inline struct dtmm_planes dtmm_planes(const struct dtmm_depthwise_conv_2d *p)
{
    struct dtmm_planes planes;
    int32_t width = (p->output_w + 3) / 4 * 4;
    planes.n_taps = p->kernel_h * p->kernel_w;
    planes.span = (p->kernel_h - 1) * p->dilation_h + 1;
    planes.n_rows = planes.span + (planes.span < p->stride_h ? p->stride_h : planes.span);
    planes.row_bytes = ((width - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 4) / 4 * 4;
    return planes;
}

/* Words of a filter: two a tap, and four for its sums. */
static inline int32_t dtmm_planes_filter_words(const struct dtmm_planes *planes)
{
    return 2 * planes->n_taps + 4;
}

static inline int32_t dtmm_planes_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    struct dtmm_planes planes = dtmm_planes(p);
    return p->depth_multiplier * dtmm_planes_filter_words(&planes) * 4 +
           planes.n_rows * planes.row_bytes;
}

/* Where no sum reaches 2^30, and kernels are not so large that their input fills a small SRAM. */
static inline int dtmm_planes_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    if (p->depth_multiplier >= 256 || p->output_w >= 8192 || p->kernel_h * p->kernel_w >= 1 << 15 ||
        dtmm_planes_scratch_bytes(p) > DTMM_PLANES_MOST_BYTES)
        return 0;
    for (int32_t o = 0; o < p->input_channels * p->depth_multiplier; o++)
        if (p->bias[o] <= -(1 << 29) || p->bias[o] >= 1 << 29)
            return 0;
    return 1;
}

static inline int dtmm_planes_inplace_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_accepts(p) && p->depth_multiplier == 1 && p->output_w <= p->input_w &&
           p->pad_top <= (p->kernel_h - 1) * p->dilation_h;
}

#endif
