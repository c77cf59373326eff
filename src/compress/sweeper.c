/* SPDX-License-Identifier: Apache-2.0 */
#include "compress/sweeper.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "compress/compressor_internal.h"
#include "schedule/knapsack.h"
#include "target/latency.h"

/* Of the way from the dense network to the least there is, the last point goes so far. */
static const double FARTHEST = 0.9;

struct sweeper {
    const struct sweeper_options *options;
    struct compressor c;
    struct amounts dense, least; /* predicted */
    struct round *points;
};

/* ---- the range ---- */

/* What the dense network needs, and the candidate with the least flash. */
static enum status range_find(struct sweeper *s)
{
    struct compressor *c = &s->c;
    const struct goal goal = {
        OBJECTIVE_FLASH,
        {(double)INFINITY, (double)c->options->sram_budget, (double)INFINITY, (double)INFINITY}};
    const struct schedule_problem problem = {c->model, c->loss, goal};
    const struct knapsack_options options = knapsack_options_initial();
    struct schedule schedule;
    uint8_t *dense = ARENA_ARRAY(c->arena, (size_t)c->space->n_knobs + 1, uint8_t);
    TRY(amounts_of(&problem, dense, &s->dense, c->diag));
    TRY(knapsack(&problem, &options, c->arena, &schedule, c->diag));
    s->least = schedule.amounts;
    return OK;
}

static double between(const struct sweeper *s, enum budget budget, int32_t point)
{
    double way = FARTHEST * point / s->options->n_points;
    return s->dense.of[budget] - way * (s->dense.of[budget] - s->least.of[budget]);
}

/* ---- points ---- */

/* Which rank makes a point. */
static int32_t rank_of(const struct sweeper_options *options, int32_t point)
{
    return (int32_t)((int64_t)(point - 1) * options->n_ranks / options->n_points);
}

/* Where flash is little, the fewest instructions may be out of reach within it. */
static enum status point_schedule(struct sweeper *s, int32_t number, struct round *round)
{
    struct compressor_options own = s->options->compressor;
    own.flash_budget = (size_t)fmin((double)own.flash_budget, between(s, BUDGET_FLASH, number));
    own.most_instructions = fmin(own.most_instructions, between(s, BUDGET_INSTRUCTIONS, number));
    s->c.options = &own;
    enum status status = compressor_schedule(&s->c, round);
    if (status == ERR_BUDGET) {
        own.most_instructions = s->options->compressor.most_instructions;
        status = compressor_schedule(&s->c, round);
    }
    s->c.options = &s->options->compressor;
    return status;
}

static enum status point_make(struct sweeper *s, int32_t number, const struct round *denser)
{
    const struct pruner_options *pruner = &s->options->compressor.pruner;
    struct round *round = &s->points[number];
    round->n_epochs = pruner->n_epochs + pruner->quantizer.n_qat_epochs;
    round->start_path = denser != NULL ? round_float(&s->c, denser) : NULL;
    TRY(point_schedule(s, number, round));
    compressor_say_schedule(&s->c, round);
    TRY(compressor_round_run(&s->c, round));
    compressor_say_device(&s->c, round);
    if (round->device.instructions >= 0 && round->device.n_equal != EQUAL_SAMPLES)
        return fail(s->c.diag, ERR_MISMATCH, "%s: samples differ from the host", round->name);
    return OK;
}

static enum status points_make(struct sweeper *s)
{
    const struct sweeper_options *options = s->options;
    const struct round *denser = NULL;
    for (int32_t i = 1; i <= options->n_points; i++) {
        if (rank_of(options, i) != options->rank)
            continue;
        TRY(point_make(s, i, denser));
        denser = &s->points[i];
    }
    return OK;
}

/* ---- ranks ---- */

static const char *state_name(const struct sweeper *s, int32_t rank)
{
    return rank == 0 ? "state.json" : arena_printf(s->c.arena, "state%d.json", rank);
}

