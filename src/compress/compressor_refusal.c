/* SPDX-License-Identifier: Apache-2.0 */
/* What could not be met, how near it came, and what to relax. */
#include <math.h>

#include "compress/compressor_internal.h"
#include "report/report.h"
#include "target/latency.h"

const char *budget_words(enum budget budget)
{
    static const char *const words[N_BUDGETS] = {"bytes of flash", "bytes of SRAM", "instructions",
                                                 "of predicted loss"};
    return words[budget];
}

/* Whether the user could ask for more of it: not of what the device does not have. */
static int is_own_budget(const struct compressor *c, enum budget budget)
{
    const struct compressor_options *options = c->options;
    return budget == BUDGET_FLASH  ? options->flash_budget < options->target->flash_bytes
           : budget == BUDGET_SRAM ? options->sram_budget < options->target->sram_bytes
                                   : 1;
}

/* ---- a search that found nothing ---- */

static const char *search_remedy(const struct compressor *c, enum budget budget)
{
    int is_own = is_own_budget(c, budget);
    switch (budget) {
    case BUDGET_FLASH:
        return is_own ? "a larger --flash" : "a device with more flash";
    case BUDGET_SRAM:
        return is_own ? "a larger --sram, or a network with a smaller input"
                      : "a device with more SRAM, or a network with a smaller input";
    case BUDGET_INSTRUCTIONS:
        return c->options->is_latency ? "a larger --latency" : "a larger --instructions";
    default:
        return "a larger --max-drop (or a smaller --min-accuracy), or larger sizes";
    }
}

enum status compressor_cannot(struct compressor *c, const struct goal *goal,
                              const struct schedule *schedule)
{
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
                search_remedy(c, missed));
}

/* ---- rounds that missed ---- */

static double excess_shares(const struct compressor *c, const struct round *round)
{
    double sum = 0;
    for (int b = 0; b < BUDGET_LOSS; b++)
        sum += compressor_excess(c, round, (enum budget)b) / compressor_budget(c, (enum budget)b);
    return sum;
}

static const struct round *nearest_round(const struct compressor *c)
{
    const struct round *nearest = &c->rounds[0];
    for (int32_t i = 1; i < c->n_rounds; i++)
        if (excess_shares(c, &c->rounds[i]) < excess_shares(c, nearest))
            nearest = &c->rounds[i];
    return nearest;
}

/* What to give for so much of a budget. */
static const char *amount_remedy(const struct compressor *c, enum budget budget, double amount)
{
    static const char *const options[] = {"--flash", "--sram", "--instructions"};
    const struct target *target = c->options->target;
    if (budget == BUDGET_FLASH && amount > (double)target->flash_bytes)
        return "a device with more flash";
    if (budget == BUDGET_SRAM && amount > (double)target->sram_bytes)
        return "a device with more SRAM";
    if (budget == BUDGET_INSTRUCTIONS && c->options->is_latency)
        return arena_printf(c->arena, "--latency %.0fus",
                            ceil(1e6 * latency_seconds(target, amount)));
    return arena_printf(c->arena, "%s %.0f", options[budget], amount);
}

enum status compressor_sizes_failed(struct compressor *c)
{
    const struct round *round = nearest_round(c);
    const char *needs = "", *remedies = "";
    for (int b = 0; b < BUDGET_LOSS; b++) {
        enum budget budget = (enum budget)b;
        double over = compressor_excess(c, round, budget);
        double needed = compressor_budget(c, budget) + over;
        if (over <= 0)
            continue;
        needs = arena_printf(c->arena, "%s%s%.0f %s, %.0f more than the budget", needs,
                             *needs != 0 ? ", and " : "", needed, budget_words(budget), over);
        if (budget == BUDGET_SRAM && round->device.sram_lacking > 0)
            needs = arena_printf(c->arena, "%s (stack and the test's buffers counted)", needs);
        remedies = arena_printf(c->arena, "%s%s%s", remedies, *remedies != 0 ? " and " : "",
                                amount_remedy(c, budget, needed));
    }
    return fail(c->diag, ERR_BUDGET, "%s: the nearest needs %s%s; give %s", c->options->model_path,
                needs, c->options->recipe_path != NULL ? " (the recipe is given)" : "", remedies);
}

enum status compressor_accuracy_failed(struct compressor *c, const struct round *round)
{
    double drop = c->reference - round->accuracy;
    const char *remedy =
        compressor_limits_drop(c)
            ? arena_printf(c->arena, "--max-drop %.2f", ceil(1e4 * drop - 1e-6) / 100)
            : arena_printf(c->arena, "--min-accuracy %.2f",
                           floor(1e4 * round->accuracy + 1e-6) / 100);
    return fail(c->diag, ERR_BUDGET,
                "%s: %.2f %% of the validation samples right, %.2f points less than the dense "
                "network%s; wanted are %.2f %%. Give %s, more --epochs, or larger sizes; the "
                "network is kept in %s",
                c->options->model_path, 100 * round->accuracy, 100 * drop,
                c->reference < c->dense.accuracy ? " trained the same way" : "",
                100 * compressor_accuracy_wanted(c), remedy, round_tflite(c, round));
}
