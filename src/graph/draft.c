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

/* By tensor: whether a node reads or makes it, or it is an input of the graph. */
static uint8_t *needed_tensors(const struct graph *graph, struct arena *arena)
{
    uint8_t *needed = ARENA_ARRAY(arena, (size_t)graph->n_tensors, uint8_t);
    for (int32_t i = 0; i < graph->n_inputs; i++)
        needed[graph->inputs[i]] = 1;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        needed[graph->nodes[i].output] = 1;
        for (int32_t k = 0; k < graph->nodes[i].n_inputs; k++)
            needed[graph->nodes[i].inputs[k]] = 1;
    }
    return needed;
}

/* Copies the tensors that are needed; returns where they are. */
static int32_t *tensors_copy(const struct draft *draft, struct graph_builder *builder)
{
    const struct graph *from = &draft->graph;
    const uint8_t *needed = needed_tensors(from, draft->arena);
    int32_t *ids = ARENA_ARRAY(draft->arena, (size_t)from->n_tensors, int32_t);
    for (int32_t t = 0; t < from->n_tensors; t++) {
        struct tensor tensor = from->tensors[t];
        if (!needed[t])
            continue;
        if (tensor.data != NULL)
            tensor.data = arena_copy(builder->arena, tensor.data, tensor_bytes(&tensor));
        ids[t] = graph_add_tensor(builder, &tensor);
    }
    return ids;
}

static int32_t *list_map(const int32_t *list, int32_t n, const int32_t *ids, struct arena *arena)
{
    int32_t *mapped = ARENA_ARRAY(arena, (size_t)n, int32_t);
    for (int32_t i = 0; i < n; i++)
        mapped[i] = ids[list[i]];
    return mapped;
}

enum status draft_finish(const struct draft *draft, struct arena *arena, struct graph **graph,
                         struct diag *diag)
{
    const struct graph *from = &draft->graph;
    struct graph_builder builder = graph_start(arena, from->name);
    const int32_t *ids = tensors_copy(draft, &builder);
    for (int32_t i = 0; i < from->n_nodes; i++) {
        struct node node = from->nodes[i];
        for (int32_t k = 0; k < node.n_inputs; k++)
            node.inputs[k] = ids[node.inputs[k]];
        node.output = ids[node.output];
        graph_add_node(&builder, &node);
    }
    graph_set_inputs(&builder, list_map(from->inputs, from->n_inputs, ids, draft->arena),
                     from->n_inputs);
    graph_set_outputs(&builder, list_map(from->outputs, from->n_outputs, ids, draft->arena),
                      from->n_outputs);
    *graph = builder.graph;
    return graph_verify(*graph, diag);
}
