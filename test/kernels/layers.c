/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kernels/layers.h"

#include <float.h>

#include "test/kernels/values.h"

/* Tests on a device run without a C library and without texts: there, the host makes the layer
 * again from the same state and describes it. */
#if __STDC_HOSTED__
#include <stdio.h>
#include <string.h>
#define DESCRIBE(layer, ...) (void)snprintf((layer)->text, sizeof((layer)->text), __VA_ARGS__)
#define DESCRIBE_MORE(layer, ...)                                                                  \
    (void)snprintf((layer)->text + strlen((layer)->text),                                          \
                   sizeof((layer)->text) - strlen((layer)->text), __VA_ARGS__)
#else
#define DESCRIBE(layer, ...) ((layer)->text[0] = '\0')
#define DESCRIBE_MORE(layer, ...) ((layer)->text[0] = '\0')
#endif

static void random_output_range(struct random *random, int8_t *zero_point, int8_t *low,
                                int8_t *high)
{
    int is_relu = one_in(random, 3); /* with all of int8, as networks mostly have it */
    *zero_point = is_relu ? -128 : random_s8(random);
    *low = -128;
    *high = 127;
    if (!is_relu && one_in(random, 2)) {
        *low = *zero_point;
        *high = (int8_t)random_range(random, *low, 127);
    }
}

/* A shift for values of about `typical`, at most `largest`: mostly one that gives int8 outputs,
 * sometimes any that cannot overflow, if the layer `is_odd`. */
static int8_t random_shift(struct random *random, int64_t typical, int64_t largest, int is_odd)
{
    int high = 31 - bits_of(largest);
    int shift = 8 - bits_of(typical) + random_range(random, -2, 2);
    if (is_odd && one_in(random, 5))
        shift = random_range(random, -31, high);
    return (int8_t)(shift > high ? high : shift < -31 ? -31 : shift);
}

/* ---- convolutions ---- */

/* Geometry along one dimension, as TFLite's paddings give it, and odder. */
struct line {
    int32_t input, output, kernel, stride, dilation, pad;
};

static struct line random_line(struct random *random, int32_t max_kernel)
{
    struct line line;
    line.input = random_range(random, 1, 9);
    line.kernel = one_in(random, 4) ? 1 : random_range(random, 1, max_kernel);
    line.stride = one_in(random, 2) ? 1 : random_range(random, 1, 3);
    line.dilation = one_in(random, 4) ? random_range(random, 1, 3) : 1;
    int32_t reach = (line.kernel - 1) * line.dilation + 1;
    line.pad = one_in(random, 3) ? 0 : random_range(random, 0, reach - 1);
    int32_t after = one_in(random, 3) ? 0 : random_range(random, 0, reach);
    int32_t span = line.pad + line.input + after - reach;
    line.output = span < 0 ? 1 : span / line.stride + 1;
    return line;
}

/* What conv_2d and depthwise_conv_2d have by the same name. */
#define SET_GEOMETRY(p, vertical, horizontal)                                                      \
    do {                                                                                           \
        (p)->input_h = (uint16_t)(vertical).input;                                                 \
        (p)->output_h = (uint16_t)(vertical).output;                                               \
        (p)->kernel_h = (uint8_t)(vertical).kernel;                                                \
        (p)->stride_h = (uint8_t)(vertical).stride;                                                \
        (p)->dilation_h = (uint8_t)(vertical).dilation;                                            \
        (p)->pad_top = (uint8_t)(vertical).pad;                                                    \
        (p)->input_w = (uint16_t)(horizontal).input;                                               \
        (p)->output_w = (uint16_t)(horizontal).output;                                             \
        (p)->kernel_w = (uint8_t)(horizontal).kernel;                                              \
        (p)->stride_w = (uint8_t)(horizontal).stride;                                              \
        (p)->dilation_w = (uint8_t)(horizontal).dilation;                                          \
        (p)->pad_left = (uint8_t)(horizontal).pad;                                                 \
    } while (0)

#define DESCRIBE_GEOMETRY(layer, p, channels, filters)                                             \
    DESCRIBE(layer,                                                                                \
             "input %dx%dx%d, output %dx%dx%d, kernel %dx%d, stride %dx%d, dilation "              \
             "%dx%d, pad %d %d, zero point %d",                                                    \
             (p)->input_h, (p)->input_w, (int)(channels), (p)->output_h, (p)->output_w,            \
             (int)(filters), (p)->kernel_h, (p)->kernel_w, (p)->stride_h, (p)->stride_w,           \
             (p)->dilation_h, (p)->dilation_w, (p)->pad_top, (p)->pad_left,                        \
             (layer)->plain_input_zero_point)

