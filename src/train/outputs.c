/* SPDX-License-Identifier: Apache-2.0 */
#include "train/outputs.h"

#include "train/network.h"

/* What a softmax reads, for its output. */
static int32_t head_of(const struct graph *graph, int32_t output)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].output == output && graph->nodes[i].op == OP_softmax)
            return graph->nodes[i].inputs[0];
    return output;
}

static int64_t head_elements(const struct outputs *outputs, int32_t head)
{
    return shape_elements(&outputs->graph->tensors[outputs->heads[head]].shape);
}

static enum status heads_run(const struct outputs *outputs, const struct graph *graph,
                             struct arena *arena, float **values, struct diag *diag)
{
    struct network *network;
    const struct network_options options = {
        .n_threads = 1, .n_heads = outputs->n_heads, .heads = outputs->heads};
    TRY(network_make(graph, &options, &network, diag));
    for (int32_t h = 0; h < outputs->n_heads; h++)
        values[h] = ARENA_ARRAY(
            arena, (size_t)outputs->n_samples * (size_t)head_elements(outputs, h), float);
    network_infer(network, outputs->samples, outputs->n_samples, values);
    network_free(network);
    return OK;
}

static double variance_of(const float *values, int64_t elements, int32_t n)
{
    double variance = 0;
    for (int64_t i = 0; i < elements; i++) {
        double sum = 0, squares = 0;
        for (int32_t k = 0; k < n; k++) {
            double value = (double)values[k * elements + i];
            sum += value;
            squares += value * value;
        }
        variance += squares - sum * sum / n;
    }
    return variance;
}

enum status outputs_make(const struct graph *graph, const float *samples, int32_t n,
                         struct arena *arena, struct outputs *outputs, struct diag *diag)
{
    size_t n_heads = (size_t)graph->n_outputs;
    *outputs = (struct outputs){
        .graph = graph,
        .samples = samples,
        .n_samples = n,
        .n_heads = graph->n_outputs,
        .heads = ARENA_ARRAY(arena, n_heads, int32_t),
        .values = ARENA_ARRAY(arena, n_heads, float *),
        .variance = ARENA_ARRAY(arena, n_heads, double),
    };
    for (int32_t h = 0; h < outputs->n_heads; h++)
        outputs->heads[h] = head_of(graph, graph->outputs[h]);
    TRY(heads_run(outputs, graph, arena, outputs->values, diag));
    for (int32_t h = 0; h < outputs->n_heads; h++)
        outputs->variance[h] = variance_of(outputs->values[h], head_elements(outputs, h), n);
    return OK;
}

enum status outputs_error(const struct outputs *outputs, const struct graph *graph, double *error,
                          struct diag *diag)
{
    struct arena scratch = {0};
    float **values = ARENA_ARRAY(&scratch, (size_t)outputs->n_heads, float *);
    enum status status = heads_run(outputs, graph, &scratch, values, diag);
    *error = 0;
    for (int32_t h = 0; h < outputs->n_heads && status == OK; h++) {
        double sum = 0;
        for (int64_t i = 0; i < head_elements(outputs, h) * outputs->n_samples; i++) {
            double difference = (double)values[h][i] - (double)outputs->values[h][i];
            sum += difference * difference;
        }
        double variance = outputs->variance[h] > 0 ? outputs->variance[h] : 1;
        *error += sum / variance / outputs->n_heads;
    }
    arena_free(&scratch);
    return status;
}
