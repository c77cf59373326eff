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

/* Parts of the windows of a layer, summed over them. */
struct window_work {
    double windows, filled, kept; /* words filled from the input, words moved */
    double groups[5];             /* of so many words */
};

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
            work.windows++;
            work.filled += (double)(n_rows - kept) * row_words;
            work.kept += (double)kept * row_words;
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
    int32_t item = dtmm_rv32_window(p).item;
    counts[1] = work.windows * p->output_channels;
    counts[5] = work.filled;
    counts[6] = work.kept;
    for (int32_t words = 1; words <= 4; words *= 2) {
        counts[2] += work.groups[words] * items * item_instructions(item, words);
        counts[3] += work.groups[words] * p->output_channels;
        counts[4] += work.groups[words] * p->output_channels * words;
    }
}

void work_conv_2d_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    count_windows(p, (double)dtmm_rv32_window(p).max_items * p->output_channels, counts);
}

void work_conv_2d_fwcs_s8_rv32(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    int32_t units = (p->input_channels + p->block - 1) / p->block * p->kernel_h * p->kernel_w;
    int32_t row_units = (p->input_channels + p->block - 1) / p->block;
    int32_t mask_bytes = (units + 7) / 8, item = dtmm_rv32_window(p).item;
    double items = 0;
    for (int32_t o = 0; o < p->output_channels; o++)
        for (int32_t unit = 0; unit < units; unit++) {
            int32_t left = p->input_channels - unit % row_units * p->block;
            if (p->mask[o * mask_bytes + unit / 8] >> unit % 8 & 1)
                items += (left < p->block ? left : p->block) / item;
        }
    count_windows(p, items, counts);
    counts[7] = window_work(p).windows * (items + 0.7 * units * p->output_channels);
}

void work_depthwise_conv_2d_s8_rv32(const struct dtmm_depthwise_conv_2d *p, double counts[MAX_WORK])
{
    int32_t step = dtmm_rv32_band_rows(p), channels = p->input_channels * p->depth_multiplier;
    int32_t row_bytes = dtmm_rv32_band_row_bytes(p), n_fast = 0;
    double bands = (p->output_h + step - 1) / step, pixels = (double)p->output_h * p->output_w;
    double rows = 0;
    for (int32_t oy = 0; oy < p->output_h; oy += step)
        rows += dtmm_rv32_band_input_rows(p, p->output_h - oy < step ? p->output_h - oy : step);
    if (dtmm_rv32_is_3x3(p))
        for (int32_t o = 0; o < channels; o++)
            n_fast += p->shift[o] <= -2;
    counts[1] = rows;
    counts[2] = rows * row_bytes;
    counts[3] = bands * channels;
    counts[4] = n_fast * (double)p->output_h;
    counts[5] = n_fast * pixels;
    counts[6] = (channels - n_fast) * pixels * p->kernel_h;
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
