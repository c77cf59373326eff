/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the kernels of RV32 run. */
#include "target/cost.h"
#include "target/work.h"

#include "../../runtime/rv32/rules.h"

/* Instructions of the assembly for an item and a group of `words` (runtime/rv32/filter.h). */
static double item_instructions(int32_t item, int32_t words)
{
    int32_t pairs = item / 2, loops = (pairs + 7) / 8;
    int32_t odd = item % 2 ? 3 + 6 * words : 0;
    if (item == 4)
        return 8 + 19 * words;
    return 7 + words + pairs * (2 + 9 * words) + loops * (3 + words) + odd;
}

/* The same for the start and the end of a group's sums. */
static double group_instructions(int32_t words, int is_general)
{
    return 20 + 6 * words + (is_general ? 6 + 44 * words : 28.5 * words);
}

/* Parts of the windows of a layer, summed over them. */
struct window_work {
    double windows, calls;       /* calls of the assembly a filter */
    double both, other, columns; /* words filled from two pixels, the others, words of a channel */
    double kept;                 /* words moved */
    double places;
    double groups[5]; /* of so many words */
};

/* Adds the rows of a window that are filled. */
static void fill_work(const struct dtmm_conv_2d *p, const struct dtmm_rv32_window *w,
                      struct window_work *work, int32_t y, int32_t n_rows, int32_t x)
{
    int32_t columns = dtmm_rv32_window_columns(p, w->half), n_both = 0;
    for (int32_t i = x; i < x + columns; i++)
        n_both += i >= 0 && i + w->half * p->stride_w < w->input_w;
    for (int32_t row = y; row < y + n_rows; row++) {
        int is_inside = row >= 0 && row < w->input_h;
        int32_t both = is_inside ? n_both : 0;
        work->both += (double)both * p->input_channels;
        work->other += (double)(columns - both) * p->input_channels;
        work->columns += is_inside ? columns : 1;
    }
}

static struct window_work window_work(const struct dtmm_conv_2d *p)
{
    struct dtmm_rv32_window w = dtmm_rv32_window(p);
    struct window_work work = {0};
    int32_t row_words = dtmm_rv32_window_columns(p, w.half) * p->input_channels;
    int32_t n_rows = dtmm_rv32_window_rows(p, w.rows);
    int32_t shared = n_rows - w.rows * p->stride_h;
    for (int32_t ox = 0; ox < w.output_w; ox += 2 * w.half)
        for (int32_t oy = 0; oy < w.output_h; oy += w.rows) {
            int32_t width = w.output_w - ox < w.half ? w.output_w - ox : w.half;
            int32_t rows = w.output_h - oy < w.rows ? w.output_h - oy : w.rows;
            int32_t kept = oy > 0 && shared > 0 ? shared : 0, words = width * rows;
            fill_work(p, &w, &work, oy * p->stride_h - p->pad_top + kept, n_rows - kept,
                      ox * p->stride_w - p->pad_left);
            work.windows++;
            work.places += words;
            work.kept += (double)kept * row_words;
            work.calls += (words >= 4) + (words / 2 % 2) + words % 2;
            work.groups[4] += words / 4;
            work.groups[2] += words / 2 % 2;
            work.groups[1] += words % 2;
        }
    return work;
}

/* The counts that dense and FWCS layers share; `items` over all filters. */
static void count_windows(const struct dtmm_conv_2d *p, double items, double counts[MAX_WORK])
{
    struct window_work work = window_work(p);
    int32_t item = dtmm_rv32_window(p).item, n_general = 0;
    for (int32_t o = 0; o < p->output_channels; o++)
        n_general += p->shift[o] > -2;
    counts[1] = work.windows * p->output_channels;
    counts[2] = 45 * work.calls * p->output_channels + 15 * work.places;
    for (int32_t words = 1; words <= 4; words *= 2)
        counts[2] +=
            work.groups[words] *
            (items * item_instructions(item, words) + n_general * group_instructions(words, 1) +
             (p->output_channels - n_general) * group_instructions(words, 0));
    counts[3] = work.both;
    counts[4] = work.other;
    counts[5] = work.columns;
    counts[6] = work.kept;
}

