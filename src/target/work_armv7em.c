/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the kernels of the DSP extension run, other than those of conv_2d. */
#include "../../runtime/armv7em/rules.h"
#include "target/cost.h"
#include "target/work.h"

/* Outputs of a row that are not requantized the fast way. */
static double exact_outputs(const struct dtmm_fully_connected *p)
{
    int32_t n = 0;
    for (int32_t o = 0; o < p->output_channels; o++)
        n += !dtmm_dsp_shift_is_fast(p->shift[p->per_channel ? o : 0]);
    return n;
}

/* Rows that are multiplied pair by pair in one loop have counts of their own. */
void work_fully_connected_s8_armv7em(const struct dtmm_fully_connected *p, double counts[MAX_WORK])
{
    int32_t n = p->input_channels, blocks = n / 8;
    int is_usual = n % 8 == 0 && !p->per_channel && dtmm_dsp_shift_is_fast(p->shift[0]) &&
                   p->output_min == -128 && p->output_max == 127 && p->output_channels > 1;
    double usual = is_usual ? (double)p->rows * (p->output_channels / 2) : 0;
    double others = is_usual ? (double)p->rows * (p->output_channels % 2)
                             : (double)p->rows * ((p->output_channels + 1) / 2);
    double loops = (blocks + 1) / 2;
    counts[1] = p->rows;
    counts[2] = (double)p->rows * (n / 4);
    counts[3] = usual;
    counts[4] = usual * (blocks * 19 + loops * 2);
    counts[5] = others;
    counts[6] = others * (blocks * 23 + loops * 2);
    counts[7] = blocks > 0 ? others : 0;
    counts[8] = n & 4 ? others : 0;
    counts[9] = others * (n & 3);
    counts[10] = n & 3 ? others : 0;
    counts[11] = p->rows * exact_outputs(p);
}

/* Rows of the input that a depthwise convolution of three kernel rows reads, and how many of them
 * lie inside; a stride above 3 skips rows. */
struct rows_read {
    double all, inside;
};

static struct rows_read rows_read(const struct dtmm_depthwise_conv_2d *p)
{
    struct rows_read n = {0, 0};
    for (int32_t v = 0; v < (p->output_h - 1) * p->stride_h + 3; v++) {
        if (v % p->stride_h >= 3)
            continue;
        n.all++;
        n.inside += v >= p->pad_top && v < p->pad_top + p->input_h;
    }
    return n;
}

/* Channels whose group of four is requantized the fast way. */
static double fast_channels(const struct dtmm_depthwise_conv_2d *p)
{
    int32_t n = 0, channels = p->input_channels;
    for (int32_t first = 0; first < channels; first += 4) {
        int32_t start = first < channels - 4 ? first : channels - 4, c = start;
        while (c < start + 4 && dtmm_dsp_shift_is_fast(p->shift[c]))
            c++;
        n += c == start + 4 ? start + 4 - first : 0;
    }
    return n;
}

/* Instructions of the inner loops. */
void work_depthwise_conv_2d_3x3_s8_armv7em(const struct dtmm_depthwise_conv_2d *p,
                                           double counts[MAX_WORK])
{
    int is_relu = p->output_min == -128 && p->output_max == 127 && p->output_zero_point == -128;
    double pair = is_relu ? 28 : 42, single = is_relu ? 19 : 26;
    double groups = (p->input_channels + 3) / 4, rows = p->output_h;
    double fast = fast_channels(p), exact = p->input_channels - fast;
    int32_t columns = dtmm_dsp_depthwise_3x3_columns(p), n = columns * 2 - p->pad_left;
    n = n < p->input_w ? n : p->input_w;
    n = n < 0 ? 0 : n;
    int32_t loaded_pairs = p->pad_left % 2 ? (n - 1) / 2 : n / 2;
    struct rows_read read = rows_read(p);
    counts[1] = groups;
    counts[2] = groups * rows;
    counts[3] = groups * read.inside;
    counts[4] = groups * read.inside * (loaded_pairs * 15 + (n - 2 * loaded_pairs) * 12);
    counts[5] = (groups * (read.all - read.inside) + 3) * columns;
    counts[6] = rows * exact * p->output_w;
    counts[7] =
        rows * fast *
        (30 + dtmm_dsp_depthwise_3x3_pairs(p) * pair + dtmm_dsp_depthwise_3x3_singles(p) * single);
}

void work_depthwise_conv_2d_3x3_inplace_s8_armv7em(const struct dtmm_depthwise_conv_2d *p,
                                                   double counts[MAX_WORK])
{
    work_depthwise_conv_2d_3x3_s8_armv7em(p, counts);
}

/* Rows that the general form copies because its memory is full. */
static int32_t rows_moved(const struct dtmm_depthwise_conv_2d *p,
                          const struct dtmm_dsp_depthwise *g)
{
    int32_t n = 0, start = 0, end = 0;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        int32_t first = oy * p->stride_h;
        if (first + g->span - start > g->n_rows) {
            n += end > first ? end - first : 0;
            start = first;
        }
        end = first + g->span;
    }
    return n;
}

/* Of one row, all filters. */
struct filter_work {
    double fast, exact; /* filters */
};

