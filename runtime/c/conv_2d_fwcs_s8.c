/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* The next filter's kept weights and its mask. */
struct cursor {
    const int8_t *weights;
    const uint8_t *mask;
};

/* Where a filter meets the input. */
struct patch {
    const int8_t *input;
    int32_t y, x; /* under tap (0, 0); may lie outside */
};

/* What a kept unit adds: a dot product, or outside the input (x null) the zero point's share. */
static int32_t sum_unit(const struct dtmm_conv_2d *p, const int8_t *weights, const int8_t *x,
                        int32_t n)
{
    if (x)
        return dtmm_dot(weights, x, n);
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += weights[i];
    return p->input_zero_point * sum;
}

/* The sum over one filter's kept units; moves the cursor to the next filter. */
static int32_t sum_filter(const struct dtmm_conv_2d *p, const struct patch *patch,
                          struct cursor *cursor)
{
    int32_t channels = p->input_channels, unit = 0, sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        int32_t y = patch->y + ky * p->dilation_h;
        int row_inside = y >= 0 && y < p->input_h;
        int32_t x = patch->x;
        for (int32_t kx = 0; kx < p->kernel_w; kx++, x += p->dilation_w)
            for (int32_t i = 0; i < channels; i += p->block, unit++) {
                if (!(cursor->mask[unit >> 3] >> (unit & 7) & 1))
                    continue;
                int32_t n = channels - i < p->block ? channels - i : p->block;
                int inside = row_inside && x >= 0 && x < p->input_w;
                const int8_t *values =
                    inside ? patch->input + (y * p->input_w + x) * channels + i : 0;
                sum += sum_unit(p, cursor->weights, values, n);
                cursor->weights += n;
            }
    }
    cursor->mask += (unit + 7) >> 3;
    return sum;
}

void dtmm_conv_2d_fwcs_s8_c(const struct dtmm_conv_2d *p, const void *input, void *output,
                            void *scratch)
{
    (void)scratch;
    int8_t *out = output;
    struct patch patch = {.input = input};
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        patch.y = oy * p->stride_h - p->pad_top;
        for (int32_t ox = 0; ox < p->output_w; ox++) {
            patch.x = ox * p->stride_w - p->pad_left;
            struct cursor cursor = {p->weights, p->mask};
            for (int32_t o = 0; o < p->output_channels; o++) {
                int32_t sum = p->bias[o] + sum_filter(p, &patch, &cursor);
                sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
                *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
            }
        }
    }
}
