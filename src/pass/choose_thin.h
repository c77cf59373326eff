/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the pass choose_masks. */
#ifndef DTMM_PASS_CHOOSE_THIN_H
#define DTMM_PASS_CHOOSE_THIN_H

#include "pass/pass.h"

/* choose_masks() for a recipe with shares of filters: first they leave, as whole classes, then
 * units of what is left (unit_choice.h). ERR_INPUT for a recipe that ranks layers together too. */
enum status choose_thin(const struct graph *graph, const struct scores *scores,
                        const struct recipe *recipe, const struct groups *groups,
                        struct arena *arena, struct masks **masks, struct diag *diag);

#endif
