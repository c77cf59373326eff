/* SPDX-License-Identifier: Apache-2.0 */
#include "product/fake_quantization.h"

#include <assert.h>

enum { WEIGHT_MAX = 127, CLIP_STEPS = 50 };

/* Activations that never change, and the smallest scale of those that do. */
static const float CONSTANT_SCALE = 1.0f / 1024, SMALLEST_SCALE = 1e-12f;

static struct quantization one_scale(float scale, int32_t zero_point, struct arena *arena)
{
    float *scales = ARENA_NEW(arena, float);
    int32_t *zero_points = ARENA_NEW(arena, int32_t);
    *scales = scale;
    *zero_points = zero_point;
    return (struct quantization){.n = 1, .scale = scales, .zero_point = zero_points};
}

struct quantization quantization_of_range(struct range range, struct arena *arena)
{
    double min = fmin((double)range.min, 0), max = fmax((double)range.max, 0);
    float scale = (float)((max - min) / 255);
    if (min == 0 && max == 0)
        scale = CONSTANT_SCALE;
    if (scale < SMALLEST_SCALE)
        scale = SMALLEST_SCALE;
    double zero_point = round(-128 - min / (double)scale);
    return one_scale(scale, zero_point > 127 ? 127 : (int32_t)zero_point, arena);
}

int32_t weight_channels(enum op op, const struct shape *shape)
{
    return shape->dims[op == OP_depthwise_conv_2d ? 3 : 0];
}

int64_t weight_channel(enum op op, const struct shape *shape, int64_t i)
{
    int32_t n = weight_channels(op, shape);
    return op == OP_depthwise_conv_2d ? i % n : i / (shape_elements(shape) / n);
}

/* The weights that have scale `s` of `n_scales`: `count` of them, `step` apart from `first` on. */
struct run {
    const float *first;
    int64_t count, step;
};

static struct run run_of(const struct weighted_layer *layer, int32_t n_scales, int32_t s)
{
    int64_t elements = shape_elements(layer->shape), count = elements / n_scales;
    if (n_scales > 1 && layer->op == OP_depthwise_conv_2d)
        return (struct run){layer->weights + s, count, n_scales};
    return (struct run){layer->weights + s * count, count, 1};
}

static double largest_magnitude(struct run run)
{
    double largest = 0;
    for (int64_t i = 0; i < run.count; i++)
        largest = fmax(largest, fabs((double)run.first[i * run.step]));
    return largest;
}

static double squared_error(struct run run, float scale)
{
    double sum = 0;
    for (int64_t i = 0; i < run.count; i++) {
        double real = (double)run.first[i * run.step];
        double error = real - (double)scale * quantize_value(real, scale, 0, -WEIGHT_MAX);
        sum += error * error;
    }
    return sum;
}

/* Clips from nothing to half of the largest weight. */
static float scale_of_least_error(struct run run, float largest)
{
    float best = largest;
    double best_error = squared_error(run, largest);
    for (int k = 1; k <= CLIP_STEPS; k++) {
        float scale = largest * (float)(1 - 0.5 * k / CLIP_STEPS);
        double error = squared_error(run, scale);
        if (error < best_error) {
            best_error = error;
            best = scale;
        }
    }
    return best;
}

/* What a bias may be at most, so that it and the sum of products fit 32 bits together. */
static double bias_limit(struct run run)
{
    double sums = 256.0 * WEIGHT_MAX * (double)run.count;
    double left = 2147483647.0 - sums;
    return left > (1 << 30) ? 1 << 30 : left > (1 << 20) ? left : 1 << 20;
}

float smallest_weight_scale(const struct weighted_layer *layer, int32_t n, int32_t s)
{
    int32_t channels = weight_channels(layer->op, layer->shape);
    double smallest = 0;
    for (int32_t o = 0; o < channels && layer->bias != NULL; o++)
        if (n == 1 || o == s)
            smallest = fmax(smallest, fabs((double)layer->bias[o]) / (double)layer->input_scale /
                                          bias_limit(run_of(layer, channels, o)));
    return (float)smallest;
}

struct quantization quantization_of_weights(const struct weighted_layer *layer,
                                            const struct weight_rounding *rounding,
                                            struct arena *arena)
{
    int32_t channels = weight_channels(layer->op, layer->shape);
    int per_channel = layer->op != OP_fully_connected || rounding->per_channel;
    int32_t n = per_channel ? channels : 1;
    float *scale = ARENA_ARRAY(arena, (size_t)n, float);
    for (int32_t s = 0; s < n; s++) {
        struct run run = run_of(layer, n, s);
        double largest = largest_magnitude(run);
        scale[s] = (float)(largest / WEIGHT_MAX);
        if (rounding->clip && scale[s] > 0)
            scale[s] = scale_of_least_error(run, scale[s]);
        /* Without weights: steps of 1/1024 of the output's, for the bias. */
        double least = (double)layer->output_scale / (double)layer->input_scale / 1024;
        if (largest == 0)
            scale[s] = (float)least;
        scale[s] = fmaxf(scale[s], smallest_weight_scale(layer, n, s));
        scale[s] = fmaxf(scale[s], SMALLEST_SCALE);
    }
    return (struct quantization){
        .n = n,
        .axis = n > 1 && layer->op == OP_depthwise_conv_2d ? 3 : 0,
        .scale = scale,
        .zero_point = ARENA_ARRAY(arena, (size_t)n, int32_t),
    };
}

struct quantization quantization_of_bias(float input_scale, const struct quantization *weights,
                                         struct arena *arena)
{
    float *scale = ARENA_ARRAY(arena, (size_t)weights->n, float);
    for (int32_t i = 0; i < weights->n; i++)
        scale[i] = input_scale * weights->scale[i];
    return (struct quantization){
        .n = weights->n,
        .scale = scale,
        .zero_point = ARENA_ARRAY(arena, (size_t)weights->n, int32_t),
    };
}

float smallest_output_scale(const struct weighted_layer *layer, const struct quantization *weights)
{
    int32_t channels = weight_channels(layer->op, layer->shape);
    double smallest = 0;
    for (int32_t o = 0; o < channels; o++) {
        struct run run = run_of(layer, channels, o);
        float scale = weights->scale[weights->n > 1 ? o : 0];
        double product = (double)layer->input_scale * (double)scale;
        double sum = layer->bias != NULL ? fabs((double)layer->bias[o]) / product : 0;
        for (int64_t i = 0; i < run.count; i++)
            sum += 256.0 * fabs((double)run.first[i * run.step]) / (double)scale + 256;
        smallest = fmax(smallest, product * sum / (1 << 30));
    }
    return (float)smallest;
}

void fake_quantize_weights(enum op op, const struct shape *shape,
                           const struct quantization *quantization, float *values)
{
    for (int64_t i = 0; i < shape_elements(shape); i++) {
        int64_t s = quantization->n > 1 ? weight_channel(op, shape, i) : 0;
        float scale = quantization->scale[s];
        int32_t q = quantize_value((double)values[i], scale, 0, -WEIGHT_MAX);
        values[i] = dequantize_value(q, scale, 0);
    }
}

void fake_quantize_activations(const struct quantization *quantization, float *values, int64_t n)
{
    assert(quantization->n == 1);
    float scale = quantization->scale[0];
    int32_t zero_point = quantization->zero_point[0];
    for (int64_t i = 0; i < n; i++) {
        int32_t q = quantize_value((double)values[i], scale, zero_point, INT8_MIN);
        values[i] = dequantize_value(q, scale, zero_point);
    }
}
