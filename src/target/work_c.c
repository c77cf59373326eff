/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the portable kernels run. */
#include "target/cost.h"
#include "target/work.h"

struct line_work line_work(struct line line)
{
    struct line_work work = {0, 0};
    for (int32_t o = 0; o < line.output; o++) {
        int32_t inside = 0;
        for (int32_t k = 0; k < line.kernel; k++)
            inside += tap_inside(line, o, k);
        work.inside += inside;
        work.border_outputs += inside < line.kernel;
    }
    return work;
}

void work_list(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    const uint8_t *list = p->mask;
    counts[1] = p->output_channels;
    for (int32_t o = 0; o < p->output_channels; o++, list += 1 + *list) {
        counts[2] += *list / 4;
        counts[3] += *list % 4;
    }
    counts[4] = p->input_channels / 4;
}

/* What the convolutions over an image have in common. */
struct image_work {
    double pixels, border_pixels;
    double rows_inside; /* kernel rows with a tap inside, summed over the output pixels */
    double taps_inside;
};

static struct image_work image_work(struct line vertical, struct line horizontal)
{
    struct line_work v = line_work(vertical), h = line_work(horizontal);
    struct image_work work;
    work.pixels = (double)vertical.output * horizontal.output;
    work.border_pixels = work.pixels - (double)(vertical.output - v.border_outputs) *
                                           (horizontal.output - h.border_outputs);
    work.rows_inside = v.inside * horizontal.output;
    work.taps_inside = v.inside * h.inside;
    return work;
}

void work_conv_2d_s8_c(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct image_work image = image_work(CONV_LINE_H(p), CONV_LINE_W(p));
    double filters = p->output_channels, taps = p->kernel_h * p->kernel_w;
    double outside = image.pixels * taps - image.taps_inside;
    counts[1] = image.pixels;
    counts[2] = image.pixels * filters;
    counts[3] = image.rows_inside * filters;
    counts[4] = (p->dilation_w == 1 ? image.rows_inside : image.taps_inside) * filters;
    counts[5] = image.taps_inside * filters * p->input_channels;
    counts[6] = image.border_pixels * filters * taps;
    counts[7] = outside * filters * p->input_channels;
}

void work_conv_2d_fwcs_s8_c(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct line vertical = CONV_LINE_H(p), horizontal = CONV_LINE_W(p);
    int32_t row_units = (p->input_channels + p->block - 1) / p->block;
    int32_t taps = p->kernel_h * p->kernel_w, mask_bytes = (taps * row_units + 7) / 8;
    double pixels = (double)p->output_h * p->output_w;
    counts[1] = pixels;
    counts[2] = pixels * p->output_channels;
    counts[3] = pixels * p->output_channels * taps * row_units;
    for (int32_t tap = 0; tap < taps; tap++) {
        double rows = 0, columns = 0, units = 0, channels = 0;
        for (int32_t o = 0; o < p->output_h; o++)
            rows += tap_inside(vertical, o, tap / p->kernel_w);
        for (int32_t o = 0; o < p->output_w; o++)
            columns += tap_inside(horizontal, o, tap % p->kernel_w);
        for (int32_t o = 0; o < p->output_channels; o++)
            for (int32_t unit = 0; unit < row_units; unit++) {
                int32_t bit = tap * row_units + unit;
                int32_t left = p->input_channels - unit * p->block;
                if (!(p->mask[o * mask_bytes + bit / 8] >> bit % 8 & 1))
                    continue;
                units++;
                channels += left < p->block ? left : p->block;
            }
        counts[4] += rows * columns * units;
        counts[5] += rows * columns * channels;
        counts[6] += (pixels - rows * columns) * units;
        counts[7] += (pixels - rows * columns) * channels;
    }
}

void work_conv_2d_fwcs_list_s8_c(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_list(p, counts);
}

void work_depthwise_conv_2d_s8_c(const struct dtmm_depthwise_conv_2d *p, double counts[MAX_WORK])
{
    struct image_work image = image_work(CONV_LINE_H(p), CONV_LINE_W(p));
    double channels = (double)p->input_channels * p->depth_multiplier;
    double taps = p->kernel_h * p->kernel_w;
    counts[1] = image.pixels;
    counts[2] = image.pixels * channels;
    counts[3] = image.rows_inside * channels;
    counts[4] = image.taps_inside * channels;
    counts[5] = image.border_pixels * channels;
    counts[6] = image.border_pixels * channels * taps;
    counts[7] = (image.pixels * taps - image.taps_inside) * channels;
}

void work_depthwise_conv_2d_inplace_s8_c(const struct dtmm_depthwise_conv_2d *p,
                                         double counts[MAX_WORK])
{
    double channels = p->input_channels, rows = p->output_h;
    double outputs = rows * p->output_w * channels;
    double loaded = (rows - 1) * p->stride_h + dtmm_depthwise_ring_rows(p);
    counts[1] = channels;
    counts[2] = rows * channels;
    counts[3] = loaded * channels;
    counts[4] = loaded * channels * dtmm_depthwise_ring_width(p);
    counts[5] = outputs;
    counts[6] = outputs * p->kernel_h;
    counts[7] = outputs * p->kernel_h * p->kernel_w;
}

