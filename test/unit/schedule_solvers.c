/* SPDX-License-Identifier: Apache-2.0 */
/* Solvers against all candidates of small spaces, and the elimination against all combinations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"
#include "schedule/anneal.h"
#include "schedule/elimination.h"
#include "schedule/knapsack.h"
#include "schedule/schedule_print.h"
#include "test/unit/networks.h"
#include "test/unit/schedule_network.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static struct arena arena;
static struct diag diag;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* ---- elimination ---- */

enum { VARS = 6, FACTORS = 8 };

static double sum_at(const struct factor *factors, const int32_t *n_values, const uint8_t *values)
{
    double sum = 0;
    for (int f = 0; f < FACTORS; f++) {
        int64_t at = 0;
        for (int32_t i = 0; i < factors[f].n_vars; i++)
            at = at * n_values[factors[f].vars[i]] + values[factors[f].vars[i]];
        sum += factors[f].values[at];
    }
    return sum;
}

static double least_of_all(const struct factor *factors, const int32_t *n_values)
{
    uint8_t values[VARS] = {0};
    double least = (double)INFINITY;
    for (;;) {
        double sum = sum_at(factors, n_values, values);
        least = sum < least ? sum : least;
        int v = 0;
        while (v < VARS && ++values[v] == n_values[v])
            values[v++] = 0;
        if (v == VARS)
            return least;
    }
}

static void factors_draw(struct random *random, const int32_t *n_values, struct factor *factors)
{
    for (int f = 0; f < FACTORS; f++) {
        factors[f] = (struct factor){0, ARENA_ARRAY(&arena, VARS, int32_t), NULL};
        for (int32_t v = 0; v < VARS; v++)
            if (random_range(random, 0, 2) == 0)
                factors[f].vars[factors[f].n_vars++] = v;
        int64_t size = factor_size(&factors[f], n_values);
        factors[f].values = ARENA_ARRAY(&arena, (size_t)size, double);
        for (int64_t i = 0; i < size; i++)
            factors[f].values[i] = random_range(random, 0, 20) == 0
                                       ? (double)INFINITY
                                       : random_range(random, -100, 100);
        if (factors[f].n_vars == 0)
            factors[f].values[0] = 0; /* constants are the caller's */
    }
}

static void eliminations_find_the_least(void **state)
{
    (void)state;
    struct random random = {7};
    for (int i = 0; i < 100; i++) {
        int32_t n_values[VARS];
        struct factor factors[FACTORS];
        uint8_t values[VARS];
        for (int v = 0; v < VARS; v++)
            n_values[v] = random_range(&random, 1, 4);
        factors_draw(&random, n_values, factors);
        struct elimination *elimination =
            elimination_make(VARS, n_values, factors, FACTORS, 1 << 16, &arena);
        assert_non_null(elimination);
        double least = elimination_solve(elimination, values);
        double expected = least_of_all(factors, n_values);
        assert_true(least == expected);
        if (least < (double)INFINITY)
            assert_true(sum_at(factors, n_values, values) == least);
    }
}

static void eliminations_refuse_large_tables(void **state)
{
    (void)state;
    int32_t n_values[3] = {10, 10, 10}, vars[3] = {0, 1, 2};
    struct factor factor = {3, vars, ARENA_ARRAY(&arena, 1000, double)};
    assert_null(elimination_make(3, n_values, &factor, 1, 99, &arena));
    assert_non_null(elimination_make(3, n_values, &factor, 1, 100, &arena));
}

/* ---- solvers ---- */

/* A small space, its costs and losses. */
struct bench {
    struct space *space;
    const struct target *target;
    struct schedule_problem problem;
};

static struct bench bench_make(const char *text)
{
    static const double shares[] = {0.5};
    static const struct unit units[] = {{UNIT_FILTERLET, 0}, {UNIT_BLOCK, 4}};
    struct space_options options = {3, 0.7, shares, 1, units, 2};
    struct bench bench = {0};
    must(target_find("cortex-m4", &bench.target, &diag), &diag);
    must(space_make(int8_network(text, &arena), NULL, &options, &arena, &bench.space, &diag),
         &diag);
    must(cost_model_make(bench.space, bench.target->core, &bench.problem.model, &diag), &diag);
    bench.problem.loss = loss_of_scores(bench.space, NULL, &arena);
    for (int b = 0; b < N_BUDGETS; b++)
        bench.problem.goal.most[b] = (double)INFINITY;
    return bench;
}