static struct filter_work filter_work(const struct dtmm_depthwise_conv_2d *p)
{
    struct filter_work work = {0, 0};
    for (int32_t o = 0; o < p->input_channels * p->depth_multiplier; o++) {
        int is_fast = p->output_w >= 4 && dtmm_dsp_shift_is_fast(p->shift[o]);
        work.fast += is_fast;
        work.exact += !is_fast;
    }
    return work;
}

void work_depthwise_conv_2d_s8_armv7em(const struct dtmm_depthwise_conv_2d *p,
                                       double counts[MAX_WORK])
{
    struct dtmm_dsp_depthwise g = dtmm_dsp_depthwise_geometry(p);
    struct filter_work work = filter_work(p);
    int32_t dm = p->depth_multiplier, loaded = 0, inside = 0, n = g.n_columns - p->pad_left;
    for (int32_t v = 0; v < (p->output_h - 1) * p->stride_h + g.span; v++) {
        int32_t oy = v / p->stride_h < p->output_h ? v / p->stride_h : p->output_h - 1;
        int is_read = v < oy * p->stride_h + g.span;
        loaded += is_read;
        inside += is_read && v >= p->pad_top && v < p->pad_top + p->input_h;
    }
    n = n < p->input_w ? n : p->input_w;
    n = n < 0 ? 0 : n;
    double groups = (p->input_channels + g.n_planes - 1) / g.n_planes, rows = p->output_h;
    double blocks = rows * ((p->output_w + 3) / 4), words = g.n_planes * g.n_columns / 2;
    int32_t pairs = p->pad_left % 2 ? (n - 1) / 2 : n / 2;
    counts[1] = groups * g.n_planes * dm * g.n_entries;
    counts[2] = groups * rows;
    counts[3] = groups * inside;
    counts[4] = groups * inside * (g.n_planes == 4 ? pairs * 15 + (n - 2 * pairs) * 12 : n * 4);
    counts[5] = (groups * (loaded - inside) + g.n_rows) * words;
    counts[6] = groups * rows_moved(p, &g) * words;
    counts[7] = rows * work.fast;
    counts[8] = rows * work.exact;
    counts[9] = blocks * work.fast;
    counts[10] = blocks * work.exact;
    counts[11] = blocks * (work.fast + work.exact) * g.n_entries;
    counts[12] = rows * p->output_w * work.exact;
    counts[13] = groups * g.n_planes * dm * p->kernel_h * p->kernel_w;
    counts[14] = groups;
}

void work_depthwise_conv_2d_inplace_s8_armv7em(const struct dtmm_depthwise_conv_2d *p,
                                               double counts[MAX_WORK])
{
    work_depthwise_conv_2d_s8_armv7em(p, counts);
}

/* Rows of the innermost dimension, blocks of four elements and what is left, and the same for the
 * clamp where the range is not that of int8. */
static void work_elementwise(const int32_t dims[4], int is_clamped, double counts[MAX_WORK])
{
    double rows = (double)dims[0] * dims[1] * dims[2];
    counts[1] = (double)dims[0] * dims[1];
    counts[2] = rows;
    counts[3] = rows * (dims[3] / 4);
    counts[4] = rows * (dims[3] % 4);
    counts[5] = is_clamped ? rows : 0;
    counts[6] = is_clamped ? rows * (dims[3] / 4) : 0;
    counts[7] = is_clamped ? rows * (dims[3] % 4) : 0;
}

void work_add_s8_armv7em(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_elementwise(p->dims, p->output_min > -128 || p->output_max < 127, counts);
}

void work_sub_s8_armv7em(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_add_s8_armv7em(p, counts);
}

void work_mul_s8_armv7em(const struct dtmm_mul *p, double counts[MAX_WORK])
{
    work_elementwise(p->dims, p->output_min > -128 || p->output_max < 127, counts);
}

/* Pixels, groups of four channels of them, runs of positions, positions. */
static void work_pool(const struct dtmm_pool_2d *p, int joins_rows, double counts[MAX_WORK])
{
    struct line horizontal = POOL_LINE_W(p), vertical = POOL_LINE_H(p);
    double groups = (p->channels + 3) / 4, inside = 0, runs = 0;
    double rows = line_work(vertical).inside;
    for (int32_t o = 0; o < p->output_w; o++) {
        int32_t n = 0;
        for (int32_t k = 0; k < p->window_w; k++)
            n += tap_inside(horizontal, o, k);
        inside += n;
        runs += joins_rows && n == p->input_w ? p->output_h : rows;
    }
    counts[1] = (double)p->output_h * p->output_w;
    counts[2] = counts[1] * groups;
    counts[3] = runs * groups;
    counts[4] = rows * inside * groups;
}

void work_average_pool_2d_s8_armv7em(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    work_pool(p, 1, counts);
}

void work_max_pool_2d_s8_armv7em(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    work_pool(p, 0, counts);
}

void work_mean_s8_armv7em(const struct dtmm_mean *p, double counts[MAX_WORK])
{
    struct dtmm_dsp_mean_shape shape = dtmm_dsp_mean_shape(p);
    counts[1] = shape.outer;
    counts[2] = (double)shape.outer * ((shape.inner + 3) / 4);
    counts[3] = counts[2] * (shape.n / 2);
    counts[4] = counts[2] * (shape.n % 2);
    counts[5] = counts[2] * (shape.n / DTMM_DSP_MOST_ADDED);
    counts[6] = p->shift > 0 ? counts[2] : 0;
}
