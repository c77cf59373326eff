/* SPDX-License-Identifier: Apache-2.0 */
#include "train/rounding.h"

#include <math.h>

static int has_weights(enum op op)
{
    return op == OP_conv_2d || op == OP_depthwise_conv_2d || op == OP_transpose_conv ||
           op == OP_fully_connected;
}

static void round_weights(const struct rounding *rounding, const struct graph *graph,
                          const struct node *node, const int64_t *offset, const float *values,
                          float *rounded)
{
    struct arena scratch = {0};
    const struct fake_quantization *scales = rounding->scales;
    const struct shape *shape = &node_input(graph, node, 1)->shape;
    struct weighted_layer layer = {.op = node->op,
                                   .shape = shape,
                                   .weights = values + offset[node->inputs[1]],
                                   .bias =
                                       node->n_inputs > 2 ? values + offset[node->inputs[2]] : NULL,
                                   .input_scale = scales->tensors[node->inputs[0]].scale[0],
                                   .output_scale = scales->tensors[node->output].scale[0]};
    struct quantization q = quantization_of_weights(&layer, &rounding->weights, &scratch);
    fake_quantize_weights(node->op, shape, &q, rounded + offset[node->inputs[1]]);
    arena_free(&scratch);
}

void round_constants(const struct rounding *rounding, const struct graph *graph,
                     const struct node *node, const int64_t *offset, const float *values,
                     float *rounded)
{
    if (has_weights(node->op)) {
        round_weights(rounding, graph, node, offset, values, rounded);
        return;
    }
    for (int32_t i = 0; i < node->n_inputs; i++) {
        const struct quantization *q = &rounding->scales->tensors[node->inputs[i]];
        if (node_input(graph, node, i)->data != NULL && q->n == 1)
            fake_quantize_activations(q, rounded + offset[node->inputs[i]],
                                      shape_elements(&node_input(graph, node, i)->shape));
    }
}

struct pass_band pass_band_of(const struct node *node)
{
    enum activation activation = node->attrs.activation;
    if (node->op == OP_relu || activation == ACTIVATION_RELU)
        return (struct pass_band){0, INFINITY};
    if (node->op == OP_relu6 || activation == ACTIVATION_RELU6)
        return (struct pass_band){0, 6};
    if (activation == ACTIVATION_RELU_N1_TO_1)
        return (struct pass_band){-1, 1};
    return (struct pass_band){-INFINITY, INFINITY};
}

void round_activations(const struct quantization *quantization, struct pass_band band,
                       float *values, int64_t n, uint8_t *inside)
{
    static const float magic = 12582912; /* 1.5 * 2^23: adding it leaves no fraction */
    float scale = quantization->scale[0], inverse = 1 / scale;
    float zero_point = (float)quantization->zero_point[0];
    float low = -128 - zero_point, high = 127 - zero_point;
    for (int64_t i = 0; inside != NULL && i < n; i++) {
        float q = values[i] * inverse;
        inside[i] = (values[i] > band.low) & (values[i] < band.high) & (q >= low - 0.5f) &
                    (q <= high + 0.5f);
    }
    for (int64_t i = 0; i < n; i++) {
        float q = values[i] * inverse;
        q = q < low ? low : q;
        q = q > high ? high : q;
        values[i] = (q + magic - magic) * scale;
    }
}

void round_backward(float *gradient, int64_t n, const uint8_t *inside)
{
    for (int64_t i = 0; i < n; i++)
        gradient[i] = inside[i] ? gradient[i] : 0;
}
