/* SPDX-License-Identifier: Apache-2.0 */
/* The paper's solver: simulated annealing over alpha and beta (DTMM, arXiv 2401.09068). */
#ifndef DTMM_SCHEDULE_ANNEAL_H
#define DTMM_SCHEDULE_ANNEAL_H

#include "schedule/goal.h"

struct anneal_options {
    uint64_t seed;
    int32_t n_moves;
    double hot, cold; /* temperatures, in parts of the dense network's objective */
    int units_only;   /* sets keep their filters */
};

struct anneal_options anneal_options_initial(void);

/* A move changes alpha or beta of a random layer, and with beta that of all coupled layers; a
 * candidate beyond a budget is repaired by random removals (or, beyond that of loss, by taking some
 * back), a limited number of times. The temperature falls geometrically over a fixed number of
 * moves, so that it ends; the same seed gives the same result. Knows no bound. */
enum status anneal(const struct schedule_problem *problem, const struct anneal_options *options,
                   struct arena *arena, struct schedule *schedule, struct diag *diag);

/* The same walk from schedule->candidate, which has been offered; what is better replaces it. */
enum status anneal_on(const struct schedule_problem *problem, const struct anneal_options *options,
                      struct schedule *schedule, struct diag *diag);

#endif
