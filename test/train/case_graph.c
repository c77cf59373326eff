/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "graph/facts.h"
#include "test/train/cases.h"

double random_real(struct random *random, double low, double high)
{
    double unit = (double)(random_bits(random) >> 11) / 9007199254740992.0;
    return low + unit * (high - low);
}

/* Of random sign, and of a magnitude in [low, high). */
static double signed_real(struct random *random, double low, double high)
{
    double value = random_real(random, low, high);
    return random_range(random, 0, 1) == 1 ? value : -value;
}

/* Inputs that reach one output of a layer. */
static double fan_in(const struct node *node, const struct shape *weights)
{
    if (node->op == OP_depthwise_conv_2d)
        return (double)weights->dims[1] * weights->dims[2];
    return (double)shape_elements(weights) / weights->dims[0];
}

/* A value for an element of the constant that input `index` of the node is. */
static double constant_value(const struct graph *graph, const struct node *node, int32_t index,
                             struct random *random)
{
    const struct tensor *tensor = node_input(graph, node, index);
    if (op_has_weights(node->op) && index == 1) {
        double bound = sqrt(6 / fan_in(node, &tensor->shape));
        return random_real(random, -bound, bound);
    }
    if (node->op == OP_batch_normalization && index == 1)
        return signed_real(random, 0.5, 1.5);
    if (node->op == OP_batch_normalization && index == 4)
        return random_real(random, 0.5, 2);
    if (op_has_weights(node->op) || node->op == OP_batch_normalization)
        return random_real(random, -1, 1);
    return signed_real(random, 0.5, 2);
}

static void fill_constants(struct graph *graph, const struct node *node, struct random *random,
                           struct arena *arena)
{
    for (int32_t i = 0; i < node->n_inputs; i++) {
        struct tensor *tensor = node->inputs[i] < 0 ? NULL : &graph->tensors[node->inputs[i]];
        if (tensor == NULL || tensor->initializer == INITIALIZER_NONE)
            continue;
        size_t n = (size_t)shape_elements(&tensor->shape);
        float *values = ARENA_ARRAY(arena, n, float);
        for (size_t k = 0; k < n; k++)
            values[k] = (float)constant_value(graph, node, i, random);
        tensor->data = values;
        tensor->initializer = INITIALIZER_NONE;
    }
}

struct graph *train_case_graph(const char *text, struct random *random, struct arena *arena)
{
    struct diag diag;
    struct graph *graph = NULL;
    if (graph_parse(text, strlen(text), arena, &graph, &diag) != OK) {
        fprintf(stderr, "%s\n%s\n", text, diag.message);
        exit(1);
    }
    for (int32_t i = 0; i < graph->n_nodes; i++)
        fill_constants(graph, &graph->nodes[i], random, arena);
    return graph;
}

float *train_case_inputs(const struct graph *graph, int32_t n_samples, struct random *random,
                         struct arena *arena)
{
    int64_t n = n_samples * shape_elements(&graph->tensors[graph->inputs[0]].shape);
    float *values = ARENA_ARRAY(arena, (size_t)n, float);
    for (int64_t i = 0; i < n; i++) {
        double bound = random_range(random, 0, 1) == 1 ? 4 : 1;
        values[i] = (float)random_real(random, -bound, bound);
    }
    return values;
}

const char *train_case_behind_layer(const char *text, struct arena *arena)
{
    struct random random = {0};
    struct text result = text_start(arena);
    const struct graph *graph = train_case_graph(text, &random, arena);
    const struct tensor *x = &graph->tensors[graph->inputs[0]];
    int32_t channels = x->shape.dims[x->shape.rank - 1];
    const char *line = strstr(text, "input \""), *rest = strchr(line, '\n');
    text_append(&result, text, (size_t)(line - text));
    text_printf(&result, "tensor \"x0\" f32 %s\n", shape_string(&x->shape, arena));
    text_printf(&result, "tensor \"w0\" f32 %dx%d init he_normal\n", channels, channels);
    text_printf(&result, "tensor \"b0\" f32 %d init zeros\n", channels);
    text_printf(&result, "input \"x0\"\nnode fully_connected n0 \"x0\" \"w0\" \"b0\" -> \"%s\"",
                x->name);
    text_append(&result, rest, strlen(rest));
    return result.data;
}
