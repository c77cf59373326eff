/* SPDX-License-Identifier: Apache-2.0 */
#include "conv_2d.h"

void dtmm_conv_2d_s8_rv32(const struct dtmm_conv_2d *p, const void *input, void *output,
                          void *scratch)
{
    dtmm_rv32_convolve(p, input, output, scratch, 0);
}
