/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/knapsack.h"

#include <math.h>
#include <string.h>

#include "schedule/anneal.h"
#include "schedule/incumbent.h"
#include "schedule/lagrange.h"
#include "schedule/polish.h"
#include "schedule/refine.h"
#include "schedule/relaxation.h"

/* Limits of SRAM tried; choices of sets looked at more closely; walks at the end. */
enum { TIGHTER = 7, POOLED = 16, MOST_WALKS = 6 };

/* From one limit to the next, in parts of it; so near to its bound an objective is good. */
#define STEP 0.1
#define NEAR 1.3

/* Of the objective: less than that is hardly better. */
#define LITTLE 0.001

struct knapsack_options knapsack_options_initial(void)
{
    return (struct knapsack_options){
        .n_rounds = 80, .n_refinements = 4000, .n_pairs = 1000, .n_moves = 15000};
}

/* At work on a problem. */
struct solving {
    const struct schedule_problem *problem;
    const struct knapsack_options *options;
    struct relaxation *relaxation;
    struct relaxation *tighter[TIGHTER]; /* with lower limits of SRAM and scratch memory */
    struct arena *arena;
    struct schedule *schedule;
    struct weights weights, real; /* of the last search's bound, and for what is really needed */
    struct diag *diag;
};

static int is_limited(const struct goal *goal, enum budget budget)
{
    return goal->most[budget] < (double)INFINITY;
}

static void miss(struct solving *s, enum budget budget, int is_proved, double nearest)
{
    s->schedule->is_feasible = 0;
    s->schedule->is_proved = is_proved;
    s->schedule->missed = budget;
    s->schedule->nearest = nearest;
}

static int is_near(const struct goal *goal, const struct schedule *schedule)
{
    return schedule->is_feasible && objective_of(goal, &schedule->amounts) < NEAR * schedule->bound;
}

/* A bound, then candidates. Where these fit into the SRAM with slow kernels only, lower limits of
 * SRAM lead to others, for which fast ones do. */
static enum status search(struct solving *s, const struct schedule_problem *problem,
                          int32_t n_rounds, struct schedule *schedule)
{
    double sram = problem->goal.most[BUDGET_SRAM];
    struct weights ignored;
    TRY(lagrange(problem, s->relaxation, PRICING_BOUND, n_rounds, schedule, &s->weights, s->diag));
    if (schedule->bound == (double)INFINITY || n_rounds == 1)
        return OK;
    TRY(lagrange(problem, s->relaxation, PRICING_REAL, n_rounds, schedule, &s->real, s->diag));
    for (int i = 0; i < TIGHTER && is_limited(&problem->goal, BUDGET_SRAM); i++) {
        if (s->tighter[i] == NULL)
            TRY(relaxation_make(s->problem, (1 - STEP * i) * sram, 1, s->arena, &s->tighter[i],
                                s->diag));
        TRY(lagrange(problem, s->tighter[i], PRICING_REAL, n_rounds, schedule, &ignored, s->diag));
        if (is_near(&problem->goal, schedule))
            break;
    }
    return OK;
}

/* Solves for the least of one amount, alone or under the other limits of resources. */
static enum status solve_for(struct solving *s, enum budget budget, int is_alone,
                             struct schedule *schedule)
{
    static const enum objective objectives[N_BUDGETS] = {OBJECTIVE_FLASH, OBJECTIVE_LATENCY,
                                                         OBJECTIVE_LATENCY, OBJECTIVE_ACCURACY};
    struct schedule_problem problem = *s->problem;
    problem.goal.objective = objectives[budget];
    problem.goal.most[budget] = (double)INFINITY;
    for (int b = 0; b < N_BUDGETS && is_alone; b++)
        problem.goal.most[b] = (double)INFINITY;
    *schedule = schedule_start(&problem, s->arena);
    TRY(search(s, &problem, is_alone ? 1 : s->options->n_rounds, schedule));
    return polish(&problem, is_alone ? 0 : s->options->n_pairs / 4, schedule, s->diag);
}

