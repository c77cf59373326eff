/* SPDX-License-Identifier: Apache-2.0 */
#include "train/normalization.h"

#include <math.h>

/* Sums over all positions, by tensor and channel. */
struct sums {
    const struct graph *graph;
    double **values, **squares; /* NULL: not asked for */
    double *n;
};

static int is_identity(const struct graph *graph, const struct node *node)
{
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

static void parameters_set(struct network *network, const struct graph *graph,
                           const struct node *node, const struct sums *sums)
{
    int32_t x = node->inputs[0];
    float *gamma = network_values(network, node->inputs[1]);
    float *beta = network_values(network, node->inputs[2]);
    float *mean = network_values(network, node->inputs[3]);
    float *variance = network_values(network, node->inputs[4]);
    for (int32_t c = 0; c < node_input(graph, node, 1)->shape.dims[0]; c++) {
        double m = sums->values[x][c] / sums->n[x];
        double v = fmax(sums->squares[x][c] / sums->n[x] - m * m, 0);
        mean[c] = (float)m;
        variance[c] = (float)v;
        gamma[c] = (float)sqrt(v + (double)node->attrs.epsilon);
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
        if (node->op != OP_batch_normalization || !is_identity(graph, node))
            continue;
        size_t channels = (size_t)node_input(graph, node, 1)->shape.dims[0];
        sums.values[node->inputs[0]] = ARENA_ARRAY(&scratch, channels, double);
        sums.squares[node->inputs[0]] = ARENA_ARRAY(&scratch, channels, double);
    }
    if (status == OK) {
        network_observe(network, samples, n, see, &sums);
        for (int32_t i = 0; i < graph->n_nodes; i++)
            if (graph->nodes[i].op == OP_batch_normalization &&
                is_identity(graph, &graph->nodes[i]))
                parameters_set(network, graph, &graph->nodes[i], &sums);
        *measured = network_graph(network, arena);
        network_free(network);
    }
    arena_free(&scratch);
    return status;
}
