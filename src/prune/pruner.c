/* SPDX-License-Identifier: Apache-2.0 */
#include "prune/pruner.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "graph/weights.h"
#include "pass/pass.h"
#include "prune/pruner_internal.h"
#include "report/report.h"
#include "train/checkpoint.h"

enum { STATISTICS_SAMPLES = 512 };

/* ---- before the first step ---- */

/* The float network: as it came, or what an int8 one stands for. */
static enum status network_load(struct pruner *p)
{
    const struct quantizer_options *from = &p->options->quantizer;
    struct graph *graph, *real;
    struct fake_quantization *scales;
    enum status status;
    TRY(driver_import(from->model_path, &from->observer, p->arena, &graph, p->diag));
    if (graph->tensors[graph->inputs[0]].dtype == DTYPE_F32) {
        status = fold(graph, p->arena, &p->dense, p->diag);
    } else {
        status = dequantize(graph, p->arena, &real, &scales, p->diag);
        if (status == OK)
            p->origin = (struct int8_origin){real, scales};
        p->dense = real;
    }
    if (status == OK && p->options->live_only)
        status = shrink(p->dense, NULL, p->arena, &p->dense, NULL, p->diag);
    if (status != OK)
        diag_prefix(p->diag, from->model_path);
    p->graph = p->dense;
    return status;
}

/* Stored numbers are the integers of an int8 network, unless the user says otherwise. */
static enum status scale_choose(struct pruner *p)
{
    const struct quantizer_options *from = &p->options->quantizer;
    const char *like = from->input_like;
    p->scale = from->scale;
    if (like == NULL && p->origin.graph != NULL && p->dataset.type != SAMPLE_F32 &&
        p->scale.scale == 1 && p->scale.offset == 0)
        like = from->model_path;
    return like != NULL ? driver_scale_like(like, p->dataset.type, &p->scale, p->diag) : OK;
}

/* Images with their mirror images behind. */
static const float *mirrored(const float *images, int32_t n, const struct shape *shape,
                             struct arena *arena)
{
    int64_t width = shape->dims[2], depth = shape->dims[3], rows = (int64_t)n * shape->dims[1];
    float *both = ARENA_ARRAY(arena, (size_t)(2 * rows * width * depth), float);
    float *mirror = both + rows * width * depth;
    memcpy(both, images, (size_t)(rows * width * depth) * sizeof *both);
    for (int64_t pixel = 0; pixel < rows * width; pixel++) {
        int64_t other = pixel / width * width + (width - 1 - pixel % width);
        memcpy(mirror + pixel * depth, images + other * depth, (size_t)depth * sizeof *both);
    }
    return both;
}

/* Some of the samples to train on, evenly; where training flips images, both ways. */
static void samples_choose(struct pruner *p)
{
    int32_t *chosen = ARENA_ARRAY(p->arena, STATISTICS_SAMPLES, int32_t);
    int32_t n = p->split.n_train < STATISTICS_SAMPLES ? p->split.n_train : STATISTICS_SAMPLES;
    const struct shape *shape = &p->dataset.shape;
    for (int32_t i = 0; i < n; i++)
        chosen[i] = p->split.train[(int64_t)i * p->split.n_train / n];
    struct sample_set samples = {&p->dataset, chosen, n, p->scale};
    p->samples = samples_real(&samples, p->arena);
    p->n_samples = n;
    if (!p->options->quantizer.augmentation.flip || shape->rank != 4)
        return;
    p->samples = mirrored(p->samples, n, shape, p->arena);
    p->n_samples = 2 * n;
}

static enum status features_check(const struct pruner *p)
{
    for (int32_t i = 0; i < p->options->n_features; i++)
        if (tensor_find_activation(p->dense, p->options->features[i]) < 0)
            return fail(p->diag, ERR_USAGE,
                        "--distill-features %s: the network has no such activation; dtmm inspect "
                        "lists them",
                        p->options->features[i]);
    return OK;
}

/* Without labels that fit there is only the dense network to learn from, by its one output. */
static enum status teacher_check(const struct pruner *p)
{
    if (p->options->n_epochs + p->options->quantizer.n_qat_epochs > 0 && p->dense->n_outputs != 1)
        return fail(p->diag, ERR_UNSUPPORTED,
                    "%s: has %d outputs, only one can be trained; use --epochs 0",
                    p->options->quantizer.model_path, p->dense->n_outputs);
    if (p->options->n_epochs == 0 || p->options->distill_share > 0 ||
        pruner_settings(p, 1).distill_share == 0)
        return OK;
    return fail(p->diag, ERR_USAGE,
                "%s: has no labels of the network's classes to learn from; leave out %s",
                p->dataset.path, p->options->labels_option);
}

static enum status samples_load(struct pruner *p)
{
    const struct quantizer_options *from = &p->options->quantizer;
    progress_begin(&p->progress);
    TRY(dataset_read(from->data_path, from->training_part, p->arena, &p->dataset, p->diag));
    TRY(dataset_fits(&p->dataset, p->dense, p->diag));
    TRY(dataset_split(&p->dataset, from->validation_fraction, from->seed, p->arena, &p->split,
                      p->diag));
    TRY(teacher_check(p));
    TRY(scale_choose(p));
    samples_choose(p);
    progress_end(&p->progress, "data", "");
    return OK;
}

enum status pruner_open(struct pruner *p)
{
    p->progress.observer = p->options->quantizer.observer;
    TRY(network_load(p));
    if (pruner_weights(p->dense) == 0)
        return fail(p->diag, ERR_INPUT, "%s: has no layer with weights to prune",
                    p->options->quantizer.model_path);
    TRY(features_check(p));
    return samples_load(p);
}

