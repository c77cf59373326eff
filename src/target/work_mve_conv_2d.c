/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of Helium's convolutions run. */
#include <math.h>

#include "../../runtime/mve/rules.h"
#include "target/cost.h"
#include "target/work.h"

static double divide_up(double n, double by)
{
    return ceil(n / by);
}

void work_conv_2d_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    double pixels = (double)p->output_h * p->output_w, groups = divide_up(pixels, 4);
    double pairs = divide_up(p->output_channels, 2), vectors = dtmm_mve_conv_vectors(p);
    counts[1] = p->output_channels;
    counts[2] = groups;
    counts[3] = groups * pairs;
    counts[4] = groups * pairs * vectors;
    counts[5] = pixels;
    counts[6] = pixels * p->kernel_h;
    counts[7] = pixels * vectors;
}

void work_conv_2d_fwcs_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct dtmm_mve_band band = dtmm_mve_band(p);
    struct dtmm_mve_weight_pieces pieces = dtmm_mve_weight_pieces(p);
    double bands = divide_up(band.height, band.rows) * divide_up(band.width, band.columns);
    counts[1] = bands;
    counts[2] = bands * p->output_channels;
    counts[3] = bands * pieces.units;
}
