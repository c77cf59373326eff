/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the depthwise convolutions; see rules.h. */
#ifndef DTMM_MVE_DEPTHWISE_RULES_H
#define DTMM_MVE_DEPTHWISE_RULES_H

#include "../dtmm.h"

enum {
    DTMM_MVE_COLUMN_BYTES = 64,       /* four rows of 16 channels */
    DTMM_MVE_DEPTHWISE_BYTES = 2048,  /* the columns that a call may keep where fewer would do */
    DTMM_MVE_DEPTHWISE_COLUMNS = 64,  /* of a strip, in 3x3 */
    DTMM_MVE_DEPTHWISE_CONSTANTS = 32 /* two vectors: the zero point, and zeros */
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

static inline int32_t dtmm_mve_depthwise_3x3_strip(const struct dtmm_depthwise_conv_2d *p)
{
    return p->output_w < DTMM_MVE_DEPTHWISE_COLUMNS ? p->output_w : DTMM_MVE_DEPTHWISE_COLUMNS;
}

/* How many pairs of output rows have their columns in memory at once. */
static inline int32_t dtmm_mve_depthwise_3x3_pairs(const struct dtmm_depthwise_conv_2d *p)
{
    int32_t bytes = (dtmm_mve_depthwise_3x3_strip(p) + 2) * DTMM_MVE_COLUMN_BYTES;
    int32_t n = DTMM_MVE_DEPTHWISE_BYTES / bytes, all = p->output_h / 2;
    n = n < all ? n : all;
    return n > 1 ? n : 1;
}

static inline int dtmm_depthwise_conv_2d_3x3_s8_mve_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return p->kernel_h == 3 && p->kernel_w == 3 && p->stride_h == 1 && p->stride_w == 1 &&
           p->dilation_h == 1 && p->dilation_w == 1 && p->depth_multiplier == 1 &&
           p->output_h >= 2 && p->output_w >= 2;
}

/* Constants, the filters of a group as 8 columns, columns of input. */
static inline int32_t
dtmm_depthwise_conv_2d_3x3_s8_mve_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    int32_t n_columns = dtmm_mve_depthwise_3x3_pairs(p) * (dtmm_mve_depthwise_3x3_strip(p) + 2);
    return DTMM_MVE_DEPTHWISE_CONSTANTS + (8 + n_columns) * DTMM_MVE_COLUMN_BYTES;
}

#endif