/* The least SRAM: of the candidate with the fewest filters, in the smallest kernels. */
static enum status check_sram(struct solving *s, int *missed)
{
    const struct space *space = cost_model_space(s->problem->model);
    uint8_t *candidate = ARENA_ARRAY(s->arena, (size_t)space->n_knobs + 1, uint8_t);
    struct prediction least;
    double most = s->problem->goal.most[BUDGET_SRAM];
    for (int32_t k = 0; k < space->n_knobs; k++)
        if (space->knobs[k].kind == KNOB_FILTERS)
            candidate[k] = (uint8_t)(space->knobs[k].n_choices - 1);
    *missed = 0;
    if (!is_limited(&s->problem->goal, BUDGET_SRAM))
        return OK;
    TRY(cost_predict(s->problem->model, candidate, 0, &least, s->diag));
    if ((double)least.sram_bytes <= most)
        return OK;
    struct weights none = {{0}};
    struct amounts ignored;
    double value = relaxation_solve(s->relaxation, &none, candidate, &ignored);
    *missed = 1;
    miss(s, BUDGET_SRAM, value == (double)INFINITY, (double)least.sram_bytes);
    return OK;
}

/* One limit alone, whatever the others. */
static enum status check_alone(struct solving *s, enum budget budget, int *missed)
{
    struct schedule least;
    double most = s->problem->goal.most[budget];
    *missed = 0;
    if (!is_limited(&s->problem->goal, budget))
        return OK;
    TRY(solve_for(s, budget, 1, &least));
    if (least.amounts.of[budget] <= most)
        return OK;
    *missed = 1;
    miss(s, budget, least.bound > most, least.amounts.of[budget]);
    return OK;
}

/* The loss that the other limits force; a proof that it is too much, or a start for the search. */
static enum status check_loss(struct solving *s, struct schedule *least, int *missed)
{
    struct amounts ignored;
    int taken;
    double most = s->problem->goal.most[BUDGET_LOSS];
    *missed = 0;
    *least = schedule_start(s->problem, s->arena);
    if (!is_limited(&s->problem->goal, BUDGET_LOSS))
        return OK;
    TRY(solve_for(s, BUDGET_LOSS, 0, least));
    TRY(schedule_offer(s->problem, least->candidate, s->schedule, &ignored, &taken, s->diag));
    if (s->schedule->is_feasible || !(least->bound > most))
        return OK;
    *missed = 1;
    miss(s, BUDGET_LOSS, 1, least->amounts.of[BUDGET_LOSS]);
    return OK;
}

/* With the other limits met, loss; or the limit that the nearest candidate exceeds most. */
static void explain(struct solving *s, const struct schedule *least_loss)
{
    const struct goal *goal = &s->problem->goal;
    double most = 0;
    if (least_loss->is_feasible) {
        miss(s, BUDGET_LOSS, 0, least_loss->amounts.of[BUDGET_LOSS]);
        return;
    }
    for (int b = 0; b < N_BUDGETS; b++) {
        double part = s->schedule->amounts.of[b] / goal->most[b];
        if (s->schedule->amounts.of[b] > goal->most[b] && part > most) {
            most = part;
            miss(s, (enum budget)b, 0, s->schedule->amounts.of[b]);
        }
    }
}

/* Refines a copy of the start; the schedule takes what is better. */
static enum status refine_from(struct solving *s, const struct schedule *start,
                               const struct relaxation *relaxation, const struct weights *weights,
                               const struct refine_options *options, struct pool *pool)
{
    struct schedule local = *start;
    struct amounts ignored;
    int taken;
    size_t n = (size_t)cost_model_space(s->problem->model)->n_knobs;
    local.candidate = arena_copy(s->arena, start->candidate, n + 1);
    local.n_evaluated = 0;
    TRY(refine(s->problem, relaxation, weights, options, pool, &local, s->diag));
    s->schedule->n_evaluated += local.n_evaluated;
    return schedule_offer(s->problem, local.candidate, s->schedule, &ignored, &taken, s->diag);
}

