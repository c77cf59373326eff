/* SPDX-License-Identifier: Apache-2.0 */
/* A training that is a part of a longer one: its learning rates, and the weights that it may move.
 */
#include <math.h>

#include "train/trainer.h"

#include "test/unit/parity_dataset.h"

#include "test/unit/parsed.h" /* last */

enum { N_SAMPLES = 64, BATCH = 16, N_STEPS = N_SAMPLES / BATCH };

static const char text[] = "graph g\n"
                           "tensor \"x\" f32 1x4\n"
                           "tensor \"w\" f32 2x4 = 0 1 -1 0 0.5 0 1 -1\n"
                           "tensor \"y\" f32 1x2\n"
                           "input \"x\"\n"
                           "node fully_connected dense \"x\" \"w\" -> \"y\"\n"
                           "output \"y\"\n";

static struct train_settings settings_make(int32_t before, int32_t n, int32_t after)
{
    struct train_settings settings = train_settings_initial();
    settings.n_epochs = n;
    settings.epochs_before = before;
    settings.epochs_after = after;
    settings.batch_samples = BATCH;
    settings.validation = 0;
    settings.warmup_epochs = 0;
    settings.rate = 0.1;
    return settings;
}

static void note_rate(void *context, const struct epoch_result *result)
{
    double **rate = context;
    if (result->progress >= 1)
        *(*rate)++ = result->rate;
}

/* Trains, writes the rates of the epochs' last steps, and returns the trained graph. */
static struct graph *train(const struct train_settings *settings, double *rates)
{
    struct trainer trainer;
    int stopped;
    struct dataset dataset = parity_dataset(N_SAMPLES, &arena);
    assert_int_equal(trainer_make(settings, parse(text), NULL, &dataset, &arena, &trainer, &diag),
                     OK);
    trainer.observer = note_rate;
    trainer.observer_context = &rates;
    assert_int_equal(trainer_run(&trainer, &stopped, &diag), OK);
    struct graph *trained = network_graph(trainer.network, &arena);
    trainer_free(&trainer);
    return trained;
}

static void parts_have_the_rates_of_the_whole(void **state)
{
    (void)state;
    double whole[5], parts[5];
    struct train_settings settings = settings_make(0, 5, 0);
    train(&settings, whole);
    settings = settings_make(0, 2, 3);
    train(&settings, parts);
    settings = settings_make(2, 3, 0);
    train(&settings, parts + 2);
    for (int i = 0; i < 5; i++) {
        double time = (i + (N_STEPS - 1.0) / N_STEPS) / 5;
        assert_true(fabs(whole[i] - 0.05 * (1 + cos(acos(-1.0) * time))) < 1e-12);
        assert_true(fabs(parts[i] - whole[i]) < 1e-12);
    }
}

/* A part warms up anew, from nothing to the rate of the whole's schedule. */
static void parts_warm_up(void **state)
{
    (void)state;
    double cold[1], warm[1];
    struct train_settings settings = settings_make(1, 1, 2);
    train(&settings, cold);
    settings.warmup_epochs = 2;
    train(&settings, warm);
    assert_true(fabs(warm[0] - cold[0] * (N_STEPS - 1) / N_STEPS / 2) < 1e-12);
}

static void masks_tell_which_zeros_stay(void **state)
{
    (void)state;
    static uint8_t kept[] = {1, 1, 1, 0, 1, 0, 1, 1};
    static uint8_t *layers[] = {kept};
    const struct masks masks = {1, layers};
    double rates[1];
    struct train_settings settings = settings_make(0, 1, 0);
    for (int with_masks = 0; with_masks < 2; with_masks++) {
        settings.keep_zeros = 1;
        settings.masks = with_masks ? &masks : NULL;
        const struct graph *trained = train(&settings, rates);
        const float *before = node_input(parse(text), &trained->nodes[0], 1)->data;
        const float *after = node_input(trained, &trained->nodes[0], 1)->data;
        for (int i = 0; i < 8; i++)
            assert_int_equal(after[i] != 0, with_masks ? kept[i] : before[i] != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(parts_have_the_rates_of_the_whole, tear_down),
        cmocka_unit_test_teardown(parts_warm_up, tear_down),
        cmocka_unit_test_teardown(masks_tell_which_zeros_stay, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
