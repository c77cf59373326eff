/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/schedule_print.h"

#include <assert.h>
#include <math.h>

#include "target/latency.h"

static void print_choices(const struct space *space, const struct loss_table *loss,
                          const struct schedule *schedule, struct text *text)
{
    for (int32_t k = 0; k < space->n_knobs; k++) {
        const struct knob *knob = &space->knobs[k];
        const struct choice *choice = &knob->choices[schedule->candidate[k]];
        if (schedule->candidate[k] == 0)
            continue;
        text_printf(text, "%-24s %5.1f %% of %-9s", space->graph->nodes[knob->node].name,
                    100 * choice->share,
                    knob->kind == KNOB_FILTERS ? "filters" : unit_name(&choice->unit, text->arena));
        if (knob->kind == KNOB_FILTERS)
            text_printf(text, "  %d of %d", choice->n_absent, space->sets.n_classes[knob->of]);
        text_printf(text, "  loss %.4g\n", loss->of[k][schedule->candidate[k]]);
    }
}

static void print_amounts(const struct goal *goal, const struct schedule *schedule,
                          struct text *text)
{
    for (int b = 0; b < N_BUDGETS; b++) {
        text_printf(text, "%-13s %.9g %s", budget_name((enum budget)b), schedule->amounts.of[b],
                    budget_unit((enum budget)b));
        if (goal->most[b] < (double)INFINITY)
            text_printf(text, ", at most %.9g", goal->most[b]);
        text_printf(text, "\n");
    }
}

void schedule_print(const struct space *space, const struct target *target,
                    const struct loss_table *loss, const struct goal *goal,
                    const struct schedule *schedule, struct text *text)
{
    double latency = latency_seconds(target, schedule->amounts.of[BUDGET_INSTRUCTIONS]);
    print_choices(space, loss, schedule, text);
    print_amounts(goal, schedule, text);
    if (latency > 0)
        text_printf(text, "latency       %.4g ms (estimate: %g instructions a cycle)\n",
                    1000 * latency, instructions_per_cycle(target->core));
    if (!schedule->is_feasible) {
        text_printf(text, "%s: at most %.9g %s cannot be met%s; the least is %.9g\n",
                    budget_name(schedule->missed), goal->most[schedule->missed],
                    budget_unit(schedule->missed), schedule->is_proved ? "" : " (not proved)",
                    schedule->nearest);
        return;
    }
    if (isfinite(schedule->bound))
        text_printf(text, "bound         %.9g: at most %.2f %% above the least %s\n",
                    schedule->bound,
                    100 * (objective_of(goal, &schedule->amounts) / schedule->bound - 1),
                    objective_name(goal->objective));
}

static json_t *number_or_null(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *schedule_json(const struct space *space, const struct target *target,
                      const struct goal *goal, const struct schedule *schedule)
{
    struct arena scratch = {0};
    struct recipe *recipe = space_recipe(space, schedule->candidate, &scratch);
    json_t *amounts = json_object(), *limits = json_object();
    json_t *printed = json_loads(recipe_print(recipe, space->graph, &scratch), 0, NULL);
    assert(printed != NULL);
    for (int b = 0; b < N_BUDGETS; b++) {
        const char *name = budget_name((enum budget)b);
        json_object_set_new(amounts, name, number_or_null(schedule->amounts.of[b]));
        json_object_set_new(limits, name, number_or_null(goal->most[b]));
    }
    json_t *json =
        json_pack("{s:s, s:b, s:o, s:o, s:o, s:o}", "objective", objective_name(goal->objective),
                  "feasible", schedule->is_feasible, "predicted", amounts, "limits", limits,
                  "bound", number_or_null(schedule->bound), "recipe", printed);
    double latency = latency_seconds(target, schedule->amounts.of[BUDGET_INSTRUCTIONS]);
    json_object_set_new(json, "latency_ms_estimate",
                        latency > 0 ? json_real(1000 * latency) : json_null());
    if (!schedule->is_feasible) {
        json_object_set_new(json, "missed", json_string(budget_name(schedule->missed)));
        json_object_set_new(json, "nearest", number_or_null(schedule->nearest));
        json_object_set_new(json, "proved", json_boolean(schedule->is_proved));
    }
    arena_free(&scratch);
    return json;
}
