/* SPDX-License-Identifier: Apache-2.0 */
/* Scale and zero point of everything in a float graph that becomes int8: what the quantized graph
 * will have, and what training with fake quantization rounds to. The rules are those of the
 * TensorFlow Lite 8-bit quantization specification (doc/quantize.md). */
#ifndef DTMM_PRODUCT_FAKE_QUANTIZATION_H
#define DTMM_PRODUCT_FAKE_QUANTIZATION_H

#include <math.h>
#include <stdint.h>

#include "base/arena.h"
#include "graph/graph.h"
#include "product/ranges.h"

struct fake_node {
    /* Of a layer with weights; otherwise n is 0. */
    struct quantization weights; /* one scale, or one an output channel */
    struct quantization bias;    /* scales of the input times those of the weights */
    /* Of an input that is rounded once more before this node: a concatenation's whose scale cannot
     * be that of the output. n is 0 where the input is read as it is. */
    struct quantization inputs[MAX_INPUTS];
    int exact; /* the weights are multiples of their scales already: rounding leaves them */
};

/* Indexed as the float graph. */
struct fake_quantization {
    int32_t n_tensors;
    struct quantization *tensors; /* activations and constant operands; otherwise n is 0 */
    int32_t n_nodes;
    struct fake_node *nodes;
};

/* ---- one value ---- */

/* The integer that stands for a number: to nearest, halves away from zero, in [low, 127]; low is
 * -128 for activations, -127 for weights (zero point 0). */
static inline int32_t quantize_value(double real, float scale, int32_t zero_point, int32_t low)
{
    double q = round(real / (double)scale) + zero_point;
    return q < low ? low : q > 127 ? 127 : (int32_t)q;
}

/* The number that the integer stands for. */
static inline float dequantize_value(int32_t q, float scale, int32_t zero_point)
{
    return (float)((double)scale * (q - zero_point));
}

/* ---- whole tensors ---- */

/* One scale for an interval, widened to hold zero, which an integer represents exactly. */
struct quantization quantization_of_range(struct range range, struct arena *arena);

/* How weights are rounded. */
struct weight_rounding {
    int clip;        /* choose each scale so that the squared error is least, instead of the
                        smallest that clips nothing */
    int per_channel; /* fully_connected too has a scale an output channel */
};

/* A layer with weights, as far as its scales depend on it. */
struct weighted_layer {
    enum op op;
    const struct shape *shape; /* of the weights */
    const float *weights;
    const float *bias; /* NULL: none */
    float input_scale, output_scale;
};

/* The scales of weights: symmetric, [-127, 127], large enough for the bias to fit 32 bits. */
struct quantization quantization_of_weights(const struct weighted_layer *layer,
                                            const struct weight_rounding *rounding,
                                            struct arena *arena);

/* The smallest that scale `s` of `n` may be: layer->bias fits 32 bits beside the sums. */
float smallest_weight_scale(const struct weighted_layer *layer, int32_t n, int32_t s);

/* The scales of a bias. */
struct quantization quantization_of_bias(float input_scale, const struct quantization *weights,
                                         struct arena *arena);

/* The smallest scale of a layer's output with which its sums can be brought to it in 32 bits. */
float smallest_output_scale(const struct weighted_layer *layer, const struct quantization *weights);

/* Which output channel weight `i` belongs to. */
int64_t weight_channel(enum op op, const struct shape *shape, int64_t i);
int32_t weight_channels(enum op op, const struct shape *shape);

/* Rounds the values, in place, to what int8 represents; per channel as `op`'s weights are. */
void fake_quantize_weights(enum op op, const struct shape *shape,
                           const struct quantization *quantization, float *values);
void fake_quantize_activations(const struct quantization *quantization, float *values, int64_t n);

#endif