void work_conv_2d_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    count_windows(p, (double)dtmm_rv32_window(p).max_items * p->output_channels, counts);
}

/* Units, those kept, and the items these consist of, in all filters. */
struct unit_work {
    double units, kept, items;
};

static struct unit_work unit_work(const struct dtmm_conv_2d *p)
{
    int32_t row_units = (p->input_channels + p->block - 1) / p->block;
    int32_t units = row_units * p->kernel_h * p->kernel_w;
    int32_t mask_bytes = (units + 7) / 8, item = dtmm_rv32_window(p).item;
    struct unit_work work = {(double)units * p->output_channels, 0, 0};
    for (int32_t o = 0; o < p->output_channels; o++)
        for (int32_t unit = 0; unit < units; unit++) {
            int32_t left = p->input_channels - unit % row_units * p->block;
            if (!(p->mask[o * mask_bytes + unit / 8] >> unit % 8 & 1))
                continue;
            work.kept++;
            work.items += (left < p->block ? left : p->block) / item;
        }
    return work;
}

void work_conv_2d_fwcs_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct unit_work work = unit_work(p);
    int is_uneven = p->block < p->input_channels && p->block != dtmm_rv32_window(p).item;
    double listed = is_uneven ? 14 * work.units + 5 * work.items : 3 * work.units + 3 * work.kept;
    count_windows(p, work.items, counts);
    counts[7] = window_work(p).windows * listed;
}

/* A single pixel, eight filters at a time and then one. */
static void count_filters(int32_t n_filters, int32_t channels, double counts[MAX_WORK])
{
    int32_t eights = n_filters / 8, ones = n_filters % 8;
    counts[2] = eights;
    counts[3] = eights * (double)(channels / 8);
    counts[4] = eights * (double)(channels % 8);
    counts[5] = ones;
    counts[6] = ones * (double)channels;
}

void work_conv_2d_vector_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    counts[1] = p->output_channels;
    count_filters(p->output_channels, p->input_channels, counts);
}

void work_conv_2d_fwcs_vector_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    int32_t channels = p->input_channels, units = (channels + p->block - 1) / p->block;
    counts[1] = p->output_channels;
    if (p->block >= channels) {
        count_filters((int32_t)unit_work(p).kept, channels, counts);
        return;
    }
    int is_eights = p->block % 8 == 0;
    int32_t n_fast = is_eights || p->block == 4 ? channels / p->block / 8 * 8 : 0;
    for (int32_t o = 0; o < p->output_channels; o++)
        for (int32_t unit = 0; unit < units; unit++) {
            int32_t left = channels - unit * p->block, n = left < p->block ? left : p->block;
            int is_kept = p->mask[o * ((units + 7) / 8) + unit / 8] >> unit % 8 & 1;
            if (unit >= n_fast) {
                counts[7]++;
                counts[8] += is_kept;
                counts[9] += is_kept * n;
            } else if (is_eights) {
                counts[10]++;
                counts[11] += is_kept;
                counts[12] += is_kept * (n / 8);
            } else {
                counts[13]++;
                counts[14] += is_kept;
            }
        }
}

/* Instructions of the assembly for a row of outputs with a kernel 3x3. */
static double row_3x3_instructions(const struct dtmm_depthwise_conv_2d *p)
{
    return p->stride_w == 1 ? 43 + 39.0 * p->output_w : 24 + 45.0 * p->output_w;
}

