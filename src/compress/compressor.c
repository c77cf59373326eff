/* SPDX-License-Identifier: Apache-2.0 */
#include "compress/compressor.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "compress/compressor_internal.h"
#include "report/report.h"

/* Accuracy that a unit of predicted loss is taken to cost: a guess, until a round has shown it. */
static const double FIRST_DROP_RATE = 0.05;

/* ---- what it says ---- */

void compressor_say_device(const struct compressor *c, const struct round *round)
{
    const struct device_facts *device = &round->device;
    struct arena scratch = {0};
    fprintf(stderr, "%s: flash %s B, SRAM %s B", round->name,
            thousands(&scratch, (int64_t)device->flash_bytes),
            thousands(&scratch, (int64_t)device->sram_bytes));
    if (device->instructions >= 0)
        fprintf(stderr, ", %s instructions", thousands(&scratch, device->instructions));
    else
        fprintf(stderr, ", more than %s has", c->options->target->name);
    if (!isnan(round->accuracy))
        fprintf(stderr, ", %.2f %% of the validation samples right", 100 * round->accuracy);
    fputc('\n', stderr);
    arena_free(&scratch);
}

/* How far from the best there can be, at most. */
static const char *gap_words(const struct compressor *c, const struct round *round,
                             struct arena *arena)
{
    static const enum budget of[] = {BUDGET_INSTRUCTIONS, BUDGET_LOSS, BUDGET_FLASH};
    static const char *const words[] = {"instructions", "loss", "flash"};
    double amount = round->expected[of[c->options->objective]];
    if (!(round->bound > 0))
        return "";
    const char *least = c->options->objective == OBJECTIVE_ACCURACY
                            ? arena_printf(arena, "%.4g", round->bound)
                            : thousands(arena, (int64_t)ceil(round->bound));
    return arena_printf(arena, " (least %s there can be: %s, so at most %.1f %% too much)",
                        words[c->options->objective], least,
                        100 * fmax(0, amount / round->bound - 1));
}

void compressor_say_schedule(const struct compressor *c, const struct round *round)
{
    struct arena scratch = {0};
    fprintf(stderr, "%s: to be flash %s B, SRAM %s B, %s instructions, loss %.4g%s; %d epochs%s\n",
            round->name, thousands(&scratch, (int64_t)round->expected[BUDGET_FLASH]),
            thousands(&scratch, (int64_t)round->expected[BUDGET_SRAM]),
            thousands(&scratch, (int64_t)round->expected[BUDGET_INSTRUCTIONS]),
            round->expected[BUDGET_LOSS], gap_words(c, round, &scratch), round->n_epochs,
            round->start_path != NULL ? " from an earlier round's network" : "");
    arena_free(&scratch);
}

/* ---- budgets ---- */

static int limits_accuracy(const struct compressor_options *options)
{
    return options->most_drop < (double)INFINITY || options->min_accuracy > 0;
}

double compressor_accuracy_wanted(const struct compressor *c)
{
    return fmax(c->options->min_accuracy, c->reference - c->options->most_drop);
}

int compressor_limits_drop(const struct compressor *c)
{
    return c->reference - c->options->most_drop > c->options->min_accuracy;
}

double compressor_budget(const struct compressor *c, enum budget budget)
{
    return budget == BUDGET_FLASH  ? (double)c->options->flash_budget
           : budget == BUDGET_SRAM ? (double)c->options->sram_budget
                                   : c->options->most_instructions;
}

double compressor_excess(const struct compressor *c, const struct round *round, enum budget budget)
{
    const struct device_facts *device = &round->device;
    double budgeted = compressor_budget(c, budget);
    switch (budget) {
    case BUDGET_FLASH:
        return fmax(0, (double)device->flash_bytes - budgeted);
    case BUDGET_SRAM:
        return fmax((double)device->sram_lacking, (double)device->sram_bytes - budgeted);
    default:
        return fmax(0, (double)device->instructions - budgeted);
    }
}

static int sizes_are_met(const struct compressor *c, const struct round *round)
{
    for (int b = 0; b < BUDGET_LOSS; b++)
        if (compressor_excess(c, round, (enum budget)b) > 0)
            return 0;
    return 1;
}

static int accuracy_is_met(const struct compressor *c, const struct round *round)
{
    return !limits_accuracy(c->options) || round->accuracy >= compressor_accuracy_wanted(c);
}

/* ---- before the first round ---- */

static enum status recipe_check(const struct compressor *c)
{
    struct pruner_options options = compressor_pruner_options(c);
    if (c->options->recipe_path == NULL)
        return OK;
    options.recipe_path = c->options->recipe_path; /* errors name it */
    options.core = c->options->target->core;
    options.quantizer.observer = (struct observer){0};
    return pruner_check_recipe(&options, c->diag);
}

