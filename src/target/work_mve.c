/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the kernels of Helium run, other than those of conv_2d. */
#include "../../runtime/mve/rules.h"
#include "target/cost.h"
#include "target/work.h"

static double divide_up(int32_t n, int32_t by)
{
    return (n + by - 1) / by;
}

/* Output channels whose sums are requantized the fast way: 16 at a time, when all of them may. */
static double fast_channels(const struct dtmm_depthwise_conv_2d *p)
{
    int32_t channels = p->input_channels * p->depth_multiplier, fast = 0;
    for (int32_t first = 0; first < channels; first += 16) {
        int32_t end = first + 16 < channels ? first + 16 : channels, o = first;
        while (o < end && dtmm_mve_is_fast(dtmm_mve_saturates(p), p->bias[o], p->shift[o]))
            o++;
        fast += o == end ? end - first : 0;
    }
    return fast;
}

/* Instructions that load n columns from x on: 14 for one of the input, 6 for one outside. */
static double load_columns(int32_t x, int32_t n, int32_t inputs)
{
    int32_t inside = 0;
    for (int32_t i = 0; i < n; i++)
        inside += x + i >= 0 && x + i < inputs;
    return 14.0 * inside + 6.0 * (n - inside);
}

/* The loops are assembly, whose instructions are known. */
static void work_3x3(const struct dtmm_depthwise_conv_2d *p, int is_in_place,
                     double counts[MAX_WORK])
{
    struct dtmm_mve_3x3 form = dtmm_mve_3x3(p, is_in_place);
    int32_t pad = form.is_turned ? p->pad_top : p->pad_left, channels = p->input_channels;
    int32_t inputs = form.is_turned ? p->input_h : p->input_w;
    double groups = divide_up(channels, 16), pairs = divide_up(form.rows, 2);
    double bands = divide_up(form.rows / 2, form.n_pairs) + form.rows % 2;
    double fast = fast_channels(p), exact = channels - fast;
    counts[1] = groups;
    counts[2] = dtmm_mve_saturates(p) ? channels : 0;
    for (int32_t x = 0; x < form.columns; x += form.strip) {
        int32_t n = form.columns - x < form.strip ? form.columns - x : form.strip;
        n = n < 2 ? 2 : n;
        counts[3] += groups * bands;
        counts[4] += groups * pairs;
        counts[5] += bands * exact;
        counts[6] += groups * pairs * load_columns(x - pad, n + 2, inputs) + 22 * bands * fast +
                     pairs * (fast * (11 + 15 * (n / 2) + 17 * (n % 2)) +
                              exact * (11 + 25 * (n / 2) + 27 * (n % 2)));
    }
}

void work_depthwise_conv_2d_3x3_s8_mve(const struct dtmm_depthwise_conv_2d *p,
                                       double counts[MAX_WORK])
{
    work_3x3(p, 0, counts);
}

void work_depthwise_conv_2d_3x3_inplace_s8_mve(const struct dtmm_depthwise_conv_2d *p,
                                               double counts[MAX_WORK])
{
    work_3x3(p, 1, counts);
}

static void work_pieces(const struct dtmm_depthwise_conv_2d *p, int is_in_place,
                        double counts[MAX_WORK])
{
    struct dtmm_mve_pieces pieces = dtmm_mve_pieces(p, is_in_place);
    int32_t channels = p->input_channels * p->depth_multiplier, n = pieces.down * pieces.across;
    int may_be_fast = n == 1 && p->stride_w == 2 && p->depth_multiplier == 1;
    double groups = divide_up(channels, 16), bands = divide_up(p->output_h, pieces.n_rows);
    double rows = p->output_h, fast = may_be_fast ? fast_channels(p) : 0, exact = channels - fast;
    counts[1] = groups * n;
    counts[2] = may_be_fast && dtmm_mve_saturates(p) ? channels : 0;
    for (int32_t x = 0; x < p->output_w; x += pieces.strip) {
        int32_t outputs = p->output_w - x < pieces.strip ? p->output_w - x : pieces.strip;
        int32_t columns = (outputs - 1) * p->stride_w + (p->kernel_w - 1) * p->dilation_w + 1;
        double tiles = divide_up(outputs, 4);
        counts[3] += groups * bands;
        counts[4] += groups * rows * pieces.down;
        counts[5] += bands * exact;
        counts[6] += rows * exact;
        counts[7] += groups * rows * pieces.down *
                         load_columns(x * p->stride_w - p->pad_left, columns, p->input_w) +
                     fast * (16 * bands + rows * (12 + 19 * tiles)) +
                     exact * rows * tiles * (36 + 17 * n);
    }
}

void work_depthwise_conv_2d_s8_mve(const struct dtmm_depthwise_conv_2d *p, double counts[MAX_WORK])
{
    work_pieces(p, 0, counts);
}

void work_depthwise_conv_2d_inplace_s8_mve(const struct dtmm_depthwise_conv_2d *p,
                                           double counts[MAX_WORK])
{
    work_pieces(p, 1, counts);
}

void work_fully_connected_s8_mve(const struct dtmm_fully_connected *p, double counts[MAX_WORK])
{
    double fours = p->rows * divide_up(p->output_channels, 4);
    counts[1] = p->rows;
    counts[2] = fours;
    counts[3] = p->per_channel ? fours : 0;
    counts[4] = fours * divide_up(p->input_channels, 16);
}

