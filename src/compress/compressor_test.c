/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "compress/compressor_internal.h"

static enum status accuracy_of(struct compressor *c, const char *tflite_path,
                               const struct sample_set *samples, double *accuracy)
{
    struct arena scratch = {0};
    struct graph *graph;
    struct predictions predictions;
    struct progress progress = {.observer = c->options->pruner.quantizer.observer};
    progress_begin(&progress);
    enum status status = driver_load(tflite_path, &scratch, &graph, c->diag);
    if (status == OK)
        status = predict_int8(graph, samples, &progress, &scratch, &predictions, c->diag);
    if (status == OK)
        *accuracy = quality_measure(&predictions, samples).accuracy;
    arena_free(&scratch);
    return status;
}

enum status compressor_test(struct compressor *c, int32_t n, const char *const *tflite_paths,
                            double *accuracies, int32_t *n_samples)
{
    struct arena scratch = {0};
    struct dataset dataset;
    struct diag none;
    enum status status = OK;
    const struct quantizer_options *from = &c->options->pruner.quantizer;
    *n_samples = 0;
    for (int32_t i = 0; i < n; i++)
        accuracies[i] = (double)NAN;
    if (!isnan(c->dense.accuracy) &&
        dataset_read(from->data_path, from->test_part, &scratch, &dataset, &none) == OK &&
        dataset.labels != NULL) {
        *n_samples = dataset.n_samples;
        fprintf(stderr, "running the %d test samples\n", dataset.n_samples);
        int32_t *all = ARENA_ARRAY(&scratch, (size_t)dataset.n_samples + 1, int32_t);
        for (int32_t i = 0; i < dataset.n_samples; i++)
            all[i] = i;
        struct sample_set samples = {&dataset, all, dataset.n_samples, c->dense.scale};
        for (int32_t i = 0; i < n && status == OK; i++)
            status = accuracy_of(c, tflite_paths[i], &samples, &accuracies[i]);
    }
    arena_free(&scratch);
    return status;
}