static const char *small_network(void)
{
    struct net net = net_start(&arena);
    struct net_value x = net_input(&net, 8, 8, 3);
    x = net_conv(&net, x, 12, 3, 1, "relu");
    struct net_value y = net_conv(&net, net_conv(&net, x, 16, 3, 1, "relu"), 12, 3, 1, "none");
    x = net_add(&net, x, y, "relu");
    x = net_conv(&net, x, 24, 3, 2, "relu");
    return net_finish(&net, net_dense(&net, net_mean(&net, x), 4));
}

/* The least objective of all candidates that meet the limits; INFINITY: none does. */
static double best_of_all(const struct bench *bench)
{
    const struct space *space = bench->space;
    uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)space->n_knobs + 1, uint8_t);
    double best = (double)INFINITY;
    for (;;) {
        struct amounts amounts;
        must(amounts_of(&bench->problem, candidate, &amounts, &diag), &diag);
        double objective = objective_of(&bench->problem.goal, &amounts);
        if (excess_of(&bench->problem.goal, &amounts) <= 0 && objective < best)
            best = objective;
        int32_t k = 0;
        while (k < space->n_knobs && ++candidate[k] == space->knobs[k].n_choices)
            candidate[k++] = 0;
        if (k == space->n_knobs)
            return best;
    }
}

static struct amounts dense_amounts(const struct bench *bench)
{
    struct amounts amounts;
    uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)bench->space->n_knobs + 1, uint8_t);
    must(amounts_of(&bench->problem, candidate, &amounts, &diag), &diag);
    for (int32_t k = 0; k < bench->space->n_knobs; k++)
        amounts.of[BUDGET_LOSS] += bench->problem.loss->of[k][bench->space->knobs[k].n_choices - 1];
    return amounts;
}

struct test_case {
    enum objective objective;
    double parts[N_BUDGETS]; /* of the dense network's amounts, of all loss; 0: no limit */
};

static void limits_set(struct bench *bench, const struct test_case *test,
                       const struct amounts *dense)
{
    bench->problem.goal.objective = test->objective;
    for (int b = 0; b < N_BUDGETS; b++)
        bench->problem.goal.most[b] =
            test->parts[b] > 0 ? test->parts[b] * dense->of[b] : (double)INFINITY;
}

static void check_schedule(const struct bench *bench, const struct schedule *schedule, double best)
{
    const struct goal *goal = &bench->problem.goal;
    if (schedule->is_feasible)
        assert_true(excess_of(goal, &schedule->amounts) <= 0);
    if (schedule->is_proved)
        assert_true(best == (double)INFINITY);
    if (best < (double)INFINITY && !isnan(schedule->bound))
        assert_true(schedule->bound <= best * (1 + 1e-9));
}

static void knapsack_finds_the_optimum(void **state)
{
    (void)state;
    static const struct test_case tests[] = {
        {OBJECTIVE_LATENCY, {0, 0, 0, 0.2}},       {OBJECTIVE_LATENCY, {0, 0, 0, 0.5}},
        {OBJECTIVE_LATENCY, {0.8, 0.7, 0, 0.7}},   {OBJECTIVE_ACCURACY, {0.75, 0, 0, 0}},
        {OBJECTIVE_ACCURACY, {0, 0, 0.4, 0}},      {OBJECTIVE_ACCURACY, {0, 0.6, 0, 0}},
        {OBJECTIVE_ACCURACY, {0.8, 0.8, 0.5, 0}},  {OBJECTIVE_FLASH, {0, 0, 0, 0.3}},
        {OBJECTIVE_FLASH, {0, 0.7, 0.5, 0.6}},     {OBJECTIVE_LATENCY, {0.65, 0.5, 0.3, 0.9}},
        {OBJECTIVE_ACCURACY, {0.7, 0.7, 0.25, 0}}, {OBJECTIVE_FLASH, {0, 0, 0.3, 0}},
    };
    struct bench bench = bench_make(small_network());
    struct amounts dense = dense_amounts(&bench);
    struct knapsack_options options = knapsack_options_initial();
    struct anneal_options anneal_with = anneal_options_initial();
    anneal_with.n_moves = 3000;
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        struct schedule found, again, annealed;
        limits_set(&bench, &tests[i], &dense);
        double best = best_of_all(&bench);
        must(knapsack(&bench.problem, &options, &arena, &found, &diag), &diag);
        must(knapsack(&bench.problem, &options, &arena, &again, &diag), &diag);
        must(anneal(&bench.problem, &anneal_with, &arena, &annealed, &diag), &diag);
        check_schedule(&bench, &found, best);
        check_schedule(&bench, &annealed, best);
        assert_memory_equal(found.candidate, again.candidate, (size_t)bench.space->n_knobs);
        assert_int_equal(found.is_feasible, best < (double)INFINITY);
        if (found.is_feasible)
            assert_true(objective_of(&bench.problem.goal, &found.amounts) == best);
        if (annealed.is_feasible)
            assert_true(objective_of(&bench.problem.goal, &annealed.amounts) >= best);
    }
    cost_model_free(bench.problem.model);
}

