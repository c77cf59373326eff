/* SPDX-License-Identifier: Apache-2.0 */
/* A lower bound of the objective under budgets, and good candidates on the way. */
#ifndef DTMM_SCHEDULE_LAGRANGE_H
#define DTMM_SCHEDULE_LAGRANGE_H

#include "schedule/relaxation.h"

/* Moves the prices of the budgets for n_rounds, offers the candidates found to the schedule, and
 * sets its bound. `relaxation` is of this problem. INFINITY: no candidate keeps to the SRAM. */
enum status lagrange(const struct schedule_problem *problem, struct relaxation *relaxation,
                     int32_t n_rounds, struct schedule *schedule, struct diag *diag);

#endif