void work_pointwise_inplace_s8_c(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    double pixels = (double)p->output_h * p->output_w;
    counts[1] = pixels;
    counts[2] = pixels * p->input_channels;
    counts[3] = pixels * p->output_channels;
    counts[4] = pixels * p->output_channels * p->input_channels;
}

void work_pointwise_fwcs_inplace_s8_c(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_fwcs_s8_c(p, counts);
    counts[6] = (double)p->output_h * p->output_w * p->input_channels;
    counts[7] = 0;
}

void work_fully_connected_s8_c(const struct dtmm_fully_connected *p, double counts[MAX_WORK])
{
    counts[1] = p->rows;
    counts[2] = (double)p->rows * p->output_channels;
    counts[3] = (double)p->rows * p->output_channels * p->input_channels;
}

void work_transpose_conv_s8_c(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    double outputs = (double)p->output_h * p->output_w * p->output_channels;
    double inputs = (double)p->input_h * p->input_w * p->output_channels;
    counts[1] = outputs;
    counts[2] = outputs * p->kernel_h / p->stride_h;
    counts[3] = inputs * p->kernel_h * p->kernel_w;
    counts[4] = inputs * p->kernel_h * p->kernel_w * p->input_channels;
}

/* Rows of the innermost dimension, and elements. */
static void work_binary(const int32_t dims[4], double counts[MAX_WORK])
{
    counts[1] = (double)dims[0] * dims[1];
    counts[2] = (double)dims[0] * dims[1] * dims[2];
    counts[3] = (double)dims[0] * dims[1] * dims[2] * dims[3];
}

void work_add_s8_c(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_binary(p->dims, counts);
}

void work_sub_s8_c(const struct dtmm_add *p, double counts[MAX_WORK])
{
    work_binary(p->dims, counts);
}

void work_mul_s8_c(const struct dtmm_mul *p, double counts[MAX_WORK])
{
    work_binary(p->dims, counts);
}

static void work_pool(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    struct image_work image = image_work(POOL_LINE_H(p), POOL_LINE_W(p));
    counts[1] = image.pixels;
    counts[2] = image.pixels * p->channels;
    counts[3] = image.rows_inside * p->channels;
    counts[4] = image.taps_inside * p->channels;
}

void work_average_pool_2d_s8_c(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    work_pool(p, counts);
}

void work_max_pool_2d_s8_c(const struct dtmm_pool_2d *p, double counts[MAX_WORK])
{
    work_pool(p, counts);
}

void work_mean_s8_c(const struct dtmm_mean *p, double counts[MAX_WORK])
{
    double elements = 1;
    for (int d = 0; d < 5; d++)
        elements *= p->dims[d];
    counts[1] = elements / p->count;
    counts[2] = elements;
}

/* Inputs that lie too far below the largest have no exponential. How many do depends on the input;
 * the largest does, and the others are taken to be spread over all of int8. */
void work_softmax_s8_c(const struct dtmm_softmax *p, double counts[MAX_WORK])
{
    double reach = p->difference_min > -255 ? -p->difference_min : 255;
    counts[1] = p->rows;
    counts[2] = (double)p->rows * p->columns;
    counts[3] = p->rows * (1 + (p->columns - 1) * reach / 255);
}

void work_lookup_s8_c(const struct dtmm_lookup *p, double counts[MAX_WORK])
{
    counts[1] = p->n;
}

void work_copy_s8_c(const struct dtmm_copy *p, double counts[MAX_WORK])
{
    counts[1] = p->rows;
    counts[2] = (double)p->rows * (p->row_bytes / 4);
    counts[3] = (double)p->rows * (p->row_bytes % 4);
}

void work_pad_s8_c(const struct dtmm_pad *p, double counts[MAX_WORK])
{
    double rows = 1, elements = 1;
    for (int d = 0; d < 5; d++) {
        rows *= d < 4 ? p->dims[d] : 1;
        elements *= p->before[d] + p->dims[d] + p->after[d];
    }
    counts[1] = rows;
    counts[2] = rows * (p->dims[4] / 4);
    counts[3] = rows * (p->dims[4] % 4);
    counts[4] = elements;
}

void work_slice_s8_c(const struct dtmm_slice *p, double counts[MAX_WORK])
{
    counts[1] = (double)p->dims[0] * p->dims[1] * p->dims[2];
    counts[2] = counts[1] * p->dims[3];
    counts[3] = counts[2] * p->dims[4];
}

void work_resize_nearest_s8_c(const struct dtmm_resize_nearest *p, double counts[MAX_WORK])
{
    double pixels = (double)p->output_h * p->output_w;
    counts[1] = p->output_h;
    counts[2] = pixels;
    counts[3] = pixels * (p->channels / 4);
    counts[4] = pixels * (p->channels % 4);
}

void work_quantize_f32_s8_c(const struct dtmm_quantize *p, double counts[MAX_WORK])
{
    counts[1] = p->n;
}

void work_dequantize_s8_f32_c(const struct dtmm_quantize *p, double counts[MAX_WORK])
{
    counts[1] = p->n;
}
