/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/lagrange.h"

#include <math.h>
#include <string.h>

#include "schedule/incumbent.h"

/* Rounds without a better bound after which steps are halved. */
enum { PATIENCE = 6 };

struct ascent {
    const struct schedule_problem *problem;
    enum budget objective;
    double price[N_BUDGETS]; /* of a budget's whole amount, in the objective's unit */
    double violation[N_BUDGETS];
    double best, step; /* bound so far */
    int32_t since;     /* rounds */
    double scale;
};

static int is_priced(const struct ascent *ascent, int b)
{
    return b != BUDGET_SRAM && b != (int)ascent->objective &&
           ascent->problem->goal.most[b] < (double)INFINITY;
}

static struct weights weights_of(const struct ascent *ascent)
{
    struct weights weights = {{0}};
    weights.of[ascent->objective] = 1;
    for (int b = 0; b < N_BUDGETS; b++)
        if (is_priced(ascent, b))
            weights.of[b] = ascent->price[b] / ascent->problem->goal.most[b];
    return weights;
}

/* By how much the amounts exceed the budgets, in parts of each; 0: all prices are right. */
static int violations_find(struct ascent *ascent, const struct amounts *amounts)
{
    int any = 0;
    for (int b = 0; b < N_BUDGETS; b++) {
        ascent->violation[b] =
            is_priced(ascent, b) ? amounts->of[b] / ascent->problem->goal.most[b] - 1 : 0;
        if (ascent->price[b] == 0 && ascent->violation[b] < 0)
            ascent->violation[b] = 0;
        any |= ascent->violation[b] != 0;
    }
    return any;
}

/* Moves the prices along the violations, to where a target would be reached if they stayed. */
static void prices_move(struct ascent *ascent, double value, double target)
{
    double norm = 0;
    for (int b = 0; b < N_BUDGETS; b++)
        norm += ascent->violation[b] * ascent->violation[b];
    for (int b = 0; b < N_BUDGETS && norm > 0; b++) {
        ascent->price[b] += ascent->step * (target - value) / norm * ascent->violation[b];
        if (ascent->price[b] < 0)
            ascent->price[b] = 0;
    }
}

static void bound_note(struct ascent *ascent, double value)
{
    if (value > ascent->best) {
        ascent->best = value;
        ascent->since = 0;
    } else if (++ascent->since == PATIENCE) {
        ascent->step /= 2;
        ascent->since = 0;
    }
}

/* Before a candidate meets the budgets, a part of what the objective can be. */
static double target_of(const struct ascent *ascent, const struct schedule *schedule, double value)
{
    double target = schedule->is_feasible ? objective_of(&ascent->problem->goal, &schedule->amounts)
                                          : value + 0.1 * ascent->scale;
    return target > value ? target : value + 0.005 * ascent->scale;
}

/* The dense network's objective, or all that can be lost. */
static enum status scale_find(struct ascent *ascent, const uint8_t *dense, struct diag *diag)
{
    const struct space *space = cost_model_space(ascent->problem->model);
    struct amounts amounts;
    TRY(amounts_estimate(ascent->problem, dense, 0, &amounts, diag));
    for (int32_t k = 0; k < space->n_knobs; k++)
        amounts.of[BUDGET_LOSS] += ascent->problem->loss->of[k][space->knobs[k].n_choices - 1];
    ascent->scale = objective_of(&ascent->problem->goal, &amounts);
    return OK;
}

enum status lagrange(const struct schedule_problem *problem, struct relaxation *relaxation,
                     enum pricing pricing, int32_t n_rounds, struct schedule *schedule,
                     struct weights *best_weights, struct diag *diag)
{
    static const enum budget objectives[] = {BUDGET_INSTRUCTIONS, BUDGET_LOSS, BUDGET_FLASH};
    struct arena scratch = {0};
    size_t n = (size_t)cost_model_space(problem->model)->n_knobs;
    struct ascent ascent = {.problem = problem,
                            .objective = objectives[problem->goal.objective],
                            .best = -(double)INFINITY,
                            .step = 1};
    uint8_t *candidate = ARENA_ARRAY(&scratch, n + 1, uint8_t);
    uint8_t *last = ARENA_ARRAY(&scratch, n + 1, uint8_t);
    struct amounts real = {.of = {0}};
    enum status status = scale_find(&ascent, last, diag);

    for (int32_t i = 0; i < n_rounds && status == OK; i++) {
        struct weights weights = weights_of(&ascent);
        struct amounts relaxed;
        double value = relaxation_solve(relaxation, &weights, candidate, &relaxed);
        int taken;
        if (value == (double)INFINITY) {
            ascent.best = value;
            break;
        }
        if (i == 0 || memcmp(candidate, last, n) != 0) {
            status = schedule_offer(problem, candidate, schedule, &real, &taken, diag);
        }
        memcpy(last, candidate, n);
        for (int b = 0; b < N_BUDGETS; b++)
            value -= is_priced(&ascent, b) ? ascent.price[b] : 0;
        if (value > ascent.best)
            *best_weights = weights;
        bound_note(&ascent, value);
        if (!violations_find(&ascent, pricing == PRICING_REAL ? &real : &relaxed))
            break;
        prices_move(&ascent, value, target_of(&ascent, schedule, value));
    }
    if (pricing == PRICING_BOUND && !(schedule->bound > ascent.best))
        schedule->bound = ascent.best;
    arena_free(&scratch);
    return status;
}
