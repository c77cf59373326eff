/* SPDX-License-Identifier: Apache-2.0 */
/* A lower bound of the objective under budgets, and good candidates on the way. */
#ifndef DTMM_SCHEDULE_LAGRANGE_H
#define DTMM_SCHEDULE_LAGRANGE_H

#include "schedule/relaxation.h"

/* What prices move by. */
enum pricing {
    PRICING_BOUND, /* relaxed amounts: to the highest bound */
    PRICING_REAL   /* what the candidates really need: to good candidates */
};

/* Moves the prices of the budgets for n_rounds, offers the candidates found to the schedule, and
 * raises its bound. `relaxation` is of this problem. A bound of INFINITY: no candidate keeps to the
 * relaxation's limit of SRAM. `best_weights` gets the prices of the best bound. */
enum status lagrange(const struct schedule_problem *problem, struct relaxation *relaxation,
                     enum pricing pricing, int32_t n_rounds, struct schedule *schedule,
                     struct weights *best_weights, struct diag *diag);

#endif
