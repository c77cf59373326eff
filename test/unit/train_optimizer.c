/* SPDX-License-Identifier: Apache-2.0 */
/* The optimizers against their formulas in double precision: momentum, decay of weights alone,
 * clipping, zeros that are held, statistics of batch normalizations; and every schedule of the rate
 * at points worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/random.h"
#include "train/optimizer.h"
#include "train/rate.h"

#include <cmocka.h> /* last: it makes fail() a macro */

/* Weights, a bias, a constant operand, mean and variance of a batch normalization. */
enum { WEIGHTS = 5, N = 12, N_STEPS = 6, N_SHARDS = 4 };
static const struct parameter list[] = {{0, PARAMETER_WEIGHTS, 0, WEIGHTS},
                                        {1, PARAMETER_OFFSET, 5, 2},
                                        {2, PARAMETER_FIXED, 7, 1},
                                        {3, PARAMETER_MEAN, 8, 2},
                                        {4, PARAMETER_VARIANCE, 10, 2}};
enum { LEARNED = 7 };

struct trial {
    struct arena arena;
    struct random random;
    struct optimizer optimizer;
    float values[N], gradients[N];
    struct parameters parameters;
    double exact[N], momentum[N], square[N]; /* by the formulas */
};

static double real(struct random *random)
{
    return (double)random_range(random, -1000, 1000) / 1000;
}

static void trial_start(struct trial *trial, enum optimizer_kind kind, float decay)
{
    *trial = (struct trial){.random = {11}};
    for (int i = 0; i < N; i++) {
        trial->values[i] = (float)real(&trial->random);
        trial->exact[i] = (double)trial->values[i];
    }
    trial->parameters = (struct parameters){5, list, N, trial->values, trial->gradients};
    optimizer_start(&trial->optimizer, kind, decay, N, &trial->arena);
}

static void gradients_draw(struct trial *trial)
{
    for (int i = 0; i < N; i++)
        trial->gradients[i] = (float)real(&trial->random);
}

/* Sutskever et al. 2013, in the form where the gradient is taken at the value itself. */
static void exact_sgd(struct trial *trial, double rate, double decay)
{
    for (int i = 0; i < LEARNED; i++) {
        double g = (double)trial->gradients[i] + (i < WEIGHTS ? decay * trial->exact[i] : 0);
        trial->momentum[i] = 0.9 * trial->momentum[i] + g;
        trial->exact[i] -= rate * (g + 0.9 * trial->momentum[i]);
    }
}

/* Loshchilov, Hutter 2019, algorithm 2. */
static void exact_adam(struct trial *trial, double rate, double decay, int step)
{
    for (int i = 0; i < LEARNED; i++) {
        double g = (double)trial->gradients[i];
        trial->momentum[i] = 0.9 * trial->momentum[i] + 0.1 * g;
        trial->square[i] = 0.999 * trial->square[i] + 0.001 * g * g;
        double mean = trial->momentum[i] / (1 - pow(0.9, step));
        double variance = trial->square[i] / (1 - pow(0.999, step));
        trial->exact[i] -=
            rate * (mean / (sqrt(variance) + 1e-8) + (i < WEIGHTS ? decay * trial->exact[i] : 0));
    }
}

static void check_near(const float *values, const double *exact, int n)
{
    for (int i = 0; i < n; i++)
        if (!(fabs((double)values[i] - exact[i]) <= 2e-6 * (1 + fabs(exact[i]))))
            fail_msg("value %d is %.9g, not %.9g", i, (double)values[i], exact[i]);
}

static void nesterov(void **state)
{
    (void)state;
    struct trial trial;
    trial_start(&trial, OPTIMIZER_SGD, 0.125f);
    float fixed = trial.values[7];
    for (int step = 1; step <= N_STEPS; step++) {
        gradients_draw(&trial);
        exact_sgd(&trial, 0.1 / step, 0.125);
        optimizer_step(&trial.optimizer, &trial.parameters, 0.1 / step, N_SHARDS);
        check_near(trial.values, trial.exact, LEARNED);
        check_near(trial.optimizer.momentum, trial.momentum, LEARNED);
    }
    assert_true(trial.values[7] == fixed);
    assert_int_equal(trial.optimizer.n_steps, N_STEPS);
    arena_free(&trial.arena);
}

