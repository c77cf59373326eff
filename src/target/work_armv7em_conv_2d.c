/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of conv_2d run on Cortex-M4, M7 and M33. The assembly in
 * runtime/armv7em/conv_2d_pixels.h, conv_2d_stream.h and conv_2d_widen.h is counted instruction by
 * instruction; the C around it as often as it runs. */
#include "target/cost.h"
#include "target/work.h"

#include "../../runtime/armv7em/rules.h"
#include "../../runtime/armv7em/sums.h"

/* A layer, and what its counts are made of. */
struct work {
    const struct dtmm_conv_2d *p;
    struct dtmm_dsp_layout l;
    double assembly;     /* instructions */
    double lines;        /* phases of rows, in a plane */
    double rows;         /* phases of rows */
    double edges;        /* groups of 4 channels partly outside of the input */
    double sorted;       /* weights and their absent neighbors, sorted for a stream */
    double sorted_units; /* units of these, kept or absent */
    double copied;       /* weights of those that are kept */
    double runs;         /* calls of the inner loops that finish their outputs */
    double slow_outputs; /* finished one by one */
};

static int is_kept(const struct work *work, int32_t filter, int32_t unit)
{
    const uint8_t *mask = work->p->mask;
    return !mask || (mask[filter * work->l.mask_bytes + unit / 8] >> unit % 8 & 1);
}

static int finishes_slowly(const struct dtmm_conv_2d *p, int32_t filter)
{
    int32_t bias = p->bias[filter];
    return !dtmm_dsp_shift_is_fast(p->shift[filter]) || bias >= 1 << 29 || bias <= -(1 << 29);
}

/* ---- the widened rows ---- */

static void widen_line(struct work *work, int32_t phase, int is_outside)
{
    const struct dtmm_conv_2d *p = work->p;
    const struct dtmm_dsp_layout *l = &work->l;
    int32_t columns = p->output_w + ((l->kernel_w - 1) * p->dilation_w - phase) / p->stride_w;
    int32_t bytes = p->input_w * p->input_channels;
    for (int32_t plane = 0; plane < l->planes; plane++)
        for (int32_t column = 0; column < columns; column++) {
            int32_t first = (column * p->stride_w + phase - p->pad_left) * p->input_channels;
            int32_t at = first + plane * l->group;
            if (is_outside || first + l->window <= 0 || first >= bytes)
                work->assembly += l->group == 8 ? 11 : 6;
            else if (at >= 0 && (at + l->group <= bytes || l->window == p->input_channels))
                work->assembly += l->group == 8 ? 14 : 9;
            else
                work->edges += l->group / 4;
        }
    work->lines += l->planes;
    work->rows++;
}

static void widen_rows(struct work *work)
{
    const struct dtmm_conv_2d *p = work->p;
    const struct dtmm_dsp_layout *l = &work->l;
    int32_t passes = (p->output_h + l->rows - 1) / l->rows;
    for (int32_t phase_h = 0; phase_h < l->phases_h; phase_h++) {
        int32_t more = ((p->kernel_h - 1) * p->dilation_h - phase_h) / p->stride_h;
        if (more > 0)
            work->assembly += (passes - 1) * l->planes * (more * l->row_bytes / 32 * 4 + 20.0);
        for (int32_t row = 0; row < p->output_h + more; row++) {
            int32_t y = row * p->stride_h + phase_h - p->pad_top;
            for (int32_t phase = 0; phase < l->phases_w; phase++)
                widen_line(work, phase, y < 0 || y >= p->input_h);
        }
    }
}

/* ---- the weights ---- */

/* Groups of four channels with a kept unit, where units are sorted. */
static int32_t sorted_groups(const struct work *work, int32_t filter)
{
    const struct dtmm_conv_2d *p = work->p;
    const struct dtmm_dsp_layout *l = &work->l;
    int32_t a_tap = (p->input_channels + p->block - 1) / p->block, kept = 0;
    for (int32_t tap = 0; tap < l->taps; tap++)
        for (int32_t first = 0; first < l->window; first += 4) {
            int any = 0;
            for (int32_t i = first; i < first + 4 && i < l->window; i++) {
                int32_t position = tap * (l->window / p->input_channels) + i / p->input_channels;
                int32_t unit = position * a_tap + i % p->input_channels / p->block;
                any |= is_kept(work, filter, unit);
            }
            kept += any;
        }
    return kept;
}