/* Per-filter constants. The weights of filter o are first[o * filter_step + i * weight_step]. */
struct filters {
    int32_t n, n_weights, filter_step, weight_step;
    int is_folded; /* the stored bias contains the input's zero point */
    int32_t n_multipliers;
};

struct filter_constants {
    const int32_t *bias, *multiplier;
    const int8_t *shift;
};

static struct filter_constants random_filter_constants(struct random *random, struct guard *guard,
                                                       struct layer *layer,
                                                       const struct filters *filters)
{
    size_t n = (size_t)filters->n, m = (size_t)filters->n_multipliers;
    int32_t *plain = guard_alloc(guard, n * 4, 4), *bias = guard_alloc(guard, n * 4, 4);
    int32_t *multiplier = guard_alloc(guard, m * 4, 4);
    int8_t *shift = guard_alloc(guard, m, 1);
    int32_t bias_limit = one_in(random, 4) ? 0 : 1 << random_range(random, 0, 16);
    int64_t largest = 0;
    for (int32_t o = 0; o < filters->n; o++) {
        plain[o] = bias[o] = random_range(random, -bias_limit, bias_limit);
        int64_t sum = 0, sum_abs = 0;
        for (int32_t i = 0; i < filters->n_weights; i++) {
            int weight = layer->plain_weights[o * filters->filter_step + i * filters->weight_step];
            sum += weight;
            sum_abs += weight < 0 ? -weight : weight;
        }
        if (filters->is_folded)
            bias[o] -= (int32_t)sum * layer->plain_input_zero_point;
        int64_t most = bias_limit + 256 * sum_abs;
        largest = most > largest ? most : largest;
    }
    int64_t typical = bias_limit / 2 + 4000 * (int64_t)square_root(filters->n_weights);
    int is_odd = one_in(random, 2);
    for (int32_t o = 0; o < filters->n_multipliers; o++) {
        multiplier[o] = random_multiplier(random);
        shift[o] = random_shift(random, typical, largest, is_odd);
    }
    layer->plain_bias = plain;
    return (struct filter_constants){bias, multiplier, shift};
}

static size_t elements(int32_t a, int32_t b, int32_t c)
{
    return (size_t)a * (size_t)b * (size_t)c;
}

static int32_t random_channels(struct random *random)
{
    return one_in(random, 8) ? random_range(random, 20, 70) : random_range(random, 1, 19);
}

/* Sets input, output and the constants of a conv_2d or transpose_conv whose geometry is set. */
static void finish_conv_2d(struct random *random, struct guard *guard, struct layer *layer,
                           int is_folded)
{
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    random_output_range(random, &p->output_zero_point, &p->output_min, &p->output_max);
    int32_t n_weights = p->kernel_h * p->kernel_w * p->input_channels;
    struct filters filters = {p->output_channels, n_weights,         n_weights, 1,
                              is_folded,          p->output_channels};
    struct filter_constants constants = random_filter_constants(random, guard, layer, &filters);
    p->bias = constants.bias;
    p->multiplier = constants.multiplier;
    p->shift = constants.shift;
    layer->input_bytes[0] = elements(p->input_h, p->input_w, p->input_channels);
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    layer->output_bytes = elements(p->output_h, p->output_w, p->output_channels);
    DESCRIBE_GEOMETRY(layer, p, p->input_channels, p->output_channels);
}

/* As networks have them: SAME padding, the kernel's size odd. */
static struct line typical_line(struct random *random, int32_t kernel, int32_t stride)
{
    struct line line = {.kernel = kernel, .stride = stride, .dilation = 1};
    line.input = random_range(random, 4, 18);
    line.output = (line.input + stride - 1) / stride;
    int32_t pads = (line.output - 1) * stride + kernel - line.input;
    line.pad = pads < 0 ? 0 : pads / 2;
    return line;
}

static void start_typical_conv_2d(struct random *random, struct layer *layer)
{
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    int32_t kernel = 2 * random_range(random, 0, 2) + 1, stride = one_in(random, 4) ? 2 : 1;
    struct line vertical = typical_line(random, kernel, stride);
    struct line horizontal = typical_line(random, kernel, stride);
    SET_GEOMETRY(p, vertical, horizontal);
    p->input_channels =
        one_in(random, 3) ? random_range(random, 1, 16) : 4 << random_range(random, 0, 4);
    p->block = p->input_channels;
    p->output_channels = random_range(random, 1, 8);
}

