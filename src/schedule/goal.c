/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/goal.h"

const char *budget_name(enum budget budget)
{
    static const char *const names[] = {
#define X(suffix, name, unit) #name,
        BUDGET_LIST(X)
#undef X
    };
    return names[budget];
}

const char *budget_unit(enum budget budget)
{
    static const char *const units[] = {
#define X(suffix, name, unit) unit,
        BUDGET_LIST(X)
#undef X
    };
    return units[budget];
}

const char *objective_name(enum objective objective)
{
    static const char *const names[] = {"latency", "accuracy", "flash"};
    return names[objective];
}

static enum status amounts_take(const struct schedule_problem *problem, const uint8_t *candidate,
                                double margin, int is_exact, struct amounts *amounts,
                                struct diag *diag)
{
    double sram = problem->goal.most[BUDGET_SRAM] - margin;
    size_t budget = sram < (double)SIZE_MAX ? (size_t)(sram > 0 ? sram : 0) : SIZE_MAX;
    TRY((is_exact ? cost_predict : cost_estimate)(problem->model, candidate, budget,
                                                  &amounts->prediction, diag));
    if (amounts->prediction.instructions < 0)
        return fail(diag, ERR_UNSUPPORTED, "instructions of %s are not known",
                    cost_model_core(problem->model)->name);
    amounts->of[BUDGET_FLASH] = (double)amounts->prediction.flash_bytes;
    amounts->of[BUDGET_SRAM] = (double)amounts->prediction.sram_bytes + margin;
    amounts->of[BUDGET_INSTRUCTIONS] = amounts->prediction.instructions;
    amounts->of[BUDGET_LOSS] = loss_of(problem->loss, cost_model_space(problem->model), candidate);
    return OK;
}

enum status amounts_of(const struct schedule_problem *problem, const uint8_t *candidate,
                       struct amounts *amounts, struct diag *diag)
{
    return amounts_take(problem, candidate, 0, 1, amounts, diag);
}

enum status amounts_estimate(const struct schedule_problem *problem, const uint8_t *candidate,
                             double sram_margin, struct amounts *amounts, struct diag *diag)
{
    return amounts_take(problem, candidate, sram_margin, 0, amounts, diag);
}

double objective_of(const struct goal *goal, const struct amounts *amounts)
{
    static const enum budget of[] = {BUDGET_INSTRUCTIONS, BUDGET_LOSS, BUDGET_FLASH};
    return amounts->of[of[goal->objective]];
}

double excess_of(const struct goal *goal, const struct amounts *amounts)
{
    double sum = 0;
    for (int b = 0; b < N_BUDGETS; b++)
        if (amounts->of[b] > goal->most[b])
            sum += amounts->of[b] / (goal->most[b] > 1e-9 ? goal->most[b] : 1e-9) - 1;
    return sum;
}
