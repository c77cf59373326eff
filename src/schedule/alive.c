/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/alive.h"

#include <string.h>

/* Which tensors share memory, and from which call to which they live. */
struct lifetimes {
    const struct graph *graph;
    int32_t *storage; /* by tensor: whose memory it has */
    uint8_t *outside; /* by storage: not in the arena */
    int32_t *first, *last;
};

static int32_t storage_of(const struct lifetimes *l, int32_t tensor)
{
    while (l->storage[tensor] != tensor)
        tensor = l->storage[tensor];
    return tensor;
}

static void touch(struct lifetimes *l, int32_t tensor, int32_t call)
{
    int32_t root = storage_of(l, tensor);
    if (l->first[root] < 0)
        l->first[root] = call;
    l->last[root] = call;
}

static struct lifetimes lifetimes_start(const struct graph *graph, struct arena *arena)
{
    size_t n = (size_t)graph->n_tensors + 1;
    struct lifetimes l = {graph, ARENA_ARRAY(arena, n, int32_t), ARENA_ARRAY(arena, n, uint8_t),
                          ARENA_ARRAY(arena, n, int32_t), ARENA_ARRAY(arena, n, int32_t)};
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        l.storage[t] = t;
        l.first[t] = l.last[t] = -1;
    }
    return l;
}

static void outside_mark(struct lifetimes *l)
{
    const struct graph *graph = l->graph;
    for (int32_t t = 0; t < graph->n_tensors; t++)
        if (graph->tensors[t].data != NULL)
            l->outside[storage_of(l, t)] = 1;
    for (int32_t i = 0; i < graph->n_inputs; i++)
        l->outside[storage_of(l, graph->inputs[i])] = 1;
    for (int32_t i = 0; i < graph->n_outputs; i++)
        l->outside[storage_of(l, graph->outputs[i])] = 1;
}

/* Whether a kernel may write the node's output over an input (kernel_in_place() of plan.c). */
static int may_work_in_place(const struct graph *graph, const struct node *node)
{
    const int32_t *kernel;
    switch (node->op) {
    case OP_conv_2d:
        kernel = node_input(graph, node, 1)->shape.dims;
        return kernel[1] == 1 && kernel[2] == 1;
    case OP_transpose_conv:
    case OP_fully_connected:
    case OP_concatenation:
    case OP_pad:
    case OP_mean:
    case OP_average_pool_2d:
    case OP_max_pool_2d:
    case OP_softmax:
    case OP_strided_slice:
    case OP_resize_nearest_neighbor:
        return 0;
    default:
        return 1;
    }
}

static void call_note(const struct lifetimes *l, const struct call_cost *call, int32_t c,
                      struct arena *arena, struct alive *alive)
{
    const struct node *node = &l->graph->nodes[alive->node[c]];
    int32_t output = storage_of(l, call->output);
    alive->tensors[c] = ARENA_ARRAY(arena, (size_t)l->graph->n_tensors, int32_t);
    alive->output[c] = l->first[output] == c && !l->outside[output] ? output : -1;
    for (int32_t t = 0; t < l->graph->n_tensors; t++)
        if (l->storage[t] == t && !l->outside[t] && t != alive->output[c] && l->first[t] >= 0 &&
            l->first[t] <= c && c <= l->last[t])
            alive->tensors[c][alive->n_alive[c]++] = t;
    for (int32_t i = 0; i < call->n_inputs && may_work_in_place(l->graph, node); i++) {
        int32_t input = storage_of(l, call->inputs[i]);
        if (!l->outside[input] && l->last[input] == c && input != output)
            alive->dies[2 * c + alive->n_dying[c]++] = input;
    }
}