/* A fully connected layer in the guise of a convolution. */
static void start_vector_conv_2d(struct random *random, struct layer *layer)
{
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    const struct line line = {1, 1, 1, 1, 1, 0};
    SET_GEOMETRY(p, line, line);
    p->input_channels = p->block = random_range(random, 1, one_in(random, 2) ? 300 : 40);
    p->output_channels = random_range(random, 1, 40);
}

static void start_conv_2d(struct random *random, struct layer *layer)
{
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    if (one_in(random, 16)) {
        start_vector_conv_2d(random, layer);
    } else if (one_in(random, 3)) {
        start_typical_conv_2d(random, layer);
    } else {
        struct line vertical = random_line(random, 5), horizontal = random_line(random, 5);
        if (one_in(random, 8)) /* one position, as where a fully connected layer is meant */
            vertical = horizontal = (struct line){1, 1, 1, 1, 1, 0};
        SET_GEOMETRY(p, vertical, horizontal);
        p->input_channels = p->block = random_channels(random);
        p->output_channels = random_range(random, 1, 9);
    }
    p->input_zero_point = random_s8(random);
    layer->plain_input_zero_point = p->input_zero_point;
}

static void dense_weights(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    p->weights = random_values(
        random, guard, elements(p->kernel_h * p->kernel_w, p->input_channels, p->output_channels));
    layer->plain_weights = p->weights;
}

void layer_conv_2d(struct random *random, struct guard *guard, struct layer *layer)
{
    start_conv_2d(random, layer);
    dense_weights(random, guard, layer);
    finish_conv_2d(random, guard, layer, 1);
}

/* Copies the kept units of plain weights, with or without writing them; returns their bytes. */
static size_t pack_fwcs(const struct layer *layer, uint8_t *mask, int8_t *values)
{
    const struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    int32_t n_taps = p->kernel_h * p->kernel_w;
    int32_t n_units = (p->input_channels + p->block - 1) / p->block;
    size_t mask_bytes = (size_t)(n_taps * n_units + 7) / 8, n = 0;
    for (int32_t unit = 0; unit < p->output_channels * n_taps * n_units; unit++) {
        int32_t first = unit % n_units * p->block, filter = unit / n_units / n_taps;
        size_t bit = (size_t)(unit % (n_units * n_taps));
        const int8_t *from = layer->plain_weights + unit / n_units * p->input_channels + first;
        if (!(mask[(size_t)filter * mask_bytes + bit / 8] >> bit % 8 & 1))
            continue;
        for (int32_t i = 0; i < p->block && first + i < p->input_channels; i++, n++)
            if (values)
                values[n] = from[i];
    }
    return n;
}

/* Clears units of `weights` at random and sets the mask's bits of the others. */
static void thin_out(struct random *random, const struct dtmm_conv_2d *p, int8_t *weights,
                     uint8_t *mask)
{
    int32_t n_taps = p->kernel_h * p->kernel_w;
    int32_t n_units = (p->input_channels + p->block - 1) / p->block;
    int32_t kept_of_16 = random_range(random, 0, 16);
    size_t mask_bytes = (size_t)(n_taps * n_units + 7) / 8;
    for (size_t i = 0; i < mask_bytes * (size_t)p->output_channels; i++)
        mask[i] = 0;
    for (int32_t o = 0; o < p->output_channels; o++) {
        int is_empty = one_in(random, 8);
        for (int32_t tap = 0; tap < n_taps; tap++)
            for (int32_t unit = 0; unit < n_units; unit++) {
                int32_t bit = tap * n_units + unit;
                if (!is_empty && random_range(random, 1, 16) <= kept_of_16) {
                    mask[(size_t)o * mask_bytes + (size_t)bit / 8] |= (uint8_t)(1 << bit % 8);
                    continue;
                }
                for (int32_t i = unit * p->block;
                     i < (unit + 1) * p->block && i < p->input_channels; i++)
                    weights[(o * n_taps + tap) * p->input_channels + i] = 0;
            }
    }
}

static void finish_fwcs(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    int32_t n_taps = p->kernel_h * p->kernel_w;
    const int32_t blocks[] = {p->input_channels, 4, 8, 16};
    p->block = blocks[random_range(random, 0, 3)];
    int32_t n_units = (p->input_channels + p->block - 1) / p->block;
    int8_t *weights =
        random_values(random, guard, elements(n_taps, p->input_channels, p->output_channels));
    layer->plain_weights = weights;
    uint8_t *mask =
        guard_alloc(guard, elements((n_taps * n_units + 7) / 8, p->output_channels, 1), 1);
    thin_out(random, p, weights, mask);
    int8_t *values = guard_alloc(guard, pack_fwcs(layer, mask, NULL), 1);
    pack_fwcs(layer, mask, values);
    p->mask = mask;
    p->weights = values;
    finish_conv_2d(random, guard, layer, 1);
    DESCRIBE_MORE(layer, ", block %d", (int)p->block);
}