/* Rows of the innermost dimension, and vectors of four elements. */
static void work_binary(const int32_t dims[4], double counts[MAX_WORK])
{
    counts[1] = (double)dims[0] * dims[1];
    counts[2] = counts[1] * dims[2];
    counts[3] = counts[2] * divide_up(dims[3], 4);
}

void work_add_s8_mve(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_binary(p->dims, counts);
}

void work_add_direct_s8_mve(const struct dtmm_add *p, double counts[MAX_WORK])
{
    counts[1] = p->dims[3] / 8;
}

void work_sub_s8_mve(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_binary(p->dims, counts);
}

void work_mul_s8_mve(const struct dtmm_mul *p, double counts[MAX_WORK])
{
    work_binary(p->dims, counts);
}

/* Output pixels, and the rows and positions of their windows that lie inside. */
struct pool_work {
    double pixels, rows, taps;
};

static struct pool_work pool_work(const struct dtmm_pool_2d *p)
{
    double columns = line_work(POOL_LINE_W(p)).inside, rows = line_work(POOL_LINE_H(p)).inside;
    return (struct pool_work){(double)p->output_h * p->output_w, rows * p->output_w,
                              rows * columns};
}

void work_max_pool_2d_s8_mve(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    struct pool_work work = pool_work(p);
    double groups = divide_up(p->channels, 16);
    counts[1] = work.pixels;
    counts[2] = work.pixels * groups;
    counts[3] = work.rows * groups;
    counts[4] = work.taps * groups;
}

/* Windows of one position, or more than 256, are averaged channel by channel. */
void work_average_pool_2d_s8_mve(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    double groups = divide_up(p->channels, 8);
    for (int32_t oy = 0; oy < p->output_h; oy++)
        for (int32_t ox = 0; ox < p->output_w; ox++) {
            int32_t rows = 0, columns = 0;
            for (int32_t k = 0; k < p->window_h; k++)
                rows += tap_inside(POOL_LINE_H(p), oy, k);
            for (int32_t k = 0; k < p->window_w; k++)
                columns += tap_inside(POOL_LINE_W(p), ox, k);
            int32_t count = rows * columns;
            counts[1]++;
            if (count < 2 || count > 256) {
                counts[5] += (double)p->channels * (6 * rows + 24);
                counts[6] += (double)p->channels * count;
                continue;
            }
            counts[2] += groups;
            counts[3] += rows * groups;
            counts[4] += count * groups;
        }
}

void work_mean_s8_mve(const struct dtmm_mean *p, double counts[MAX_WORK])
{
    struct dtmm_mve_mean shape = dtmm_mve_mean(p);
    double rows = (double)shape.kept[2].n * shape.kept[1].n;
    double runs = (double)shape.reduced[2].n * shape.reduced[1].n;
    double vectors = rows * divide_up(shape.kept[0].n, shape.inner_is_kept ? 4 : 1);
    counts[1] = rows;
    counts[2] = vectors;
    for (int d = 0; d < 5; d++)
        counts[3] += p->dims[d] != 1;
    if (shape.inner_is_kept) {
        counts[4] = vectors * runs;
        counts[5] = vectors * runs * shape.reduced[0].n;
    } else {
        counts[6] = vectors * runs;
        counts[7] = vectors * runs * divide_up(shape.reduced[0].n, 16);
    }
}

void work_lookup_s8_mve(const struct dtmm_lookup *p, double counts[MAX_WORK])
{
    counts[1] = divide_up(p->n, 16);
}

void work_copy_s8_mve(const struct dtmm_copy *p, double counts[MAX_WORK])
{
    counts[1] = p->rows;
    counts[2] = p->rows * divide_up(p->row_bytes, 16);
}

void work_pad_s8_mve(const struct dtmm_pad *p, double counts[MAX_WORK])
{
    int32_t elements = 1;
    for (int d = 0; d < 5; d++)
        elements *= p->before[d] + p->dims[d] + p->after[d];
    counts[1] = (double)p->dims[0] * p->dims[1];
    counts[2] = counts[1] * p->dims[2];
    counts[3] = counts[2] * p->dims[3] * (10 + 3 * divide_up(p->dims[4], 16));
    counts[4] = divide_up(elements, 16);
}

void work_resize_nearest_s8_mve(const struct dtmm_resize_nearest *p, double counts[MAX_WORK])
{
    counts[1] = p->output_h;
    counts[2] = (double)p->output_h * p->output_w;
    counts[3] = counts[2] * divide_up(p->channels, 16);
}

void work_quantize_f32_s8_mve(const struct dtmm_quantize *p, double counts[MAX_WORK])
{
    counts[1] = divide_up(p->n, 4);
}

void work_dequantize_s8_f32_mve(const struct dtmm_quantize *p, double counts[MAX_WORK])
{
    counts[1] = divide_up(p->n, 4);
}

void work_softmax_s8_mve(const struct dtmm_softmax *p, double counts[MAX_WORK])
{
    counts[1] = p->rows;
    counts[2] = p->rows * divide_up(p->columns, 4);
    counts[3] = p->rows * divide_up(p->columns, 16);
}
