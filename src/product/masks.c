/* SPDX-License-Identifier: Apache-2.0 */
#include "product/masks.h"

#include "product/units.h"

/* By unit: whether it has a weight that is not zero. */
static uint8_t *units_find(const struct node *node, const struct tensor *weights,
                           const struct unit *unit, struct arena *arena)
{
    int64_t n_units = unit_count(unit, node->op, &weights->shape);
    uint8_t *found = ARENA_ARRAY(arena, (size_t)n_units + 1, uint8_t);
    for (int64_t i = 0; i < shape_elements(&weights->shape); i++)
        if (((const float *)weights->data)[i] != 0)
            found[unit_of_weight(unit, node->op, &weights->shape, i)] = 1;
    return found;
}

struct masks *masks_of_zeros(const struct graph *graph, const struct recipe *recipe,
                             struct arena *arena)
{
    static const struct unit element = {UNIT_ELEMENT, 0};
    struct masks *masks = ARENA_NEW(arena, struct masks);
    masks->n_nodes = graph->n_nodes;
    masks->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, uint8_t *);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (!op_is_layer(node->op))
            continue;
        struct arena scratch = {0};
        const struct tensor *weights = node_input(graph, node, 1);
        const struct unit *unit = recipe != NULL ? &recipe->layers[n].unit : &element;
        const uint8_t *found = units_find(node, weights, unit, &scratch);
        masks->kept[n] = ARENA_ARRAY(arena, (size_t)shape_elements(&weights->shape), uint8_t);
        for (int64_t i = 0; i < shape_elements(&weights->shape); i++)
            masks->kept[n][i] = found[unit_of_weight(unit, node->op, &weights->shape, i)];
        arena_free(&scratch);
    }
    return masks;
}