static void adam(void **state)
{
    (void)state;
    struct trial trial;
    trial_start(&trial, OPTIMIZER_ADAM, 0.125f);
    float fixed = trial.values[7];
    for (int step = 1; step <= N_STEPS; step++) {
        gradients_draw(&trial);
        exact_adam(&trial, 0.1 / step, 0.125, step);
        optimizer_step(&trial.optimizer, &trial.parameters, 0.1 / step, N_SHARDS);
        check_near(trial.values, trial.exact, LEARNED);
        check_near(trial.optimizer.momentum, trial.momentum, LEARNED);
        check_near(trial.optimizer.square, trial.square, LEARNED);
    }
    assert_true(trial.values[7] == fixed);
    arena_free(&trial.arena);
}

/* Without gradients only weights change, by the rate times the decay. */
static void decay_of_weights_alone(void **state)
{
    (void)state;
    for (int kind = 0; kind < N_OPTIMIZERS; kind++) {
        struct trial trial;
        trial_start(&trial, (enum optimizer_kind)kind, 0.5f);
        double factor = kind == OPTIMIZER_SGD ? 1 - 0.1 * 0.5 * 1.9 : 1 - 0.1 * 0.5;
        for (int i = 0; i < WEIGHTS; i++)
            trial.exact[i] *= factor;
        optimizer_step(&trial.optimizer, &trial.parameters, 0.1, N_SHARDS);
        check_near(trial.values, trial.exact, LEARNED + 1);
        arena_free(&trial.arena);
    }
}

static double norm(const double *values, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += values[i] * values[i];
    return sqrt(sum);
}

/* A tensor's gradient is scaled down to 0.5 of the norm of its values, which count as 0.001 each at
 * least; a shorter one stays. */
static void clipping(void **state)
{
    (void)state;
    struct trial trial;
    double weights[WEIGHTS], offsets[2];
    trial_start(&trial, OPTIMIZER_SGD, 0);
    trial.optimizer.clip = 0.5;
    trial.values[5] = trial.values[6] = 0;
    trial.exact[5] = trial.exact[6] = 0;
    for (int i = 0; i < WEIGHTS; i++)
        trial.gradients[i] = (float)(weights[i] = 10 * real(&trial.random));
    trial.gradients[5] = (float)(offsets[0] = 3);
    trial.gradients[6] = (float)(offsets[1] = -4);
    double factor = 0.5 * norm(trial.exact, WEIGHTS) / norm(weights, WEIGHTS);
    assert_true(factor < 1);
    for (int i = 0; i < WEIGHTS; i++)
        trial.exact[i] -= 0.1 * 1.9 * factor * weights[i];
    for (int i = 0; i < 2; i++)
        trial.exact[5 + i] = -0.1 * 1.9 * 0.5 * 1e-3 * sqrt(2) / 5 * offsets[i];
    optimizer_step(&trial.optimizer, &trial.parameters, 0.1, N_SHARDS);
    check_near(trial.values, trial.exact, WEIGHTS);
    for (int i = 5; i < LEARNED; i++)
        assert_true(fabs((double)trial.values[i] - trial.exact[i]) < 1e-9);
    arena_free(&trial.arena);

    trial_start(&trial, OPTIMIZER_SGD, 0);
    trial.optimizer.clip = 0.5;
    for (int i = 0; i < WEIGHTS; i++)
        trial.gradients[i] = 0.1f * trial.values[i];
    exact_sgd(&trial, 0.1, 0);
    optimizer_step(&trial.optimizer, &trial.parameters, 0.1, N_SHARDS);
    check_near(trial.values, trial.exact, LEARNED);
    arena_free(&trial.arena);
}

