/* SPDX-License-Identifier: Apache-2.0 */
/* Float graphs for tests of the passes that work on them: made from random int8 graphs, with
 * normalizations, factors and offsets behind layers; and their outputs by the engine. */
#ifndef DTMM_TEST_UNIT_FLOAT_GRAPH_H
#define DTMM_TEST_UNIT_FLOAT_GRAPH_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "graph/draft.h"
#include "graph/facts.h"
#include "train/network.h"

static inline float random_real(struct random *random, float low, float high)
{
    return low + (high - low) * (float)random_range(random, 0, 1 << 20) / (float)(1 << 20);
}

/* The numbers that a constant stands for. */
static inline float *real_values(const struct tensor *tensor, struct arena *arena)
{
    const struct quantization *q = &tensor->quantization;
    int64_t n = shape_elements(&tensor->shape), inner = 1;
    float *real = ARENA_ARRAY(arena, (size_t)n, float);
    for (int32_t d = q->axis + 1; d < tensor->shape.rank; d++)
        inner *= tensor->shape.dims[d];
    for (int64_t i = 0; i < n; i++) {
        int64_t s = q->n > 1 ? i / inner % q->n : 0;
        int32_t value = tensor->dtype == DTYPE_S8 ? ((const int8_t *)tensor->data)[i]
                                                  : ((const int32_t *)tensor->data)[i];
        real[i] = q->scale[s] * (float)(value - q->zero_point[s]);
    }
    return real;
}

static inline int32_t random_constant(struct draft *draft, struct random *random, int32_t n,
                                      float low, float high)
{
    float *values = ARENA_ARRAY(draft->arena, (size_t)n, float);
    for (int32_t i = 0; i < n; i++)
        values[i] = random_real(random, low, high);
    struct tensor tensor = {
        .name = "constant", .dtype = DTYPE_F32, .shape = {.rank = 1, .dims = {n}}, .data = values};
    return draft_add_tensor(draft, &tensor);
}

/* Puts a node behind the one at `index`; it makes the tensor that the other made. */
static inline void decorate(struct draft *draft, int32_t index, enum op op, struct random *random)
{
    struct node *layer = &draft->graph.nodes[index];
    struct tensor between = *node_output(&draft->graph, layer);
    int32_t n = between.shape.rank == 0 ? 1 : between.shape.dims[between.shape.rank - 1];
    struct node node = {.name = "decoration", .op = op, .n_inputs = 1, .output = layer->output};
    node.attrs = attrs_initial(op, between.shape.rank);
    layer->output = node.inputs[0] = draft_add_tensor(draft, &between);
    if (op == OP_batch_normalization) {
        node.n_inputs = 5;
        node.inputs[1] = random_constant(draft, random, n, -1.5f, 1.5f);
        node.inputs[2] = random_constant(draft, random, n, -1, 1);
        node.inputs[3] = random_constant(draft, random, n, -1, 1);
        node.inputs[4] = random_constant(draft, random, n, 0.25f, 4);
    } else if (op == OP_add || op == OP_sub || op == OP_mul) {
        node.n_inputs = 2;
        node.inputs[1] =
            random_constant(draft, random, random_range(random, 0, 1) ? n : 1, 0.5f, 2);
        if (random_range(random, 0, 1)) { /* the constant first */
            int32_t constant = node.inputs[1];
            node.inputs[1] = node.inputs[0];
            node.inputs[0] = constant;
        }
    }
    draft_insert_node(draft, index + 1, &node);
}

/* The float graph of an int8 graph, with more nodes where `decorated`. Quantize nodes become
 * reshapes. */
static inline struct graph *float_of(const struct graph *graph, uint64_t seed, int decorated,
                                     struct arena *arena)
{
    static const enum op ops[] = {OP_batch_normalization, OP_relu, OP_relu6, OP_add, OP_sub, OP_mul,
                                  OP_batch_normalization};
    struct random random = {seed};
    struct draft draft = draft_start(graph, arena);
    struct graph *result;
    struct diag diag;
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        struct tensor *tensor = &draft.graph.tensors[t];
        if (tensor->data != NULL && tensor->dtype != DTYPE_F32)
            tensor->data = real_values(tensor, arena);
        tensor->dtype = DTYPE_F32;
        tensor->quantization = (struct quantization){.n = 0};
    }
    for (int32_t i = 0; i < draft.graph.n_nodes; i++) {
        struct node *node = &draft.graph.nodes[i];
        if (node->op == OP_quantize || node->op == OP_dequantize)
            node->op = OP_reshape;
        if (decorated && random_range(&random, 0, 2) == 0 &&
            node_output(&draft.graph, node)->shape.rank > 0)
            decorate(&draft, i, ops[random_range(&random, 0, 6)], &random);
    }
    if (draft_finish(&draft, arena, &result, &diag) != OK) {
        fprintf(stderr, "failed: %s\n", diag.message);
        exit(1);
    }
    return result;
}

/* Random inputs in [-3, 3]. */
static inline float *random_inputs(const struct graph *graph, int32_t n, uint64_t seed,
                                   struct arena *arena)
{
    struct random random = {seed};
    size_t elements = (size_t)shape_elements(&graph->tensors[graph->inputs[0]].shape) * (size_t)n;
    float *inputs = ARENA_ARRAY(arena, elements, float);
    for (size_t i = 0; i < elements; i++)
        inputs[i] = random_real(&random, -3, 3);
    return inputs;
}

/* Each output's values for `n` samples of a graph with one input. */
static inline float **float_outputs(const struct graph *graph, const float *inputs, int32_t n,
                                    struct arena *arena)
{
    struct network *network;
    struct network_options options = {.n_threads = 1};
    struct diag diag;
    if (network_make(graph, &options, &network, &diag) != OK) {
        fprintf(stderr, "failed: %s\n", diag.message);
        exit(1);
    }
    float **outputs = ARENA_ARRAY(arena, (size_t)graph->n_outputs, float *);
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        int64_t elements = shape_elements(&graph->tensors[graph->outputs[i]].shape);
        outputs[i] = ARENA_ARRAY(arena, (size_t)elements * (size_t)n, float);
    }
    network_infer(network, inputs, n, outputs);
    network_free(network);
    return outputs;
}

/* The largest difference of the outputs of two graphs, in units of the largest output. */
static inline double float_difference(const struct graph *a, const struct graph *b, int32_t n,
                                      uint64_t seed)
{
    struct arena arena = {0};
    const float *inputs = random_inputs(a, n, seed, &arena);
    float **of_a = float_outputs(a, inputs, n, &arena),
          **of_b = float_outputs(b, inputs, n, &arena);
    double worst = 0;
    for (int32_t i = 0; i < a->n_outputs; i++) {
        int64_t elements = shape_elements(&a->tensors[a->outputs[i]].shape) * n;
        double largest = 1e-6, difference = 0;
        for (int64_t j = 0; j < elements; j++) {
            largest = fmax(largest, fabs((double)of_a[i][j]));
            difference = fmax(difference, fabs((double)of_a[i][j] - (double)of_b[i][j]));
        }
        worst = fmax(worst, difference / largest);
    }
    arena_free(&arena);
    return worst;
}

#endif
