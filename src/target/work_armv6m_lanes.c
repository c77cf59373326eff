/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the convolutions of Cortex-M0 run. */
#include "target/cost.h"

void work_conv_2d_lanes_s8_armv6m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    double outputs = (double)p->output_h * p->output_w * p->output_channels;
    counts[1] = outputs;
    counts[2] = outputs * p->kernel_h * p->kernel_w * p->input_channels;
}

void work_conv_2d_fwcs_lanes_s8_armv6m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_lanes_s8_armv6m(p, counts);
}
