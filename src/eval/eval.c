/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/eval.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a call works on. */
struct operands {
    const void *inputs[2];
    void *output, *scratch;
};

#define CALL_unary(function, p, o) function((p), (o)->inputs[0], (o)->output)
#define CALL_scratch(function, p, o) function((p), (o)->inputs[0], (o)->output, (o)->scratch)
#define CALL_binary(function, p, o) function((p), (o)->inputs[0], (o)->inputs[1], (o)->output)

/* One function of the same type for each kernel that runs on the host. */
#define KERNEL(name, isa, parameters, form, reference)                                             \
    ONLY_##isa(                                                                                    \
        static void run_##name(const union kernel_parameters *p, const struct operands *o) {       \
            CALL_##form(dtmm_##name##_##isa, &p->parameters, o);                                   \
        })
#include "../../runtime/kernels.inc"
#undef KERNEL

static void (*const run_kernel[N_KERNELS])(const union kernel_parameters *,
                                           const struct operands *) = {
#define KERNEL(name, isa, parameters, form, reference)                                             \
    ONLY_##isa([KERNEL_##name##_##isa] = run_##name, )
#include "../../runtime/kernels.inc"
#undef KERNEL
};

static size_t bytes_of(const struct graph *graph, const int32_t *ids, int32_t n)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < n; i++)
        bytes += tensor_bytes(&graph->tensors[ids[i]]);
    return bytes;
}

size_t graph_input_bytes(const struct graph *graph)
{
    return bytes_of(graph, graph->inputs, graph->n_inputs);
}

size_t graph_output_bytes(const struct graph *graph)
{
    return bytes_of(graph, graph->outputs, graph->n_outputs);
}

/* The memory of one inference: where each tensor is, and what must be freed. Blocks have exactly
 * the size of what they hold, so that a checker sees every access beyond. */
struct memory {
    struct arena arena;
    const void **tensors;
    void **owned;
    int32_t n_owned;
};

static struct memory memory_start(const struct graph *graph, int32_t n_calls)
{
    struct memory memory = {{NULL}, NULL, NULL, 0};
    size_t n = (size_t)graph->n_tensors + (size_t)n_calls + 1;
    memory.tensors = ARENA_ARRAY(&memory.arena, n, const void *);
    memory.owned = ARENA_ARRAY(&memory.arena, n, void *);
    return memory;
}

/* A block that begins with a pattern, so that reading what nobody wrote shows. */
static void *memory_block(struct memory *memory, size_t bytes)
{
    void *block = malloc(bytes == 0 ? 1 : bytes);
    if (block == NULL) {
        fputs("dtmm: out of memory\n", stderr);
        exit(2);
    }
    memory->owned[memory->n_owned++] = block;
    return memset(block, 0xA5, bytes);
}

static void memory_free(struct memory *memory)
{
    for (int32_t i = 0; i < memory->n_owned; i++)
        free(memory->owned[i]);
    arena_free(&memory->arena);
}

/* Without a layout: every tensor has a block of its own, except that a reshape without a call
 * passes its input's memory on. Of tensors that share memory so, at most one has a fixed place. */
static void place_apart(const struct graph *graph, const struct packed *packed,
                        const void *const *inputs, void *const *outputs, struct memory *memory)
{
    const void **at = memory->tensors;
    for (int32_t i = 0; i < graph->n_tensors; i++)
        at[i] = graph->tensors[i].data;
    for (int32_t i = 0; i < graph->n_inputs; i++)
        at[graph->inputs[i]] = inputs[i];
    for (int32_t i = 0; i < graph->n_outputs; i++)
        at[graph->outputs[i]] = outputs[i];
    for (int32_t i = graph->n_nodes - 1; i >= 0; i--) {
        const struct node *node = &graph->nodes[i];
        if (packed->nodes[i].n_calls == 0 && at[node->inputs[0]] == NULL)
            at[node->inputs[0]] = at[node->output];
    }
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        if (packed->nodes[i].n_calls == 0 && at[node->inputs[0]] != NULL)
            at[node->output] = at[node->inputs[0]];
        else if (at[node->output] == NULL)
            at[node->output] = memory_block(memory, tensor_bytes(&graph->tensors[node->output]));
    }
}

/* With a layout: as on the device. Returns the arena. */
static uint8_t *place_in_arena(const struct graph *graph, const struct layout *layout,
                               const void *const *inputs, void *const *outputs,
                               struct memory *memory)
{
    uint8_t *arena = memory_block(memory, layout->arena_bytes);
    for (int32_t i = 0; i < graph->n_tensors; i++) {
        const struct tensor_place *place = &layout->tensors[i];
        const void *at = NULL;
        switch (place->place) {
        case PLACE_NONE:
            break;
        case PLACE_CONSTANT:
            at = graph->tensors[place->index].data;
            break;
        case PLACE_INPUT:
            at = inputs[place->index];
            break;
        case PLACE_OUTPUT:
            at = outputs[place->index];
            break;
        case PLACE_ARENA:
            assert(place->offset + tensor_bytes(&graph->tensors[i]) <= layout->arena_bytes);
            at = arena + place->offset;
            break;
        }
        memory->tensors[i] = at;
    }
    return arena;
}

static void run_call(const struct packed_call *call, const struct memory *memory, void *scratch)
{
    struct operands operands = {{NULL, NULL}, NULL, scratch};
    for (int32_t i = 0; i < call->n_inputs; i++)
        operands.inputs[i] = memory->tensors[call->inputs[i]];
    /* Outputs are never constants nor the caller's inputs, so this memory may be written. */
    operands.output = (uint8_t *)(uintptr_t)memory->tensors[call->output] + call->output_offset;
    run_kernel[call->kernel](&call->parameters, &operands);
}

enum status eval_run(const struct graph *graph, const struct packed *packed,
                     const struct layout *layout, const void *const *inputs, void *const *outputs,
                     struct diag *diag)
{
    for (int32_t i = 0; i < packed->n_calls; i++)
        if (strcmp(kernel_facts(packed->calls[i].kernel)->isa, "c") != 0)
            return fail(diag, ERR_UNSUPPORTED,
                        "kernel '%s' for '%s' cannot run on the host; pack for isa 'c'",
                        kernel_facts(packed->calls[i].kernel)->name,
                        kernel_facts(packed->calls[i].kernel)->isa);
    struct memory memory = memory_start(graph, packed->n_calls);
    uint8_t *arena = NULL;
    if (layout == NULL)
        place_apart(graph, packed, inputs, outputs, &memory);
    else
        arena = place_in_arena(graph, layout, inputs, outputs, &memory);
    for (int32_t i = 0; i < packed->n_calls; i++) {
        const struct packed_call *call = &packed->calls[i];
        void *scratch = NULL;
        if (call->scratch_bytes != 0)
            scratch = layout == NULL ? memory_block(&memory, call->scratch_bytes)
                                     : arena + layout->scratch_offset[i];
        run_call(call, &memory, scratch);
    }
    memory_free(&memory);
    return OK;
}
