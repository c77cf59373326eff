/* SPDX-License-Identifier: Apache-2.0 */
#include "conv_2d_blocks.h"

void dtmm_conv_2d_fwcs_s8_armv7m(const struct dtmm_conv_2d *p, const void *input, void *output,
                                 void *scratch)
{
    dtmm_scalar_conv_2d(p, input, output, scratch, dtmm_armv7m_blocks);
}
