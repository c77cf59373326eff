/* SPDX-License-Identifier: Apache-2.0 */
/* What each node of a network costs, by what is kept of it: packed once and remembered. */
#ifndef DTMM_SCHEDULE_NODE_COSTS_H
#define DTMM_SCHEDULE_NODE_COSTS_H

#include "pass/kernel_options.h"
#include "schedule/space.h"

/* A call of a node. */
struct call_cost {
    struct kernel_options plain, in_place; /* without limits of scratch memory */
    size_t constant_bytes; /* arrays in flash, each a multiple of 4, with a mask as the index */
    int32_t n_inputs, inputs[2], output; /* tensors of the network */
    size_t output_offset;
    /* The least of all options that are at most MOST_TIMES_SLOWER than the fastest. */
    double least_instructions; /* negative: not known */
    size_t least_parameters;
    /* Scratch memory of the smallest kernel at most MOST_TIMES_SLOWER than the fastest of both
     * forms, that writes its output elsewhere, or over its input; INFINITY: none is. */
    double fast_scratch[2];
    size_t least_code;   /* bytes of a kernel's own and shared code, without memcpy and memset */
    int64_t least_index; /* bytes of the smallest index less those of the mask */
};

struct node_cost {
    int32_t n_calls;
    struct call_cost *calls;
};

struct node_costs;

/* Costs on a core of the nodes of space->graph, without any yet. A node costs what pack makes of
 * it, so the first error is that of packing the whole network. Release with node_costs_free(). */
enum status node_costs_make(const struct space *space, const struct core *core,
                            struct node_costs **costs, struct diag *diag);
void node_costs_free(struct node_costs *costs);

/* The cost of a node when this candidate is applied; remembered by the choices of the knobs that
 * change it. Valid until node_costs_free(). */
enum status node_cost_get(struct node_costs *costs, int32_t node, const uint8_t *candidate,
                          const struct node_cost **cost, struct diag *diag);

/* The knobs that change a node: those of its channels' sets, and of its units. */
int32_t node_knobs(const struct node_costs *costs, int32_t node, const int32_t **knobs);

/* Nodes packed so far. */
int64_t node_costs_packed(const struct node_costs *costs);

#endif
