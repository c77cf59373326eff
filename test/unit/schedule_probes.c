/* SPDX-License-Identifier: Apache-2.0 */
/* From probes of single choices to the losses of all. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "schedule/probes.h"
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

static struct space *space_of_mobilenet(void)
{
    struct space *space;
    const struct space_options options = space_options_initial();
    struct graph *graph = int8_network(mobilenet_v1(&arena), &arena);
    assert_int_equal(space_make(graph, NULL, &options, &arena, &space, &diag), OK);
    return space;
}

/* Of each knob the largest loss by scores, and before it a smaller one. */
static void choices_are_far_apart(void **state)
{
    (void)state;
    struct space *space = space_of_mobilenet();
    struct loss_table *scores = loss_of_scores(space, NULL, &arena);
    struct probes probes = probes_choose(space, &arena);
    int32_t n_knobs = 0;
    for (int32_t i = 0; i < probes.n; i++) {
        const struct probe *probe = &probes.list[i];
        const double *losses = scores->of[probe->knob];
        int is_last = i + 1 == probes.n || probes.list[i + 1].knob != probe->knob;
        assert_in_range(probe->choice, 1, space->knobs[probe->knob].n_choices - 1);
        for (int32_t c = 1; is_last && c < space->knobs[probe->knob].n_choices; c++)
            assert_true(losses[c] <= losses[probe->choice]);
        if (!is_last)
            assert_true(losses[probe->choice] < losses[probes.list[i + 1].choice]);
        n_knobs += is_last;
        assert_non_null(strstr(probe_recipe(space, probe, &arena),
                               space->graph->nodes[space->knobs[probe->knob].node].name));
    }
    for (int32_t k = 0; k < space->n_knobs; k++)
        n_knobs -= space->knobs[k].n_choices > 1;
    assert_int_equal(n_knobs, 0);
}

/* Losses that follow a power of the scores are found for the choices that were not probed. */
static void powers_are_found(void **state)
{
    (void)state;
    struct space *space = space_of_mobilenet();
    struct loss_table *scores = loss_of_scores(space, NULL, &arena);
    struct probes probes = probes_choose(space, &arena);
    for (int32_t i = 0; i < probes.n; i++)
        probes.losses[i] = (1 + probes.list[i].knob) *
                           pow(scores->of[probes.list[i].knob][probes.list[i].choice], 1.5);
    struct loss_table *losses = loss_of_probes(space, &probes, &arena);
    int32_t n_checked = 0;
    for (int32_t i = 0; i + 1 < probes.n; i++) {
        int32_t k = probes.list[i].knob;
        if (probes.list[i + 1].knob != k)
            continue;
        assert_true(losses->of[k][0] == 0);
        for (int32_t c = 1; c < space->knobs[k].n_choices; c++, n_checked++) {
            double wanted = (1 + k) * pow(scores->of[k][c], 1.5);
            assert_true(fabs(losses->of[k][c] - wanted) <= 1e-9 + 1e-6 * wanted);
        }
    }
    assert_true(n_checked > 20);
}

/* What costs nothing, or by chance less than that, still costs more the more is removed. */
static void nothing_costs_a_little(void **state)
{
    (void)state;
    struct space *space = space_of_mobilenet();
    struct loss_table *scores = loss_of_scores(space, NULL, &arena);
    struct probes probes = probes_choose(space, &arena);
    for (int32_t i = 0; i < probes.n; i++)
        probes.losses[i] = i % 3 == 0 ? -0.01 : i % 3 == 1 ? 0 : 1;
    struct loss_table *losses = loss_of_probes(space, &probes, &arena);
    for (int32_t k = 0; k < space->n_knobs; k++)
        for (int32_t c = 1; c < space->knobs[k].n_choices; c++) {
            assert_true(losses->of[k][c] > 0);
            for (int32_t d = 1; d < space->knobs[k].n_choices; d++)
                if (scores->of[k][c] > 1e-6 && scores->of[k][d] > 1.01 * scores->of[k][c])
                    assert_true(losses->of[k][d] > losses->of[k][c]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(choices_are_far_apart, tear_down),
        cmocka_unit_test_teardown(powers_are_found, tear_down),
        cmocka_unit_test_teardown(nothing_costs_a_little, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
