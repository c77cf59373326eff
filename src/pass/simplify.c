/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

#include "pass/pass.h"

/* Whether all activations between the quantize and dequantize nodes at the edges are int8. */
static int is_int8(const struct graph *graph)
{
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (node->op != OP_dequantize && node_output(graph, node)->dtype != DTYPE_S8)
            return 0;
    }
    return 1;
}

static struct graph *graph_copy(const struct graph *graph, struct arena *arena)
{
    struct graph_builder builder = graph_start(arena, graph->name);
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        struct tensor tensor = graph->tensors[t];
        if (tensor.data)
            tensor.data = arena_copy(arena, tensor.data, tensor_bytes(&tensor));
        graph_add_tensor(&builder, &tensor);
    }
    for (int32_t n = 0; n < graph->n_nodes; n++)
        graph_add_node(&builder, &graph->nodes[n]);
    graph_set_inputs(&builder, graph->inputs, graph->n_inputs);
    graph_set_outputs(&builder, graph->outputs, graph->n_outputs);
    return builder.graph;
}

enum status simplify(const struct graph *graph, struct arena *arena, struct graph **simplified,
                     struct diag *diag)
{
    struct arena scratch = {0};
    struct rewritten result = {graph, is_int8(graph)};
    /* Each round removes a channel, a weight, a node or a bias that has no use, so this ends. */
    while (result.changed) {
        const struct graph *before = result.graph;
        struct known known = known_find(before, &scratch);
        struct needs needs = needs_find(before, &known, &scratch);
        result = rewrite(before, &known, &needs, &scratch);
    }
    *simplified = graph_copy(result.graph, arena);
    arena_free(&scratch);
    return graph_verify(*simplified, diag);
}
