/* SPDX-License-Identifier: Apache-2.0 */
#include "conv_2d_any_pieces.h"

void dtmm_conv_2d_fwcs_s8_mve(const struct dtmm_conv_2d *p, const void *input, void *output,
                              void *scratch)
{
    struct call *call = scratch;
    struct group *groups = begin_call(p, call);
    const struct dtmm_mve_band *band = &call->place.band;
    for (int32_t y = 0; y < band->height; y += band->rows)
        for (int32_t x = 0; x < band->width; x += band->columns)
            convolve_at(p, call, groups, input, output, y, x);
}
