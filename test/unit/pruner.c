/* SPDX-License-Identifier: Apache-2.0 */
/* How the steps of pruning train: their learning rates, and the network that is trained. */
#include <math.h>

#include "base/file.h"
#include "prune/pruner_internal.h"

#include "test/unit/parity_dataset.h"

#include "test/unit/parsed.h" /* last */

enum { N_SAMPLES = 64, N_STEPS = 2, EPOCHS_A_STEP = 2, N_EPOCHS = N_STEPS * EPOCHS_A_STEP };

static const char text[] =
    "graph g\n"
    "tensor \"x\" f32 1x4\n"
    "tensor \"hidden/w\" f32 2x4 = 1 1 -1 0.5 0.5 0.25 1 -1\n"
    "tensor \"hidden/b\" f32 2 = 0.5 -0.5\n"
    "tensor \"hidden\" f32 1x2\n"
    "tensor \"w\" f32 2x2 = 1 2 -2 1\n"
    "tensor \"y\" f32 1x2\n"
    "input \"x\"\n"
    "node fully_connected hidden \"x\" \"hidden/w\" \"hidden/b\" -> \"hidden\"\n"
    "node fully_connected last \"hidden\" \"w\" -> \"y\"\n"
    "output \"y\"\n";

static void note_rate(void *context, const struct epoch_result *result)
{
    double *rates = context;
    if (result->progress >= 1)
        rates[result->epoch - 1] = result->rate;
}

/* An epoch is one batch, so that its rate is that at its beginning. */
static struct pruner_options options_make(const char *state_path, double *rates)
{
    return (struct pruner_options){
        .n_steps = N_STEPS,
        .n_epochs = N_EPOCHS,
        .batch_samples = N_SAMPLES,
        .rate = 0.1,
        .distill_share = 0.5,
        .state_path = state_path,
        .settings = "",
        .quantizer = {.scale = {1, 0}, .train_observer = note_rate, .train_context = rates}};
}

static struct pruner pruner_make(const struct pruner_options *options)
{
    const struct unit filterlet = {UNIT_FILTERLET, 0};
    struct pruner p = {.options = options, .arena = &arena, .diag = &diag};
    p.dense = p.graph = parse(text);
    p.recipe = recipe_uniform(p.dense, filterlet, 0, &arena);
    p.dataset = parity_dataset(N_SAMPLES, &arena);
    p.scale = options->quantizer.scale;
    p.samples = p.dataset.samples;
    p.n_samples = N_SAMPLES;
    assert_int_equal(dataset_split(&p.dataset, 0, 1, &arena, &p.split, &diag), OK);
    return p;
}

/* Trains step after step; the folder then has the checkpoints. */
static struct pruner steps_train(const struct pruner_options *options)
{
    struct pruner p = pruner_make(options);
    for (p.step = 1; p.step <= N_STEPS; p.step++)
        if (pruner_train(&p, EPOCHS_A_STEP, 0) != OK)
            fail_msg("%s", diag.message);
    p.step = N_STEPS;
    return p;
}

/* One cosine over all steps; each begins at nothing. */
static void each_step_warms_up(void **state)
{
    (void)state;
    const char *folder;
    double rates[N_EPOCHS];
    assert_int_equal(folder_temporary(&arena, &folder, &diag), OK);
    const struct pruner_options options = options_make(folder, rates);
    steps_train(&options);
    for (int epoch = 0; epoch < N_EPOCHS; epoch++) {
        double whole = 0.05 * (1 + cos(acos(-1.0) * epoch / N_EPOCHS));
        double expected = epoch % EPOCHS_A_STEP == 0 ? 0 : whole;
        if (fabs(rates[epoch] - expected) > 1e-12)
            fail_msg("epoch %d: rate %g, expected %g", epoch + 1, rates[epoch], expected);
    }
    assert_int_equal(folder_remove(folder, &diag), OK);
}

/* What is trained has a normalization behind each layer but the last, with filters of a norm to
 * train from; what comes of it has none. */
static void normalizations_are_trained(void **state)
{
    (void)state;
    const char *folder;
    double rates[N_EPOCHS];
    struct graph *trained;
    assert_int_equal(folder_temporary(&arena, &folder, &diag), OK);
    struct pruner_options options = options_make(folder, rates);
    options.rate = 0; /* all stays as it began */
    const struct pruner p = steps_train(&options);
    assert_int_equal(driver_load(pruner_checkpoint(&p), &arena, &trained, &diag), OK);
    assert_int_equal(trained->n_nodes, 3);
    assert_int_equal(trained->nodes[1].op, OP_batch_normalization);
    const float *weights = node_input(trained, &trained->nodes[0], 1)->data;
    for (int f = 0; f < 2; f++) {
        double norm = 0;
        for (int i = 0; i < 4; i++)
            norm += pow((double)weights[4 * f + i], 2);
        assert_true(fabs(norm - 2) < 1e-5);
    }
    assert_int_equal(p.graph->n_nodes, 2);
    assert_int_equal(p.graph->nodes[0].op, OP_fully_connected);
    assert_int_equal(p.graph->nodes[1].op, OP_fully_connected);
    assert_int_equal(folder_remove(folder, &diag), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_step_warms_up, tear_down),
        cmocka_unit_test_teardown(normalizations_are_trained, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
