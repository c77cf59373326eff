/* SPDX-License-Identifier: Apache-2.0 */
/* A search over the filters that are absent, with the best units for each. */
#ifndef DTMM_SCHEDULE_REFINE_H
#define DTMM_SCHEDULE_REFINE_H

#include "schedule/pool.h"
#include "schedule/relaxation.h"

/* Changes the choices of one or two sets of schedule->candidate, which meets the limits, at a time;
 * starts over after each success, until none is left or `most` sets of choices were tried; then
 * walks on by annealing for as many. For each, units of all layers are chosen anew: by the prices,
 * scaled until the limits are met, then by exchanges of one and two layers' choices while the
 * objective falls. That works on amounts by layer, corrected by what the best candidate really
 * needs, or the walk's; what looks better is predicted, and in a walk chosen once more where it
 * needs too much. `pool` gets the sets that look best, with their units. */
enum status refine(const struct schedule_problem *problem, const struct relaxation *relaxation,
                   const struct weights *weights, int32_t most, uint64_t seed, struct pool *pool,
                   struct schedule *schedule, struct diag *diag);

#endif
