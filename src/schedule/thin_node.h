/* SPDX-License-Identifier: Apache-2.0 */
/* One node of a network without what a candidate removes, as a graph of its own, for pack. */
#ifndef DTMM_SCHEDULE_THIN_NODE_H
#define DTMM_SCHEDULE_THIN_NODE_H

#include "schedule/space.h"

/* Tensors of the graph are the node's inputs in their order, then its output; the activations among
 * the inputs are the graph's inputs. `gone` is by class (space_gone()); units leave as
 * candidate[units knob] has it. Data is in memory of the arena. */
struct graph *thin_node(const struct space *space, int32_t node, const uint8_t *candidate,
                        const uint8_t *gone, struct arena *arena);

#endif
