/* SPDX-License-Identifier: Apache-2.0 */
/* A graph under revision: a copy whose tensors and nodes a pass may change, add and remove. */
#ifndef DTMM_GRAPH_DRAFT_H
#define DTMM_GRAPH_DRAFT_H

#include "graph/graph.h"

/* `graph` may be changed in place, but for the arrays' sizes. Names, data and quantization are
 * shared with the graph that it was copied from. */
struct draft {
    struct arena *arena;
    struct graph graph;
    int32_t tensors_size, nodes_size;
};

/* A copy of the graph, in memory of the arena. */
struct draft draft_start(const struct graph *graph, struct arena *arena);

/* Adds a tensor; returns its id. */
int32_t draft_add_tensor(struct draft *draft, const struct tensor *tensor);

/* Puts a node before the one at `index` (at the end, when there is none). */
void draft_insert_node(struct draft *draft, int32_t index, const struct node *node);

void draft_remove_node(struct draft *draft, int32_t index);

/* The node that makes the tensor, or -1. */
int32_t draft_maker(const struct draft *draft, int32_t tensor);

/* How often nodes read the tensor; being an output of the graph counts too. */
int32_t draft_readers(const struct draft *draft, int32_t tensor);

/* The tensor with values of its own, for one node to change: `node`'s input `k` becomes a copy when
 * others read it too. Returns the values. */
float *draft_own_values(struct draft *draft, struct node *node, int32_t k);

/* The graph in memory of the arena, all data copied, without tensors that nothing needs. Verified.
 */
enum status draft_finish(const struct draft *draft, struct arena *arena, struct graph **graph,
                         struct diag *diag);

#endif
