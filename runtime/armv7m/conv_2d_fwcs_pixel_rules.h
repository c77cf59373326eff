/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_ARMV7M_CONV_2D_FWCS_PIXEL_RULES_H
#define DTMM_ARMV7M_CONV_2D_FWCS_PIXEL_RULES_H

#include "../dtmm.h"

/* A single output pixel of a 1x1 kernel, as of a fully connected layer, in blocks of 4, 8 or 16. */
static inline int dtmm_conv_2d_fwcs_pixel_s8_armv7m_accepts(const struct dtmm_conv_2d *p)
{
    return p->kernel_h == 1 && p->kernel_w == 1 && p->output_h == 1 && p->output_w == 1 &&
           p->pad_top == 0 && p->pad_left == 0 &&
           (p->block == 4 || p->block == 8 || p->block == 16) && p->input_channels % p->block == 0;
}

static inline int32_t dtmm_conv_2d_fwcs_pixel_s8_armv7m_scratch_bytes(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 0;
}

#endif
