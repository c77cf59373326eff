/* SPDX-License-Identifier: Apache-2.0 */
#include "product/masks.h"

#include "product/units.h"

struct masks *masks_of_zeros(const struct graph *graph, struct arena *arena)
{
    struct masks *masks = ARENA_NEW(arena, struct masks);
    masks->n_nodes = graph->n_nodes;
    masks->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, uint8_t *);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        if (!op_is_layer(graph->nodes[n].op))
            continue;
        const struct tensor *weights = node_input(graph, &graph->nodes[n], 1);
        size_t n_weights = (size_t)shape_elements(&weights->shape);
        masks->kept[n] = ARENA_ARRAY(arena, n_weights, uint8_t);
        for (size_t i = 0; i < n_weights; i++)
            masks->kept[n][i] = ((const float *)weights->data)[i] != 0;
    }
    return masks;
}
