/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of conv_2d run on Cortex-M4, M7 and M33. What the assembly of
 * runtime/armv7em/conv_2d_pixels.h and conv_2d_widen.h executes is counted in instructions. */
#include "target/cost.h"
#include "target/work.h"

#include "../../runtime/armv7em/rules.h"

/* The streams of all filters. */
struct streams {
    double units;              /* kept */
    double groups;             /* written */
    double instructions_of[3]; /* one block of 4, 2 and 1 outputs of each filter */
};

/* Instructions of one block of outputs of a filter with this many groups. */
static double block_instructions(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l,
                                 int kind, int32_t groups)
{
    static const double of_group[2][3] = {{12, 7, 5}, {22, 13, 8}};
    int32_t outputs = 4 >> kind, round = kind == 0 ? 8 : 4;
    int is_narrow = p->output_min > INT8_MIN || p->output_max < INT8_MAX;
    double finish = outputs * (is_narrow ? 9 : 5) + (is_narrow ? 2 : 0);
    double rounds = groups > round ? (groups - 1) / round : 0;
    return 11 + finish + groups * of_group[l->group == 8][kind] + 3 * rounds;
}

static int unit_is_kept(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l,
                        int32_t filter, int32_t unit)
{
    return !p->mask || (p->mask[filter * l->mask_bytes + unit / 8] >> unit % 8 & 1);
}

/* Groups of four channels with a kept unit, from the gathered or padded positions of a filter. */
static int32_t kept_fours(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l,
                          int32_t filter)
{
    int32_t block = p->mask ? p->block : p->input_channels, kept = 0;
    int32_t a_tap = (p->input_channels + block - 1) / block;
    for (int32_t tap = 0; tap < l->taps; tap++)
        for (int32_t four = 0; four < l->planes; four++) {
            int any = 0;
            for (int32_t i = 4 * four; i < 4 * four + 4 && i < l->window; i++) {
                int32_t position = tap * (l->window / p->input_channels) + i / p->input_channels;
                int32_t unit = position * a_tap + i % p->input_channels / block;
                any |= unit_is_kept(p, l, filter, unit);
            }
            kept += any;
        }
    return kept;
}

static struct streams streams_of(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l)
{
    struct streams streams = {0};
    int32_t a_unit = (l->a_unit + l->group - 1) / l->group;
    for (int32_t filter = 0; filter < p->output_channels; filter++) {
        int32_t groups = 0;
        for (int32_t unit = 0; unit < l->units && l->a_unit; unit++) {
            groups += unit_is_kept(p, l, filter, unit) ? a_unit : 0;
            streams.units += unit_is_kept(p, l, filter, unit);
        }
        if (!l->a_unit) {
            groups = kept_fours(p, l, filter);
            streams.units += l->taps;
        }
        streams.groups += groups;
        for (int kind = 0; kind < 3; kind++)
            streams.instructions_of[kind] += block_instructions(p, l, kind, groups);
    }
    return streams;
}

/* Widening the input: columns of rows, and what they copy. */
struct widening {
    double lines;        /* phases of rows, in a plane */
    double instructions; /* of groups inside the input, of padding and of moved rows */
    double edges;        /* groups partly outside the input */
};

static void widen_line(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l, int32_t phase,
                       int is_outside, struct widening *work)
{
    int32_t columns = p->output_w + ((l->kernel_w - 1) * p->dilation_w - phase) / p->stride_w;
    int32_t bytes = p->input_w * p->input_channels;
    work->lines += l->planes;
    for (int32_t plane = 0; plane < l->planes; plane++)
        for (int32_t column = 0; column < columns; column++) {
            int32_t x = column * p->stride_w + phase - p->pad_left;
            int32_t at = x * p->input_channels + plane * l->group;
            if (is_outside)
                work->instructions += 3 * l->group / 2;
            else if (at >= 0 && at + l->group <= bytes)
                work->instructions += l->group == 8 ? 14 : 9;
            else
                work->edges += l->group / 4;
        }
}

static struct widening widening_of(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l)
{
    struct widening work = {0, 0, 0};
    for (int32_t phase_h = 0; phase_h < l->phases_h; phase_h++) {
        int32_t more = ((p->kernel_h - 1) * p->dilation_h - phase_h) / p->stride_h;
        int32_t passes = (p->output_h + l->rows - 1) / l->rows;
        work.instructions += (passes - 1) * more * l->planes * (l->row_bytes * 4 / 32 + 10);
        for (int32_t row = 0; row < p->output_h + more; row++) {
            int32_t y = row * p->stride_h + phase_h - p->pad_top;
            for (int32_t phase = 0; phase < l->phases_w; phase++)
                widen_line(p, l, phase, y < 0 || y >= p->input_h, &work);
        }
    }
    return work;
}

/* Blocks of `4 >> kind` outputs of one filter, and the calls that compute them. */
struct blocks {
    double blocks[3], calls, rows;
};

static struct blocks blocks_of(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l)
{
    struct blocks work = {{0, 0, 0}, 0, 0};
    int has_gaps = l->row_bytes != p->output_w * l->group_bytes;
    for (int32_t y = 0; y < p->output_h; y += l->rows) {
        int32_t rows = dtmm_dsp_smaller(l->rows, p->output_h - y);
        int32_t columns = has_gaps ? p->output_w : rows * p->output_w;
        if (!has_gaps)
            rows = 1;
        for (int kind = 0; kind < 3; kind++) {
            int32_t blocks = kind == 0 ? columns / 4 : columns >> (2 - kind) & 1;
            work.blocks[kind] += blocks * rows;
            work.calls += blocks > 0;
            work.rows += blocks > 0 ? rows : 0;
        }
    }
    return work;
}

void work_conv_2d_s8_armv7em(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct dtmm_dsp_layout l = dtmm_dsp_layout(p);
    struct streams streams = streams_of(p, &l);
    struct widening widening = widening_of(p, &l);
    struct blocks blocks = blocks_of(p, &l);
    double passes = (p->output_h + l.rows - 1) / l.rows, filters = p->output_channels;
    counts[1] = widening.instructions + 12 * blocks.rows * filters;
    for (int kind = 0; kind < 3; kind++)
        counts[1] += blocks.blocks[kind] * streams.instructions_of[kind];
    counts[2] = blocks.calls * filters;
    counts[3] = passes * filters;
    counts[4] = passes * streams.units;
    counts[5] = passes * (l.a_unit ? streams.groups * (l.group == 8 ? 10 : 7)
                                   : filters * l.taps * l.window * 10);
    counts[6] = widening.lines;
    counts[7] = widening.edges;
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
