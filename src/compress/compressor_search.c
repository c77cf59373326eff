/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compress/compressor_internal.h"
#include "pass/pass.h"
#include "report/report.h"
#include "schedule/anneal.h"
#include "schedule/knapsack.h"
#include "schedule/probes.h"

enum status compressor_search_open(struct compressor *c)
{
    struct graph *graph;
    const struct space_options options = space_options_initial();
    TRY(driver_load(round_tflite(c, &c->dense), c->arena, &graph, c->diag));
    TRY(simplify(graph, c->arena, &graph, c->diag));
    TRY(space_make(graph, NULL, &options, c->arena, &c->space, c->diag));
    return cost_model_make(c->space, c->options->target->core, &c->model, c->diag);
}

static struct goal goal_of(const struct compressor *c)
{
    const struct compressor_options *options = c->options;
    return (struct goal){options->objective,
                         {(double)options->flash_budget - c->margins[BUDGET_FLASH],
                          (double)options->sram_budget - c->margins[BUDGET_SRAM],
                          options->most_instructions - c->margins[BUDGET_INSTRUCTIONS],
                          c->most_loss}};
}

static enum status solve(struct compressor *c, const struct goal *goal, struct schedule *schedule)
{
    const struct schedule_problem problem = {c->model, c->loss, *goal};
    if (c->options->solver == SOLVER_ANNEAL) {
        struct anneal_options options = anneal_options_initial();
        options.seed = c->options->pruner.quantizer.seed;
        return anneal(&problem, &options, c->arena, schedule, c->diag);
    }
    const struct knapsack_options options = knapsack_options_initial();
    return knapsack(&problem, &options, c->arena, schedule, c->diag);
}

/* ---- budgets that cannot be met ---- */

const char *budget_words(enum budget budget)
{
    static const char *const words[N_BUDGETS] = {"bytes of flash", "bytes of SRAM", "instructions",
                                                 "of predicted loss"};
    return words[budget];
}

static enum status cannot(struct compressor *c, const struct goal *goal,
                          const struct schedule *schedule)
{
    static const char *const remedies[N_BUDGETS] = {
        "a larger --flash", "a larger --sram, or a network with a smaller input",
        "a larger --instructions", "a larger --max-drop, or larger sizes"};
    enum budget missed = schedule->missed;
    struct arena *arena = c->arena;
    int is_loss = missed == BUDGET_LOSS;
    return fail(c->diag, ERR_BUDGET, "%s: no recipe keeps to %s %s; the least %s is %s. Give %s",
                c->options->model_path,
                is_loss ? arena_printf(arena, "%.3g", goal->most[missed])
                        : thousands(arena, (int64_t)goal->most[missed]),
                budget_words(missed), schedule->is_proved ? "there can be" : "found",
                is_loss ? arena_printf(arena, "%.3g", schedule->nearest)
                        : thousands(arena, (int64_t)ceil(schedule->nearest)),
                remedies[missed]);
}

enum status compressor_search_check(struct compressor *c)
{
    struct schedule schedule;
    struct goal goal = goal_of(c);
    c->loss = loss_of_scores(c->space, NULL, c->arena);
    goal.most[BUDGET_LOSS] = (double)INFINITY;
    goal.objective = OBJECTIVE_FLASH;
    TRY(solve(c, &goal, &schedule));
    return schedule.is_feasible ? OK : cannot(c, &goal, &schedule);
}

/* ---- probes ---- */

static json_t *losses_json(const double *losses, int32_t n)
{
    json_t *json = json_array();
    for (int32_t i = 0; i < n; i++)
        json_array_append_new(json, json_real(losses[i]));
    return json;
}

/* What an earlier run has measured. */
static int losses_load(const struct compressor *c, double *losses, int32_t n)
{
    const json_t *json = json_object_get(c->state, "probes");
    if (json_array_size(json) != (size_t)n)
        return 0;
    for (int32_t i = 0; i < n; i++)
        losses[i] = json_number_value(json_array_get(json, (size_t)i));
    return 1;
}

enum status compressor_probe(struct compressor *c)
{
    struct probes probes = probes_choose(c->space, c->arena);
    const struct pruner_options options = compressor_pruner_options(c);
    const char **recipes = ARENA_ARRAY(c->arena, (size_t)probes.n + 1, const char *);
    for (int32_t i = 0; i < probes.n; i++)
        recipes[i] = probe_recipe(c->space, &probes.list[i], c->arena);
    if (!losses_load(c, probes.losses, probes.n)) {
        fprintf(stderr, "probing what removals cost: %d probes\n", probes.n);
        TRY(pruner_probe(&options, probes.n, recipes, probes.losses, c->diag));
        json_object_set_new(c->state, "probes", losses_json(probes.losses, probes.n));
        TRY(compressor_state_save(c));
    }
    c->loss = loss_of_probes(c->space, &probes, c->arena);
    return OK;
}

/* ---- the recipe ---- */

enum status compressor_schedule(struct compressor *c, struct round *round)
{
    struct schedule schedule;
    struct goal goal = goal_of(c);
    TRY(solve(c, &goal, &schedule));
    if (!schedule.is_feasible && c->n_rounds == 0 && c->margins[BUDGET_FLASH] > 0) {
        memset(c->margins, 0, sizeof c->margins); /* the budgets are nearly the least there is */
        goal = goal_of(c);
        TRY(solve(c, &goal, &schedule));
    }
    if (!schedule.is_feasible)
        return cannot(c, &goal, &schedule);
    const struct recipe *recipe = space_recipe(c->space, schedule.candidate, c->arena);
    round->recipe = recipe_print(recipe, c->space->graph, c->arena);
    memcpy(round->expected, schedule.amounts.of, sizeof round->expected);
    return OK;
}
