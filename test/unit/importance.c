/* SPDX-License-Identifier: Apache-2.0 */
/* Importance by gradients: sums over batches in which gradients of opposite signs do not cancel. */
#include <math.h>

#include "train/importance.h"

#include "test/unit/parsed.h" /* last */

enum { N_BATCHES = 2 };

static const char text[] = "graph g\n"
                           "tensor \"x\" f32 1x2\n"
                           "tensor \"w\" f32 1x2 = 2 -3\n"
                           "tensor \"y\" f32 1x1\n"
                           "input \"x\"\n"
                           "node fully_connected dense \"x\" \"w\" -> \"y\"\n"
                           "output \"y\"\n";

/* The network answers -4 to both samples, which is one too little and one too much. */
static const float samples[N_BATCHES][2] = {{1, 2}, {1, 2}}, targets[N_BATCHES] = {-3, -5};

/* Of the two weights, over so many batches of one sample. */
static const float *measure(enum score_kind kind, int32_t n_batches)
{
    struct train_settings settings = train_settings_initial();
    const struct dataset dataset = {.path = "made up",
                                    .shape = {2, {1, 2}},
                                    .type = SAMPLE_F32,
                                    .n_samples = N_BATCHES,
                                    .samples = samples,
                                    .n_targets = 1,
                                    .targets = targets};
    struct trainer trainer;
    struct importance *importance;
    settings.loss = LOSS_MSE;
    settings.batch_samples = 1;
    settings.validation = 0;
    assert_int_equal(trainer_make(&settings, parse(text), NULL, &dataset, &arena, &trainer, &diag),
                     OK);
    assert_int_equal(importance_measure(&trainer, kind, n_batches, &arena, &importance, &diag), OK);
    trainer_free(&trainer);
    return importance->of[0];
}

/* With gradients g and 2 g, and -g and -2 g in the other batch, products with the weights are of
 * the sizes 2 g and 6 g. */
static void signs_do_not_cancel(void **state)
{
    (void)state;
    const float *one = measure(SCORE_TAYLOR, 1), *both = measure(SCORE_TAYLOR, N_BATCHES),
                *squares = measure(SCORE_FISHER, N_BATCHES);
    assert_true(one[0] > 0);
    assert_true(fabsf(one[1] / one[0] - 3) < 1e-5f);
    for (int i = 0; i < 2; i++) {
        assert_true(fabsf(both[i] / one[i] - 2) < 1e-5f);
        assert_true(fabsf(squares[i] / (2 * one[i] * one[i]) - 1) < 1e-5f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(signs_do_not_cancel, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