static enum status accuracy_check(const struct compressor *c)
{
    const struct compressor_options *options = c->options;
    if (!limits_accuracy(options))
        return OK;
    if (isnan(c->dense.accuracy))
        return fail(c->diag, ERR_USAGE,
                    "%s: has no labels of the network's classes, which --max-drop and "
                    "--min-accuracy need; leave these out, the outputs are then kept as near to "
                    "the dense network's as they can be",
                    options->pruner.quantizer.data_path);
    if (options->min_accuracy > c->dense.accuracy)
        return fail(c->diag, ERR_BUDGET,
                    "--min-accuracy %.4g: the dense network itself has %.2f %% on the validation "
                    "samples in int8; give less, or train it longer",
                    100 * options->min_accuracy, 100 * c->dense.accuracy);
    return OK;
}

enum status compressor_dense(struct compressor *c)
{
    c->dense = (struct round){.name = "dense"};
    TRY(compressor_round_run(c, &c->dense));
    compressor_say_device(c, &c->dense);
    c->reference = c->dense.accuracy;
    return OK;
}

/* Nothing has to be removed: what is there meets all budgets, and is the best in accuracy. */
static int dense_is_enough(const struct compressor *c)
{
    return c->options->objective == OBJECTIVE_ACCURACY && c->options->recipe_path == NULL &&
           sizes_are_met(c, &c->dense);
}

/* What is built differs a little from what was predicted; a round that misses a budget by some
 * bytes costs more than leaving these free. SRAM is predicted exactly; but the stack beside it is
 * not, nor whether the emulated machine holds it with the test's buffers. */
static void margins_start(struct compressor *c)
{
    static const double reserve = 0.002;
    static const enum budget inexact[] = {BUDGET_FLASH, BUDGET_INSTRUCTIONS};
    for (size_t i = 0; i < sizeof inexact / sizeof *inexact; i++)
        if (isfinite(compressor_budget(c, inexact[i])))
            c->margins[inexact[i]] = reserve * compressor_budget(c, inexact[i]);
    if (c->dense.device.sram_lacking > 0) /* what fits is known */
        c->margins[BUDGET_SRAM] = (double)compressor_sram_limit(c) -
                                  (double)c->dense.device.sram_bytes +
                                  (double)c->dense.device.sram_lacking;
}

static enum status search_prepare(struct compressor *c)
{
    c->drop_rate = FIRST_DROP_RATE;
    c->most_loss = (double)INFINITY;
    if (c->options->recipe_path != NULL)
        return OK;
    TRY(compressor_search_open(c));
    TRY(compressor_search_check(c));
    TRY(compressor_probe(c));
    margins_start(c);
    if (limits_accuracy(c->options) && c->options->objective != OBJECTIVE_ACCURACY)
        c->most_loss = (c->reference - compressor_accuracy_wanted(c)) / c->drop_rate;
    return OK;
}

/* ---- rounds ---- */

static int32_t all_epochs(const struct compressor *c)
{
    return c->options->pruner.n_epochs + c->options->pruner.quantizer.n_qat_epochs;
}

/* An imported network may have seen the validation samples: then any other network looks worse than
 * it is. What is fair is the dense network, trained as long and the same way. */
static enum status reference_train(struct compressor *c)
{
    struct round fair = {.name = "reference", .n_epochs = all_epochs(c)};
    fprintf(stderr, "training the dense network the same way, to compare with\n");
    TRY(compressor_round_run(c, &fair));
    compressor_say_device(c, &fair);
    c->has_reference = 1;
    if (fair.accuracy < c->reference)
        c->reference = fair.accuracy;
    return OK;
}

/* Tightens what was missed. */
static void margins_raise(struct compressor *c, const struct round *round)
{
    static const double spare = 0.002;
    for (int b = 0; b < BUDGET_LOSS; b++) {
        double over = compressor_excess(c, round, (enum budget)b);
        if (over > 0)
            c->margins[b] += over + spare * compressor_budget(c, (enum budget)b);
    }
}

/* How the round after this one is to begin. Sizes that were missed by a little are mended in the
 * network that is there, in a quarter of the epochs; accuracy by removing less, from the dense
 * network on, or, where the sizes decide what is removed, by more training. */
static struct round round_next(struct compressor *c, const struct round *last)
{
    struct round next = {.n_epochs = all_epochs(c)};
    if (last == NULL)
        return next;
    double drop = fmax(c->reference - last->accuracy, 1e-4);
    double most = c->reference - compressor_accuracy_wanted(c);
    if (!sizes_are_met(c, last)) {
        margins_raise(c, last);
        next.start_path = round_float(c, last);
        next.n_epochs = (all_epochs(c) + 3) / 4;
    } else if (c->options->objective == OBJECTIVE_ACCURACY) {
        next.start_path = round_float(c, last);
    } else {
        c->drop_rate = drop / fmax(last->expected[BUDGET_LOSS], 1e-9);
        c->most_loss = 0.85 * fmax(most, 1e-4) / c->drop_rate;
    }
    return next;
}