void layer_conv_2d_fwcs(struct random *random, struct guard *guard, struct layer *layer)
{
    start_conv_2d(random, layer);
    finish_fwcs(random, guard, layer);
}

/* Lists the kept units of a mask; returns the bytes of the list. */
static size_t list_kept(const struct dtmm_conv_2d *p, const uint8_t *mask, uint8_t *list)
{
    int32_t n_units = p->input_channels / 4, mask_bytes = (n_units + 7) / 8;
    size_t n = 0;
    for (int32_t o = 0; o < p->output_channels; o++, mask += mask_bytes) {
        size_t count = n++;
        if (list)
            list[count] = 0;
        for (int32_t unit = 0; unit < n_units; unit++) {
            if (!(mask[unit / 8] >> unit % 8 & 1))
                continue;
            if (list) {
                list[n] = (uint8_t)unit;
                list[count]++;
            }
            n++;
        }
    }
    return n;
}

void layer_conv_2d_fwcs_list(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    const struct line line = {1, 1, 1, 1, 1, 0};
    SET_GEOMETRY(p, line, line);
    p->input_channels = 4 * random_range(random, 1, one_in(random, 8) ? 255 : 60);
    p->output_channels = random_range(random, 1, 20);
    p->block = 4;
    p->input_zero_point = random_s8(random);
    layer->plain_input_zero_point = p->input_zero_point;
    int8_t *weights =
        random_values(random, guard, elements(p->input_channels, p->output_channels, 1));
    layer->plain_weights = weights;
    uint8_t *mask =
        guard_alloc(guard, elements((p->input_channels + 31) / 32, p->output_channels, 1), 1);
    thin_out(random, p, weights, mask);
    int8_t *values = guard_alloc(guard, pack_fwcs(layer, mask, NULL), 1);
    pack_fwcs(layer, mask, values);
    uint8_t *list = guard_alloc(guard, list_kept(p, mask, NULL), 1);
    list_kept(p, mask, list);
    p->mask = list;
    p->weights = values;
    finish_conv_2d(random, guard, layer, 1);
}

static void start_pointwise(struct random *random, struct layer *layer)
{
    start_conv_2d(random, layer);
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    p->kernel_h = p->kernel_w = p->stride_h = p->stride_w = p->dilation_h = p->dilation_w = 1;
    p->pad_top = p->pad_left = 0;
    p->output_h = p->input_h;
    p->output_w = p->input_w;
    p->output_channels = random_channels(random);
    layer->in_place = 1;
    layer->scratch_bytes = (size_t)dtmm_pointwise_inplace_scratch_bytes(p);
}

void layer_pointwise(struct random *random, struct guard *guard, struct layer *layer)
{
    start_pointwise(random, layer);
    dense_weights(random, guard, layer);
    finish_conv_2d(random, guard, layer, 1);
}

void layer_pointwise_fwcs(struct random *random, struct guard *guard, struct layer *layer)
{
    start_pointwise(random, layer);
    finish_fwcs(random, guard, layer);
}

void layer_transpose_conv(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_conv_2d *p = &layer->parameters.conv_2d;
    struct line lines[2] = {random_line(random, 5), random_line(random, 5)};
    for (int i = 0; i < 2; i++) {
        lines[i].dilation = 1;
        if (lines[i].pad >= lines[i].kernel)
            lines[i].pad = lines[i].kernel - 1;
        int32_t all = (lines[i].input - 1) * lines[i].stride + lines[i].kernel - lines[i].pad;
        lines[i].output = random_range(random, 1, all + 1);
    }
    SET_GEOMETRY(p, lines[0], lines[1]);
    p->input_channels = p->block = random_channels(random);
    p->output_channels = random_range(random, 1, 9);
    p->input_zero_point = random_s8(random);
    layer->plain_input_zero_point = p->input_zero_point;
    dense_weights(random, guard, layer);
    finish_conv_2d(random, guard, layer, 0);
}

