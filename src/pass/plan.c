/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/pass.h"

#include <assert.h>
#include <string.h>

#include "pass/plan_place.h"

enum { TENSOR_ALIGNMENT = 4, SCRATCH_ALIGNMENT = 8, NEVER = -1 };

/* What is known while the layout is made. Two levels of sharing, each a forest over tensor ids:
 * `storage` joins a tensor with its reshapes, `buffer` also joins what is computed in place. */
struct planning {
    const struct graph *graph;
    const struct packed *packed;
    struct layout *layout;
    struct diag *diag;
    int32_t *storage, *buffer;
    int32_t *first, *last;               /* by storage root: calls, or NEVER */
    int32_t *buffer_first, *buffer_last; /* by buffer root */
    size_t *
        *steps; /* by buffer root: bytes at each call of its lifetime; NULL: bytes_of() at all */
    uint8_t *is_uneven; /* by buffer root: what is in place of each other has several sizes */
};

static int32_t forest_root(const int32_t *parent, int32_t id)
{
    while (parent[id] != id)
        id = parent[id];
    return id;
}

static size_t bytes_of(const struct planning *p, int32_t tensor)
{
    return tensor_bytes(&p->graph->tensors[tensor]);
}

/* ---- sharing and lifetimes ---- */

/* A node without a call shares the memory of its input. */
static void join_reshapes(struct planning *p)
{
    for (int32_t i = 0; i < p->graph->n_tensors; i++)
        p->storage[i] = i;
    for (int32_t i = 0; i < p->graph->n_nodes; i++) {
        const struct node *node = &p->graph->nodes[i];
        if (p->packed->nodes[i].n_calls > 0)
            continue;
        assert(bytes_of(p, node->inputs[0]) == bytes_of(p, node->output));
        p->storage[node->output] = forest_root(p->storage, node->inputs[0]);
    }
}

static void touch(struct planning *p, int32_t tensor, int32_t call)
{
    int32_t root = forest_root(p->storage, tensor);
    if (p->first[root] == NEVER)
        p->first[root] = call;
    p->last[root] = call;
}

static void find_lifetimes(struct planning *p)
{
    for (int32_t i = 0; i < p->graph->n_tensors; i++)
        p->first[i] = p->last[i] = NEVER;
    for (int32_t c = 0; c < p->packed->n_calls; c++) {
        const struct packed_call *call = &p->packed->calls[c];
        for (int32_t k = 0; k < call->n_inputs; k++)
            touch(p, call->inputs[k], c);
        touch(p, call->output, c);
    }
}

/* ---- the place of each storage ---- */

static enum status place_outside(struct planning *p, int32_t tensor, enum place place,
                                 int32_t index)
{
    struct tensor_place *root = &p->layout->tensors[forest_root(p->storage, tensor)];
    if (root->place != PLACE_NONE)
        return fail(p->diag, ERR_UNSUPPORTED,
                    "tensor '%s' is an output of the graph and shares the memory of another output,"
                    " an input or a constant; give the network an output of its own",
                    p->graph->tensors[tensor].name);
    root->place = place;
    root->index = index;
    return OK;
}

/* Sets place and index of the storage roots. */
static enum status choose_places(struct planning *p)
{
    const struct graph *graph = p->graph;
    for (int32_t i = 0; i < graph->n_inputs; i++)
        TRY(place_outside(p, graph->inputs[i], PLACE_INPUT, i));
    for (int32_t i = 0; i < graph->n_tensors; i++)
        if (graph->tensors[i].data != NULL && p->first[i] != NEVER)
            TRY(place_outside(p, i, PLACE_CONSTANT, i));
    for (int32_t i = 0; i < graph->n_outputs; i++)
        TRY(place_outside(p, graph->outputs[i], PLACE_OUTPUT, i));
    for (int32_t i = 0; i < graph->n_tensors; i++)
        if (p->storage[i] == i && p->first[i] != NEVER && p->layout->tensors[i].place == PLACE_NONE)
            p->layout->tensors[i].place = PLACE_ARENA;
    return OK;
}

static int in_arena(const struct planning *p, int32_t tensor)
{
    return p->layout->tensors[forest_root(p->storage, tensor)].place == PLACE_ARENA;
}

/* ---- in place ---- */

/* Kernels that may write their output over an input of another size (see kernels.inc). */
static int kernel_in_place_unevenly(enum kernel kernel)
{
    return strstr(kernel_facts(kernel)->name, "inplace") != NULL;
}

/* Whether the kernel may write its output over an input of the same size (see dtmm.h). */
static int kernel_in_place(enum kernel kernel)
{
    static const char *const names[] = {"add_s8", "sub_s8", "mul_s8", "lookup_s8"};
    const char *name = kernel_facts(kernel_facts(kernel)->reference)->name;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return 1;
    return kernel_in_place_unevenly(kernel);
}

/* Joins the output of call `c` to an input that dies there. An input that is repeated to the
 * output's shape is smaller than the output, so equal sizes exclude it. */
