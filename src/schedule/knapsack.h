/* SPDX-License-Identifier: Apache-2.0 */
/* Our solver: a multiple-choice knapsack over coupled choices, by Lagrangian relaxation. */
#ifndef DTMM_SCHEDULE_KNAPSACK_H
#define DTMM_SCHEDULE_KNAPSACK_H

#include "schedule/goal.h"

struct knapsack_options {
    int32_t n_rounds;      /* of multipliers */
    int32_t n_refinements; /* choices of all units, anew for changed sets (refine.h), at most */
    int32_t n_pairs;       /* of choices tried together at the end, at most (polish.h) */
    int32_t n_moves;       /* of each walk at the end (anneal.h) */
};

struct knapsack_options knapsack_options_initial(void);

/* What a layer costs depends on the filters kept before it, so the choices of sets hang together in
 * a graph; for given prices of the budgets, choices of units are best one layer at a time and those
 * of sets by elimination (relaxation.h). Prices are moved to where the bound is highest
 * (subgradients, Held, Wolfe and Crowder 1974); the candidates on the way, and those one or two
 * changes around the best, are predicted exactly. schedule->bound is what no candidate of the space
 * undercuts. Infeasible budgets are told with a proof where a relaxation shows that a limit cannot
 * be met, alone or (loss) under the others. The same problem gives the same result. */
enum status knapsack(const struct schedule_problem *problem, const struct knapsack_options *options,
                     struct arena *arena, struct schedule *schedule, struct diag *diag);

#endif