/* All of a depthwise_conv_2d whose geometry and depth multiplier are set. */
static void finish_depthwise(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_depthwise_conv_2d *p = &layer->parameters.depthwise_conv_2d;
    p->input_channels = random_channels(random);
    p->input_zero_point = random_s8(random);
    layer->plain_input_zero_point = p->input_zero_point;
    random_output_range(random, &p->output_zero_point, &p->output_min, &p->output_max);
    int32_t n = p->input_channels * p->depth_multiplier, n_taps = p->kernel_h * p->kernel_w;
    p->weights = random_values(random, guard, elements(n, n_taps, 1));
    layer->plain_weights = p->weights;
    struct filters filters = {n, n_taps, 1, n, 1, n};
    struct filter_constants constants = random_filter_constants(random, guard, layer, &filters);
    p->bias = constants.bias;
    p->multiplier = constants.multiplier;
    p->shift = constants.shift;
    layer->input_bytes[0] = elements(p->input_h, p->input_w, p->input_channels);
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    layer->output_bytes = elements(p->output_h, p->output_w, n);
    DESCRIBE_GEOMETRY(layer, p, p->input_channels, n);
}

/* Half of them 3x3 as networks have it. */
static void random_depthwise_lines(struct random *random, struct line *vertical,
                                   struct line *horizontal)
{
    *vertical = random_line(random, 5);
    *horizontal = random_line(random, 5);
    if (one_in(random, 2)) {
        int stride = random_range(random, 1, 2);
        *vertical = typical_line(random, 3, stride);
        *horizontal = typical_line(random, 3, stride);
    }
}

void layer_depthwise_conv_2d(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_depthwise_conv_2d *p = &layer->parameters.depthwise_conv_2d;
    struct line vertical, horizontal;
    random_depthwise_lines(random, &vertical, &horizontal);
    SET_GEOMETRY(p, vertical, horizontal);
    p->depth_multiplier = one_in(random, 2) ? 1 : random_range(random, 1, 4);
    finish_depthwise(random, guard, layer);
}

void layer_depthwise_conv_2d_inplace(struct random *random, struct guard *guard,
                                     struct layer *layer)
{
    struct dtmm_depthwise_conv_2d *p = &layer->parameters.depthwise_conv_2d;
    struct line vertical, horizontal;
    random_depthwise_lines(random, &vertical, &horizontal);
    if (horizontal.output > horizontal.input)
        horizontal.output = horizontal.input;
    SET_GEOMETRY(p, vertical, horizontal);
    p->depth_multiplier = 1;
    finish_depthwise(random, guard, layer);
    layer->in_place = 1;
    layer->scratch_bytes = (size_t)dtmm_depthwise_inplace_scratch_bytes(p);
}

void layer_fully_connected(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_fully_connected *p = &layer->parameters.fully_connected;
    p->input_channels = random_range(random, 1, one_in(random, 4) ? 700 : 40);
    p->output_channels = random_range(random, 1, 20);
    p->rows = one_in(random, 2) ? 1 : random_range(random, 1, 4);
    p->per_channel = (uint8_t)random_range(random, 0, 1);
    if (one_in(random, 3)) { /* as networks mostly have it */
        p->input_channels = 8 * random_range(random, 1, one_in(random, 2) ? 80 : 8);
        p->output_channels = random_range(random, 2, 40);
        p->per_channel = 0;
    }
    layer->plain_input_zero_point = random_s8(random);
    random_output_range(random, &p->output_zero_point, &p->output_min, &p->output_max);
    p->weights = random_values(random, guard, elements(p->input_channels, p->output_channels, 1));
    layer->plain_weights = p->weights;
    struct filters filters = {p->output_channels,
                              p->input_channels,
                              p->input_channels,
                              1,
                              1,
                              p->per_channel ? p->output_channels : 1};
    struct filter_constants constants = random_filter_constants(random, guard, layer, &filters);
    p->bias = constants.bias;
    p->multiplier = constants.multiplier;
    p->shift = constants.shift;
    layer->input_bytes[0] = elements(p->rows, p->input_channels, 1);
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    layer->output_bytes = elements(p->rows, p->output_channels, 1);
    DESCRIBE(layer, "%dx%d to %d, per_channel %d", (int)p->rows, (int)p->input_channels,
             (int)p->output_channels, p->per_channel);
}

/* ---- two inputs ---- */

