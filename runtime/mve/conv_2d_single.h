/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels for a single pixel of output share. */
#ifndef DTMM_MVE_CONV_2D_SINGLE_H
#define DTMM_MVE_CONV_2D_SINGLE_H

#include "conv_2d.h"
#include "requantize.h"

/* Copies the input to where gather loads of words may read it. */
static inline void dtmm_mve_align_input(const int8_t *in, int32_t channels, int8_t *aligned)
{
    for (int32_t i = 0; i < channels; i += 16) {
        mve_pred16_t some = vctp8q((uint32_t)(channels - i));
        vstrbq_p_s8(aligned + i, vldrbq_z_s8(in + i, some), some);
    }
}

/* Requantizes the sums of all filters. */
static inline void dtmm_mve_finish_sums(const struct dtmm_conv_2d *p, const int32_t *sums,
                                        int8_t *output)
{
    for (int32_t o = 0; o < p->output_channels; o += 4) {
        mve_pred16_t some = vctp32q((uint32_t)(p->output_channels - o));
        int32x4_t x = vldrwq_z_s32(sums + o, some);
        int32x4_t shift = vldrbq_z_s32(p->shift + o, some);
        x = dtmm_mve_requantize(x, vldrwq_z_s32(p->multiplier + o, some), shift);
        x = dtmm_mve_clamp(x, p->output_zero_point, p->output_min, p->output_max);
        vstrbq_p_s32(output + o, x, some);
    }
}

#endif