enum status pruner_check_recipe(const struct pruner_options *options, struct diag *diag)
{
    struct arena scratch = {0};
    struct pruner p = {.options = options, .arena = &scratch, .diag = diag};
    enum status status = network_load(&p);
    if (status == OK)
        status = pruner_recipe_load(&p);
    arena_free(&scratch);
    return status;
}

/* ---- steps ---- */

/* Epochs of a step: half of all are spread over the steps but the last, which has the rest. */
static int32_t epochs_of_step(const struct pruner_options *options, int32_t step)
{
    int32_t early = options->n_steps > 1 ? options->n_epochs / 2 / (options->n_steps - 1) : 0;
    return step < options->n_steps ? early : options->n_epochs - early * (options->n_steps - 1);
}

static enum status step_run(struct pruner *p)
{
    TRY(pruner_remove(p));
    TRY(pruner_state_write(p));
    int32_t n_epochs = epochs_of_step(p->options, p->step);
    return n_epochs > 0 ? pruner_train(p, n_epochs, 0) : OK;
}

/* Goes on with the training of the step that was left. */
static enum status step_resume(struct pruner *p)
{
    struct file file;
    struct diag unused;
    TRY(pruner_state_read(p));
    for (int32_t step = 1; step < p->step; step++)
        p->epochs_done += epochs_of_step(p->options, step);
    int32_t n_epochs = epochs_of_step(p->options, p->step);
    int is_saved = file_read(pruner_checkpoint(p), p->arena, &file, &unused) == OK;
    return n_epochs > 0 ? pruner_train(p, n_epochs, is_saved) : OK;
}

static enum status steps_run(struct pruner *p)
{
    if (p->options->resume && !pruner_state_begun(p)) {
        TRY(step_resume(p));
    } else {
        TRY(pruner_state_clear(p));
        TRY(pruner_validate(p, p->dense, &p->result->validation_dense));
        if (p->options->start_path != NULL)
            TRY(driver_load(p->options->start_path, p->arena, &p->graph, p->diag));
        TRY(shrink(p->graph, NULL, p->arena, &p->graph, NULL, p->diag));
    }
    while (p->step < p->options->n_steps) {
        p->step++;
        TRY(step_run(p));
    }
    return pruner_validate(p, p->graph, &p->result->validation_pruned);
}

/* ---- the result ---- */

static enum status size_measure(const struct pruner *p, const struct graph *graph,
                                struct network_size *size)
{
    struct arena scratch = {0};
    struct graph *simple;
    struct packed *packed;
    enum status status = simplify(graph, &scratch, &simple, p->diag);
    if (status == OK)
        status = pack(simple, NULL, &scratch, &packed, p->diag);
    for (int32_t i = 0; status == OK && i < simple->n_nodes; i++) {
        struct weight_counts counts = weight_counts(simple, &simple->nodes[i]);
        size->weight_bytes +=
            (int64_t)(packed->nodes[i].weight_bytes + packed->nodes[i].index_bytes);
        if (counts.n_weights > 0)
            size->macs += counts.macs / counts.n_weights * (int64_t)packed->nodes[i].weight_bytes;
    }
    size->n_weights = pruner_weights_left(p, p->graph);
    for (int32_t i = 0; i < p->dense->n_nodes; i++) {
        struct weight_counts counts = weight_counts(p->dense, &p->dense->nodes[i]);
        size->n_weights_dense += counts.n_weights;
        size->macs_dense += counts.macs;
    }
    arena_free(&scratch);
    return status;
}

/* Before anything long begins: that the files can be written, and not over the network. */
static enum status outputs_check(const struct pruner_options *options, struct diag *diag)
{
    const char *model = options->quantizer.model_path;
    const char *const paths[] = {options->quantizer.out_path, options->float_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        TRY(file_check_writable(paths[i], diag));
        if (file_is_same(paths[i], model))
            return fail(diag, ERR_USAGE,
                        "%s: is the network itself, and would be written over; choose another -o",
                        paths[i]);
    }
    return OK;
}

enum status pruner_run(const struct pruner_options *options, struct arena *arena,
                       struct pruner_result *result, struct diag *diag)
{
    struct pruner p = {.options = options, .result = result, .arena = arena, .diag = diag};
    struct quantizer_options last = options->quantizer;
    *result = (struct pruner_result){.validation_dense = NAN, .validation_pruned = NAN};
    TRY(outputs_check(options, diag));
    TRY(pruner_open(&p));
    TRY(pruner_recipe_load(&p));
    pruner_choose_score(&p);
    result->score = p.score;
    result->rank = p.rank;
    result->recipe = recipe_print(p.recipe, p.dense, arena);
    result->scale = p.scale;
    TRY(steps_run(&p));
    TRY(checkpoint_write_graph(options->float_path, p.graph, diag));
    last.model_path = options->float_path;
    last.teacher = p.dense;
    last.dataset = &p.dataset;
    last.scale = p.scale;
    last.input_like = NULL;
    last.train_observer = pruner_see_epoch;
    last.train_context = &p;
    last.when_stopped = PRUNER_STOPPED;
    p.n_epochs_now = last.n_qat_epochs;
    last.n_threads = options->n_threads;
    last.origin = p.origin.graph != NULL ? &p.origin : NULL;
    TRY(quantizer_run(&last, arena, &result->quantized, diag));
    TRY(size_measure(&p, result->quantized.graph, &result->size));
    return options->keep_state ? OK : folder_remove(options->state_path, diag);
}
