/* SPDX-License-Identifier: Apache-2.0 */
/* A search over the filters that are absent, with the best units for each. */
#ifndef DTMM_SCHEDULE_REFINE_H
#define DTMM_SCHEDULE_REFINE_H

#include "schedule/pool.h"
#include "schedule/relaxation.h"

struct refine_options {
    int32_t n_changed; /* choices of sets tried around the best, at most */
    int32_t n_walked;  /* in a walk, as many several times, at most */
    uint64_t seed;     /* of the walk */
};

/* Changes the choices of one or two sets of schedule->candidate, which meets the limits, at a time;
 * starts over after each success, until none is left or n_changed were tried; then walks on by
 * annealing. For each, units of all layers are chosen anew: by the prices, scaled until the limits
 * are met, then by exchanges of one and two layers' choices while the objective falls. That works
 * on amounts by layer, corrected by what the best candidate really needs, or the walk's; what looks
 * better is predicted, and in a walk chosen once more where it needs too much. `pool` gets the sets
 * that look best, with their units. */
enum status refine(const struct schedule_problem *problem, const struct relaxation *relaxation,
                   const struct weights *weights, const struct refine_options *options,
                   struct pool *pool, struct schedule *schedule, struct diag *diag);

#endif
