/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the convolutions of runtime/scalar run. */
#include "target/cost.h"

#include "../../runtime/armv6m/rules.h"
#include "../../runtime/armv7m/rules.h"

/* What the lists of all filters of a pass hold. */
struct lists {
    double runs, weights, ones; /* ones: weights beyond a multiple of four, run by run */
    double bits;
};

static void list_count(const struct dtmm_conv_2d *p, const uint8_t *mask, struct lists *lists)
{
    int32_t block = mask ? p->block : p->input_channels, bit = 0, n = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            int is_next = kx > 0 ? p->dilation_w == 1
                                 : ky > 0 && p->dilation_h == 1 && p->kernel_w == 1 &&
                                       p->output_w == 1 && p->input_w == 1;
            if (!is_next && n > 0) {
                lists->runs++;
                lists->ones += n % 4;
                n = 0;
            }
            for (int32_t left = p->input_channels; left > 0; left -= block, bit++) {
                lists->bits++;
                if (!mask || (mask[bit / 8] >> bit % 8 & 1)) {
                    n += left < block ? left : block;
                    lists->weights += left < block ? left : block;
                } else if (n > 0) {
                    lists->runs++;
                    lists->ones += n % 4;
                    n = 0;
                }
            }
        }
    if (n > 0) {
        lists->runs++;
        lists->ones += n % 4;
    }
}

static void work_conv(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct dtmm_scalar_geometry g = dtmm_scalar_conv_geometry(p);
    struct lists lists = {0, 0, 0, 0};
    const uint8_t *mask = p->mask;
    for (int32_t o = 0; o < p->output_channels; o++) {
        list_count(p, mask, &lists);
        if (mask)
            mask += dtmm_scalar_conv_mask_bytes(p);
    }
    double passes = (g.output_h + g.pass_rows - 1) / g.pass_rows;
    double rows = g.output_h, fours = g.output_w / 4, singles = g.output_w % 4;
    double copied = 0;
    for (int32_t y = 0; y < g.output_h && !g.is_inside; y += g.pass_rows)
        copied += dtmm_scalar_conv_rows_under(p, g.output_h - y < g.pass_rows ? g.output_h - y
                                                                              : g.pass_rows);
    counts[1] = passes * lists.bits + copied * (20 + g.row_bytes / 4);
    counts[2] = passes * p->output_channels + passes * lists.runs;
    counts[3] = rows * (fours + singles) * p->output_channels;
    counts[4] = rows * g.output_w * p->output_channels;
    counts[5] = rows * (fours + 0.6 * singles) * lists.runs;
    counts[6] = rows * (fours * 4 + singles * 1.4) * lists.weights;
    counts[7] = rows * (fours + 0.5 * singles) * lists.ones;
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
