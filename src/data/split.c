/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "base/random.h"
#include "data/dataset.h"

static void shuffle(int32_t *indices, int32_t n, uint64_t seed)
{
    struct random random = {seed};
    for (int32_t i = 0; i < n; i++)
        indices[i] = i;
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t other = random_range(&random, 0, i), kept = indices[i];
        indices[i] = indices[other];
        indices[other] = kept;
    }
}

/* How many of each class are for validation: the fraction, rounded to the nearest. */
static int32_t *class_quotas(const struct dataset *dataset, double fraction, struct arena *scratch)
{
    int32_t n_classes = dataset->labels != NULL ? dataset->n_classes : 1;
    int32_t *quotas = ARENA_ARRAY(scratch, (size_t)n_classes, int32_t);
    for (int32_t i = 0; i < dataset->n_samples; i++)
        quotas[dataset->labels != NULL ? dataset->labels[i] : 0]++;
    for (int32_t i = 0; i < n_classes; i++)
        quotas[i] = (int32_t)(fraction * quotas[i] + 0.5);
    return quotas;
}

/* Those at the front of a shuffled order fill the quotas. */
static void divide_at_random(const struct dataset *dataset, double fraction, uint64_t seed,
                             struct split *split)
{
    struct arena scratch = {0};
    int32_t n = dataset->n_samples;
    int32_t *quotas = class_quotas(dataset, fraction, &scratch);
    int32_t *order = ARENA_ARRAY(&scratch, (size_t)n, int32_t);
    char *is_validation = arena_alloc(&scratch, (size_t)n, 1);
    shuffle(order, n, seed);
    for (int32_t i = 0; i < n; i++) {
        int32_t *quota = &quotas[dataset->labels != NULL ? dataset->labels[order[i]] : 0];
        is_validation[order[i]] = *quota > 0;
        *quota -= *quota > 0;
    }
    split->n_train = split->n_validation = 0;
    for (int32_t i = 0; i < n; i++)
        if (is_validation[i])
            split->validation[split->n_validation++] = i;
        else
            split->train[split->n_train++] = i;
    arena_free(&scratch);
}

static void divide_held_out(const struct dataset *dataset, struct split *split)
{
    split->n_validation = dataset->n_held_out;
    split->n_train = dataset->n_samples - dataset->n_held_out;
    for (int32_t i = 0; i < split->n_train; i++)
        split->train[i] = i;
    for (int32_t i = 0; i < split->n_validation; i++)
        split->validation[i] = split->n_train + i;
}

enum status dataset_split(const struct dataset *dataset, double fraction, uint64_t seed,
                          struct arena *arena, struct split *split, struct diag *diag)
{
    assert(fraction >= 0 && fraction <= 1);
    size_t n = (size_t)dataset->n_samples;
    split->train = ARENA_ARRAY(arena, n, int32_t);
    split->validation = ARENA_ARRAY(arena, n, int32_t);
    if (dataset->n_held_out > 0)
        divide_held_out(dataset, split);
    else
        divide_at_random(dataset, fraction, seed, split);
    if (split->n_train == 0 || (split->n_validation == 0 && fraction > 0))
        return fail(diag, ERR_INPUT, "%s: %g of %d samples for validation leaves no samples for %s",
                    dataset->path, fraction, dataset->n_samples,
                    split->n_train == 0 ? "training" : "validation; take more, or none");
    return OK;
}