static void join_in_place(struct planning *p, int32_t c)
{
    const struct packed_call *call = &p->packed->calls[c];
    int32_t output = forest_root(p->buffer, forest_root(p->storage, call->output));
    if (!kernel_in_place(call->kernel) || !in_arena(p, call->output) || call->output_offset != 0 ||
        p->buffer_first[output] != c)
        return;
    for (int32_t k = 0; k < call->n_inputs; k++) {
        int32_t input = forest_root(p->buffer, forest_root(p->storage, call->inputs[k]));
        int is_even = bytes_of(p, call->inputs[k]) == bytes_of(p, call->output);
        if (!in_arena(p, call->inputs[k]) || p->buffer_last[input] != c || input == output ||
            !(is_even || kernel_in_place_unevenly(call->kernel)))
            continue;
        p->buffer[output] = input;
        p->is_uneven[input] |= (uint8_t)(!is_even || p->is_uneven[output]);
        p->buffer_last[input] = p->buffer_last[output];
        return;
    }
}

static void join_buffers(struct planning *p)
{
    for (int32_t i = 0; i < p->graph->n_tensors; i++) {
        p->buffer[i] = i;
        p->buffer_first[i] = p->first[i];
        p->buffer_last[i] = p->last[i];
    }
    for (int32_t c = 0; c < p->packed->n_calls; c++)
        join_in_place(p, c);
}

/* A buffer that changes its size with what it holds has as many bytes at each call as the largest
 * storage alive. */
static void find_steps(struct planning *p, struct arena *arena)
{
    for (int32_t i = 0; i < p->graph->n_tensors; i++) {
        int32_t root = forest_root(p->buffer, i), start = p->buffer_first[root];
        if (p->storage[i] != i || p->first[i] == NEVER || !in_arena(p, i) || !p->is_uneven[root])
            continue;
        if (p->steps[root] == NULL)
            p->steps[root] = ARENA_ARRAY(arena, (size_t)(p->buffer_last[root] - start) + 1, size_t);
        for (int32_t c = p->first[i]; c <= p->last[i]; c++)
            if (bytes_of(p, i) > p->steps[root][c - start])
                p->steps[root][c - start] = bytes_of(p, i);
    }
}

static size_t buffer_bytes(const struct planning *p, int32_t root, int32_t call)
{
    return p->steps[root] == NULL ? bytes_of(p, root)
                                  : p->steps[root][call - p->buffer_first[root]];
}

static size_t most_buffer_bytes(const struct planning *p, int32_t root)
{
    size_t most = 0;
    for (int32_t c = p->buffer_first[root]; c <= p->buffer_last[root]; c++)
        if (buffer_bytes(p, root, c) > most)
            most = buffer_bytes(p, root, c);
    return most;
}

/* ---- offsets ---- */

static int is_arena_root(const struct planning *p, int32_t i)
{
    return p->storage[i] == i && p->buffer[i] == i && p->layout->tensors[i].place == PLACE_ARENA;
}

/* One buffer per arena root and per call with scratch, in this order. */
static struct buffer *list_buffers(const struct planning *p, struct arena *arena, int32_t *n)
{
    const struct packed *packed = p->packed;
    size_t size = (size_t)p->graph->n_tensors + (size_t)packed->n_calls;
    struct buffer *buffers = ARENA_ARRAY(arena, size, struct buffer);
    *n = 0;
    for (int32_t i = 0; i < p->graph->n_tensors; i++)
        if (is_arena_root(p, i))
            buffers[(*n)++] = (struct buffer){.bytes = most_buffer_bytes(p, i),
                                              .steps = p->steps[i],
                                              .alignment = TENSOR_ALIGNMENT,
                                              .first = p->buffer_first[i],
                                              .last = p->buffer_last[i]};
    for (int32_t c = 0; c < packed->n_calls; c++)
        if (packed->calls[c].scratch_bytes > 0)
            buffers[(*n)++] = (struct buffer){.bytes = packed->calls[c].scratch_bytes,
                                              .alignment = SCRATCH_ALIGNMENT,
                                              .first = c,
                                              .last = c};
    return buffers;
}

/* Hands the offsets back in the order of list_buffers(), then down the forests. */
static void store_offsets(struct planning *p, const struct buffer *buffers)
{
    struct layout *layout = p->layout;
    int32_t n = 0;
    for (int32_t i = 0; i < layout->n_tensors; i++)
        if (is_arena_root(p, i))
            layout->tensors[i].offset = buffers[n++].offset;
    for (int32_t c = 0; c < layout->n_calls; c++)
        if (p->packed->calls[c].scratch_bytes > 0)
            layout->scratch_offset[c] = buffers[n++].offset;
    for (int32_t i = 0; i < layout->n_tensors; i++) {
        int32_t storage = forest_root(p->storage, i);
        struct tensor_place *place = &layout->tensors[i];
        place->place = layout->tensors[storage].place;
        place->index = layout->tensors[storage].index;
        if (place->place != PLACE_ARENA)
            continue;
        place->offset = layout->tensors[forest_root(p->buffer, storage)].offset;
        place->first_call = p->first[storage];
        place->last_call = p->last[storage];
    }
}

