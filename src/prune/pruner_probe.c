/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "prune/pruner_internal.h"
#include "train/task.h"

enum { COMPENSATION_SAMPLES = 128, VALIDATION_SAMPLES = 1024 };

/* Evenly chosen ones of the samples for statistics: many probes are to be cheap. */
static void samples_thin(struct pruner *p)
{
    size_t elements = (size_t)shape_elements(&p->dataset.shape);
    int32_t n = p->n_samples < COMPENSATION_SAMPLES ? p->n_samples : COMPENSATION_SAMPLES;
    float *some = ARENA_ARRAY(p->arena, (size_t)n * elements, float);
    for (int32_t i = 0; i < n; i++)
        memcpy(some + (size_t)i * elements,
               p->samples + (size_t)((int64_t)i * p->n_samples / n) * elements,
               elements * sizeof *some);
    p->samples = some;
    p->n_samples = n;
}

/* Samples to compare outputs on: of validation, or of training where there is none. */
static struct sample_set judges_choose(const struct pruner *p)
{
    const struct split *split = &p->split;
    const int32_t *from = split->n_validation > 0 ? split->validation : split->train;
    int32_t n_from = split->n_validation > 0 ? split->n_validation : split->n_train;
    int32_t n = n_from < VALIDATION_SAMPLES ? n_from : VALIDATION_SAMPLES;
    int32_t *chosen = ARENA_ARRAY(p->arena, (size_t)n, int32_t);
    for (int32_t i = 0; i < n; i++)
        chosen[i] = from[(int64_t)i * n_from / n];
    return (struct sample_set){&p->dataset, chosen, n, p->scale};
}

/* ---- how far outputs are apart ---- */

/* Natural logarithms of the probabilities that outputs mean. */
static void logarithms(const float *values, int32_t n, int is_softmax, double *logs)
{
    static const double least = 1e-6;
    double most = -INFINITY, sum = 0;
    for (int32_t i = 0; i < n; i++) {
        logs[i] = is_softmax ? log(fmax((double)values[i], least)) : (double)values[i];
        most = fmax(most, logs[i]);
    }
    for (int32_t i = 0; i < n; i++)
        sum += exp(logs[i] - most);
    for (int32_t i = 0; i < n; i++)
        logs[i] -= most + log(sum);
}

static double divergence(const struct predictions *exact, const struct predictions *other,
                         int is_softmax, struct arena *arena)
{
    int32_t n = exact->n_values;
    double *a = ARENA_ARRAY(arena, (size_t)n, double), *b = ARENA_ARRAY(arena, (size_t)n, double);
    double sum = 0;
    for (int32_t s = 0; s < exact->n; s++) {
        logarithms(exact->values + (int64_t)s * n, n, is_softmax, a);
        logarithms(other->values + (int64_t)s * n, n, is_softmax, b);
        for (int32_t i = 0; i < n; i++)
            sum += exp(a[i]) * (a[i] - b[i]);
    }
    return sum / exact->n;
}

static double squared_error(const struct predictions *exact, const struct predictions *other)
{
    int64_t n = (int64_t)exact->n * exact->n_values;
    double mean = 0, variance = 0, error = 0;
    for (int64_t i = 0; i < n; i++)
        mean += (double)exact->values[i] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        double from_mean = (double)exact->values[i] - mean;
        double from_exact = (double)exact->values[i] - (double)other->values[i];
        variance += from_mean * from_mean;
        error += from_exact * from_exact;
    }
    return variance > 0 ? error / variance : error;
}

static double distance(const struct pruner *p, const struct predictions *exact,
                       const struct predictions *other)
{
    struct arena scratch = {0};
    struct train_settings settings = pruner_settings(p, 1);
    double far =
        settings.loss == LOSS_CROSS_ENTROPY
            ? divergence(exact, other, task_head(p->dense, settings.loss) != p->dense->outputs[0],
                         &scratch)
            : squared_error(exact, other);
    arena_free(&scratch);
    return far;
}

/* ---- probes ---- */

static enum status probe(struct pruner *p, const char *recipe, const struct sample_set *judges,
                         const struct predictions *exact, double *loss)
{
    struct arena scratch = {0};
    struct graph *pruned;
    struct predictions other;
    struct progress quiet = {.observer.verbose = 0};
    enum status status = recipe_parse(recipe, p->dense, &scratch, &p->recipe, p->diag);
    if (status == OK)
        status = pruner_try(p, &scratch, &pruned);
    if (status == OK)
        status = predict_float(pruned, judges, &quiet, &scratch, &other, p->diag);
    if (status == OK)
        *loss = distance(p, exact, &other);
    arena_free(&scratch);
    return status;
}

enum status pruner_probe(const struct pruner_options *options, int32_t n_recipes,
                         const char *const *recipes, double *losses, struct diag *diag)
{
    struct arena arena = {0};
    struct pruner_options own = *options;
    struct pruner p = {.options = &own, .arena = &arena, .diag = diag, .score = SCORE_MAGNITUDE};
    struct predictions exact;
    own.n_steps = 1;
    enum status status = pruner_open(&p);
    if (status == OK) {
        samples_thin(&p);
        const struct sample_set judges = judges_choose(&p);
        status = predict_float(p.dense, &judges, &p.progress, &arena, &exact, diag);
        for (int32_t i = 0; status == OK && i < n_recipes; i++) {
            progress_count(&p.progress, "probes", i, n_recipes);
            status = probe(&p, recipes[i], &judges, &exact, &losses[i]);
        }
        progress_count(&p.progress, "probes", n_recipes, n_recipes);
    }
    arena_free(&arena);
    return status;
}
