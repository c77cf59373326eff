/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the convolutions of runtime/scalar run. */
#include "target/cost.h"

#include "../../runtime/armv6m/rules.h"
#include "../../runtime/armv7m/rules.h"

/* What the lists of all filters of a pass hold. */
struct lists {
    double runs, weights;
    double tails, ones; /* runs whose length is no multiple of eight; weights beyond one of four */
    double bits, empty; /* units; filters without a run */
};

static void end_run(struct lists *lists, int32_t *n)
{
    lists->runs += *n > 0;
    lists->tails += *n % 8 != 0;
    lists->ones += *n % 4;
    *n = 0;
}

/* Runs end at kernel rows, and where a unit is absent or taps are not neighbors. */
static void list_count(const struct dtmm_conv_2d *p, const uint8_t *mask, struct lists *lists)
{
    int32_t block = mask ? p->block : p->input_channels, bit = 0, n = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++, end_run(lists, &n))
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            if (p->dilation_w > 1)
                end_run(lists, &n);
            for (int32_t left = p->input_channels; left > 0; left -= block, bit++) {
                lists->bits++;
                if (mask && !(mask[bit / 8] >> bit % 8 & 1)) {
                    end_run(lists, &n);
                    continue;
                }
                n += left < block ? left : block;
                lists->weights += left < block ? left : block;
            }
        }
}

static void work_conv(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct dtmm_scalar_geometry g = dtmm_scalar_conv_geometry(p);
    struct lists lists = {0};
    const uint8_t *mask = p->mask;
    for (int32_t o = 0; o < p->output_channels; o++) {
        double runs = lists.runs;
        list_count(p, mask, &lists);
        lists.empty += lists.runs == runs;
        if (mask)
            mask += dtmm_scalar_conv_mask_bytes(p);
    }
    double passes = (g.output_h + g.pass_rows - 1) / g.pass_rows;
    double rows = g.output_h, fours = g.output_w / 4, singles = g.output_w % 4;
    double copied = 0, filters = p->output_channels - lists.empty;
    for (int32_t y = 0; y < g.output_h && !g.is_inside; y += g.pass_rows)
        copied += dtmm_scalar_conv_rows_under(p, g.output_h - y < g.pass_rows ? g.output_h - y
                                                                              : g.pass_rows);
    counts[1] = passes * lists.bits;
    counts[2] = passes * p->output_channels;
    counts[3] = passes * lists.runs;
    counts[4] = copied;
    counts[5] = copied * g.row_bytes;
    counts[6] = rows * filters;
    counts[7] = rows * fours * filters;
    counts[8] = rows * fours * lists.runs;
    counts[9] = rows * fours * lists.weights;
    counts[10] = rows * fours * lists.ones;
    counts[11] = rows * singles * filters;
    counts[12] = rows * singles * lists.runs;
    counts[13] = rows * singles * lists.weights;
    counts[14] = rows * (fours + singles / 3) * lists.tails + rows * g.output_w * lists.empty / 3;
}

void work_conv_2d_s8_armv6m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv(p, counts);
}

void work_conv_2d_fwcs_s8_armv6m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv(p, counts);
}

void work_conv_2d_s8_armv7m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv(p, counts);
}

void work_conv_2d_fwcs_s8_armv7m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv(p, counts);
}
