/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kernels/naive.h"

#include <math.h>
#include <string.h>

static uint64_t magnitude(int64_t x)
{
    return x < 0 ? -(uint64_t)x : (uint64_t)x;
}

int32_t naive_high_multiply(int32_t a, int32_t b)
{
    uint64_t product = magnitude(a) * magnitude(b);
    uint64_t whole = product >> 31, rest = product & 0x7fffffffU, half = 1U << 30;
    int negative = (a < 0) != (b < 0);
    if (rest > half || (rest == half && !negative))
        whole++;
    return (int32_t)(negative ? -(int64_t)whole : (int64_t)whole);
}

int32_t naive_divide(int32_t x, int32_t exponent)
{
    uint64_t doubled = magnitude(x) * 2 + (UINT64_C(1) << exponent);
    int64_t whole = (int64_t)(doubled / (UINT64_C(2) << exponent));
    return (int32_t)(x < 0 ? -whole : whole);
}

int64_t naive_requantize(int64_t x, int32_t multiplier, int32_t shift)
{
    for (; shift > 0; shift--)
        x *= 2;
    return naive_divide(naive_high_multiply((int32_t)x, multiplier), -shift);
}

static int8_t limited(int64_t x, int64_t low, int64_t high)
{
    return (int8_t)(x < low ? low : x > high ? high : x);
}

void naive_conv_2d(const struct layer *layer, void *output)
{
    const struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    const int8_t *in = layer->inputs[0];
    int8_t *out = output;
    int cin = p->input_channels, cout = p->output_channels, h = p->input_h, w = p->input_w;
    for (int index = 0; index < p->output_h * p->output_w * cout; index++) {
        int o = index % cout, ox = index / cout % p->output_w, oy = index / cout / p->output_w;
        int64_t sum = layer->plain_bias[o];
        for (int tap = 0; tap < p->kernel_h * p->kernel_w * cin; tap++) {
            int i = tap % cin, kx = tap / cin % p->kernel_w, ky = tap / cin / p->kernel_w;
            int y = oy * p->stride_h + ky * p->dilation_h - p->pad_top;
            int x = ox * p->stride_w + kx * p->dilation_w - p->pad_left;
            if (y >= 0 && y < h && x >= 0 && x < w)
                sum += (in[(y * w + x) * cin + i] - layer->plain_input_zero_point) *
                       layer->plain_weights[o * p->kernel_h * p->kernel_w * cin + tap];
        }
        sum = naive_requantize(sum, p->multiplier[o], p->shift[o]) + p->output_zero_point;
        out[index] = limited(sum, p->output_min, p->output_max);
    }
}

void naive_depthwise_conv_2d(const struct layer *layer, void *output)
{
    const struct dtmm_depthwise_conv_2d *p = &layer->parameters.depthwise_conv_2d;
    const int8_t *in = layer->inputs[0];
    int8_t *out = output;
    int cin = p->input_channels, cout = cin * p->depth_multiplier, h = p->input_h, w = p->input_w;
    for (int index = 0; index < p->output_h * p->output_w * cout; index++) {
        int o = index % cout, ox = index / cout % p->output_w, oy = index / cout / p->output_w;
        int64_t sum = layer->plain_bias[o];
        for (int tap = 0; tap < p->kernel_h * p->kernel_w; tap++) {
            int y = oy * p->stride_h + tap / p->kernel_w * p->dilation_h - p->pad_top;
            int x = ox * p->stride_w + tap % p->kernel_w * p->dilation_w - p->pad_left;
            if (y >= 0 && y < h && x >= 0 && x < w)
                sum += (in[(y * w + x) * cin + o / p->depth_multiplier] -
                        layer->plain_input_zero_point) *
                       layer->plain_weights[tap * cout + o];
        }
        sum = naive_requantize(sum, p->multiplier[o], p->shift[o]) + p->output_zero_point;
        out[index] = limited(sum, p->output_min, p->output_max);
    }
}

