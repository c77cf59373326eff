/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* Where the kernel meets the input. */
struct patch {
    const int8_t *input;
    int32_t origin;                 /* index of the pixel under tap (0, 0); may lie outside */
    struct dtmm_span rows, columns; /* taps inside the input */
};

/* One channel's sum over the taps inside; `weights` and `input` are that channel's. */
static int32_t sum_inside(const struct dtmm_depthwise_conv_2d *p, const struct patch *patch,
                          const int8_t *weights, const int8_t *input)
{
    int32_t w_step = p->input_channels * p->depth_multiplier;
    int32_t x_step = p->dilation_w * p->input_channels;
    int32_t sum = 0;
    for (int32_t ky = patch->rows.begin; ky < patch->rows.end; ky++) {
        int32_t tap = ky * p->kernel_w + patch->columns.begin;
        int32_t pixel =
            patch->origin + ky * p->dilation_h * p->input_w + patch->columns.begin * p->dilation_w;
        const int8_t *w = weights + tap * w_step;
        const int8_t *x = input + pixel * p->input_channels;
        for (int32_t kx = patch->columns.begin; kx < patch->columns.end; kx++) {
            sum += *w * *x;
            w += w_step;
            x += x_step;
        }
    }
    return sum;
}

/* The sum of one channel's weights whose taps lie outside the input. */
static int32_t sum_outside(const struct dtmm_depthwise_conv_2d *p, const struct patch *patch,
                           const int8_t *weights)
{
    int32_t w_step = p->input_channels * p->depth_multiplier;
    int32_t sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++, weights += w_step)
            if (ky < patch->rows.begin || ky >= patch->rows.end || kx < patch->columns.begin ||
                kx >= patch->columns.end)
                sum += *weights;
    return sum;
}

static int8_t *convolve_pixel(const struct dtmm_depthwise_conv_2d *p, const struct patch *patch,
                              int8_t *out)
{
    int32_t n_inside =
        (patch->rows.end - patch->rows.begin) * (patch->columns.end - patch->columns.begin);
    int is_border = n_inside < p->kernel_h * p->kernel_w;
    int32_t o = 0;
    for (int32_t c = 0; c < p->input_channels; c++)
        for (int32_t m = 0; m < p->depth_multiplier; m++, o++) {
            const int8_t *weights = p->weights + o;
            int32_t sum = p->bias[o] + sum_inside(p, patch, weights, patch->input + c);
            if (is_border)
                sum += p->input_zero_point * sum_outside(p, patch, weights);
            sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
            *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
        }
    return out;
}

void dtmm_depthwise_conv_2d_s8_c(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                 void *output, void *scratch)
{
    (void)scratch;
    int8_t *out = output;
    struct patch patch = {.input = input};
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        int32_t y = oy * p->stride_h - p->pad_top;
        patch.rows = dtmm_clip(y, p->dilation_h, p->kernel_h, p->input_h);
        for (int32_t ox = 0; ox < p->output_w; ox++) {
            int32_t x = ox * p->stride_w - p->pad_left;
            patch.columns = dtmm_clip(x, p->dilation_w, p->kernel_w, p->input_w);
            patch.origin = y * p->input_w + x;
            out = convolve_pixel(p, &patch, out);
        }
    }
}
