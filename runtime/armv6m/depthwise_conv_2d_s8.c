/* SPDX-License-Identifier: Apache-2.0 */
#include "depthwise.h"

void dtmm_depthwise_conv_2d_s8_armv6m(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                      void *output, void *scratch)
{
    dtmm_planes_depthwise(p, input, output, scratch);
}