/* What is not kept is exactly zero from the first step on; all else is as without. */
static void zeros_that_are_held(void **state)
{
    (void)state;
    static const uint8_t kept[N] = {1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1};
    for (int kind = 0; kind < N_OPTIMIZERS; kind++) {
        struct trial trial, free_trial;
        trial_start(&trial, (enum optimizer_kind)kind, 0.125f);
        trial_start(&free_trial, (enum optimizer_kind)kind, 0.125f);
        trial.optimizer.kept = kept;
        for (int step = 1; step <= N_STEPS; step++) {
            gradients_draw(&trial);
            gradients_draw(&free_trial);
            optimizer_step(&trial.optimizer, &trial.parameters, 0.1, N_SHARDS);
            optimizer_step(&free_trial.optimizer, &free_trial.parameters, 0.1, N_SHARDS);
            for (int i = 0; i < N; i++) {
                assert_true(trial.values[i] == (kept[i] ? free_trial.values[i] : 0));
                assert_true(trial.optimizer.momentum[i] ==
                            (kept[i] ? free_trial.optimizer.momentum[i] : 0));
                if (kind == OPTIMIZER_ADAM)
                    assert_true(trial.optimizer.square[i] ==
                                (kept[i] ? free_trial.optimizer.square[i] : 0));
            }
        }
        arena_free(&trial.arena);
        arena_free(&free_trial.arena);
    }
}

/* Sums over four shards of means 1, 2, 3, 6 and mean squares 2, 5, 10, 43: the mean of all is 3,
 * their variance 15 - 9. One that rounding makes negative counts as 0. */
static void statistics(void **state)
{
    (void)state;
    struct trial trial;
    trial_start(&trial, OPTIMIZER_SGD, 0);
    static const float before[] = {10, -1, 1, 0.5f};
    static const float sums[] = {12, 4, 60, 3.9f};
    static const double after[] = {0.9 * 10 + 0.1 * 3, -0.9 + 0.1, 0.9 + 0.1 * 6, 0.45};
    memcpy(trial.values + 8, before, sizeof before);
    memcpy(trial.gradients + 8, sums, sizeof sums);
    optimizer_step(&trial.optimizer, &trial.parameters, 123, N_SHARDS);
    check_near(trial.values + 8, after, 4);
    arena_free(&trial.arena);
}

static void rates(void **state)
{
    (void)state;
    static const struct {
        enum rate_kind kind;
        double warmup, time, factor;
    } points[] = {
        {RATE_CONSTANT, 0, 0, 1},
        {RATE_CONSTANT, 0, 0.99, 1},
        {RATE_CONSTANT, 0.2, 0.05, 0.25},
        {RATE_CONSTANT, 0.2, 0.2, 1},
        {RATE_COSINE, 0, 0, 1},
        {RATE_COSINE, 0, 0.5, 0.5},
        {RATE_COSINE, 0, 1.0 / 3, 0.75},
        {RATE_COSINE, 0, 0.75, 0.14644660940672624},
        {RATE_COSINE, 0.2, 0.1, 0.5},
        {RATE_COSINE, 0.2, 0.2, 1},
        {RATE_COSINE, 0.2, 0.6, 0.5},
        {RATE_COSINE, 1, 0.5, 0.5},
        {RATE_STEP, 0, 0, 1},
        {RATE_STEP, 0, 0.49, 1},
        {RATE_STEP, 0, 0.5, 0.1},
        {RATE_STEP, 0, 0.74, 0.1},
        {RATE_STEP, 0, 0.75, 0.01},
        {RATE_STEP, 0.1, 0.025, 0.25},
        {RATE_ONE_CYCLE, 0, 0, 0.04},
        {RATE_ONE_CYCLE, 0, 0.15, 0.52},
        {RATE_ONE_CYCLE, 0, 0.3, 1},
        {RATE_ONE_CYCLE, 0, 0.65, 0.5},
        {RATE_ONE_CYCLE, 0.5, 0.15, 0.52}, /* has its own rise */
    };
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        double factor = rate_factor(points[i].kind, points[i].warmup, points[i].time);
        if (fabs(factor - points[i].factor) > 1e-12)
            fail_msg("point %zu: %.15g instead of %.15g", i, factor, points[i].factor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesterov),
        cmocka_unit_test(adam),
        cmocka_unit_test(decay_of_weights_alone),
        cmocka_unit_test(clipping),
        cmocka_unit_test(zeros_that_are_held),
        cmocka_unit_test(statistics),
        cmocka_unit_test(rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
