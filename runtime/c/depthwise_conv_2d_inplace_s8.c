/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* Channels are independent of each other, in the input as in the output, so that only one channel's
 * rows under the kernel need a copy, in a ring. The copy contains the padding. */
struct ring {
    int8_t *values;
    int32_t width, n_rows;
};

/* Copies a row of one channel, padding included; `y` is its position in the input. */
static void load_row(const struct dtmm_depthwise_conv_2d *p, const struct ring *ring, int8_t *to,
                     const int8_t *input, int32_t y)
{
    int row_inside = y >= 0 && y < p->input_h;
    for (int32_t i = 0; i < ring->width; i++) {
        int32_t x = i - p->pad_left;
        int inside = row_inside && x >= 0 && x < p->input_w;
        to[i] = inside ? input[(y * p->input_w + x) * p->input_channels] : p->input_zero_point;
    }
}

/* One output before the bias. `row` is the ring's row under tap row 0, `x` the column. */
static int32_t sum_taps(const struct dtmm_depthwise_conv_2d *p, const struct ring *ring,
                        const int8_t *weights, int32_t row, int32_t x)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int8_t *values = ring->values + row * ring->width + x;
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            sum += *weights * *values;
            weights += p->input_channels;
            values += p->dilation_w;
        }
        row += p->dilation_h;
        if (row >= ring->n_rows)
            row -= ring->n_rows;
    }
    return sum;
}

static void convolve_channel(const struct dtmm_depthwise_conv_2d *p, const struct ring *ring,
                             int32_t c, const int8_t *input, int8_t *output)
{
    int32_t n_loaded = 0;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        int32_t first = oy * p->stride_h;
        for (; n_loaded < first + ring->n_rows; n_loaded++)
            load_row(p, ring, ring->values + n_loaded % ring->n_rows * ring->width, input,
                     n_loaded - p->pad_top);
        for (int32_t ox = 0; ox < p->output_w; ox++) {
            int32_t sum = p->bias[c] +
                          sum_taps(p, ring, p->weights + c, first % ring->n_rows, ox * p->stride_w);
            sum = dtmm_requantize(sum, p->multiplier[c], p->shift[c]);
            *output = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
            output += p->input_channels;
        }
    }
}

void dtmm_depthwise_conv_2d_inplace_s8_c(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                         void *output, void *scratch)
{
    struct ring ring = {scratch, dtmm_depthwise_ring_width(p), dtmm_depthwise_ring_rows(p)};
    for (int32_t c = 0; c < p->input_channels; c++)
        convolve_channel(p, &ring, c, (const int8_t *)input + c, (int8_t *)output + c);
}
