/* SPDX-License-Identifier: Apache-2.0 */
/* Counting that the files work_<isa>.c share. */
#ifndef DTMM_TARGET_WORK_H
#define DTMM_TARGET_WORK_H

#include <stdint.h>

#include "target/cost.h"

/* Along one dimension of a convolution: taps (or window positions) inside the input, summed over
 * the outputs, and the outputs that have a tap outside. */
struct line_work {
    double inside;
    int32_t border_outputs;
};

/* One dimension: `kernel` taps `dilation` apart. */
struct line {
    int32_t input, output, kernel, stride, dilation, pad;
};

struct line_work line_work(struct line line);

/* What the kernels of conv_2d_fwcs_list have in common: filters, their kept units by four and those
 * left over, and the input's units. */
void work_list(const struct dtmm_conv_2d *p, double counts[MAX_WORK]);

/* The lines of a conv_2d, a depthwise_conv_2d (any structure with these members), and of a pool_2d.
 */
#define CONV_LINE_H(p)                                                                             \
    ((struct line){(p)->input_h, (p)->output_h, (p)->kernel_h, (p)->stride_h, (p)->dilation_h,     \
                   (p)->pad_top})
#define CONV_LINE_W(p)                                                                             \
    ((struct line){(p)->input_w, (p)->output_w, (p)->kernel_w, (p)->stride_w, (p)->dilation_w,     \
                   (p)->pad_left})
#define POOL_LINE_H(p)                                                                             \
    ((struct line){(p)->input_h, (p)->output_h, (p)->window_h, (p)->stride_h, 1, (p)->pad_top})
#define POOL_LINE_W(p)                                                                             \
    ((struct line){(p)->input_w, (p)->output_w, (p)->window_w, (p)->stride_w, 1, (p)->pad_left})

/* 1 when tap `k` of output `o` lies inside the input. */
static inline int tap_inside(struct line line, int32_t o, int32_t k)
{
    int32_t at = o * line.stride - line.pad + k * line.dilation;
    return at >= 0 && at < line.input;
}

#endif
