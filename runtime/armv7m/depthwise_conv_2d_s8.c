/* SPDX-License-Identifier: Apache-2.0 */
#include "../scalar/depthwise_conv_2d.h"

/* The input rows under the kernel and the current output pixel's place in them. */
struct window {
    const int8_t *ring;
    int32_t row_bytes, n_rows, first; /* first: the ring's row under tap row 0 */
};

static const int8_t *window_row(const struct dtmm_depthwise_conv_2d *p, const struct window *window,
                                int32_t ky)
{
    int32_t row = window->first + ky * p->dilation_h;
    if (row >= window->n_rows)
        row -= window->n_rows;
    return window->ring + row * window->row_bytes;
}

/* The outputs of one pixel from its sums, by channel. */
static int8_t *finish_pixel(const struct dtmm_depthwise_conv_2d *p, const int32_t *sums,
                            int8_t *out)
{
    const int32_t *bias = p->bias, *multiplier = p->multiplier, *end = sums + p->input_channels;
    const int8_t *shift = p->shift;
    const int32_t zero_point = p->output_zero_point, low = p->output_min, high = p->output_max;
    while (sums < end) {
        int32_t sum = *sums++ + *bias++;
        sum = dtmm_scalar_requantize(sum, *multiplier++, *shift++);
        *out++ = dtmm_clamp(sum, zero_point, low, high);
    }
    return out;
}

/* The sums of one pixel under a kernel 3x3 without horizontal dilation; `x` and `w` are the first
 * taps of the kernel's rows. */
static void sum_pixel_3x3(const int8_t *const x[3], const int8_t *const w[3], int32_t channels,
                          int32_t *sums)
{
    const int8_t *x0 = x[0], *x1 = x[1], *x2 = x[2], *w0 = w[0], *w1 = w[1], *w2 = w[2];
    int32_t *end = sums + channels;
    __asm__ volatile("1:\n\t"
                     "ldrsb r12, [%[x0], %[n]]\n\t"
                     "ldrsb lr, [%[w0], %[n]]\n\t"
                     "mul %[sum], r12, lr\n\t"
                     "ldrsb r12, [%[x0], %[n], lsl #1]\n\t"
                     "ldrsb lr, [%[w0], %[n], lsl #1]\n\t"
                     "mla %[sum], r12, lr, %[sum]\n\t"
                     "ldrsb r12, [%[x0]], #1\n\t"
                     "ldrsb lr, [%[w0]], #1\n\t"
                     "mla %[sum], r12, lr, %[sum]\n\t"
                     "ldrsb r12, [%[x1], %[n]]\n\t"
                     "ldrsb lr, [%[w1], %[n]]\n\t"
                     "mla %[sum], r12, lr, %[sum]\n\t"
                     "ldrsb r12, [%[x1], %[n], lsl #1]\n\t"
                     "ldrsb lr, [%[w1], %[n], lsl #1]\n\t"
                     "mla %[sum], r12, lr, %[sum]\n\t"
                     "ldrsb r12, [%[x1]], #1\n\t"
                     "ldrsb lr, [%[w1]], #1\n\t"
                     "mla %[sum], r12, lr, %[sum]\n\t"
                     "ldrsb r12, [%[x2], %[n]]\n\t"
                     "ldrsb lr, [%[w2], %[n]]\n\t"
                     "mla %[sum], r12, lr, %[sum]\n\t"
                     "ldrsb r12, [%[x2], %[n], lsl #1]\n\t"
                     "ldrsb lr, [%[w2], %[n], lsl #1]\n\t"
                     "mla %[sum], r12, lr, %[sum]\n\t"
                     "ldrsb r12, [%[x2]], #1\n\t"
                     "ldrsb lr, [%[w2]], #1\n\t"
                     "mla %[sum], r12, lr, %[sum]\n\t"
                     "str %[sum], [%[sums]], #4\n\t"
                     "cmp %[sums], %[end]\n\t"
                     "bne 1b"
                     : [sum] "=&r"(channels), [x0] "+r"(x0), [x1] "+r"(x1), [x2] "+r"(x2),
                       [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [sums] "+r"(sums)
                     : [n] "r"(channels), [end] "r"(end)
                     : "r12", "lr", "cc", "memory");
}

static int8_t *convolve_row_3x3(const struct dtmm_depthwise_conv_2d *p, const struct window *window,
                                int32_t *sums, int8_t *out)
{
    const int32_t channels = p->input_channels;
    const int8_t *x[3], *w[3];
    for (int32_t ky = 0; ky < 3; ky++) {
        x[ky] = window_row(p, window, ky);
        w[ky] = p->weights + 3 * ky * channels;
    }
    for (int32_t ox = 0; ox < p->output_w; ox++) {
        sum_pixel_3x3(x, w, channels, sums);
        out = finish_pixel(p, sums, out);
        for (int32_t ky = 0; ky < 3; ky++)
            x[ky] += p->stride_w * channels;
    }
    return out;
}

static int32_t sum_taps(const struct dtmm_depthwise_conv_2d *p, const struct window *window,
                        int32_t column, const int8_t *weights)
{
    int32_t channels = p->input_channels, step = p->dilation_w * channels, sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        const int8_t *x = window_row(p, window, ky) + column;
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            sum += *x * *weights;
            x += step;
            weights += channels;
        }
    }
    return sum;
}

static int8_t *convolve_row(const struct dtmm_depthwise_conv_2d *p, const struct window *window,
                            int32_t *sums, int8_t *out)
{
    if (p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1)
        return convolve_row_3x3(p, window, sums, out);
    for (int32_t ox = 0; ox < p->output_w; ox++) {
        int32_t column = ox * p->stride_w * p->input_channels;
        for (int32_t c = 0; c < p->input_channels; c++)
            sums[c] = sum_taps(p, window, column + c, p->weights + c);
        out = finish_pixel(p, sums, out);
    }
    return out;
}

void dtmm_depthwise_conv_2d_s8_armv7m(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                      void *output, void *scratch)
{
    int32_t *sums = scratch;
    int8_t *ring = (int8_t *)(sums + p->input_channels), *out = output;
    struct window window = {ring, dtmm_scalar_depthwise_row_bytes(p), dtmm_depthwise_ring_rows(p),
                            0};
    int32_t n_loaded = 0;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        int32_t row = oy * p->stride_h;
        if (n_loaded < row)
            n_loaded = row;
        for (; n_loaded < row + window.n_rows; n_loaded++)
            dtmm_scalar_depthwise_load(p, input, n_loaded - p->pad_top,
                                       ring + n_loaded % window.n_rows * window.row_bytes);
        window.first = row % window.n_rows;
        out = convolve_row(p, &window, sums, out);
    }
}