/* Shapes of the output and of two inputs, each of which may be repeated along some dimensions. */
static void random_broadcast(struct random *random, struct guard *guard, struct layer *layer,
                             int32_t dims[4], int32_t *const strides[2])
{
    int is_plain = one_in(random, 2);
    for (int d = 0; d < 4; d++)
        dims[d] = is_plain && d < 3 ? 1 : random_range(random, 1, is_plain ? 60 : 6);
    int32_t n = dims[0] * dims[1] * dims[2] * dims[3];
    layer->output_bytes = (size_t)n;
    for (int i = 0; i < 2; i++) {
        int32_t step = 1;
        for (int d = 3; d >= 0; d--) {
            int is_repeated = !is_plain && one_in(random, 4);
            strides[i][d] = is_repeated ? 0 : step;
            step *= is_repeated ? 1 : dims[d];
        }
        layer->input_bytes[i] = (size_t)step;
        layer->inputs[i] = random_values(random, guard, (size_t)step);
        if (step == n)
            layer->in_place |= 1 << i;
    }
    DESCRIBE(layer, "%dx%dx%dx%d, input a %d, input b %d", (int)dims[0], (int)dims[1], (int)dims[2],
             (int)dims[3], (int)layer->input_bytes[0], (int)layer->input_bytes[1]);
}

void layer_add(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_add *p = &layer->parameters.add;
    int32_t *const strides[2] = {p->stride_a, p->stride_b};
    random_broadcast(random, guard, layer, p->dims, strides);
    p->multiplier_a = random_multiplier(random);
    p->multiplier_b = random_multiplier(random);
    p->multiplier_output = random_multiplier(random);
    int any = one_in(random, 8);
    p->shift_a = (int8_t)-random_range(random, 0, any ? 31 : 6);
    p->shift_b = (int8_t)-random_range(random, 0, any ? 31 : 6);
    p->shift_output = (int8_t)(any ? -random_range(random, 0, 31) : -random_range(random, 16, 20));
    int32_t half = random_range(random, 0, 7); /* as TFLite has the operand of the larger scale */
    if (half <= 3) {
        p->multiplier_a = 1 << 30;
        p->shift_a = 0;
    }
    if (half >= 3 && half <= 5) {
        p->multiplier_b = 1 << 30;
        p->shift_b = 0;
    }
    p->zero_point_a = random_s8(random);
    p->zero_point_b = random_s8(random);
    random_output_range(random, &p->output_zero_point, &p->output_min, &p->output_max);
}

void layer_mul(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_mul *p = &layer->parameters.mul;
    int32_t *const strides[2] = {p->stride_a, p->stride_b};
    random_broadcast(random, guard, layer, p->dims, strides);
    p->multiplier = random_multiplier(random);
    p->shift = random_shift(random, 5000, 255 * 255, one_in(random, 2));
    p->zero_point_a = random_s8(random);
    p->zero_point_b = random_s8(random);
    random_output_range(random, &p->output_zero_point, &p->output_min, &p->output_max);
}

/* ---- pooling and reductions ---- */

/* Like random_line(), but every window has a position inside. */
static struct line random_pool_line(struct random *random)
{
    struct line line;
    line.input = random_range(random, 1, 12);
    line.kernel = one_in(random, 4) ? line.input : random_range(random, 1, 7);
    line.stride = random_range(random, 1, 3);
    line.dilation = 1;
    line.pad = one_in(random, 2) ? 0 : random_range(random, 0, line.kernel - 1);
    line.output = random_range(random, 1, (line.input + line.pad - 1) / line.stride + 1);
    return line;
}

void layer_pool_2d(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_pool_2d *p = &layer->parameters.pool_2d;
    struct line vertical = random_pool_line(random), horizontal = random_pool_line(random);
    if (one_in(random, 6)) /* over all of an image */
        vertical = horizontal =
            (struct line){.input = 18, .output = 1, .kernel = 18, .stride = 1, .dilation = 1};
    p->channels = random_channels(random);
    p->input_h = (uint16_t)vertical.input;
    p->input_w = (uint16_t)horizontal.input;
    p->output_h = (uint16_t)vertical.output;
    p->output_w = (uint16_t)horizontal.output;
    p->window_h = (uint16_t)vertical.kernel;
    p->window_w = (uint16_t)horizontal.kernel;
    p->stride_h = (uint8_t)vertical.stride;
    p->stride_w = (uint8_t)horizontal.stride;
    p->pad_top = (uint16_t)vertical.pad;
    p->pad_left = (uint16_t)horizontal.pad;
    int8_t zero_point;
    random_output_range(random, &zero_point, &p->output_min, &p->output_max);
    layer->input_bytes[0] = elements(p->input_h, p->input_w, p->channels);
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    layer->output_bytes = elements(p->output_h, p->output_w, p->channels);
    DESCRIBE(layer, "input %dx%dx%d, output %dx%d, window %dx%d, stride %dx%d, pad %d %d",
             p->input_h, p->input_w, (int)p->channels, p->output_h, p->output_w, p->window_h,
             p->window_w, p->stride_h, p->stride_w, p->pad_top, p->pad_left);
}

