/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/incumbent.h"

#include <math.h>
#include <string.h>

struct schedule schedule_start(const struct schedule_problem *problem, struct arena *arena)
{
    const struct space *space = cost_model_space(problem->model);
    struct schedule schedule = {.bound = (double)NAN, .nearest = (double)NAN};
    schedule.candidate = ARENA_ARRAY(arena, (size_t)space->n_knobs + 1, uint8_t);
    for (int b = 0; b < N_BUDGETS; b++)
        schedule.amounts.of[b] = (double)INFINITY;
    return schedule;
}

static int is_better(const struct goal *goal, const struct amounts *a, const struct schedule *b)
{
    double excess_a = excess_of(goal, a), excess_b = excess_of(goal, &b->amounts);
    if (excess_a > 0 || !b->is_feasible)
        return excess_a < excess_b || (excess_a == 0 && !b->is_feasible);
    return objective_of(goal, a) < objective_of(goal, &b->amounts);
}

/* An estimate promised what the layout did not keep: exact predictions are dear, so that estimates
 * are made more careful. */
static void margin_widen(const struct goal *goal, struct schedule *schedule)
{
    double sram = goal->most[BUDGET_SRAM];
    if (!(sram < (double)INFINITY))
        return;
    schedule->sram_margin = fmin(sram / 4, 2 * fmax(schedule->sram_margin, sram / 256));
}

enum status schedule_offer(const struct schedule_problem *problem, const uint8_t *candidate,
                           struct schedule *schedule, struct amounts *amounts, int *taken,
                           struct diag *diag)
{
    const struct goal *goal = &problem->goal;
    size_t n = (size_t)cost_model_space(problem->model)->n_knobs;
    *taken = 0;
    schedule->n_evaluated++;
    TRY(amounts_estimate(problem, candidate, schedule->sram_margin, amounts, diag));
    if (!is_better(goal, amounts, schedule))
        return OK;
    TRY(amounts_of(problem, candidate, amounts, diag));
    if (!is_better(goal, amounts, schedule)) {
        margin_widen(goal, schedule);
        return OK;
    }
    schedule->is_feasible = excess_of(goal, amounts) <= 0;
    schedule->amounts = *amounts;
    memcpy(schedule->candidate, candidate, n);
    *taken = 1;
    return OK;
}
