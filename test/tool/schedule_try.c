/* SPDX-License-Identifier: Apache-2.0 */
/* usage: schedule_try MODEL.tflite TARGET knapsack|anneal|both OBJECTIVE FLASH SRAM INSTRUCTIONS
 * LOSS [MOVES] Schedules an int8 network by scores of its weights' squares. A budget below 1 is a
 * part of the dense network's amount (of loss: of all that can be lost), 0 is no limit; anneal
 * makes MOVES. Prints the recipe with `knapsack` or `anneal`, a line each with `both`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver/driver.h"
#include "pass/pass.h"
#include "schedule/anneal.h"
#include "schedule/knapsack.h"
#include "schedule/schedule_print.h"

static struct diag diag;
static struct anneal_options anneal_with;

static void check(enum status status)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", diag.message);
    exit(1);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Each solver starts with a cost model that has packed nothing. */
static struct schedule run(const char *solver, const struct space *space,
                           const struct target *target, const struct loss_table *loss,
                           const struct goal *goal, struct arena *arena)
{
    struct schedule_problem problem = {NULL, loss, *goal};
    struct knapsack_options knapsack_with = knapsack_options_initial();
    struct schedule schedule;
    double start = seconds();
    check(cost_model_make(space, target->core, &problem.model, &diag));
    if (strcmp(solver, "anneal") == 0)
        check(anneal(&problem, &anneal_with, arena, &schedule, &diag));
    else
        check(knapsack(&problem, &knapsack_with, arena, &schedule, &diag));
    printf("%-8s %.2f s, %lld evaluated, %lld packed: ", solver, seconds() - start,
           (long long)schedule.n_evaluated,
           (long long)node_costs_packed(cost_model_nodes(problem.model)));
    if (schedule.is_feasible)
        printf("%s %.6g, bound %.6g (gap %.2f %%); ", objective_name(goal->objective),
               objective_of(goal, &schedule.amounts), schedule.bound,
               100 * (objective_of(goal, &schedule.amounts) / schedule.bound - 1));
    else
        printf("infeasible%s, %s: nearest %.6g; ", schedule.is_proved ? " (proved)" : "",
               budget_name(schedule.missed), schedule.nearest);
    for (int b = 0; b < N_BUDGETS; b++)
        printf("%s %.6g of %.6g%s", budget_name((enum budget)b), schedule.amounts.of[b],
               goal->most[b], b + 1 < N_BUDGETS ? ", " : "\n");
    fflush(stdout);
    cost_model_free(problem.model);
    return schedule;
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct graph *graph;
    struct space *space;
    struct cost_model *model;
    const struct target *target;
    if (argc < 9)
        return fprintf(stderr, "usage: see the source\n"), 2;
    anneal_with = anneal_options_initial();
    if (argc > 9)
        anneal_with.n_moves = (int32_t)atol(argv[9]);
    check(driver_load(argv[1], &arena, &graph, &diag));
    check(target_find(argv[2], &target, &diag));
    check(simplify(graph, &arena, &graph, &diag));
    struct space_options options = space_options_initial();
    check(space_make(graph, NULL, &options, &arena, &space, &diag));
    struct loss_table *loss = loss_of_scores(space, NULL, &arena);
    struct goal goal = {OBJECTIVE_LATENCY, {0}};
    for (int i = 0; i < 3; i++)
        if (strcmp(argv[4], objective_name((enum objective)i)) == 0)
            goal.objective = (enum objective)i;
    check(cost_model_make(space, target->core, &model, &diag));
    uint8_t *dense = ARENA_ARRAY(&arena, (size_t)space->n_knobs + 1, uint8_t);
    struct amounts amounts;
    struct schedule_problem problem = {
        model, loss, {OBJECTIVE_LATENCY, {INFINITY, INFINITY, INFINITY, INFINITY}}};
    check(amounts_of(&problem, dense, &amounts, &diag));
    cost_model_free(model);
    for (int32_t k = 0; k < space->n_knobs; k++)
        amounts.of[BUDGET_LOSS] += loss->of[k][space->knobs[k].n_choices - 1];
    for (int b = 0; b < N_BUDGETS; b++) {
        double value = atof(argv[5 + b]);
        goal.most[b] = value <= 0 ? (double)INFINITY : value < 1 ? value * amounts.of[b] : value;
    }
    if (strcmp(argv[3], "both") != 0) {
        struct schedule schedule = run(argv[3], space, target, loss, &goal, &arena);
        struct text text = text_start(&arena);
        schedule_print(space, target, loss, &goal, &schedule, &text);
        fwrite(text.data, 1, text.length, stdout);
    } else {
        run("knapsack", space, target, loss, &goal, &arena);
        run("anneal", space, target, loss, &goal, &arena);
    }
    arena_free(&arena);
    return 0;
}