void layer_mean(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_mean *p = &layer->parameters.mean;
    int32_t n = 1;
    int is_image = one_in(random, 3); /* as networks mostly have it */
    p->axes = is_image ? 1 << 2 | 1 << 3 : random_range(random, 0, 31);
    p->count = 1;
    for (int d = 0; d < 5; d++) {
        p->dims[d] = random_range(random, 1, 5);
        if (is_image)
            p->dims[d] = d < 2 ? 1 : random_range(random, 1, 20);
        n *= p->dims[d];
        p->count *= p->axes >> d & 1 ? p->dims[d] : 1;
    }
    p->multiplier = random_multiplier(random) >> random_range(random, 0, 1);
    p->shift = random_shift(random, 4 * p->count, 255 * (int64_t)p->count, one_in(random, 2));
    p->input_zero_point = random_s8(random);
    p->output_zero_point = random_s8(random);
    layer->input_bytes[0] = (size_t)n;
    layer->inputs[0] = random_values(random, guard, (size_t)n);
    layer->output_bytes = (size_t)(n / p->count);
    DESCRIBE(layer, "%dx%dx%dx%dx%d, axes %#x", (int)p->dims[0], (int)p->dims[1], (int)p->dims[2],
             (int)p->dims[3], (int)p->dims[4], (unsigned)p->axes);
}

void layer_softmax(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_softmax *p = &layer->parameters.softmax;
    p->rows = random_range(random, 1, 4);
    p->columns = random_range(random, 1, one_in(random, 6) ? 500 : 30);
    p->multiplier = random_range(random, 1 << 30, INT32_MAX);
    p->shift = one_in(random, 5) ? random_range(random, 0, 31) : random_range(random, 19, 26);
    p->difference_min = -(int32_t)((INT64_C(31) << 26) >> p->shift);
    layer->in_place = 1;
    layer->input_bytes[0] = layer->output_bytes = elements(p->rows, p->columns, 1);
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    DESCRIBE(layer, "%dx%d, shift %d", (int)p->rows, (int)p->columns, (int)p->shift);
}

/* ---- moving data ---- */

void layer_lookup(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_lookup *p = &layer->parameters.lookup;
    p->n = random_range(random, 1, 300);
    p->table = random_values(random, guard, 256);
    layer->in_place = 1;
    layer->input_bytes[0] = layer->output_bytes = (size_t)p->n;
    layer->inputs[0] = random_values(random, guard, (size_t)p->n);
    DESCRIBE(layer, "%d elements", (int)p->n);
}

void layer_copy(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_copy *p = &layer->parameters.copy;
    p->rows = random_range(random, 1, 12);
    p->row_bytes = random_range(random, 1, 30);
    p->input_stride = p->row_bytes + (one_in(random, 2) ? 0 : random_range(random, 0, 9));
    p->output_stride = p->row_bytes + (one_in(random, 2) ? 0 : random_range(random, 0, 9));
    layer->input_bytes[0] = (size_t)((p->rows - 1) * p->input_stride + p->row_bytes);
    layer->output_bytes = (size_t)((p->rows - 1) * p->output_stride + p->row_bytes);
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    DESCRIBE(layer, "%d rows of %d, strides %d %d", (int)p->rows, (int)p->row_bytes,
             (int)p->input_stride, (int)p->output_stride);
}

void layer_pad(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_pad *p = &layer->parameters.pad;
    layer->input_bytes[0] = layer->output_bytes = 1;
    for (int d = 0; d < 5; d++) {
        p->dims[d] = random_range(random, 1, 5);
        p->before[d] = one_in(random, 2) ? 0 : random_range(random, 0, 3);
        p->after[d] = one_in(random, 2) ? 0 : random_range(random, 0, 3);
        layer->input_bytes[0] *= (size_t)p->dims[d];
        layer->output_bytes *= (size_t)(p->before[d] + p->dims[d] + p->after[d]);
    }
    p->value = random_s8(random);
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    DESCRIBE(layer, "%d to %d elements", (int)layer->input_bytes[0], (int)layer->output_bytes);
}

void layer_slice(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_slice *p = &layer->parameters.slice;
    int32_t size = 1;
    layer->output_bytes = 1;
    for (int d = 4; d >= 0; d--) {
        int32_t input = random_range(random, 1, 6), begin = random_range(random, 0, input - 1);
        int32_t step = random_range(random, 1, 3) * (one_in(random, 3) ? -1 : 1);
        int32_t most = step > 0 ? (input - 1 - begin) / step + 1 : begin / -step + 1;
        p->dims[d] = random_range(random, 1, most);
        p->stride[d] = step * size;
        p->offset += begin * size;
        layer->output_bytes *= (size_t)p->dims[d];
        size *= input;
    }
    layer->input_bytes[0] = (size_t)size;
    layer->inputs[0] = random_values(random, guard, (size_t)size);
    DESCRIBE(layer, "%d to %d elements", (int)layer->input_bytes[0], (int)layer->output_bytes);
}