/* Instructions that take one unit: `a_group` a group, `start` before the first, `loop` around each.
 */
static double unit_instructions(const struct dtmm_dsp_layout *l, double a_group, double start,
                                double loop)
{
    int32_t groups = l->a_unit / l->group, tail = l->a_unit % l->group;
    if (groups == 1 && tail == 0)
        return 5 + start + a_group;
    double instructions = 10 + start + groups * (a_group + loop) + (groups > 0 ? 3 : 0);
    return instructions + (tail > 0 ? 9 + a_group + (l->group == 8 ? 2 : 0) : 0);
}

/* Reading a filter's mask. */
static double mask_instructions(const struct dtmm_dsp_layout *l)
{
    return l->a_unit == l->group ? 33 + 6 * l->mask_bytes : 32 + 8 * l->mask_bytes;
}

/* Units of a filter that are kept. */
static int32_t kept_units(const struct work *work, int32_t filter)
{
    int32_t kept = 0;
    for (int32_t unit = 0; unit < work->l.units; unit++)
        kept += is_kept(work, filter, unit);
    return kept;
}

/* The units that are sorted, and how many of their weights are stored. */
static void count_sorted(struct work *work, int32_t filter, int32_t passes)
{
    const struct dtmm_conv_2d *p = work->p;
    int32_t positions = work->l.taps * (work->l.window / p->input_channels), bit = 0;
    for (int32_t position = 0; position < positions && p->mask; position++)
        for (int32_t i = 0; i < p->input_channels; i += p->block, bit++) {
            int32_t left = p->input_channels - i;
            work->sorted_units += passes;
            if (is_kept(work, filter, bit))
                work->copied += passes * (left < p->block ? left : p->block);
        }
}

/* Takes the weights of one filter, each pass anew; returns its groups. */
static int32_t take_weights(struct work *work, int32_t filter, int32_t passes)
{
    const struct dtmm_dsp_layout *l = &work->l;
    int32_t kept = 0;
    if (!l->a_unit) {
        work->sorted += passes * l->taps * l->expanded;
        count_sorted(work, filter, passes);
        kept = sorted_groups(work, filter);
        work->assembly += 14.0 * passes * kept;
        return kept;
    }
    kept = kept_units(work, filter);
    work->assembly +=
        passes * (mask_instructions(l) + kept * unit_instructions(l, l->group == 8 ? 7 : 4, 2, 3));
    return kept * ((l->a_unit + l->group - 1) / l->group);
}

/* ---- the outputs ---- */

/* Instructions of one block of outputs of a filter with so many groups. */
static double block_instructions(const struct work *work, int32_t outputs, int32_t groups,
                                 int is_slow)
{
    static const double of_group[2][2] = {{5, 12}, {8, 22}};
    const struct dtmm_conv_2d *p = work->p;
    int32_t round = DTMM_DSP_ROUND, rounds = groups > round ? (groups - 1) / round + 1 : 1;
    int is_narrow = p->output_min > INT8_MIN || p->output_max < INT8_MAX;
    int is_relu = p->output_min >= p->output_zero_point;
    double finish = is_narrow ? 9 * outputs + 6 : is_relu ? 4 * outputs + 5 : 5 * outputs + 4;
    return 4 + of_group[work->l.group == 8][outputs == 4] * groups + 3 * rounds +
           (is_slow ? 30 : finish);
}

