/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution with depth multiplier 1 on cores without SIMD. The input rows under the
 * kernel are kept in a ring of rows padded with the zero point, so that no tap needs a test. */
#ifndef DTMM_SCALAR_DEPTHWISE_CONV_2D_H
#define DTMM_SCALAR_DEPTHWISE_CONV_2D_H

#include "../dtmm.h"
#include "requantize.h"

static inline int dtmm_scalar_depthwise_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return p->depth_multiplier == 1 && p->kernel_h * p->kernel_w <= 64 &&
           dtmm_scalar_shifts(p->shift, p->input_channels) &&
           dtmm_scalar_bounds(p->weights, 1, p->input_channels, p->kernel_h * p->kernel_w, p->bias,
                              p->input_channels);
}

/* Bytes of one padded row. */
static inline int32_t dtmm_scalar_depthwise_row_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_depthwise_ring_width(p) * p->input_channels;
}

/* A pixel's sums and the ring. */
static inline int32_t dtmm_scalar_depthwise_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    int32_t sums = p->input_channels * (int32_t)sizeof(int32_t);
    return sums + dtmm_depthwise_ring_rows(p) * dtmm_scalar_depthwise_row_bytes(p);
}

/* Copies row `y` of the input, padded to the row's bytes. */
static inline void dtmm_scalar_depthwise_load(const struct dtmm_depthwise_conv_2d *p,
                                              const int8_t *input, int32_t y, int8_t *to)
{
    int32_t row = dtmm_scalar_depthwise_row_bytes(p), left = p->pad_left * p->input_channels;
    int32_t inside = p->input_w * p->input_channels;
    if (y < 0 || y >= p->input_h) {
        memset(to, p->input_zero_point, (size_t)row);
        return;
    }
    if (inside > row - left)
        inside = row - left;
    memset(to, p->input_zero_point, (size_t)left);
    memcpy(to + left, input + y * p->input_w * p->input_channels, (size_t)inside);
    memset(to + left + inside, p->input_zero_point, (size_t)(row - left - inside));
}

#endif
