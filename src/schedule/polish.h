/* SPDX-License-Identifier: Apache-2.0 */
/* A search around a good candidate. */
#ifndef DTMM_SCHEDULE_POLISH_H
#define DTMM_SCHEDULE_POLISH_H

#include "schedule/goal.h"
#include "schedule/pool.h"

/* Chooses the units of schedule->candidate anew, each time the one that helps most; changes one
 * choice after another as long as that makes it better, then pairs of choices of units, n_pairs at
 * most, then as many pairs of any choices, drawn from a fixed seed; again from the start after each
 * that helps. */
enum status polish(const struct schedule_problem *problem, int32_t n_pairs,
                   struct schedule *schedule, struct diag *diag);

/* Chooses units anew for the filters of each candidate of the pool, from its own and from all. */
enum status polish_units(const struct schedule_problem *problem, const struct pool *pool,
                         struct schedule *schedule, struct diag *diag);

#endif
