/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the kernels of Cortex-M3 run, other than those of conv_2d. */
#include "target/cost.h"
#include "target/work.h"

#include "../../runtime/armv7m/rules.h"

void work_depthwise_conv_2d_s8_armv7m(const struct dtmm_depthwise_conv_2d *p,
                                      double counts[MAX_WORK])
{
    double pixels = (double)p->output_h * p->output_w, channels = p->input_channels;
    double loaded = (p->output_h - 1) * p->stride_h + dtmm_depthwise_ring_rows(p);
    int is_3x3 = p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1;
    counts[1] = pixels;
    counts[2] = loaded;
    counts[3] = loaded * dtmm_scalar_depthwise_row_bytes(p);
    counts[4] = is_3x3 ? pixels * channels : 0;
    counts[5] = is_3x3 ? 0 : pixels * channels;
    counts[6] = counts[5] * p->kernel_h;
    counts[7] = counts[6] * p->kernel_w;
}

void work_fully_connected_s8_armv7m(const struct dtmm_fully_connected *p, double counts[MAX_WORK])
{
    double rows = p->rows, fours = p->output_channels / 4, ones = p->output_channels % 4;
    counts[1] = rows;
    counts[2] = rows * fours;
    counts[3] = rows * fours * (p->input_channels / 8);
    counts[4] = rows * fours * (p->input_channels % 8);
    counts[5] = rows * ones;
    counts[6] = rows * ones * p->input_channels;
}

void work_add_s8_armv7m(const struct dtmm_add *p, double counts[MAX_WORK])
{
    counts[1] = (double)p->dims[0] * p->dims[1];
    counts[2] = counts[1] * p->dims[2];
    counts[3] = counts[2] * p->dims[3];
}

void work_sub_s8_armv7m(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_add_s8_armv7m(p, counts);
}

void work_conv_2d_fwcs_pixel_s8_armv7m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    int32_t units = p->input_channels / p->block, bytes = (units + 7) / 8;
    counts[1] = p->output_channels;
    counts[2] = p->output_channels * (bytes / 4 + bytes % 4);
    for (int32_t o = 0; o < p->output_channels; o++)
        for (int32_t unit = 0; unit < units; unit++)
            if (p->mask[o * bytes + unit / 8] >> unit % 8 & 1) {
                counts[3]++;
                counts[4] += p->block;
            }
}

void work_conv_2d_fwcs_list_s8_armv7m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_list(p, counts);
}
