/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "pass/pass.h"

/* The real value of a weight; the scales, if any, go with the filters. */
static double weight_value(enum op op, const struct tensor *weights, int64_t i)
{
    if (weights->dtype == DTYPE_F32)
        return (double)((const float *)weights->data)[i];
    const struct quantization *quantization = &weights->quantization;
    int32_t filter = quantization->n > 1 ? filter_of_weight(op, &weights->shape, i) : 0;
    return (double)quantization->scale[filter] * ((const int8_t *)weights->data)[i];
}

/* Sums over each unit: of the importance of its weights, or of their squares. */
static void units_sum(const struct node *node, const struct tensor *weights,
                      const float *importance, const struct unit *unit, double *sums)
{
    int64_t n = shape_elements(&weights->shape);
    for (int64_t i = 0; i < n; i++) {
        double value = weight_value(node->op, weights, i);
        sums[unit_of_weight(unit, node->op, &weights->shape, i)] +=
            importance != NULL ? (double)importance[i] : value * value;
    }
}

/* Divides by the mean, so that layers compare. */
static void score_layer(const struct node *node, const struct tensor *weights,
                        const float *importance, struct arena *arena, struct node_scores *scores)
{
    struct arena scratch = {0};
    int64_t n = unit_count(&scores->unit, node->op, &weights->shape);
    double *sums = ARENA_ARRAY(&scratch, (size_t)n, double), total = 0;
    units_sum(node, weights, importance, &scores->unit, sums);
    scores->n_units = n;
    scores->of = ARENA_ARRAY(arena, (size_t)n, float);
    for (int64_t i = 0; i < n; i++) {
        sums[i] = importance != NULL ? sums[i] : sqrt(sums[i]);
        total += sums[i];
    }
    for (int64_t i = 0; i < n && total > 0; i++)
        scores->of[i] = (float)(sums[i] * (double)n / total);
    arena_free(&scratch);
}

/* Each weight by itself, as units of other shapes are put together from. */
static void score_weights(const struct node *node, const struct tensor *weights,
                          const float *importance, struct arena *arena, struct node_scores *scores)
{
    int64_t n = shape_elements(&weights->shape);
    double total = 0;
    scores->weights = ARENA_ARRAY(arena, (size_t)n, float);
    for (int64_t i = 0; i < n; i++) {
        double value = weight_value(node->op, weights, i);
        scores->weights[i] = importance != NULL ? importance[i] : (float)(value * value);
        total += (double)scores->weights[i];
    }
    for (int64_t i = 0; i < n && total > 0; i++)
        scores->weights[i] = (float)((double)scores->weights[i] * (double)n / total);
}

enum status score(const struct graph *graph, const struct recipe *recipe,
                  const struct importance *importance, struct arena *arena, struct scores **scores,
                  struct diag *diag)
{
    struct scores *result = ARENA_NEW(arena, struct scores);
    int has_filters = recipe_has_filters(recipe);
    result->n_nodes = graph->n_nodes;
    result->nodes = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, struct node_scores);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        struct node_scores *to = &result->nodes[n];
        to->unit = recipe->layers[n].unit;
        if (!op_is_layer(node->op) || (recipe->layers[n].sparsity == 0 && !has_filters))
            continue;
        const struct tensor *weights = node_input(graph, node, 1);
        int32_t axis = node->op == OP_depthwise_conv_2d ? 3 : 0;
        if (weights->quantization.n > 1 && weights->quantization.axis != axis)
            return fail(diag, ERR_UNSUPPORTED,
                        "%s '%s': the weights have a scale per dimension %d, only one per filter "
                        "is supported; quantize the model anew",
                        op_name(node->op), node->name, (int)weights->quantization.axis);
        const float *of_weights = importance != NULL ? importance->of[n] : NULL;
        score_layer(node, weights, of_weights, arena, to);
        if (has_filters)
            score_weights(node, weights, of_weights, arena, to);
    }
    *scores = result;
    return OK;
}
