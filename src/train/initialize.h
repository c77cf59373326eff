/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_TRAIN_INITIALIZE_H
#define DTMM_TRAIN_INITIALIZE_H

#include <stdint.h>

#include "base/arena.h"
#include "graph/graph.h"

/* The graph with the values that its initializers give, drawn from the seed and the tensors' names
 * (doc/graph.md). */
struct graph *initialize(const struct graph *graph, uint64_t seed, struct arena *arena);

#endif