void work_depthwise_conv_2d_s8_rv32(const struct dtmm_depthwise_conv_2d *p, double counts[MAX_WORK])
{
    int32_t step = dtmm_rv32_band_rows(p), channels = p->input_channels * p->depth_multiplier;
    int32_t row_bytes = dtmm_rv32_band_row_bytes(p), n_fast = 0;
    int32_t shared = dtmm_rv32_band_input_rows(p, step) - step * p->stride_h;
    int32_t inside = row_bytes - p->pad_left * p->input_channels;
    inside = inside < 0 ? 0 : inside;
    inside = inside < p->input_w * p->input_channels ? inside : p->input_w * p->input_channels;
    if (dtmm_rv32_is_3x3(p))
        for (int32_t o = 0; o < channels; o++)
            n_fast += p->shift[o] <= -2;
    for (int32_t oy = 0; oy < p->output_h; oy += step) {
        int32_t last = p->output_h - oy < step ? p->output_h - oy : step;
        for (int32_t row = 0; row < dtmm_rv32_band_input_rows(p, last); row++) {
            int32_t y = oy * p->stride_h - p->pad_top + row;
            int32_t copied = y >= 0 && y < p->input_h ? inside : 0;
            if (oy > 0 && row < shared)
                copied = row_bytes;
            counts[1]++;
            counts[2] += copied + 0.5 * (row_bytes - copied);
        }
        counts[3] += n_fast;
    }
    double slow = (double)(channels - n_fast) * p->output_h * p->output_w;
    counts[4] = n_fast * (p->output_h * row_3x3_instructions(p));
    counts[5] = slow;
    counts[6] = slow * p->kernel_h;
    counts[7] = counts[6] * p->kernel_w;
}

void work_fully_connected_s8_rv32(const struct dtmm_fully_connected *p, double counts[MAX_WORK])
{
    double rows = p->rows, channels = p->input_channels;
    double eights = p->output_channels / 8, ones = p->output_channels % 8;
    counts[1] = rows;
    counts[2] = rows * eights;
    counts[3] = rows * eights * (p->input_channels / 8);
    counts[4] = rows * eights * (p->input_channels % 8);
    counts[5] = rows * ones;
    counts[6] = rows * ones * channels;
    counts[7] = rows * p->output_channels;
}

static void work_add(const struct dtmm_add *p, double counts[MAX_WORK])
{
    double rows = (double)p->dims[0] * p->dims[1] * p->dims[2];
    counts[1] = rows;
    counts[dtmm_rv32_add_is_fast(p) ? 2 : 3] = rows * p->dims[3];
}

void work_add_s8_rv32(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_add(p, counts);
}

void work_sub_s8_rv32(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_add(p, counts);
}

void work_average_pool_2d_s8_rv32(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    work_average_pool_2d_s8_c(p, counts);
}

void work_max_pool_2d_s8_rv32(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    work_max_pool_2d_s8_c(p, counts);
}

void work_depthwise_conv_2d_inplace_s8_rv32(const struct dtmm_depthwise_conv_2d *p,
                                            double counts[MAX_WORK])
{
    work_depthwise_conv_2d_s8_rv32(p, counts);
}

void work_pointwise_inplace_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    count_windows(p, (double)dtmm_rv32_window(p).max_items * p->output_channels, counts);
}

void work_pointwise_fwcs_inplace_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_fwcs_s8_rv32(p, counts);
}

void work_mul_s8_rv32(const struct dtmm_mul *p, double counts[MAX_WORK])
{
    double rows = (double)p->dims[0] * p->dims[1] * p->dims[2];
    counts[1] = rows;
    counts[p->shift <= -2 ? 2 : 3] = rows * p->dims[3];
}

void work_mean_s8_rv32(const struct dtmm_mean *p, double counts[MAX_WORK])
{
    struct dtmm_rv32_mean mean = dtmm_rv32_mean(p);
    counts[1] = (double)mean.kept[0].n * mean.kept[1].n;
    counts[2] = counts[1] * mean.kept[2].n;
    counts[3] = counts[2] * mean.averaged[0].n;
    counts[4] = counts[3] * mean.averaged[1].n;
    counts[5] = counts[4] * mean.averaged[2].n;
}

void work_softmax_s8_rv32(const struct dtmm_softmax *p, double counts[MAX_WORK])
{
    work_softmax_s8_c(p, counts);
}

void work_conv_2d_fwcs_list_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_list(p, counts);
    for (int32_t o = 0; o < p->output_channels; o++)
        counts[5] += p->shift[o] > -2;
}
