/* SPDX-License-Identifier: Apache-2.0 */
/* The best candidate that a solver has seen. */
#ifndef DTMM_SCHEDULE_INCUMBENT_H
#define DTMM_SCHEDULE_INCUMBENT_H

#include "schedule/goal.h"

/* Starts with a schedule without candidate: the first one that is offered is taken. */
struct schedule schedule_start(const struct schedule_problem *problem, struct arena *arena);

/* Evaluates the candidate as an estimate. Where that is better than the schedule (meets the limits
 * with less of the objective, or exceeds them less), predicts it exactly and takes it if it still
 * is. If it is not, estimates are made with more margin of SRAM from then on. `amounts` gets the
 * estimate, or what was predicted. Returns 1 in *taken if it was taken. */
enum status schedule_offer(const struct schedule_problem *problem, const uint8_t *candidate,
                           struct schedule *schedule, struct amounts *amounts, int *taken,
                           struct diag *diag);

#endif
