/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/draft.h"

#include <assert.h>
#include <string.h>

struct draft draft_start(const struct graph *graph, struct arena *arena)
{
    struct draft draft = {arena, *graph, graph->n_tensors, graph->n_nodes};
    size_t n_tensors = (size_t)graph->n_tensors, n_nodes = (size_t)graph->n_nodes;
    draft.graph.tensors = arena_copy(arena, graph->tensors, n_tensors * sizeof *graph->tensors);
    draft.graph.nodes = arena_copy(arena, graph->nodes, n_nodes * sizeof *graph->nodes);
    return draft;
}

/* The array with room for one more element. */
static void *array_room(struct arena *arena, void *array, int32_t n, int32_t *size,
                        size_t element_bytes)
{
    if (n < *size)
        return array;
    *size = *size * 2 + 1;
    void *grown = arena_alloc(arena, (size_t)*size, element_bytes);
    return n == 0 ? grown : memcpy(grown, array, (size_t)n * element_bytes);
}

int32_t draft_add_tensor(struct draft *draft, const struct tensor *tensor)
{
    struct graph *graph = &draft->graph;
    graph->tensors = array_room(draft->arena, graph->tensors, graph->n_tensors,
                                &draft->tensors_size, sizeof *graph->tensors);
    graph->tensors[graph->n_tensors] = *tensor;
    return graph->n_tensors++;
}

void draft_insert_node(struct draft *draft, int32_t index, const struct node *node)
{
    struct graph *graph = &draft->graph;
    assert(index >= 0 && index <= graph->n_nodes);
    graph->nodes = array_room(draft->arena, graph->nodes, graph->n_nodes, &draft->nodes_size,
                              sizeof *graph->nodes);
    struct node *at = graph->nodes + index;
    memmove(at + 1, at, (size_t)(graph->n_nodes - index) * sizeof *at);
    *at = *node;
    graph->n_nodes++;
}

void draft_remove_node(struct draft *draft, int32_t index)
{
    struct node *at = draft->graph.nodes + index;
    draft->graph.n_nodes--;
    memmove(at, at + 1, (size_t)(draft->graph.n_nodes - index) * sizeof *at);
}

int32_t draft_maker(const struct draft *draft, int32_t tensor)
{
    for (int32_t i = 0; i < draft->graph.n_nodes; i++)
        if (draft->graph.nodes[i].output == tensor)
            return i;
    return -1;
}

int32_t draft_readers(const struct draft *draft, int32_t tensor)
{
    int32_t n = 0;
    for (int32_t i = 0; i < draft->graph.n_nodes; i++)
        for (int32_t k = 0; k < draft->graph.nodes[i].n_inputs; k++)
            n += draft->graph.nodes[i].inputs[k] == tensor;
    for (int32_t i = 0; i < draft->graph.n_outputs; i++)
        n += draft->graph.outputs[i] == tensor;
    return n;
}

float *draft_own_values(struct draft *draft, struct node *node, int32_t k)
{
    struct tensor copy = draft->graph.tensors[node->inputs[k]];
    assert(copy.data != NULL && copy.dtype == DTYPE_F32);
    float *values = arena_copy(draft->arena, copy.data, tensor_bytes(&copy));
    copy.data = values;
    if (draft_readers(draft, node->inputs[k]) > 1)
        node->inputs[k] = draft_add_tensor(draft, &copy);
    else
        draft->graph.tensors[node->inputs[k]] = copy;
    return values;
}

/* A graph being rebuilt, and where the draft's tensors are in it (-1: not there yet). */
struct rebuilding {
    const struct graph *from;
    struct graph_builder builder;
    int32_t *ids;
};

static int32_t tensor_id(struct rebuilding *to, int32_t id)
{
    if (to->ids[id] >= 0)
        return to->ids[id];
    struct tensor tensor = to->from->tensors[id];
    if (tensor.data != NULL)
        tensor.data = arena_copy(to->builder.arena, tensor.data, tensor_bytes(&tensor));
    return to->ids[id] = graph_add_tensor(&to->builder, &tensor);
}

enum status draft_finish(const struct draft *draft, struct arena *arena, struct graph **graph,
                         struct diag *diag)
{
    const struct graph *from = &draft->graph;
    struct rebuilding to = {from, graph_start(arena, from->name),
                            ARENA_ARRAY(draft->arena, (size_t)from->n_tensors, int32_t)};
    memset(to.ids, -1, (size_t)from->n_tensors * sizeof *to.ids);
    int32_t *inputs = ARENA_ARRAY(draft->arena, (size_t)from->n_inputs, int32_t);
    int32_t *outputs = ARENA_ARRAY(draft->arena, (size_t)from->n_outputs, int32_t);
    for (int32_t i = 0; i < from->n_inputs; i++)
        inputs[i] = tensor_id(&to, from->inputs[i]);
    for (int32_t i = 0; i < from->n_nodes; i++) {
        struct node node = from->nodes[i];
        for (int32_t k = 0; k < node.n_inputs; k++)
            node.inputs[k] = tensor_id(&to, node.inputs[k]);
        node.output = tensor_id(&to, node.output);
        graph_add_node(&to.builder, &node);
    }
    for (int32_t i = 0; i < from->n_outputs; i++)
        outputs[i] = tensor_id(&to, from->outputs[i]);
    graph_set_inputs(&to.builder, inputs, from->n_inputs);
    graph_set_outputs(&to.builder, outputs, from->n_outputs);
    *graph = to.builder.graph;
    return graph_verify(*graph, diag);
}
