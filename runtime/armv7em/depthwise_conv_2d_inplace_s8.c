/* SPDX-License-Identifier: Apache-2.0 */
/* A row of outputs overwrites rows of the same channels that are in memory already, and channels
 * that two groups share are computed in the first. */
#include "depthwise_any.h"

void dtmm_depthwise_conv_2d_inplace_s8_armv7em(const struct dtmm_depthwise_conv_2d *p,
                                               const void *input, void *output, void *scratch)
{
    dtmm_dsp_depthwise_any(p, input, output, scratch);
}
