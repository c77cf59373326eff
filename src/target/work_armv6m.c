/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the kernels of Cortex-M0 run, other than the convolutions. */
#include "target/cost.h"
#include "target/work.h"

void work_fully_connected_s8_armv6m(const struct dtmm_fully_connected *p, double counts[MAX_WORK])
{
    double rows = p->rows, fours = p->output_channels / 4, ones = p->output_channels % 4;
    double left = 0;
    for (int32_t o = 0; o < p->output_channels; o++)
        left += p->shift[p->per_channel ? o : 0] >= 0;
    counts[1] = rows;
    counts[2] = rows * fours;
    counts[3] = rows * fours * (p->input_channels / 4);
    counts[4] = rows * fours * (p->input_channels % 4);
    counts[5] = rows * ones;
    counts[6] = rows * ones * p->input_channels;
    counts[7] = rows * left;
}

void work_add_s8_armv6m(const struct dtmm_add *p, double counts[MAX_WORK])
{
    counts[1] = (double)p->dims[0] * p->dims[1];
    counts[2] = counts[1] * p->dims[2];
    counts[3] = counts[2] * p->dims[3];
}

void work_sub_s8_armv6m(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_add_s8_armv6m(p, counts);
}

void work_conv_2d_fwcs_list_s8_armv6m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_list(p, counts);
    for (int32_t o = 0; o < p->output_channels; o++)
        counts[5] += p->shift[o] >= 0;
}
