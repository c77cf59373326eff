/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the convolutions of Helium; see rules.h. */
#ifndef DTMM_MVE_CONV_2D_RULES_H
#define DTMM_MVE_CONV_2D_RULES_H

#include "../dtmm.h"

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

/* 4 columns, and the constants of pairs of filters. */
static inline int32_t dtmm_conv_2d_s8_mve_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_mve_conv_vectors(p) * 64 + (p->output_channels + 2) / 2 * DTMM_MVE_PAIR_BYTES;
}

#endif
