/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "compress/compressor_internal.h"
#include "pass/pass.h"
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
    return (struct goal){
        options->objective,
        {(double)options->flash_budget - c->margins[BUDGET_FLASH], (double)compressor_sram_limit(c),
         options->most_instructions - c->margins[BUDGET_INSTRUCTIONS], c->most_loss}};
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

enum status compressor_search_check(struct compressor *c)
{
    struct schedule schedule;
    struct goal goal = goal_of(c);
    c->loss = loss_of_scores(c->space, NULL, c->arena);
    goal.most[BUDGET_LOSS] = (double)INFINITY;
    goal.objective = OBJECTIVE_FLASH;
    TRY(solve(c, &goal, &schedule));
    return schedule.is_feasible ? OK : compressor_cannot(c, &goal, &schedule);
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

/* The budgets are nearly the least there is: nothing can be left free. */
static enum status schedule_without_margins(struct compressor *c, struct schedule *schedule)
{
    c->margins[BUDGET_FLASH] = c->margins[BUDGET_INSTRUCTIONS] = 0;
    const struct goal goal = goal_of(c);
    return solve(c, &goal, schedule);
}

/* No recipe loses as little as the accuracy is thought to need: but what a unit of predicted loss
 * costs is a guess before the first round, and not exact behind it. So the one with the least loss
 * is tried, if it has less than the round before. */
static enum status schedule_least_loss(struct compressor *c, struct schedule *schedule)
{
    static const double less = 0.99;
    struct schedule least;
    struct goal goal = goal_of(c);
    goal.objective = OBJECTIVE_ACCURACY;
    goal.most[BUDGET_LOSS] = (double)INFINITY;
    TRY(solve(c, &goal, &least));
    const double *before = c->n_rounds > 0 ? c->rounds[c->n_rounds - 1].expected : NULL;
    if (least.is_feasible &&
        (before == NULL || least.amounts.of[BUDGET_LOSS] < less * before[BUDGET_LOSS]))
        *schedule = least;
    return OK;
}

/* Where time has no budget, it still counts: what it is worth to be twice as fast. */
static double loss_per_halving(double least_loss)
{
    return 0.2 * least_loss + 0.02;
}

static double worth_of(const struct schedule *schedule, double least_loss)
{
    const double *amounts = schedule->amounts.of;
    return -amounts[BUDGET_LOSS] / loss_per_halving(least_loss) -
           log2(amounts[BUDGET_INSTRUCTIONS]);
}

/* The worthiest of the one with the least loss and the fastest ones within some limits of loss. */
static enum status schedule_balanced(struct compressor *c, struct schedule *schedule)
{
    static const double limits[] = {0.25, 1, 3, 6};
    const double least = schedule->amounts.of[BUDGET_LOSS], bound = schedule->bound;
    struct goal goal = goal_of(c);
    goal.objective = OBJECTIVE_LATENCY;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct schedule fastest;
        goal.most[BUDGET_LOSS] = least + limits[i] * loss_per_halving(least);
        TRY(solve(c, &goal, &fastest));
        if (fastest.is_feasible && worth_of(&fastest, least) > worth_of(schedule, least))
            *schedule = fastest;
    }
    schedule->bound = bound;
    return OK;
}

enum status compressor_schedule(struct compressor *c, struct round *round)
{
    const struct compressor_options *options = c->options;
    struct schedule schedule;
    struct goal goal = goal_of(c);
    TRY(solve(c, &goal, &schedule));
    if (!schedule.is_feasible && c->n_rounds == 0 && c->margins[BUDGET_FLASH] > 0)
        TRY(schedule_without_margins(c, &schedule));
    if (!schedule.is_feasible && isfinite(c->most_loss))
        TRY(schedule_least_loss(c, &schedule));
    if (!schedule.is_feasible) {
        goal = goal_of(c); /* margins may have gone since */
        return compressor_cannot(c, &goal, &schedule);
    }
    if (options->objective == OBJECTIVE_ACCURACY && !isfinite(options->most_instructions))
        TRY(schedule_balanced(c, &schedule));
    const struct recipe *recipe = space_recipe(c->space, schedule.candidate, c->arena);
    round->recipe = recipe_print(recipe, c->space->graph, c->arena);
    memcpy(round->expected, schedule.amounts.of, sizeof round->expected);
    round->bound = schedule.bound;
    return OK;
}
