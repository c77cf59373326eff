/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/anneal.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "schedule/incumbent.h"

enum { REPAIRS = 20 };

struct anneal_options anneal_options_initial(void)
{
    return (struct anneal_options){.seed = 1, .n_moves = 2000000, .hot = 0.1, .cold = 1e-5};
}

/* The walk. */
struct annealing {
    const struct schedule_problem *problem;
    const struct space *space;
    struct random random;
    uint8_t *current, *next;
    int units_only;
    double energy;          /* of `current` */
    struct amounts amounts; /* of `next` */
    double scale;
    struct schedule *schedule;
    struct diag *diag;
};

/* Candidates beyond the limits are worse than any within. */
static double energy_of(const struct annealing *a)
{
    return objective_of(&a->problem->goal, &a->amounts) / a->scale +
           10 * excess_of(&a->problem->goal, &a->amounts);
}

static enum status offer(struct annealing *a)
{
    int taken;
    return schedule_offer(a->problem, a->next, a->schedule, &a->amounts, &taken, a->diag);
}

/* What energies are parts of: the dense network's objective, or all that can be lost. */
static double scale_of(const struct annealing *a)
{
    double sum = 1e-9;
    if (a->problem->goal.objective != OBJECTIVE_ACCURACY)
        return objective_of(&a->problem->goal, &a->amounts);
    for (int32_t k = 0; k < a->space->n_knobs; k++) {
        double most = 0;
        for (int32_t c = 0; c < a->space->knobs[k].n_choices; c++)
            if (a->problem->loss->of[k][c] > most)
                most = a->problem->loss->of[k][c];
        sum += most;
    }
    return sum;
}

static int may_turn(const struct annealing *a, int32_t k)
{
    const struct knob *knob = &a->space->knobs[k];
    return knob->n_choices > 1 && !(a->units_only && knob->kind == KNOB_FILTERS);
}

/* A random other choice of a random knob that has one. */
static void move(struct annealing *a)
{
    int32_t k;
    do
        k = random_range(&a->random, 0, a->space->n_knobs - 1);
    while (!may_turn(a, k));
    uint8_t old = a->next[k];
    while (a->next[k] == old)
        a->next[k] = (uint8_t)random_range(&a->random, 0, a->space->knobs[k].n_choices - 1);
}

/* A random step of a random knob towards removing more, or less. */
static void step(struct annealing *a, int remove)
{
    int32_t k = random_range(&a->random, 0, a->space->n_knobs - 1);
    const struct knob *knob = &a->space->knobs[k];
    if (!may_turn(a, k))
        return;
    if (remove && a->next[k] + 1 < knob->n_choices)
        a->next[k] = (uint8_t)random_range(&a->random, a->next[k] + 1, knob->n_choices - 1);
    else if (!remove && a->next[k] > 0)
        a->next[k] = (uint8_t)random_range(&a->random, 0, a->next[k] - 1);
}

static enum status repair(struct annealing *a)
{
    const struct goal *goal = &a->problem->goal;
    for (int i = 0; i < REPAIRS && a->space->n_knobs > 0 && excess_of(goal, &a->amounts) > 0; i++) {
        step(a, a->amounts.of[BUDGET_LOSS] <= goal->most[BUDGET_LOSS]);
        TRY(offer(a));
    }
    return OK;
}

static int has_moves(const struct annealing *a)
{
    for (int32_t k = 0; k < a->space->n_knobs; k++)
        if (may_turn(a, k))
            return 1;
    return 0;
}

static enum status walk(struct annealing *a, const struct anneal_options *options)
{
    size_t n = (size_t)a->space->n_knobs;
    double temperature = options->hot;
    double cooling = pow(options->cold / options->hot, 1.0 / options->n_moves);
    TRY(offer(a));
    TRY(repair(a));
    memcpy(a->current, a->next, n);
    a->energy = energy_of(a);
    for (int32_t i = 0; i < options->n_moves && has_moves(a); i++) {
        memcpy(a->next, a->current, n);
        move(a);
        TRY(offer(a));
        if (i % 16 == 0)
            TRY(repair(a));
        double energy = energy_of(a), draw = (double)(random_bits(&a->random) >> 11) / 0x1p53;
        if (energy <= a->energy || draw < exp((a->energy - energy) / temperature)) {
            memcpy(a->current, a->next, n);
            a->energy = energy;
        }
        temperature *= cooling;
    }
    return OK;
}

/* The limit that the nearest candidate exceeds most. */
static void explain(const struct goal *goal, struct schedule *schedule)
{
    double most = 0;
    for (int b = 0; b < N_BUDGETS && !schedule->is_feasible; b++) {
        double part = schedule->amounts.of[b] / goal->most[b];
        if (schedule->amounts.of[b] > goal->most[b] && part > most) {
            most = part;
            schedule->missed = (enum budget)b;
            schedule->nearest = schedule->amounts.of[b];
        }
    }
}

enum status anneal_on(const struct schedule_problem *problem, const struct anneal_options *options,
                      struct schedule *schedule, struct diag *diag)
{
    struct arena scratch = {0};
    const struct space *space = cost_model_space(problem->model);
    size_t n = (size_t)space->n_knobs + 1;
    struct annealing a = {.problem = problem,
                          .space = space,
                          .random = {options->seed},
                          .units_only = options->units_only,
                          .current = ARENA_ARRAY(&scratch, n, uint8_t),
                          .next = ARENA_ARRAY(&scratch, n, uint8_t),
                          .schedule = schedule,
                          .diag = diag};
    enum status status = amounts_estimate(problem, a.next, 0, &a.amounts, diag);
    a.scale = scale_of(&a);
    memcpy(a.next, schedule->candidate, n - 1);
    if (status == OK)
        status = walk(&a, options);
    arena_free(&scratch);
    return status;
}

enum status anneal(const struct schedule_problem *problem, const struct anneal_options *options,
                   struct arena *arena, struct schedule *schedule, struct diag *diag)
{
    *schedule = schedule_start(problem, arena);
    TRY(anneal_on(problem, options, schedule, diag));
    explain(&problem->goal, schedule);
    return OK;
}
