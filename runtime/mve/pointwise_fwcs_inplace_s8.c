/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of a band, a part of one long row, are laid out before its outputs are written. From
 * the last band to the first where there are more outputs than inputs, no input is overwritten
 * before. */
#include "conv_2d_any_pieces.h"

void dtmm_pointwise_fwcs_inplace_s8_mve(const struct dtmm_conv_2d *p, const void *input,
                                        void *output, void *scratch)
{
    struct call *call = scratch;
    struct group *groups = begin_call(p, call);
    const struct dtmm_mve_band *band = &call->place.band;
    int32_t n = (band->width + band->columns - 1) / band->columns;
    for (int32_t i = 0; i < n; i++) {
        int32_t x = (p->output_channels > p->input_channels ? n - 1 - i : i) * band->columns;
        convolve_at(p, call, groups, input, output, 0, x);
    }
}
