/* SPDX-License-Identifier: Apache-2.0 */
#include "depthwise_conv_2d.h"

void dtmm_depthwise_conv_2d_s8_rv32(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                    void *output, void *scratch)
{
    dtmm_rv32_depthwise(p, input, output, scratch);
}