void layer_resize_nearest(struct random *random, struct guard *guard, struct layer *layer)
{
    struct dtmm_resize_nearest *p = &layer->parameters.resize_nearest;
    int32_t input_h = random_range(random, 1, 8);
    p->input_w = (uint16_t)random_range(random, 1, 8);
    p->output_h = (uint16_t)random_range(random, 1, 12);
    p->output_w = (uint16_t)random_range(random, 1, 12);
    p->channels = random_channels(random);
    uint16_t *row = guard_alloc(guard, (size_t)p->output_h * 2, 2);
    uint16_t *column = guard_alloc(guard, (size_t)p->output_w * 2, 2);
    for (int i = 0; i < p->output_h; i++)
        row[i] = (uint16_t)random_range(random, 0, input_h - 1);
    for (int i = 0; i < p->output_w; i++)
        column[i] = (uint16_t)random_range(random, 0, p->input_w - 1);
    p->row = row;
    p->column = column;
    layer->input_bytes[0] = elements(input_h, p->input_w, p->channels);
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    layer->output_bytes = elements(p->output_h, p->output_w, p->channels);
    DESCRIBE(layer, "%dx%dx%d to %dx%d", (int)input_h, p->input_w, (int)p->channels, p->output_h,
             p->output_w);
}

/* ---- float ---- */

static float random_scale(struct random *random)
{
    float mantissa = 1.0F + (float)random_range(random, 0, (1 << 23) - 1) / (float)(1 << 23);
    float scale = one_in(random, 4) ? 1.0F : mantissa;
    int exponent = random_range(random, -12, 3);
    return exponent < 0 ? scale / (float)(1 << -exponent) : scale * (float)(1 << exponent);
}

/* The next float away from or toward zero; x is finite and not zero. */
static float neighbor(float x, int step)
{
    union {
        float number;
        uint32_t bits;
    } value = {x};
    value.bits += (uint32_t)step;
    return value.number;
}

static float random_real(struct random *random, const struct dtmm_quantize *p)
{
    const float infinity = FLT_MAX * 2.0F, not_a_number = infinity - infinity;
    const float special[] = {0.0F,         -0.0F,       infinity,      -infinity,
                             not_a_number, FLT_MAX,     -FLT_MAX,      FLT_MIN,
                             -FLT_MIN,     FLT_MIN / 8, 2147483648.0F, -2147483648.0F};
    float steps = (float)random_range(random, -300, 300);
    switch (random_range(random, 0, 4)) {
    case 0:
        return special[random_range(random, 0, sizeof(special) / sizeof(special[0]) - 1)];
    case 1:
        return p->scale * (steps + 0.5F);
    case 2:
        return neighbor(p->scale * (steps + 0.5F), one_in(random, 2) ? 1 : -1);
    default:
        return p->scale * (float)random_range(random, -300000, 300000) / 1000.0F;
    }
}

static void set_quantize(struct random *random, struct layer *layer)
{
    struct dtmm_quantize *p = &layer->parameters.quantize;
    p->n = random_range(random, 1, 200);
    p->scale = random_scale(random);
    p->zero_point = random_s8(random);
    DESCRIBE(layer, "%d elements, scale %.9g, zero point %d", (int)p->n, (double)p->scale,
             p->zero_point);
}

void layer_quantize(struct random *random, struct guard *guard, struct layer *layer)
{
    set_quantize(random, layer);
    const struct dtmm_quantize *p = &layer->parameters.quantize;
    layer->output_bytes = (size_t)p->n;
    layer->input_bytes[0] = (size_t)p->n * sizeof(float);
    float *input = guard_alloc(guard, layer->input_bytes[0], sizeof(float));
    for (int32_t i = 0; i < p->n; i++)
        input[i] = random_real(random, p);
    layer->inputs[0] = input;
}

void layer_dequantize(struct random *random, struct guard *guard, struct layer *layer)
{
    set_quantize(random, layer);
    layer->input_bytes[0] = (size_t)layer->parameters.quantize.n;
    layer->inputs[0] = random_values(random, guard, layer->input_bytes[0]);
    layer->output_bytes = layer->input_bytes[0] * sizeof(float);
}
