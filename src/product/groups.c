/* SPDX-License-Identifier: Apache-2.0 */
#include "product/groups.h"

#include <string.h>

#include "product/units.h"

uint8_t *groups_absent(const struct groups *groups, const struct graph *graph,
                       const struct masks *masks, struct arena *arena)
{
    uint8_t *absent = ARENA_ARRAY(arena, (size_t)groups->n_groups + 1, uint8_t);
    memset(absent, 1, (size_t)groups->n_groups);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (groups->n_filters[n] == 0)
            continue;
        const struct shape *shape = &node_input(graph, node, 1)->shape;
        for (int64_t i = 0; i < shape_elements(shape); i++) {
            int32_t group = groups->of[n][filter_of_weight(node->op, shape, i)];
            if (group >= 0 && (masks->kept[n] == NULL || masks->kept[n][i]))
                absent[group] = 0;
        }
    }
    return absent;
}
