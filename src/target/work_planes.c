/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of runtime/scalar/depthwise_planes.h run. */
#include "../../runtime/scalar/depthwise_planes_rules.h"
#include "target/cost.h"
#include "target/work.h"

/* Rows of one channel of the input. */
struct plane_rows {
    double loaded, inside, moved;
};

static struct plane_rows plane_rows(const struct dtmm_depthwise_conv_2d *p,
                                    const struct dtmm_planes *planes)
{
    struct plane_rows rows = {0, 0, 0};
    int32_t start = 0, end = 0;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        int32_t first = oy * p->stride_h;
        if (first + planes->span - start > planes->n_rows) {
            rows.moved += end > first ? end - first : 0;
            start = first;
        }
        for (int32_t v = end > first ? end : first; v < first + planes->span; v++) {
            rows.loaded++;
            rows.inside += v >= p->pad_top && v < p->pad_top + p->input_h;
        }
        end = first + planes->span;
    }
    return rows;
}

static void work_planes(const struct dtmm_depthwise_conv_2d *p, double counts[MAX_WORK])
{
    struct dtmm_planes planes = dtmm_planes(p);
    struct plane_rows rows = plane_rows(p, &planes);
    double channels = p->input_channels, filters = channels * p->depth_multiplier;
    double outputs = (double)p->output_h * p->output_w, divided = 0;
    int32_t n = planes.row_bytes - p->pad_left;
    n = n < p->input_w ? n : p->input_w;
    n = n < 0 ? 0 : n;
    for (int32_t o = 0; o < p->input_channels * p->depth_multiplier; o++)
        divided += p->shift[o] < 0;
    counts[1] = channels;
    counts[2] = filters * planes.n_taps;
    counts[3] = channels * p->output_h;
    counts[4] = channels * rows.inside;
    counts[5] = channels * rows.inside * (n / 4);
    counts[6] = channels * rows.inside * (n % 4);
    counts[7] = (channels * (rows.loaded - rows.inside) + planes.n_rows) * planes.row_bytes / 4;
    counts[8] = channels * rows.moved * planes.row_bytes / 4;
    counts[9] = filters * p->output_h;
    counts[10] = filters * p->output_h * ((p->output_w + 3) / 4);
    counts[11] = counts[10] * planes.n_taps;
    counts[12] = divided * outputs;
    counts[13] = (filters - divided) * outputs;
}

void work_depthwise_conv_2d_s8_armv6m(const struct dtmm_depthwise_conv_2d *p,
                                      double counts[MAX_WORK])
{
    work_planes(p, counts);
}

void work_depthwise_conv_2d_inplace_s8_armv6m(const struct dtmm_depthwise_conv_2d *p,
                                              double counts[MAX_WORK])
{
    work_planes(p, counts);
}

void work_depthwise_conv_2d_planes_s8_armv7m(const struct dtmm_depthwise_conv_2d *p,
                                             double counts[MAX_WORK])
{
    work_planes(p, counts);
}

void work_depthwise_conv_2d_inplace_s8_armv7m(const struct dtmm_depthwise_conv_2d *p,
                                              double counts[MAX_WORK])
{
    work_planes(p, counts);
}
