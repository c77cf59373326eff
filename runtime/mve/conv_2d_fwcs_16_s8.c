/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of 16, 32 and 64 weights only: a smaller conv_2d_fwcs_s8. */
#include "conv_2d_bands.h"

/* clang-format off */

CONVOLVE_FILTERS(
        "   cmp r8, #2\n"
        "   adr.w r1, 31f\n"
        "   it eq\n"
        "   adreq.w r1, 32f\n",
        "   cmp r9, #32\n"
        CHOOSE("r6", "lo", "17", "eq", "12", "11")
        "   cmp r9, #16\n"
        "   it eq\n"
        "   adreq.w r6, 16f\n",
        LIST_SEVERAL_ENTRIES LIST_DOUBLE_ENTRIES,
        ROUNDS(ROUNDS_64)
        ROUNDS(ROUNDS_32)
        ROUNDS(ROUNDS_16)
        ROUNDS(ROUNDS_16_CLOSE))

/* clang-format on */

void dtmm_conv_2d_fwcs_16_s8_mve(const struct dtmm_conv_2d *p, const void *input, void *output,
                                 void *scratch)
{
    struct call *call = scratch;
    struct group *groups = begin_call(p, call);
    const struct dtmm_mve_band *band = &call->place.band;
    for (int32_t y = 0; y < band->height; y += band->rows)
        for (int32_t x = 0; x < band->width; x += band->columns) {
            begin_band(p, call, groups, input, output, y, x);
            convolve_filters(&call->work);
        }
}
