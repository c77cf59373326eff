/* SPDX-License-Identifier: Apache-2.0 */
/* One node of a network without what a candidate removes, as a graph of its own, for pack. */
#ifndef DTMM_SCHEDULE_THIN_NODE_H
#define DTMM_SCHEDULE_THIN_NODE_H

#include "pass/unit_choice.h"
#include "schedule/space.h"

/* The last ranking of units, for choices that differ in their share only. Starts as {0}. */
struct ranking_cache {
    struct arena arena;
    int32_t node; /* when `ranking` is not NULL */
    struct unit unit;
    struct thin_layer layer;
    struct unit_ranking *ranking;
};
void ranking_cache_free(struct ranking_cache *cache);

/* Tensors of the graph are the node's inputs in their order, then its output; the activations among
 * the inputs are the graph's inputs. `gone` is by class (space_gone()); units leave as
 * candidate[units knob] has it. Data is in memory of the arena. */
struct graph *thin_node(const struct space *space, int32_t node, const uint8_t *candidate,
                        const uint8_t *gone, struct ranking_cache *cache, struct arena *arena);

#endif