/* What the next round is to do; ERR_BUDGET when no recipe does what it would have to. */
static enum status round_plan(struct compressor *c, const struct round *last, struct round *round)
{
    struct file file;
    *round = round_next(c, last);
    round->name = arena_printf(c->arena, "round%d", c->n_rounds + 1);
    if (c->options->recipe_path != NULL) {
        TRY(file_read(c->options->recipe_path, c->arena, &file, c->diag));
        round->recipe = (const char *)file.data;
        return OK;
    }
    TRY(compressor_schedule(c, round));
    compressor_say_schedule(c, round);
    return OK;
}

static enum status round_do(struct compressor *c, struct round *round)
{
    TRY(compressor_round_run(c, round));
    compressor_say_device(c, round);
    if (round->device.instructions >= 0 && round->device.n_equal != EQUAL_SAMPLES)
        return fail(c->diag, ERR_MISMATCH, "%s: %d of %d samples differ from the host",
                    c->options->target->name, EQUAL_SAMPLES - round->device.n_equal, EQUAL_SAMPLES);
    if (sizes_are_met(c, round) && !accuracy_is_met(c, round) && !c->has_reference &&
        all_epochs(c) > 0 && compressor_limits_drop(c))
        return reference_train(c);
    return OK;
}

/* ---- the best ---- */

/* Of two rounds that keep to the sizes. */
static int is_better(const struct compressor *c, const struct round *a, const struct round *b)
{
    if (accuracy_is_met(c, a) != accuracy_is_met(c, b))
        return accuracy_is_met(c, a);
    if (!accuracy_is_met(c, a) || c->options->objective == OBJECTIVE_ACCURACY)
        return a->accuracy > b->accuracy;
    return c->options->objective == OBJECTIVE_LATENCY
               ? a->device.instructions < b->device.instructions
               : a->device.flash_bytes < b->device.flash_bytes;
}

/* The best round that keeps to the sizes; NULL: none does. */
static const struct round *best_of(const struct compressor *c)
{
    const struct round *best = NULL;
    for (int32_t i = 0; i < c->n_rounds; i++)
        if (sizes_are_met(c, &c->rounds[i]) && (best == NULL || is_better(c, &c->rounds[i], best)))
            best = &c->rounds[i];
    return best;
}

static enum status rounds_run(struct compressor *c, const struct round **best)
{
    const struct round *last = NULL;
    if (dense_is_enough(c)) {
        *best = &c->dense;
        return OK;
    }
    int32_t most = c->options->recipe_path != NULL ? 1 : c->options->n_rounds;
    do {
        struct round *round = &c->rounds[c->n_rounds];
        enum status status = round_plan(c, last, round);
        if (status == ERR_BUDGET && last != NULL)
            break; /* what was missed cannot be made good for: the rounds that are done decide */
        TRY(status);
        TRY(round_do(c, round));
        c->n_rounds++;
        last = round;
    } while (c->n_rounds < most && !(sizes_are_met(c, last) && accuracy_is_met(c, last)));
    *best = best_of(c);
    if (*best == NULL)
        return compressor_sizes_failed(c);
    return accuracy_is_met(c, *best) ? OK : compressor_accuracy_failed(c, *best);
}

/* The last word, on samples that decided nothing. */
static enum status test(struct compressor *c, const struct round *best, json_t *json)
{
    const char *const paths[] = {round_tflite(c, &c->dense), round_tflite(c, best)};
    double accuracies[2];
    int32_t n_samples, n = best == &c->dense ? 1 : 2;
    TRY(compressor_test(c, n, paths, accuracies, &n_samples));
    if (n_samples > 0)
        json_object_update_new(json, json_pack("{s:i, s:f, s:f}", "n_test", n_samples, "test_dense",
                                               accuracies[0], "test", accuracies[n - 1]));
    return OK;
}

static enum status run(struct compressor *c, struct compressor_result *result)
{
    const struct round *best;
    TRY(recipe_check(c));
    TRY(compressor_state_open(c));
    TRY(compressor_dense(c));
    TRY(accuracy_check(c));
    if (!dense_is_enough(c))
        TRY(search_prepare(c));
    TRY(rounds_run(c, &best));
    result->json = compressor_json(c, best);
    result->recipe = best->recipe;
    result->tflite_path = round_tflite(c, best);
    result->float_path = round_float(c, best);
    result->sram_limit = best->sram_limit;
    return test(c, best, result->json);
}

enum status compressor_run(const struct compressor_options *options, struct arena *arena,
                           struct compressor_result *result, struct diag *diag)
{
    struct compressor c = {
        .options = options, .arena = arena, .diag = diag, .state_name = "state.json"};
    assert(options->n_rounds <= MAX_ROUNDS);
    enum status status = run(&c, result);
    if (c.model != NULL)
        cost_model_free(c.model);
    json_decref(c.state);
    return status;
}
