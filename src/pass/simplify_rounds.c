/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

struct graph *graph_copy(const struct graph *graph, struct arena *arena)
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

/* A byte for each weight of the layer in memory of the arena. */
static struct masks *masks_copy(const struct graph *graph, const struct masks *masks,
                                struct arena *arena)
{
    struct masks *copy = ARENA_NEW(arena, struct masks);
    copy->n_nodes = graph->n_nodes;
    copy->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes, uint8_t *);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (has_weights(node->op))
            copy->kept[n] = arena_copy(arena, masks->kept[n],
                                       (size_t)shape_elements(&node_input(graph, node, 1)->shape));
    }
    return copy;
}

struct simplified simplify_rounds(const struct graph *graph, enum dtype dtype,
                                  const struct masks *masks, struct arena *arena)
{
    struct arena scratch = {0};
    struct rewritten result = {graph, masks, 1};
    /* Each round removes a channel, a weight, a node or a bias that has no use, so this ends. */
    while (result.changed) {
        const struct graph *before = result.graph;
        struct known known = known_find(before, dtype, &scratch);
        struct needs needs = needs_find(before, &known, &scratch);
        result = rewrite(before, &known, &needs, result.masks, &scratch);
    }
    struct simplified simplified = {graph_copy(result.graph, arena), NULL};
    if (masks)
        simplified.masks = masks_copy(result.graph, result.masks, arena);
    arena_free(&scratch);
    return simplified;
}