static enum status calls_find(struct cost_model *model, struct lifetimes *l, const uint8_t *dense,
                              const struct call_cost **calls, struct alive *alive,
                              struct diag *diag)
{
    for (int32_t n = 0; n < l->graph->n_nodes; n++) {
        const struct node_cost *cost;
        TRY(node_cost_get(cost_model_nodes(model), n, dense, &cost, diag));
        if (cost->n_calls == 0)
            l->storage[l->graph->nodes[n].output] = storage_of(l, l->graph->nodes[n].inputs[0]);
        for (int32_t c = 0; c < cost->n_calls; c++) {
            alive->node[alive->n_calls] = n;
            calls[alive->n_calls++] = &cost->calls[c];
        }
    }
    for (int32_t c = 0; c < alive->n_calls; c++) {
        for (int32_t i = 0; i < calls[c]->n_inputs; i++)
            touch(l, calls[c]->inputs[i], c);
        touch(l, calls[c]->output, c);
    }
    return OK;
}

enum status alive_make(struct cost_model *model, struct arena *arena, struct alive **alive,
                       struct diag *diag)
{
    const struct space *space = cost_model_space(model);
    const struct graph *graph = space->graph;
    size_t most = (size_t)graph->n_nodes * MAX_INPUTS + 1;
    struct lifetimes l = lifetimes_start(graph, arena);
    struct alive *made = *alive = ARENA_NEW(arena, struct alive);
    *made = (struct alive){.model = model,
                           .node = ARENA_ARRAY(arena, most, int32_t),
                           .n_alive = ARENA_ARRAY(arena, most, int32_t),
                           .tensors = ARENA_ARRAY(arena, most, int32_t *),
                           .output = ARENA_ARRAY(arena, most, int32_t),
                           .n_dying = ARENA_ARRAY(arena, most, int32_t),
                           .dies = ARENA_ARRAY(arena, 2 * most, int32_t)};
    const struct call_cost **calls = ARENA_ARRAY(arena, most, const struct call_cost *);
    uint8_t *dense = ARENA_ARRAY(arena, (size_t)space->n_knobs + 1, uint8_t);
    TRY(calls_find(model, &l, dense, calls, made, diag));
    outside_mark(&l);
    for (int32_t c = 0; c < made->n_calls; c++)
        call_note(&l, calls[c], c, arena, made);
    return OK;
}

static void mark_sets(const struct space *space, int32_t tensor, uint8_t *marked)
{
    const int32_t *classes = space->groups->channels[tensor];
    for (int32_t i = 0; classes != NULL && i < space->groups->n_channels[tensor]; i++)
        if (classes[i] >= 0)
            marked[space->sets.of_class[classes[i]]] = 1;
}

int32_t alive_sets(const struct alive *alive, int32_t call, int32_t *sets)
{
    struct arena scratch = {0};
    const struct space *space = cost_model_space(alive->model);
    uint8_t *marked = ARENA_ARRAY(&scratch, (size_t)space->sets.n_sets + 1, uint8_t);
    int32_t n = 0;
    for (int32_t i = 0; i < alive->n_alive[call]; i++)
        mark_sets(space, alive->tensors[call][i], marked);
    const struct node *node = &space->graph->nodes[alive->node[call]];
    for (int32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] >= 0)
            mark_sets(space, node->inputs[i], marked);
    mark_sets(space, node->output, marked);
    for (int32_t s = 0; s < space->sets.n_sets; s++)
        if (marked[s])
            sets[n++] = s;
    arena_free(&scratch);
    return n;
}

size_t alive_bytes(const struct alive *alive, int32_t call, const uint8_t *candidate, int in_place)
{
    const size_t *bytes = layouts_bytes(cost_model_layouts(alive->model), candidate);
    size_t sum = 0, shared = 0;
    for (int32_t i = 0; i < alive->n_alive[call]; i++)
        sum += bytes[alive->tensors[call][i]];
    if (alive->output[call] < 0)
        return sum;
    size_t output = bytes[alive->output[call]];
    for (int32_t i = 0; i < alive->n_dying[call] && in_place; i++) {
        size_t input = bytes[alive->dies[2 * call + i]];
        size_t both = input < output ? input : output;
        shared = both > shared ? both : shared;
    }
    return sum + output - shared;
}
