/* SPDX-License-Identifier: Apache-2.0 */
#include "lanes.h"

#include "../scalar/lanes.h"

void dtmm_conv_2d_lanes_s8_armv6m(const struct dtmm_conv_2d *p, const void *input, void *output,
                                  void *scratch)
{
    dtmm_lanes_convolve(p, input, output, scratch, 0);
}
