/* SPDX-License-Identifier: Apache-2.0 */
#include "depthwise_3x3.h"

__attribute__((cold)) void dtmm_depthwise_conv_2d_3x3_s8_mve(const struct dtmm_depthwise_conv_2d *p,
                                                             const void *input, void *output,
                                                             void *scratch)
{
    depthwise_3x3(p, input, output, scratch, 0);
}
