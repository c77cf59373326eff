/* SPDX-License-Identifier: Apache-2.0 */
/* Which weights of a network are absent. */
#ifndef DTMM_PRODUCT_MASKS_H
#define DTMM_PRODUCT_MASKS_H

#include <stdint.h>

#include "base/arena.h"
#include "graph/graph.h"
#include "product/recipe.h"

/* Indexed as the graph's nodes. */
struct masks {
    int32_t n_nodes;
    uint8_t **kept; /* by node: a byte for each of its weights in their order, 0: absent; NULL: the
                       node has no weights, or keeps all */
};

/* Of an f32 graph in which what is absent is zero: a mask for every layer. A weight is absent when
 * it is zero, or, with a recipe (of this graph), when all its unit is: single zeros of a unit that
 * stays are weights like others. */
struct masks *masks_of_zeros(const struct graph *graph, const struct recipe *recipe,
                             struct arena *arena);

#endif
