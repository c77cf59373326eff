/* SPDX-License-Identifier: Apache-2.0 */
/* How the convolutions of this folder lay out their scratch memory; both the kernels and rules.h
 * (on the host) ask.
 *
 * Input values are widened to int16 and doubled. A *group* is the 4 or 8 channels that one step of
 * the inner loop multiplies; a *plane* holds one group of every position. Within a plane rows and
 * columns are sorted by their phase, the remainder of their padded position by the stride, so that
 * neighboring outputs read neighboring groups whatever the stride:
 *   group (plane, y, x) at plane * plane_bytes + (y % stride_h) * phase_bytes
 *       + (y / stride_h - first output row) * row_bytes
 *       + (x % stride_w) * column_bytes + (x / stride_w) * group_bytes
 * A position of an input with few channels holds the values of all taps of a kernel row instead
 * ("gathered"); the kernel is then one column wide and the planes hold one group an output. */
#ifndef DTMM_ARMV7EM_CONV_2D_LAYOUT_H
#define DTMM_ARMV7EM_CONV_2D_LAYOUT_H

#include "../dtmm.h"

enum { DTMM_DSP_ROUND = 4 }; /* groups of a round of the unrolled loops */

/* The memory that the widened rows of one pass may take: less, once a pass has enough outputs;
 * more, where the layer's input and output are small. */
enum {
    DTMM_DSP_ENOUGH_BYTES = 4096,
    DTMM_DSP_MOST_BYTES = 7680,
    DTMM_DSP_MOST_WITH_TENSORS = 20480,
    DTMM_DSP_ENOUGH_OUTPUTS = 64
};

/* Of the scratch memory, for what the kernel keeps in mind. */
enum { DTMM_DSP_STATE_BYTES = 384 };

struct dtmm_dsp_layout {
    int32_t group;       /* channels: 4 or 8 */
    int32_t group_bytes; /* 2 * group */
    int32_t window;   /* input values of one position: input_channels, or gathered a kernel row */
    int32_t planes;   /* groups of one position */
    int32_t kernel_w; /* columns of the kernel, 1 when gathered */
    int32_t phases_h, phases_w;
    int32_t more_rows;    /* that an output row needs behind the row of its first tap, in a phase */
    int32_t more_columns; /* likewise */
    int32_t rows;         /* output rows of one pass */
    int32_t column_bytes, row_bytes, phase_bytes, plane_bytes;
    int32_t size;  /* bytes of all planes */
    int32_t units; /* bits of a filter's mask; dense: kernel positions as the layout knows them */
    int32_t mask_bytes; /* of a filter */
    int32_t a_unit;  /* channels of each unit when all units are alike: whole groups, or a position;
                      * else 0, and a filter is sorted position by position */
    int32_t taps;    /* kernel positions as the layout knows them */
    int32_t offsets; /* bytes of the list of units */
    int32_t expanded; /* bytes of one position's weights, where they must be sorted, or of a mask */
    int32_t stream;   /* bytes of one filter's widened weights, at most */
};

static inline int32_t dtmm_dsp_round_up(int32_t x, int32_t step)
{
    return (x + step - 1) / step * step;
}

static inline void dtmm_dsp_set_rows(struct dtmm_dsp_layout *l, int32_t rows)
{
    l->rows = rows;
    l->phase_bytes = (rows + l->more_rows) * l->row_bytes;
    l->plane_bytes = l->phases_h * l->phase_bytes;
    l->size = l->planes * l->plane_bytes;
}

static inline int32_t dtmm_dsp_smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t dtmm_dsp_larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* As many output rows a pass as pay, evenly. */
static inline void dtmm_dsp_choose_rows(const struct dtmm_conv_2d *p, struct dtmm_dsp_layout *l)
{
    int32_t a_row = l->planes * l->phases_h * l->row_bytes;
    int32_t pay = (DTMM_DSP_ENOUGH_OUTPUTS - 1) / p->output_w + 1;
    int32_t most = DTMM_DSP_MOST_WITH_TENSORS - p->input_h * p->input_w * p->input_channels -
                   p->output_h * p->output_w * p->output_channels;
    most = dtmm_dsp_larger(most, DTMM_DSP_MOST_BYTES);
    int32_t rows = dtmm_dsp_smaller(pay, most / a_row - l->more_rows);
    rows = dtmm_dsp_larger(rows, DTMM_DSP_ENOUGH_BYTES / a_row - l->more_rows);
    rows = dtmm_dsp_larger(1, dtmm_dsp_smaller(rows, p->output_h));
    int32_t passes = (p->output_h + rows - 1) / rows;
    dtmm_dsp_set_rows(l, (p->output_h + passes - 1) / passes);
}

