/* SPDX-License-Identifier: Apache-2.0 */
/* A search over the filters that are absent, with the best units for each. */
#ifndef DTMM_SCHEDULE_REFINE_H
#define DTMM_SCHEDULE_REFINE_H

#include "schedule/pool.h"
#include "schedule/relaxation.h"

/* Changes the choices of one or two sets of schedule->candidate, which meets the limits, at a time;
 * starts over after each success; when none is left, walks on by annealing, from a fixed seed,
 * until `most` sets of choices were tried. For each, units of all layers are chosen anew: by the
 * prices, scaled until the limits are met, then by exchanges of one and two layers' choices while
 * the objective falls. That works on amounts by layer, corrected by what the schedule's candidate
 * really needs; what looks better is predicted. `pool` gets the sets that look best, with their
 * units. */
enum status refine(const struct schedule_problem *problem, const struct relaxation *relaxation,
                   const struct weights *weights, int32_t most, struct pool *pool,
                   struct schedule *schedule, struct diag *diag);

#endif