/* The outputs of one filter in one pass, rows that have no gaps between them as one. */
static void run_filter(struct work *work, int32_t rows, int32_t columns, int32_t groups,
                       int is_slow)
{
    for (int32_t outputs = 4; outputs > 0; outputs -= 3) {
        int32_t blocks = columns / outputs;
        columns -= blocks * outputs;
        if (blocks == 0)
            continue;
        work->assembly += rows * blocks * block_instructions(work, outputs, groups, is_slow);
        if (is_slow) {
            work->slow_outputs += rows * blocks * outputs;
            continue;
        }
        work->assembly += 26 + 12 * (rows - 1);
        work->runs++;
    }
}

static void run_filters(struct work *work)
{
    const struct dtmm_conv_2d *p = work->p;
    const struct dtmm_dsp_layout *l = &work->l;
    int has_gaps = l->row_bytes != p->output_w * l->group_bytes;
    int32_t passes = (p->output_h + l->rows - 1) / l->rows;
    for (int32_t filter = 0; filter < p->output_channels; filter++) {
        int32_t bias = p->bias[filter];
        int is_slow =
            !dtmm_dsp_shift_is_fast(p->shift[filter]) || bias >= 1 << 29 || bias <= -(1 << 29);
        int32_t groups = take_weights(work, filter, passes);
        for (int32_t y = 0; y < p->output_h; y += l->rows) {
            int32_t rows = dtmm_dsp_smaller(l->rows, p->output_h - y);
            if (has_gaps)
                run_filter(work, rows, p->output_w, groups, is_slow);
            else
                run_filter(work, 1, rows * p->output_w, groups, is_slow);
        }
    }
}

void work_conv_2d_s8_armv7em(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct work work = {.p = p, .l = dtmm_dsp_layout(p)};
    widen_rows(&work);
    run_filters(&work);
    counts[1] = work.assembly;
    counts[2] = (double)p->output_channels * ((p->output_h + work.l.rows - 1) / work.l.rows);
    counts[3] = work.runs;
    counts[4] = work.lines;
    counts[5] = work.rows;
    counts[6] = work.edges;
    counts[7] = work.sorted;
    counts[8] = work.slow_outputs;
    counts[9] = work.l.a_unit ? work.l.units : work.l.taps;
    counts[10] = work.l.a_unit ? 0 : counts[2] * work.l.taps;
    counts[11] = work.l.a_unit % work.l.group && p->mask
                     ? (double)p->output_channels * work.l.mask_bytes
                     : 0;
    counts[12] = p->kernel_h * work.l.kernel_w;
    counts[13] = work.sorted_units;
    counts[14] = work.copied;
}

void work_conv_2d_single_s8_armv7em(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct work work = {.p = p, .l = dtmm_dsp_layout(p)};
    const struct dtmm_dsp_layout *l = &work.l;
    widen_rows(&work);
    for (int32_t filter = 0; filter < p->output_channels; filter++) {
        int32_t kept = kept_units(&work, filter);
        counts[7] += finishes_slowly(p, filter);
        if (l->a_unit == 4)
            work.assembly += 15 + 13 * l->mask_bytes + 6 * kept;
        else
            work.assembly +=
                mask_instructions(l) + kept * unit_instructions(l, l->group == 8 ? 12 : 6, 1, 2);
    }
    counts[1] = work.assembly;
    counts[2] = p->output_channels;
    counts[3] = work.lines;
    counts[4] = work.edges;
    counts[5] = l->units;
    counts[6] = l->a_unit % l->group && p->mask ? (double)p->output_channels * l->mask_bytes : 0;
}

void work_conv_2d_fwcs_single_s8_armv7em(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_single_s8_armv7em(p, counts);
}

void work_conv_2d_fwcs_s8_armv7em(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_s8_armv7em(p, counts);
}

void work_pointwise_inplace_s8_armv7em(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_s8_armv7em(p, counts);
}

void work_pointwise_fwcs_inplace_s8_armv7em(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_s8_armv7em(p, counts);
}

void work_conv_2d_fwcs_list_s8_armv7em(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_list(p, counts);
    for (int32_t filter = 0; filter < p->output_channels; filter++)
        counts[5] += finishes_slowly(p, filter);
}
