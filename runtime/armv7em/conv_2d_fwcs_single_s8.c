/* SPDX-License-Identifier: Apache-2.0 */
#include "conv_2d_single.h"

void dtmm_conv_2d_fwcs_single_s8_armv7em(const struct dtmm_conv_2d *p, const void *input,
                                         void *output, void *scratch)
{
    dtmm_dsp_conv_2d_single(p, input, output, scratch);
}