/* The largest sum without scratch is the lower bound; the largest with it tells the call to blame.
 */
static void find_bounds(struct planning *p)
{
    struct layout *layout = p->layout;
    size_t *live = layout->live_bytes;
    for (int32_t i = 0; i < layout->n_tensors; i++) {
        if (!is_arena_root(p, i))
            continue;
        for (int32_t c = p->buffer_first[i]; c <= p->buffer_last[i]; c++)
            live[c] += buffer_bytes(p, i, c);
    }
    for (int32_t c = 0; c < layout->n_calls; c++) {
        if (live[c] > layout->lower_bound_bytes)
            layout->lower_bound_bytes = live[c];
        live[c] += p->packed->calls[c].scratch_bytes;
        if (live[c] > live[layout->peak_call])
            layout->peak_call = c;
    }
}

static enum status check_size(const struct planning *p)
{
    if (p->layout->arena_bytes <= INT32_MAX)
        return OK;
    const struct packed_call *call = &p->packed->calls[p->layout->peak_call];
    return fail(p->diag, ERR_BUDGET,
                "%s '%s': %zu bytes of activations are live at once, at most 2147483647 can be"
                " addressed; use a smaller input",
                op_name(p->graph->nodes[call->node].op), p->graph->nodes[call->node].name,
                p->layout->arena_bytes);
}

/* The largest sum at any call, each size rounded up to its alignment. */
static size_t largest_sum(const struct buffer *buffers, int32_t n, int32_t n_calls,
                          struct arena *scratch)
{
    size_t *sum = ARENA_ARRAY(scratch, (size_t)n_calls + 1, size_t), largest = 0;
    for (int32_t i = 0; i < n; i++)
        for (int32_t c = buffers[i].first; c <= buffers[i].last; c++) {
            const struct buffer *buffer = &buffers[i];
            size_t bytes = buffer->steps != NULL ? buffer->steps[c - buffer->first] : buffer->bytes;
            sum[c] += (bytes + buffer->alignment - 1) & ~(buffer->alignment - 1);
            largest = sum[c] > largest ? sum[c] : largest;
        }
    return largest;
}

static enum status make_layout(struct planning *p, int has_offsets, struct arena *scratch)
{
    join_reshapes(p);
    find_lifetimes(p);
    TRY(choose_places(p));
    join_buffers(p);
    find_steps(p, scratch);
    int32_t n = 0;
    struct buffer *buffers = list_buffers(p, scratch, &n);
    find_bounds(p);
    p->layout->arena_bytes = has_offsets ? buffers_place(buffers, n, p->packed->n_calls)
                                         : largest_sum(buffers, n, p->packed->n_calls, scratch);
    TRY(check_size(p));
    if (has_offsets)
        store_offsets(p, buffers);
    return OK;
}

static enum status plan_tensors(const struct graph *graph, const struct packed *packed,
                                int has_offsets, struct arena *arena, struct layout **layout,
                                struct diag *diag)
{
    assert(packed->n_nodes == graph->n_nodes);
    struct arena scratch = {0};
    size_t n = (size_t)graph->n_tensors;
    *layout = ARENA_NEW(arena, struct layout);
    (*layout)->n_tensors = graph->n_tensors;
    (*layout)->tensors = ARENA_ARRAY(arena, n, struct tensor_place);
    (*layout)->n_calls = packed->n_calls;
    (*layout)->live_bytes = ARENA_ARRAY(arena, (size_t)packed->n_calls + 1, size_t);
    (*layout)->scratch_offset = ARENA_ARRAY(arena, (size_t)packed->n_calls, size_t);
    struct planning planning = {.graph = graph,
                                .packed = packed,
                                .layout = *layout,
                                .diag = diag,
                                .storage = ARENA_ARRAY(&scratch, n, int32_t),
                                .buffer = ARENA_ARRAY(&scratch, n, int32_t),
                                .first = ARENA_ARRAY(&scratch, n, int32_t),
                                .last = ARENA_ARRAY(&scratch, n, int32_t),
                                .steps = ARENA_ARRAY(&scratch, n, size_t *),
                                .is_uneven = ARENA_ARRAY(&scratch, n, uint8_t),
                                .buffer_first = ARENA_ARRAY(&scratch, n, int32_t),
                                .buffer_last = ARENA_ARRAY(&scratch, n, int32_t)};
    enum status status = make_layout(&planning, has_offsets, &scratch);
    arena_free(&scratch);
    return status;
}

enum status plan(const struct graph *graph, const struct packed *packed, struct arena *arena,
                 struct layout **layout, struct diag *diag)
{
    return plan_tensors(graph, packed, 1, arena, layout, diag);
}

enum status plan_least(const struct graph *graph, const struct packed *packed, struct arena *arena,
                       struct layout **layout, struct diag *diag)
{
    return plan_tensors(graph, packed, 0, arena, layout, diag);
}