static void infeasible_budgets_have_their_reason(void **state)
{
    (void)state;
    static const struct {
        struct test_case test;
        enum budget missed;
    } tests[] = {
        {{OBJECTIVE_LATENCY, {0.05, 0, 0, 0}}, BUDGET_FLASH},
        {{OBJECTIVE_FLASH, {0, 0.05, 0, 0}}, BUDGET_SRAM},
        {{OBJECTIVE_ACCURACY, {0, 0, 0.01, 0}}, BUDGET_INSTRUCTIONS},
        {{OBJECTIVE_LATENCY, {0, 0, 0.3, 0.02}}, BUDGET_LOSS},
        {{OBJECTIVE_LATENCY, {0, 0.25, 0, 0.02}}, BUDGET_LOSS},
    };
    struct bench bench = bench_make(small_network());
    struct amounts dense = dense_amounts(&bench);
    struct knapsack_options options = knapsack_options_initial();
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        struct schedule found;
        struct text text = text_start(&arena);
        limits_set(&bench, &tests[i].test, &dense);
        must(knapsack(&bench.problem, &options, &arena, &found, &diag), &diag);
        assert_false(found.is_feasible);
        assert_true(found.is_proved);
        assert_int_equal(found.missed, tests[i].missed);
        assert_true(found.nearest > bench.problem.goal.most[found.missed]);
        schedule_print(bench.space, bench.target, bench.problem.loss, &bench.problem.goal, &found,
                       &text);
        assert_non_null(strstr(text.data, "cannot be met"));
    }
    cost_model_free(bench.problem.model);
}

static void schedules_print_their_recipe(void **state)
{
    (void)state;
    static const struct test_case test = {OBJECTIVE_LATENCY, {0, 0, 0, 0.4}};
    struct bench bench = bench_make(small_network());
    struct amounts dense = dense_amounts(&bench);
    struct knapsack_options options = knapsack_options_initial();
    struct schedule found;
    limits_set(&bench, &test, &dense);
    must(knapsack(&bench.problem, &options, &arena, &found, &diag), &diag);
    json_t *json = schedule_json(bench.space, bench.target, &bench.problem.goal, &found);
    char *text = json_dumps(json_object_get(json, "recipe"), 0);
    struct recipe *recipe;
    uint8_t *candidate = ARENA_ARRAY(&arena, (size_t)bench.space->n_knobs + 1, uint8_t);
    must(recipe_parse(text, bench.space->graph, &arena, &recipe, &diag), &diag);
    must(space_candidate(bench.space, recipe, candidate, &diag), &diag);
    assert_memory_equal(candidate, found.candidate, (size_t)bench.space->n_knobs);
    assert_true(json_is_true(json_object_get(json, "feasible")));
    assert_true(json_number_value(json_object_get(json_object_get(json, "predicted"), "sram")) ==
                found.amounts.of[BUDGET_SRAM]);
    free(text);
    json_decref(json);
    cost_model_free(bench.problem.model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(eliminations_find_the_least, tear_down),
        cmocka_unit_test_teardown(eliminations_refuse_large_tables, tear_down),
        cmocka_unit_test_teardown(knapsack_finds_the_optimum, tear_down),
        cmocka_unit_test_teardown(infeasible_budgets_have_their_reason, tear_down),
        cmocka_unit_test_teardown(schedules_print_their_recipe, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
