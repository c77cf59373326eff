/* SPDX-License-Identifier: Apache-2.0 */
/* The network that a candidate stands for. */
#ifndef DTMM_SCHEDULE_APPLY_H
#define DTMM_SCHEDULE_APPLY_H

#include "product/masks.h"
#include "schedule/space.h"

/* The space's int8 graph with zeros for the weights that the candidate removes, and for the biases
 * of the filters that leave; simplify() takes out what these made. Without training: to compare
 * with what was predicted, and to see what the removal alone does. The masks, as choose_masks()
 * makes them of the recipe, go to `masks` unless it is NULL. */
enum status space_apply(const struct space *space, const uint8_t *candidate, struct arena *arena,
                        struct graph **graph, struct masks **masks, struct diag *diag);

#endif