/* Scatters, as the op is defined: each input element reaches a kernel's worth of outputs. */
void naive_transpose_conv(const struct layer *layer, void *output)
{
    static int64_t sums[1 << 16];
    const struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    const int8_t *in = layer->inputs[0];
    int8_t *out = output;
    int cin = p->input_channels, cout = p->output_channels;
    memset(sums, 0, sizeof(sums));
    for (int index = 0; index < p->input_h * p->input_w * cin; index++)
        for (int tap = 0; tap < p->kernel_h * p->kernel_w * cout; tap++) {
            int o = tap % cout, kx = tap / cout % p->kernel_w, ky = tap / cout / p->kernel_w;
            int y = index / cin / p->input_w * p->stride_h - p->pad_top + ky;
            int x = index / cin % p->input_w * p->stride_w - p->pad_left + kx;
            int weight = ((o * p->kernel_h + ky) * p->kernel_w + kx) * cin + index % cin;
            if (y >= 0 && y < p->output_h && x >= 0 && x < p->output_w)
                sums[(y * p->output_w + x) * cout + o] +=
                    (in[index] - layer->plain_input_zero_point) * layer->plain_weights[weight];
        }
    for (int index = 0; index < p->output_h * p->output_w * cout; index++) {
        int o = index % cout;
        int64_t sum = sums[index] + layer->plain_bias[o];
        sum = naive_requantize(sum, p->multiplier[o], p->shift[o]) + p->output_zero_point;
        out[index] = limited(sum, p->output_min, p->output_max);
    }
}

void naive_fully_connected(const struct layer *layer, void *output)
{
    const struct dtmm_fully_connected *p = &layer->parameters.fully_connected;
    const int8_t *in = layer->inputs[0];
    int8_t *out = output;
    for (int index = 0; index < p->rows * p->output_channels; index++) {
        int o = index % p->output_channels, row = index / p->output_channels;
        int64_t sum = layer->plain_bias[o];
        for (int i = 0; i < p->input_channels; i++)
            sum += (in[row * p->input_channels + i] - layer->plain_input_zero_point) *
                   layer->plain_weights[o * p->input_channels + i];
        int q = o * (p->per_channel != 0);
        sum = naive_requantize(sum, p->multiplier[q], p->shift[q]) + p->output_zero_point;
        out[index] = limited(sum, p->output_min, p->output_max);
    }
}

/* The offset of element `index` of a shape of n dimensions under other strides. */
static int strided(int index, const int32_t *dims, const int32_t *stride, int n)
{
    int offset = 0;
    for (int d = n - 1; d >= 0; d--) {
        offset += index % dims[d] * stride[d];
        index /= dims[d];
    }
    return offset;
}

static int elements(const int32_t *dims, int n)
{
    int product = 1;
    for (int d = 0; d < n; d++)
        product *= dims[d];
    return product;
}

static void add_signed(const struct layer *layer, int8_t *out, int sign)
{
    const struct dtmm_add *p = &layer->parameters.add;
    const int8_t *in_a = layer->inputs[0], *in_b = layer->inputs[1];
    for (int index = 0; index < elements(p->dims, 4); index++) {
        int64_t a = in_a[strided(index, p->dims, p->stride_a, 4)] - p->zero_point_a;
        int64_t b = in_b[strided(index, p->dims, p->stride_b, 4)] - p->zero_point_b;
        a = naive_requantize(a * 1048576, p->multiplier_a, p->shift_a);
        b = naive_requantize(b * 1048576, p->multiplier_b, p->shift_b);
        int64_t sum = naive_requantize(a + sign * b, p->multiplier_output, p->shift_output);
        out[index] = limited(sum + p->output_zero_point, p->output_min, p->output_max);
    }
}

void naive_add(const struct layer *layer, void *output)
{
    add_signed(layer, output, 1);
}

void naive_sub(const struct layer *layer, void *output)
{
    add_signed(layer, output, -1);
}

void naive_mul(const struct layer *layer, void *output)
{
    const struct dtmm_mul *p = &layer->parameters.mul;
    const int8_t *in_a = layer->inputs[0], *in_b = layer->inputs[1];
    int8_t *out = output;
    for (int index = 0; index < elements(p->dims, 4); index++) {
        int64_t a = in_a[strided(index, p->dims, p->stride_a, 4)] - p->zero_point_a;
        int64_t b = in_b[strided(index, p->dims, p->stride_b, 4)] - p->zero_point_b;
        int64_t product = naive_requantize(a * b, p->multiplier, p->shift);
        out[index] = limited(product + p->output_zero_point, p->output_min, p->output_max);
    }
}

