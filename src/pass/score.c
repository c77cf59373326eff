/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "pass/pass.h"

/* The real value of an element of constant weights whose scales, if any, go with dimension 0. */
static double weight_value(const struct tensor *weights, int64_t element, int32_t filter)
{
    if (weights->dtype == DTYPE_F32)
        return (double)((const float *)weights->data)[element];
    const struct quantization *quantization = &weights->quantization;
    double scale = (double)quantization->scale[quantization->n > 1 ? filter : 0];
    return scale * ((const int8_t *)weights->data)[element];
}

static double filterlet_norm(const struct tensor *weights, int32_t filter, int64_t filterlet)
{
    int32_t length = weights->shape.dims[3];
    double sum = 0;
    for (int64_t i = filterlet * length; i < (filterlet + 1) * length; i++) {
        double value = weight_value(weights, i, filter);
        sum += value * value;
    }
    return sqrt(sum);
}

static void score_layer(const struct tensor *weights, struct arena *arena,
                        struct node_scores *scores)
{
    const int32_t *dims = weights->shape.dims;
    int64_t n_filterlets = (int64_t)dims[0] * dims[1] * dims[2];
    double total = 0;
    scores->n_filters = dims[0];
    scores->n_positions = dims[1] * dims[2];
    scores->filterlet = ARENA_ARRAY(arena, (size_t)n_filterlets, float);
    for (int64_t i = 0; i < n_filterlets; i++)
        total += filterlet_norm(weights, (int32_t)(i / scores->n_positions), i);
    double mean = total / (double)n_filterlets;
    for (int64_t i = 0; i < n_filterlets && mean > 0; i++) {
        double norm = filterlet_norm(weights, (int32_t)(i / scores->n_positions), i);
        scores->filterlet[i] = (float)(norm / mean);
    }
}

enum status score(const struct graph *graph, struct arena *arena, struct scores **scores,
                  struct diag *diag)
{
    struct scores *result = ARENA_NEW(arena, struct scores);
    result->n_nodes = graph->n_nodes;
    result->nodes = ARENA_ARRAY(arena, (size_t)graph->n_nodes, struct node_scores);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (node->op != OP_conv_2d)
            continue;
        const struct tensor *weights = node_input(graph, node, 1);
        if (weights->quantization.n > 1 && weights->quantization.axis != 0)
            return fail(diag, ERR_UNSUPPORTED,
                        "conv_2d '%s': the weights have a scale per dimension %d, only one per "
                        "filter is supported; quantize the model anew",
                        node->name, (int)weights->quantization.axis);
        score_layer(weights, arena, &result->nodes[n]);
    }
    *scores = result;
    return OK;
}
