/* SPDX-License-Identifier: Apache-2.0 */
#include "train/normalization.h"

#include <math.h>

#include "product/units.h"

/* Sums over all positions, by tensor and channel. */
struct sums {
    const struct graph *graph;
    double **values, **squares; /* NULL: not asked for */
    double *n;
};

/* A normalization that has no statistics yet, and that the network computes. */
static int is_identity(struct network *network, const struct graph *graph, const struct node *node)
{
    if (node->op != OP_batch_normalization || network_values(network, node->inputs[1]) == NULL)
        return 0;
    const float *gamma = node_input(graph, node, 1)->data, *mean = node_input(graph, node, 3)->data;
    const float *variance = node_input(graph, node, 4)->data;
    for (int32_t c = 0; c < node_input(graph, node, 1)->shape.dims[0]; c++)
        if (gamma[c] != 1 || mean[c] != 0 || variance[c] != 1 - node->attrs.epsilon)
            return 0;
    return 1;
}

static void see(void *context, int32_t tensor, const float *values, int32_t n)
{
    struct sums *sums = context;
    const struct shape *shape = &sums->graph->tensors[tensor].shape;
    int32_t channels = shape->rank > 0 ? shape->dims[shape->rank - 1] : 1;
    if (sums->values[tensor] == NULL)
        return;
    int64_t positions = n * shape_elements(shape) / channels;
    for (int64_t p = 0; p < positions; p++)
        for (int32_t c = 0; c < channels; c++) {
            double value = (double)*values++;
            sums->values[tensor][c] += value;
            sums->squares[tensor][c] += value * value;
        }
    sums->n[tensor] += (double)positions;
}

/* Whether one node alone reads the tensor, and no output is it. */
static int is_read_once(const struct graph *graph, int32_t tensor)
{
    int n = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        for (int32_t k = 0; k < graph->nodes[i].n_inputs; k++)
            n += graph->nodes[i].inputs[k] == tensor;
    for (int32_t i = 0; i < graph->n_outputs; i++)
        n += graph->outputs[i] == tensor;
    return n == 1;
}

/* The one layer that makes a tensor, when nothing but its weights decides the scale of it, and only
 * the normalization sees it: it has no bias, and its weights are its own. NULL otherwise. */
static const struct node *scalable_layer(const struct graph *graph, int32_t tensor)
{
    const struct node *layer = NULL;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].output == tensor)
            layer = &graph->nodes[i];
    if (layer == NULL || !op_is_layer(layer->op) || layer->n_inputs > 2 ||
        !is_read_once(graph, tensor))
        return NULL;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (&graph->nodes[i] != layer && graph->nodes[i].n_inputs > 1 &&
            graph->nodes[i].inputs[1] == layer->inputs[1])
            return NULL;
    return layer;
}

/* Gives each filter the norm that filters have at the start of a training (He et al. 2015), and
 * tells by what it was multiplied. Behind a normalization the scale of a filter decides nothing but
 * how far a step of training turns it: those of folded networks differ by orders of magnitude. */
static double *filters_scale(struct network *network, const struct graph *graph,
                             const struct node *layer, struct arena *arena)
{
    static const double norm = 2; /* squared: He's 2 / fan-in, over all the fan-in */
    const struct shape *shape = &node_input(graph, layer, 1)->shape;
    float *weights = network_values(network, layer->inputs[1]);
    int32_t n = filter_count(layer->op, shape);
    double *factor = ARENA_ARRAY(arena, (size_t)n, double);
    for (int64_t i = 0; i < shape_elements(shape); i++)
        factor[filter_of_weight(layer->op, shape, i)] += (double)weights[i] * (double)weights[i];
    for (int32_t f = 0; f < n; f++)
        factor[f] = factor[f] > 0 ? sqrt(norm / factor[f]) : 1;
    for (int64_t i = 0; i < shape_elements(shape); i++)
        weights[i] = (float)((double)weights[i] * factor[filter_of_weight(layer->op, shape, i)]);
    return factor;
}

static void parameters_set(struct network *network, const struct graph *graph,
                           const struct node *node, const struct sums *sums, struct arena *arena)
{
    int32_t x = node->inputs[0];
    const struct node *layer = scalable_layer(graph, x);
    const double *factor = layer != NULL ? filters_scale(network, graph, layer, arena) : NULL;
    float *gamma = network_values(network, node->inputs[1]);
    float *beta = network_values(network, node->inputs[2]);
    float *mean = network_values(network, node->inputs[3]);
    float *variance = network_values(network, node->inputs[4]);
    for (int32_t c = 0; c < node_input(graph, node, 1)->shape.dims[0]; c++) {
        double m = sums->values[x][c] / sums->n[x];
        double v = fmax(sums->squares[x][c] / sums->n[x] - m * m, 0);
        double f = factor != NULL ? factor[c] : 1;
        mean[c] = (float)(m * f);
        variance[c] = (float)(v * f * f);
        gamma[c] = (float)(sqrt(v * f * f + (double)node->attrs.epsilon) / f);
        beta[c] = (float)((double)beta[c] + m);
    }
}

enum status normalization_measure(const struct graph *graph, const float *samples, int32_t n,
                                  struct arena *arena, struct graph **measured, struct diag *diag)
{
    struct arena scratch = {0};
    struct network *network;
    size_t n_tensors = (size_t)graph->n_tensors;
    struct sums sums = {graph, ARENA_ARRAY(&scratch, n_tensors, double *),
                        ARENA_ARRAY(&scratch, n_tensors, double *),
                        ARENA_ARRAY(&scratch, n_tensors, double)};
    const struct network_options options = {.n_threads = 1};
    enum status status = network_make(graph, &options, &network, diag);
    for (int32_t i = 0; i < graph->n_nodes && status == OK; i++) {
        const struct node *node = &graph->nodes[i];
        if (!is_identity(network, graph, node))
            continue;
        size_t channels = (size_t)node_input(graph, node, 1)->shape.dims[0];
        sums.values[node->inputs[0]] = ARENA_ARRAY(&scratch, channels, double);
        sums.squares[node->inputs[0]] = ARENA_ARRAY(&scratch, channels, double);
    }
    if (status == OK) {
        network_observe(network, samples, n, see, &sums);
        for (int32_t i = 0; i < graph->n_nodes; i++)
            if (is_identity(network, graph, &graph->nodes[i]))
                parameters_set(network, graph, &graph->nodes[i], &sums, &scratch);
        *measured = network_graph(network, arena);
        network_free(network);
    }
    arena_free(&scratch);
    return status;
}
