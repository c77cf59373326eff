/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets: samples with what is to be predicted for them, in memory. */
#ifndef DTMM_DATA_DATASET_H
#define DTMM_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

/* How the numbers of a sample are stored. */
enum sample_type { SAMPLE_U8, SAMPLE_S8, SAMPLE_F32 };

/* Samples stand back to back in the layout of a network's input (NHWC, batch 1). A sample has a
 * class, or target values, or neither (unlabeled). */
struct dataset {
    const char *path;   /* as the user gave it */
    const char *format; /* what it was read as: "IDX", "CIFAR-10", ... */
    struct shape shape; /* of one sample: 1xHxWxC, or 1xN */
    enum sample_type type;
    int32_t n_samples;
    const void *samples;            /* n_samples * shape_elements() */
    int32_t n_classes;              /* 0: no classes */
    const int32_t *labels;          /* n_samples, each in [0, n_classes); NULL: no classes */
    const char *const *class_names; /* n_classes, or NULL: numbered */
    int32_t n_targets;              /* values a sample; 0: none */
    const float *targets;           /* n_samples * n_targets, or NULL */
    int32_t n_held_out;             /* the last of them are of the test part, for validation */
};

/* Training data is for training, validation and calibration; test data is for the last word. A
 * network that has seen all training data is validated on every second sample of the test part,
 * which then are no test data any more. */
enum dataset_part {
    DATASET_TRAIN,
    DATASET_TEST,
    DATASET_TRAIN_HELD_OUT, /* the training part, and these samples behind it */
    DATASET_TEST_REST       /* the test part without them */
};

/* Reads a dataset, whose format is told from what is at `path` (doc/data.md). ERR_INPUT or ERR_IO
 * names the file that is at fault. */
enum status dataset_read(const char *path, enum dataset_part part, struct arena *arena,
                         struct dataset *dataset, struct diag *diag);

/* Indices of samples. */
struct split {
    int32_t n_train, n_validation;
    int32_t *train, *validation;
};

/* Sets a fraction of the samples apart for validation, of each class alike; the same for the same
 * seed; where some are held out, just these. Both lists ascend. ERR_INPUT when either is empty
 * (`fraction` 0: validation may be). */
enum status dataset_split(const struct dataset *dataset, double fraction, uint64_t seed,
                          struct arena *arena, struct split *split, struct diag *diag);

/* What a stored number means: real = scale * stored + offset. */
struct sample_scale {
    float scale, offset;
};

/* One sample as real numbers. */
void dataset_sample(const struct dataset *dataset, int32_t index, struct sample_scale scale,
                    float *real);

/* ERR_INPUT, with both shapes, when the dataset's samples are not the only input of the graph. A
 * sample with as many elements in another shape is fine when only dimensions of size 1 differ. */
enum status dataset_fits(const struct dataset *dataset, const struct graph *graph,
                         struct diag *diag);

#endif
