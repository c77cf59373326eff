/* SPDX-License-Identifier: Apache-2.0 */
/* What a solver found, for people and programs. */
#ifndef DTMM_SCHEDULE_SCHEDULE_PRINT_H
#define DTMM_SCHEDULE_SCHEDULE_PRINT_H

#include <jansson.h>

#include "base/text.h"
#include "schedule/goal.h"

/* A table of the layers that lose something, then the predicted amounts with their limits and the
 * bound; when no candidate meets the limits, which one is missed and how near one came. */
void schedule_print(const struct space *space, const struct target *target,
                    const struct loss_table *loss, const struct goal *goal,
                    const struct schedule *schedule, struct text *text);

/* The same as JSON: "recipe" is what --recipe takes. The caller owns the reference. */
json_t *schedule_json(const struct space *space, const struct target *target,
                      const struct goal *goal, const struct schedule *schedule);

#endif