static void pool(const struct layer *layer, int8_t *out, int is_max)
{
    const struct dtmm_pool_2d *p = &layer->parameters.pool_2d;
    const int8_t *in = layer->inputs[0];
    for (int index = 0; index < p->output_h * p->output_w * p->channels; index++) {
        int c = index % p->channels, pixel = index / p->channels;
        int64_t sum = 0, count = 0, max = -128;
        for (int tap = 0; tap < p->window_h * p->window_w; tap++) {
            int y = pixel / p->output_w * p->stride_h - p->pad_top + tap / p->window_w;
            int x = pixel % p->output_w * p->stride_w - p->pad_left + tap % p->window_w;
            if (y < 0 || y >= p->input_h || x < 0 || x >= p->input_w)
                continue;
            int value = in[(y * p->input_w + x) * p->channels + c];
            sum += value;
            count++;
            max = value > max ? value : max;
        }
        int64_t mean = (int64_t)((magnitude(sum) * 2 + (uint64_t)count) / (uint64_t)(2 * count));
        /* an even count rounds a half away from zero; an odd one never meets a half */
        mean = sum < 0 ? -mean : mean;
        out[index] = limited(is_max ? max : mean, p->output_min, p->output_max);
    }
}

void naive_average_pool_2d(const struct layer *layer, void *output)
{
    pool(layer, output, 0);
}

void naive_max_pool_2d(const struct layer *layer, void *output)
{
    pool(layer, output, 1);
}

void naive_mean(const struct layer *layer, void *output)
{
    const struct dtmm_mean *p = &layer->parameters.mean;
    const int8_t *in = layer->inputs[0];
    int8_t *out = output;
    static int64_t sums[1 << 16];
    int32_t stride[5];
    int n_outputs = 1;
    for (int d = 4; d >= 0; d--) {
        stride[d] = p->axes >> d & 1 ? 0 : n_outputs;
        n_outputs *= p->axes >> d & 1 ? 1 : p->dims[d];
    }
    memset(sums, 0, sizeof(sums));
    for (int index = 0; index < elements(p->dims, 5); index++)
        sums[strided(index, p->dims, stride, 5)] += in[index];
    int64_t count = elements(p->dims, 5) / n_outputs;
    for (int o = 0; o < n_outputs; o++) {
        int64_t sum = sums[o] - count * p->input_zero_point;
        sum = naive_requantize(sum, p->multiplier, p->shift) + p->output_zero_point;
        out[o] = limited(sum, -128, 127);
    }
}

/* x * 2^bits in int32, saturated. */
static int32_t times_power(int32_t x, int bits)
{
    int64_t y = (int64_t)x * (INT64_C(1) << bits);
    return (int32_t)(y > INT32_MAX ? INT32_MAX : y < INT32_MIN ? INT32_MIN : y);
}

/* gemmlowp's exp_on_negative_values with 5 integer bits, statement by statement. */
static int32_t naive_exp(int32_t a)
{
    int32_t mask = 16777215;
    int32_t modulo = (int32_t)((uint32_t)a & (uint32_t)mask) - 16777216;
    int32_t x = times_power(modulo, 5) + 268435456;
    int32_t x2 = naive_high_multiply(x, x), x3 = naive_high_multiply(x2, x);
    int32_t x4_over_4 = naive_divide(naive_high_multiply(x2, x2), 2);
    int32_t sum = naive_high_multiply(x4_over_4 + x3, 715827883) + x2;
    int32_t result = 1895147668 + naive_high_multiply(1895147668, x + naive_divide(sum, 1));
    int64_t remainder = (int64_t)modulo - a;
    static const struct {
        int64_t bit;
        int32_t factor;
    } steps[] = {{16777216, 1672461947}, {33554432, 1302514674}, {67108864, 790015084},
                 {134217728, 290630308}, {268435456, 39332535},  {536870912, 720401},
                 {1073741824, 242}};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (remainder / steps[i].bit % 2)
            result = naive_high_multiply(result, steps[i].factor);
    return a == 0 ? INT32_MAX : result;
}

/* gemmlowp's one_over_one_plus_x_for_x_in_0_1. */
static int32_t naive_reciprocal(int32_t a)
{
    int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + naive_high_multiply(half_denominator, -1010580540);
    for (int i = 0; i < 3; i++) {
        int32_t product = naive_high_multiply(half_denominator, x);
        x += times_power(naive_high_multiply(x, 536870912 - product), 2);
    }
    return times_power(x, 1);
}

