/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* Where a filter meets the input. */
struct patch {
    const int8_t *input;
    int32_t origin;                 /* index of the pixel under tap (0, 0); may lie outside */
    struct dtmm_span rows, columns; /* taps inside the input */
};

static int32_t sum_inside(const struct dtmm_conv_2d *p, const struct patch *patch,
                          const int8_t *weights)
{
    int32_t n_runs = patch->columns.end - patch->columns.begin;
    int32_t run = p->input_channels;
    int32_t step = p->dilation_w * run;
    if (p->dilation_w == 1) { /* the taps of a row are neighbors: one long run */
        run *= n_runs;
        n_runs = 1;
    }
    int32_t sum = 0;
    for (int32_t ky = patch->rows.begin; ky < patch->rows.end; ky++) {
        int32_t tap = ky * p->kernel_w + patch->columns.begin;
        int32_t pixel =
            patch->origin + ky * p->dilation_h * p->input_w + patch->columns.begin * p->dilation_w;
        const int8_t *w = weights + tap * p->input_channels;
        const int8_t *x = patch->input + pixel * p->input_channels;
        for (int32_t i = 0; i < n_runs; i++)
            sum += dtmm_dot(w + i * run, x + i * step, run);
    }
    return sum;
}

/* The sum of the weights whose taps lie outside the input. */
static int32_t sum_outside(const struct dtmm_conv_2d *p, const struct patch *patch,
                           const int8_t *weights)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++, weights += p->input_channels) {
            if (ky >= patch->rows.begin && ky < patch->rows.end && kx >= patch->columns.begin &&
                kx < patch->columns.end)
                continue;
            for (int32_t i = 0; i < p->input_channels; i++)
                sum += weights[i];
        }
    return sum;
}

static int8_t *convolve_pixel(const struct dtmm_conv_2d *p, const struct patch *patch, int8_t *out)
{
    int32_t n_inside =
        (patch->rows.end - patch->rows.begin) * (patch->columns.end - patch->columns.begin);
    int is_border = n_inside < p->kernel_h * p->kernel_w;
    const int8_t *weights = p->weights;
    for (int32_t o = 0; o < p->output_channels; o++) {
        int32_t sum = p->bias[o] + sum_inside(p, patch, weights);
        if (is_border)
            sum += p->input_zero_point * sum_outside(p, patch, weights);
        sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
        *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
        weights += p->kernel_h * p->kernel_w * p->input_channels;
    }
    return out;
}

void dtmm_conv_2d_s8_c(const struct dtmm_conv_2d *p, const void *input, void *output, void *scratch)
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