/* The dense network and the probes are made by rank 0, and read by the others. */
static enum status start(struct sweeper *s)
{
    const struct sweeper_options *options = s->options;
    struct compressor *c = &s->c;
    c->most_loss = (double)INFINITY;
    if (options->rank == 0) {
        TRY(compressor_state_open(c));
        TRY(compressor_dense(c));
        if (isnan(c->dense.accuracy))
            return fail(c->diag, ERR_USAGE,
                        "%s: has no labels of the network's classes: there is no accuracy to show",
                        options->compressor.pruner.quantizer.data_path);
        TRY(compressor_search_open(c));
        TRY(compressor_search_check(c));
        TRY(compressor_probe(c));
    }
    options->wait(options->wait_context);
    if (options->rank > 0) {
        TRY(compressor_state_take(c, state_name(s, options->rank)));
        TRY(compressor_dense(c));
        TRY(compressor_search_open(c));
        TRY(compressor_probe(c));
    }
    return range_find(s);
}

/* The points of all ranks. */
static enum status gather(struct sweeper *s)
{
    const struct sweeper_options *options = s->options;
    for (int32_t rank = 1; rank < options->n_ranks; rank++) {
        TRY(compressor_state_take(&s->c, state_name(s, rank)));
        for (int32_t i = 1; i <= options->n_points; i++)
            if (rank_of(options, i) == rank &&
                compressor_round_load(&s->c, &s->points[i]) != ROUND_DONE)
                return fail(s->c.diag, ERR_IO, "%s: has lost %s", options->compressor.state_path,
                            s->points[i].name);
    }
    return OK;
}

/* ---- the front ---- */

static struct front_point point_of(const struct sweeper *s, const struct round *round, double test)
{
    double seconds =
        latency_seconds(s->options->compressor.target, (double)round->device.instructions);
    return (struct front_point){round->name,
                                (int64_t)round->device.flash_bytes,
                                (int64_t)round->device.sram_bytes,
                                round->device.instructions,
                                round->device.instructions < 0 ? 0 : 1000 * seconds,
                                round->accuracy,
                                test};
}

static enum status front_make(struct sweeper *s, struct sweeper_result *result)
{
    struct arena *arena = s->c.arena;
    int32_t n = s->options->n_points + 1, n_samples;
    const char **paths = ARENA_ARRAY(arena, (size_t)n, const char *);
    const char **recipes = ARENA_ARRAY(arena, (size_t)n, const char *);
    double *tests = ARENA_ARRAY(arena, (size_t)n, double);
    for (int32_t i = 0; i < n; i++) {
        paths[i] = round_tflite(&s->c, &s->points[i]);
        recipes[i] = s->points[i].recipe;
    }
    TRY(compressor_test(&s->c, n, paths, tests, &n_samples));
    const char *slash = strrchr(s->options->compressor.model_path, '/');
    result->front = (struct front){slash != NULL ? slash + 1 : s->options->compressor.model_path,
                                   s->options->compressor.target->name, n,
                                   ARENA_ARRAY(arena, (size_t)n, struct front_point), 0};
    for (int32_t i = 0; i < n; i++)
        result->front.points[i] = point_of(s, &s->points[i], tests[i]);
    result->front.knee = front_knee(&result->front);
    result->tflite_paths = paths;
    result->recipes = recipes;
    return OK;
}

static enum status run(struct sweeper *s, struct sweeper_result *result)
{
    const struct sweeper_options *options = s->options;
    struct arena *arena = s->c.arena;
    s->points = ARENA_ARRAY(arena, (size_t)options->n_points + 1, struct round);
    for (int32_t i = 1; i <= options->n_points; i++)
        s->points[i].name = arena_printf(arena, "point%d", i);
    TRY(start(s));
    s->points[0] = s->c.dense;
    TRY(points_make(s));
    options->wait(options->wait_context);
    if (options->rank > 0)
        return OK;
    TRY(gather(s));
    return front_make(s, result);
}

enum status sweeper_run(const struct sweeper_options *options, struct arena *arena,
                        struct sweeper_result *result, struct diag *diag)
{
    struct sweeper s = {.options = options,
                        .c = {.options = &options->compressor,
                              .arena = arena,
                              .diag = diag,
                              .state_name = "state.json"}};
    enum status status = run(&s, result);
    if (s.c.model != NULL)
        cost_model_free(s.c.model);
    json_decref(s.c.state);
    return status;
}
