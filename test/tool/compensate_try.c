/* SPDX-License-Identifier: Apache-2.0 */
/* usage: compensate_try MODEL DATA SPARSITY [SAMPLES [DAMPING [VALIDATE [MIRROR]]]]
 * Removes a fraction of the filterlets of a float network, those of the least norm, and prints the
 * accuracy on validation samples (VALIDATE of them; 0: on the test data) of the dense network, of
 * the one without them, and of the one compensated on so many unlabeled training samples. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "driver/driver.h"
#include "driver/predict.h"
#include "pass/pass.h"
#include "train/compensate.h"
#include "train/reconstruction.h"

struct trial {
    const char *model, *data;
    double sparsity, damping;
    int32_t n_samples, n_validation;
    int mirror; /* images count mirrored too */
    struct sample_scale scale;
    struct arena *arena;
    struct diag *diag;
    struct dataset dataset, test;
    struct split split;
    int32_t *all; /* samples of the test data */
};

static struct sample_set samples_of(const struct trial *trial, const int32_t *indices, int32_t n,
                                    int32_t wanted)
{
    int32_t *chosen = ARENA_ARRAY(trial->arena, (size_t)n, int32_t);
    wanted = wanted < n ? wanted : n;
    for (int32_t i = 0; i < wanted; i++)
        chosen[i] = indices[(int64_t)i * n / wanted];
    return (struct sample_set){&trial->dataset, chosen, wanted, trial->scale};
}

/* The samples, images each with its mirror image when that is wanted. */
static float *inputs_of(const struct trial *trial, const struct sample_set *samples, int32_t *n)
{
    const int32_t *dims = trial->dataset.shape.dims;
    size_t elements = (size_t)shape_elements(&trial->dataset.shape);
    size_t all = elements * (size_t)samples->n;
    float *real = samples_real(samples, trial->arena);
    *n = samples->n;
    if (!trial->mirror)
        return real;
    float *both = ARENA_ARRAY(trial->arena, 2 * all, float);
    for (size_t i = 0; i < all; i++) {
        size_t width = (size_t)dims[2], depth = (size_t)dims[3], column = i / depth % width;
        float *pair = both + 2 * (i / elements) * elements;
        pair[i % elements] = real[i];
        pair[elements + i % elements] = real[i + (width - 1 - 2 * column) * depth];
    }
    *n = 2 * samples->n;
    return both;
}

static enum status print_accuracy(const struct trial *trial, const char *name,
                                  const struct graph *graph)
{
    struct predictions predictions;
    struct progress progress = {0};
    struct sample_set samples = {&trial->test, trial->all, trial->test.n_samples, trial->scale};
    if (trial->n_validation > 0)
        samples = samples_of(trial, trial->split.validation, trial->split.n_validation,
                             trial->n_validation);
    TRY(predict_float(graph, &samples, &progress, trial->arena, &predictions, trial->diag));
    struct quality quality = quality_measure(&predictions, &samples);
    printf("%-28s %6.2f %%", name, 100 * quality.accuracy);
    if (!isnan(quality.squared_error))
        printf("  squared error %.6g", quality.squared_error);
    printf("\n");
    return OK;
}

static enum status compensated_print(const struct trial *trial, const struct graph *graph,
                                     struct compensation request, const char *name)
{
    struct graph *compensated;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    TRY(compensate(graph, &request, trial->arena, &compensated, trial->diag));
    clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
    return print_accuracy(trial, arena_printf(trial->arena, "%s (%.1f s)", name, seconds),
                          compensated);
}

/* Removes by the scores; accuracies without and with compensation. */
static enum status scores_try(const struct trial *trial, const struct graph *graph,
                              const struct recipe *recipe, const struct scores *scores,
                              const float *inputs, int32_t n)
{
    struct graph *removed;
    struct masks *masks;
    TRY(choose_masks(graph, scores, recipe, NULL, trial->arena, &masks, trial->diag));
    TRY(prune(graph, masks, NULL, trial->arena, &removed, trial->diag));
    struct compensation request = {.masks = masks_of_zeros(removed, NULL, trial->arena),
                                   .samples = inputs,
                                   .n_samples = n,
                                   .damping = trial->damping};
    TRY(print_accuracy(trial, "removed", removed));
    TRY(compensated_print(trial, graph, request, "compensated"));
    request.repair = 1;
    return compensated_print(trial, graph, request, "compensated, repaired");
}

static enum status try(struct trial *trial)
{
    struct arena *arena = trial->arena;
    struct graph *graph;
    struct scores *scores;
    TRY(driver_load(trial->model, arena, &graph, trial->diag));
    TRY(dataset_read(trial->data, DATASET_TRAIN, arena, &trial->dataset, trial->diag));
    TRY(dataset_read(trial->data, DATASET_TEST, arena, &trial->test, trial->diag));
    trial->all = ARENA_ARRAY(arena, (size_t)trial->test.n_samples, int32_t);
    for (int32_t i = 0; i < trial->test.n_samples; i++)
        trial->all[i] = i;
    TRY(dataset_fits(&trial->dataset, graph, trial->diag));
    TRY(dataset_split(&trial->dataset, 0.1, 1, arena, &trial->split, trial->diag));
    TRY(fold(graph, arena, &graph, trial->diag));
    struct sample_set samples =
        samples_of(trial, trial->split.train, trial->split.n_train, trial->n_samples);
    int32_t n;
    const float *inputs = inputs_of(trial, &samples, &n);
    TRY(print_accuracy(trial, "dense", graph));
    printf("filterlets of least norm:\n");
    struct unit filterlet = {UNIT_FILTERLET, 0};
    struct recipe *recipe = recipe_uniform(graph, filterlet, trial->sparsity, arena);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op != OP_conv_2d)
            recipe->layers[i].sparsity = 0;
    TRY(score(graph, recipe, NULL, arena, &scores, trial->diag));
    TRY(scores_try(trial, graph, recipe, scores, inputs, n));
    printf("filterlets of least reconstruction error:\n");
    TRY(score_reconstruction(graph, inputs, n, 0, NULL, arena, &scores, trial->diag));
    return scores_try(trial, graph, recipe, scores, inputs, n);
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct diag diag = {""};
    if (argc < 4)
        return fprintf(stderr, "usage: compensate_try MODEL DATA SPARSITY [SAMPLES [DAMPING "
                               "[VALIDATE [MIRROR]]]]\n"),
               1;
    struct trial trial = {.model = argv[1],
                          .data = argv[2],
                          .sparsity = atof(argv[3]),
                          .n_samples = argc > 4 ? atoi(argv[4]) : 512,
                          .damping = argc > 5 ? atof(argv[5]) : 0,
                          .n_validation = argc > 6 ? atoi(argv[6]) : 5000,
                          .mirror = argc > 7 && atoi(argv[7]) != 0,
                          .scale = {1, 0},
                          .arena = &arena,
                          .diag = &diag};
    enum status status = try(&trial);
    if (status != OK)
        fprintf(stderr, "%s\n", diag.message);
    arena_free(&arena);
    return status_exit_code(status);
}
