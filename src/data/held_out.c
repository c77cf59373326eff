/* SPDX-License-Identifier: Apache-2.0 */
/* Validation on half of the test part: for networks that have seen all of the training part. */
#include <string.h>

#include "data/reader.h"

static size_t sample_bytes(const struct dataset *dataset)
{
    return (size_t)shape_elements(&dataset->shape) *
           (dataset->type == SAMPLE_F32 ? sizeof(float) : 1);
}

static enum status check_parts(const struct dataset *train, const struct dataset *test,
                               struct diag *diag)
{
    if (train->type != test->type || !shape_equal(&train->shape, &test->shape) ||
        (train->labels == NULL) != (test->labels == NULL) || train->n_targets != test->n_targets ||
        train->n_classes != test->n_classes)
        return fail(diag, ERR_INPUT,
                    "%s: its training and test parts are not of one kind; --val test needs samples "
                    "of the same shape and numbers, with the same labels",
                    train->path);
    if (train->n_samples == test->n_samples &&
        memcmp(train->samples, test->samples, (size_t)test->n_samples * sample_bytes(test)) == 0)
        return fail(diag, ERR_INPUT,
                    "%s: has no test part, which --val test divides; give a folder that has one",
                    train->path);
    return OK;
}

/* All `n` of the first array, and every second of the other from `at` on; elements of `bytes`. */
static void *joined(const void *first, int32_t n, const void *other, int32_t n_other, int32_t at,
                    size_t bytes, struct arena *arena)
{
    if (other == NULL)
        return NULL;
    size_t filled = (size_t)n * bytes;
    char *all = arena_alloc(arena, (size_t)n + (size_t)n_other, bytes);
    if (n > 0)
        memcpy(all, first, filled);
    for (int32_t i = at; i < n_other; i += 2, filled += bytes)
        memcpy(all + filled, (const char *)other + (size_t)i * bytes, bytes);
    return all;
}

/* Puts every second sample of the test part, from `at` on, behind the first `n` of the dataset. */
static void join(struct dataset *dataset, int32_t n, const struct dataset *test, int32_t at,
                 struct arena *arena)
{
    int32_t n_test = test->n_samples;
    dataset->samples =
        joined(dataset->samples, n, test->samples, n_test, at, sample_bytes(test), arena);
    dataset->labels =
        joined(dataset->labels, n, test->labels, n_test, at, sizeof *test->labels, arena);
    dataset->targets = joined(dataset->targets, n, test->targets, n_test, at,
                              (size_t)test->n_targets * sizeof *test->targets, arena);
    dataset->n_samples = n + (n_test + 1 - at) / 2;
}

enum status held_out_read(struct reader *reader, struct dataset *dataset)
{
    struct dataset test;
    int for_training = reader->part == DATASET_TRAIN_HELD_OUT;
    reader->part = DATASET_TEST;
    TRY(reader_run(reader, &test));
    if (test.n_samples < 2)
        return fail(reader->diag, ERR_INPUT, "%s: has %d test samples, too few for --val test",
                    reader->path, test.n_samples);
    if (!for_training) {
        *dataset = test;
        join(dataset, 0, &test, 1, reader->arena);
        return OK;
    }
    reader->part = DATASET_TRAIN;
    TRY(reader_run(reader, dataset));
    TRY(check_parts(dataset, &test, reader->diag));
    join(dataset, dataset->n_samples, &test, 0, reader->arena);
    dataset->n_held_out = (test.n_samples + 1) / 2;
    return OK;
}