/* Refines by both prices, and within lower limits of SRAM too while it is far from its bound. */
static enum status refine_all(struct solving *s, struct pool *pool)
{
    const struct goal *goal = &s->problem->goal;
    struct schedule start = *s->schedule;
    size_t n = (size_t)cost_model_space(s->problem->model)->n_knobs;
    int32_t most = s->options->n_refinements;
    struct refine_options options = {most, most, 1};
    if (!s->schedule->is_feasible)
        return OK;
    start.candidate = arena_copy(s->arena, start.candidate, n + 1);
    TRY(refine_from(s, &start, s->relaxation, &s->weights, &options, pool));
    TRY(refine_from(s, &start, s->relaxation, &s->real, &options, pool));
    for (int i = 0; i < TIGHTER && is_limited(goal, BUDGET_SRAM); i++) {
        if (is_near(goal, s->schedule) || s->tighter[i] == NULL)
            break;
        options.n_changed = options.n_walked = most / 2;
        TRY(refine_from(s, &start, s->tighter[i], &s->weights, &options, pool));
    }
    return OK;
}

/* Walks from the best, over sets with their best units and over all knobs, until several in a row
 * have found hardly anything better; as many as there may be while it is far from its bound. */
static enum status walks(struct solving *s, struct pool *pool)
{
    static const double hot[] = {0.03, 0.003, 0.1};
    const struct goal *goal = &s->problem->goal;
    int32_t idle = 0, most = s->options->n_refinements, n_hot = sizeof hot / sizeof hot[0];
    for (int32_t i = 0; i < MOST_WALKS; i++) {
        int is_far = s->schedule->is_feasible && !is_near(goal, s->schedule);
        if (idle >= n_hot && !is_far)
            break;
        struct schedule before = *s->schedule;
        struct refine_options over_sets = {idle == 0 ? most : 0, most, (uint64_t)i + 2};
        struct anneal_options over_all = {.seed = (uint64_t)i + 2,
                                          .n_moves = s->options->n_moves,
                                          .hot = hot[i % n_hot],
                                          .cold = 1e-5};
        if (before.is_feasible)
            TRY(refine_from(s, &before, s->relaxation, &s->weights, &over_sets, pool));
        TRY(anneal_on(s->problem, &over_all, s->schedule, s->diag));
        TRY(polish(s->problem, s->options->n_pairs, s->schedule, s->diag));
        int is_better = before.is_feasible != s->schedule->is_feasible ||
                        objective_of(goal, &s->schedule->amounts) <
                            (1 - LITTLE) * objective_of(goal, &before.amounts);
        idle = is_better ? 0 : idle + 1;
    }
    return OK;
}

static enum status solve(struct solving *s)
{
    static const enum budget alone[] = {BUDGET_FLASH, BUDGET_INSTRUCTIONS};
    struct pool pool = pool_start(cost_model_space(s->problem->model), POOLED, s->arena);
    struct schedule least_loss;
    int missed;
    TRY(relaxation_make(s->problem, s->problem->goal.most[BUDGET_SRAM], 0, s->arena, &s->relaxation,
                        s->diag));
    TRY(check_sram(s, &missed));
    for (size_t i = 0; i < 2 && !missed; i++)
        TRY(check_alone(s, alone[i], &missed));
    if (!missed)
        TRY(check_loss(s, &least_loss, &missed));
    if (missed)
        return OK;
    TRY(search(s, s->problem, s->options->n_rounds, s->schedule));
    TRY(polish(s->problem, 0, s->schedule, s->diag));
    TRY(refine_all(s, &pool));
    TRY(polish_units(s->problem, &pool, s->schedule, s->diag));
    TRY(polish(s->problem, s->options->n_pairs, s->schedule, s->diag));
    TRY(walks(s, &pool));
    if (!s->schedule->is_feasible)
        explain(s, &least_loss);
    return OK;
}

enum status knapsack(const struct schedule_problem *problem, const struct knapsack_options *options,
                     struct arena *arena, struct schedule *schedule, struct diag *diag)
{
    struct arena scratch = {0};
    *schedule = schedule_start(problem, arena);
    struct solving solving = {.problem = problem,
                              .options = options,
                              .arena = &scratch,
                              .schedule = schedule,
                              .diag = diag};
    enum status status = solve(&solving);
    arena_free(&scratch);
    return status;
}