/* Whether kernel rows are gathered, and channels of a group. 11 to 12 are the instructions that
 * the inner loop takes for a multiplication. */
static inline void dtmm_dsp_choose_groups(const struct dtmm_conv_2d *p, struct dtmm_dsp_layout *l)
{
    int32_t channels = p->input_channels, gathered = channels * p->kernel_w;
    l->window = channels;
    l->kernel_w = p->kernel_w;
    if (channels < 4 && p->dilation_w == 1 &&
        dtmm_dsp_round_up(gathered, 4) < p->kernel_w * dtmm_dsp_round_up(channels, 4)) {
        l->window = gathered;
        l->kernel_w = 1;
    }
    int is_cut = p->mask && (p->block < channels || l->window > channels);
    int is_wide = is_cut
                      ? channels % p->block == 0 && p->block % 8 == 0
                      : 11 * dtmm_dsp_round_up(l->window, 8) < 12 * dtmm_dsp_round_up(l->window, 4);
    l->group = is_wide ? 8 : 4;
    l->group_bytes = 2 * l->group;
    l->planes = (l->window + l->group - 1) / l->group;
}

/* What does not depend on the number of rows. */
static inline void dtmm_dsp_choose_columns(const struct dtmm_conv_2d *p, struct dtmm_dsp_layout *l)
{
    dtmm_dsp_choose_groups(p, l);
    int32_t reach_h = (p->kernel_h - 1) * p->dilation_h;
    int32_t reach_w = (l->kernel_w - 1) * p->dilation_w;
    l->phases_h = dtmm_dsp_smaller(p->stride_h, reach_h + 1);
    l->phases_w = dtmm_dsp_smaller(p->stride_w, reach_w + 1);
    l->more_rows = reach_h / p->stride_h;
    l->more_columns = reach_w / p->stride_w;
    l->column_bytes = (p->output_w + l->more_columns) * l->group_bytes;
    l->row_bytes = l->phases_w * l->column_bytes;
}

static inline void dtmm_dsp_set_layout(const struct dtmm_conv_2d *p, struct dtmm_dsp_layout *l)
{
    dtmm_dsp_choose_columns(p, l);
    dtmm_dsp_choose_rows(p, l);
    l->taps = p->kernel_h * l->kernel_w;
    l->a_unit = l->window;
    l->units = l->taps;
    if (p->mask) {
        int32_t a_tap = (p->input_channels + p->block - 1) / p->block;
        int is_whole = p->input_channels % p->block == 0 && p->block % l->group == 0;
        l->units = p->kernel_h * p->kernel_w * a_tap;
        if (p->block < p->input_channels || l->window > p->input_channels)
            l->a_unit = is_whole ? p->block : 0;
    }
    l->mask_bytes = (l->units + 7) >> 3;
    l->offsets = dtmm_dsp_round_up((l->a_unit ? l->units : l->taps) * 2, 4);
    l->expanded = !p->mask    ? dtmm_dsp_round_up(l->units + 1, 32) / 8
                  : l->a_unit ? 0
                              : l->planes * l->group;
    l->stream = l->taps * l->planes * (l->group_bytes + 4);
}

static inline struct dtmm_dsp_layout dtmm_dsp_layout(const struct dtmm_conv_2d *p)
{
    struct dtmm_dsp_layout l;
    dtmm_dsp_set_layout(p, &l);
    return l;
}

static inline int32_t dtmm_dsp_scratch_bytes(const struct dtmm_dsp_layout *l)
{
    return DTMM_DSP_STATE_BYTES + l->size + l->offsets + l->expanded + l->stream;
}

#endif