void naive_softmax(const struct layer *layer, void *output)
{
    const struct dtmm_softmax *p = &layer->parameters.softmax;
    int8_t *out = output;
    for (int row = 0; row < p->rows; row++, out += p->columns) {
        const int8_t *in = (const int8_t *)layer->inputs[0] + row * p->columns;
        int max = -128, zeros = 0;
        for (int i = 0; i < p->columns; i++)
            max = in[i] > max ? in[i] : max;
        int32_t exps[512];
        int64_t sum = 0;
        for (int i = 0; i < p->columns; i++) {
            exps[i] = -1;
            if (in[i] - max < p->difference_min)
                continue;
            int64_t scaled = naive_requantize(in[i] - max, p->multiplier, p->shift);
            exps[i] = naive_exp((int32_t)scaled);
            sum += naive_divide(exps[i], 12);
        }
        while (sum << zeros < INT64_C(1) << 31)
            zeros++;
        int32_t scale = naive_reciprocal((int32_t)((sum << zeros) - (INT64_C(1) << 31)));
        for (int i = 0; i < p->columns; i++) {
            int64_t value = exps[i] < 0 ? 0 : naive_high_multiply(scale, exps[i]);
            out[i] = limited(naive_divide((int32_t)value, 35 - zeros) - 128, -128, 127);
        }
    }
}

void naive_lookup(const struct layer *layer, void *output)
{
    const struct dtmm_lookup *p = &layer->parameters.lookup;
    const int8_t *in = layer->inputs[0];
    for (int i = 0; i < p->n; i++)
        for (int value = -128; value < 128; value++)
            if (in[i] == value)
                ((int8_t *)output)[i] = p->table[value + 128];
}

void naive_copy(const struct layer *layer, void *output)
{
    const struct dtmm_copy *p = &layer->parameters.copy;
    for (int i = 0; i < p->rows * p->row_bytes; i++)
        ((int8_t *)output)[i / p->row_bytes * p->output_stride + i % p->row_bytes] =
            ((const int8_t *)
                 layer->inputs[0])[i / p->row_bytes * p->input_stride + i % p->row_bytes];
}

void naive_pad(const struct layer *layer, void *output)
{
    const struct dtmm_pad *p = &layer->parameters.pad;
    const int8_t *in = layer->inputs[0];
    int32_t dims[5];
    for (int d = 0; d < 5; d++)
        dims[d] = p->before[d] + p->dims[d] + p->after[d];
    for (int index = 0; index < elements(dims, 5); index++) {
        int rest = index, step = 1, offset = 0, inside = 1;
        for (int d = 4; d >= 0; d--) {
            int at = rest % dims[d] - p->before[d];
            inside = inside && at >= 0 && at < p->dims[d];
            offset += at * step;
            step *= p->dims[d];
            rest /= dims[d];
        }
        ((int8_t *)output)[index] = inside ? in[offset] : p->value;
    }
}

void naive_slice(const struct layer *layer, void *output)
{
    const struct dtmm_slice *p = &layer->parameters.slice;
    for (int index = 0; index < elements(p->dims, 5); index++)
        ((int8_t *)output)[index] =
            ((const int8_t *)layer->inputs[0])[p->offset + strided(index, p->dims, p->stride, 5)];
}

void naive_resize_nearest(const struct layer *layer, void *output)
{
    const struct dtmm_resize_nearest *p = &layer->parameters.resize_nearest;
    const int8_t *in = layer->inputs[0];
    for (int index = 0; index < p->output_h * p->output_w * p->channels; index++) {
        int x = p->column[index / p->channels % p->output_w];
        int y = p->row[index / p->channels / p->output_w];
        ((int8_t *)output)[index] = in[(y * p->input_w + x) * p->channels + index % p->channels];
    }
}

void naive_quantize(const struct layer *layer, void *output)
{
    const struct dtmm_quantize *p = &layer->parameters.quantize;
    const float *in = layer->inputs[0];
    for (int i = 0; i < p->n; i++) {
        double rounded = round((double)(in[i] / p->scale)) + p->zero_point;
        ((int8_t *)output)[i] = (int8_t)fmin(fmax(rounded, -128.0), 127.0);
    }
}

void naive_dequantize(const struct layer *layer, void *output)
{
    const struct dtmm_quantize *p = &layer->parameters.quantize;
    const int8_t *in = layer->inputs[0];
    for (int i = 0; i < p->n; i++) {
        /* both factors have few bits: the product is exact in double and rounds once */
        float real = (float)((double)p->scale * (in[i] - p->zero_point));
        memcpy((char *)output + (size_t)i * sizeof(real), &real, sizeof(real));
    }
}
