/* SPDX-License-Identifier: Apache-2.0 */
#include "pruner.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "graph/weights.h"
#include "pass/pass.h"
#include "report/report.h"
#include "train/checkpoint.h"
#include "train/normalization.h"

enum { SCORE_BATCHES = 64, STATISTICS_SAMPLES = 512 };

/* What one run works on. */
struct pruner {
    const struct pruner_options *options;
    struct pruner_result *result;
    struct graph *dense; /* normalized, with weights as they came */
    struct graph *graph; /* as far as it is pruned */
    struct recipe *recipe;
    struct dataset dataset;
    struct sample_scale scale;
    struct progress progress;
    struct arena *arena;
    struct diag *diag;
};

/* ---- before the first step ---- */

static enum status recipe_load(struct pruner *p)
{
    const struct pruner_options *options = p->options;
    struct file file;
    if (options->recipe_path == NULL) {
        p->recipe = recipe_uniform(p->dense, options->unit, options->sparsity, p->arena);
        return OK;
    }
    TRY(file_read(options->recipe_path, p->arena, &file, p->diag));
    enum status status =
        recipe_parse((const char *)file.data, p->dense, p->arena, &p->recipe, p->diag);
    if (status != OK)
        diag_prefix(p->diag, options->recipe_path);
    return status;
}

static enum status normalize(struct pruner *p, const struct graph *graph)
{
    struct arena scratch = {0};
    const struct quantizer_options *from = &p->options->quantizer;
    struct split split;
    struct graph *inserted;
    progress_begin(&p->progress);
    enum status status = renormalize(graph, p->arena, &inserted, p->diag);
    if (status == OK)
        status = dataset_split(&p->dataset, from->validation_fraction, from->seed, &scratch, &split,
                               p->diag);
    if (status == OK) {
        int32_t n = split.n_train < STATISTICS_SAMPLES ? split.n_train : STATISTICS_SAMPLES;
        struct sample_set samples = {&p->dataset, split.train, n, p->scale};
        status = normalization_measure(inserted, samples_real(&samples, &scratch), n, p->arena,
                                       &p->dense, p->diag);
    }
    arena_free(&scratch);
    progress_end(&p->progress, "normalize", "");
    return status;
}

static enum status load(struct pruner *p)
{
    const struct quantizer_options *from = &p->options->quantizer;
    struct graph *graph;
    TRY(driver_import(from->model_path, &from->observer, p->arena, &graph, p->diag));
    if (graph->tensors[graph->inputs[0]].dtype != DTYPE_F32)
        return fail(p->diag, ERR_UNSUPPORTED, "%s: int8; give the float network it was made from",
                    from->model_path);
    progress_begin(&p->progress);
    TRY(dataset_read(from->data_path, DATASET_TRAIN, p->arena, &p->dataset, p->diag));
    progress_end(&p->progress, "data", "");
    TRY(dataset_fits(&p->dataset, graph, p->diag));
    p->scale = from->scale;
    if (from->input_like != NULL)
        TRY(driver_scale_like(from->input_like, p->dataset.type, &p->scale, p->diag));
    TRY(normalize(p, graph));
    p->graph = p->dense;
    return recipe_load(p);
}

/* ---- steps ---- */

/* The share to be absent after step `step` of all: fast at first, slower towards the end (Zhu,
 * Gupta 2017). */
static double share_after(double share, int32_t step, int32_t n_steps)
{
    double left = 1 - (double)step / n_steps;
    return share * (1 - left * left * left);
}

static struct recipe *recipe_of_step(const struct pruner *p, int32_t step, struct arena *arena)
{
    struct recipe *recipe = arena_copy(arena, p->recipe, sizeof *recipe);
    recipe->layers =
        arena_copy(arena, recipe->layers, ((size_t)recipe->n_nodes + 1) * sizeof *recipe->layers);
    recipe->sparsity = share_after(recipe->sparsity, step, p->options->n_steps);
    for (int32_t i = 0; i < recipe->n_nodes; i++)
        if (recipe->layers[i].sparsity > 0)
            recipe->layers[i].sparsity =
                share_after(recipe->layers[i].sparsity, step, p->options->n_steps);
    return recipe;
}

/* Epochs of a step: half of all are spread over the steps but the last, which has the rest. */
static int32_t epochs_of_step(const struct pruner_options *options, int32_t step)
{
    int32_t early = options->n_steps > 1 ? options->n_epochs / 2 / (options->n_steps - 1) : 0;
    return step < options->n_steps ? early : options->n_epochs - early * (options->n_steps - 1);
}

static struct train_settings settings_of_step(const struct pruner *p, int32_t n_epochs)
{
    const struct quantizer_options *from = &p->options->quantizer;
    struct train_settings settings = train_settings_initial();
    settings.n_epochs = n_epochs;
    settings.n_threads = p->options->n_threads;
    settings.rate = p->options->rate;
    settings.warmup_epochs = 0.3;
    settings.augmentation = from->augmentation;
    settings.validation = from->validation_fraction;
    settings.seed = from->seed;
    settings.scale = p->scale;
    settings.keep_zeros = 1;
    settings.distill_share = p->dataset.labels != NULL ? p->options->distill_share : 1;
    return settings;
}

static enum status units_remove(struct pruner *p, struct trainer *trainer, int32_t step)
{
    struct arena scratch = {0};
    struct importance *importance;
    struct scores *scores;
    struct masks *masks;
    struct groups *groups;
    struct recipe *recipe = recipe_of_step(p, step, &scratch);
    enum status status = importance_measure(trainer, p->options->score, SCORE_BATCHES, &scratch,
                                            &importance, p->diag);
    if (status == OK)
        status = score(p->graph, recipe, importance, &scratch, &scores, p->diag);
    if (status == OK)
        status = couple(p->graph, &scratch, &groups, p->diag);
    if (status == OK)
        status = choose_masks(p->graph, scores, recipe, groups, &scratch, &masks, p->diag);
    if (status == OK)
        status = prune(p->graph, masks, p->arena, &p->graph, p->diag);
    arena_free(&scratch);
    return status;
}

static enum status train(struct pruner *p, int32_t n_epochs, double *accuracy)
{
    const struct quantizer_options *from = &p->options->quantizer;
    struct arena scratch = {0};
    struct trainer trainer = {0};
    struct train_settings settings = settings_of_step(p, n_epochs);
    double loss;
    int stopped = 0;
    interrupt_hold();
    enum status status =
        trainer_make(&settings, p->graph, settings.distill_share > 0 ? p->dense : NULL, &p->dataset,
                     &scratch, &trainer, p->diag);
    trainer.observer = from->train_observer;
    trainer.observer_context = from->train_context;
    if (status == OK && n_epochs > 0)
        status = trainer_run(&trainer, &stopped, p->diag);
    if (status == OK && stopped)
        status = fail(p->diag, ERR_USAGE, "stopped by a signal; nothing was written");
    if (status == OK) {
        trainer_validate(&trainer, trainer.split.validation, trainer.split.n_validation, &loss,
                         accuracy);
        p->graph = network_graph(trainer.network, p->arena);
    }
    trainer_free(&trainer);
    interrupt_release();
    arena_free(&scratch);
    return status;
}

static enum status step_run(struct pruner *p, int32_t step)
{
    struct arena scratch = {0};
    struct trainer trainer = {0};
    struct train_settings settings = settings_of_step(p, 1);
    progress_begin(&p->progress);
    enum status status =
        trainer_make(&settings, p->graph, NULL, &p->dataset, &scratch, &trainer, p->diag);
    if (status == OK && step == 1) {
        double loss;
        trainer_validate(&trainer, trainer.split.validation, trainer.split.n_validation, &loss,
                         &p->result->validation_dense);
    }
    if (status == OK)
        status = units_remove(p, &trainer, step);
    trainer_free(&trainer);
    arena_free(&scratch);
    progress_end(&p->progress, "prune",
                 arena_printf(p->arena, "step %d of %d", step, p->options->n_steps));
    return status != OK ? status
                        : train(p, epochs_of_step(p->options, step), &p->result->validation_pruned);
}

/* ---- the result ---- */

static enum status size_measure(const struct pruner *p, const struct graph *graph,
                                struct network_size *size)
{
    struct arena scratch = {0};
    struct graph *simple;
    struct packed *packed;
    *size = (struct network_size){0, 0, 0, 0};
    enum status status = simplify(graph, &scratch, &simple, p->diag);
    if (status == OK)
        status = pack(simple, NULL, &scratch, &packed, p->diag);
    for (int32_t i = 0; status == OK && i < graph->n_nodes; i++) {
        const struct tensor *weights = node_input(graph, &graph->nodes[i], 1);
        if (!op_is_layer(graph->nodes[i].op))
            continue;
        size->n_weights += shape_elements(&weights->shape);
        for (int64_t k = 0; k < shape_elements(&weights->shape); k++)
            size->n_kept += ((const int8_t *)weights->data)[k] != 0;
    }
    for (int32_t i = 0; status == OK && i < simple->n_nodes; i++) {
        struct weight_counts counts = weight_counts(simple, &simple->nodes[i]);
        size->weight_bytes +=
            (int64_t)(packed->nodes[i].weight_bytes + packed->nodes[i].index_bytes);
        if (counts.n_weights > 0)
            size->macs += counts.macs / counts.n_weights * (int64_t)packed->nodes[i].weight_bytes;
    }
    arena_free(&scratch);
    return status;
}

enum status pruner_run(const struct pruner_options *options, struct arena *arena,
                       struct pruner_result *result, struct diag *diag)
{
    struct pruner p = {.options = options,
                       .result = result,
                       .progress = {.observer = options->quantizer.observer},
                       .arena = arena,
                       .diag = diag};
    struct quantizer_options last = options->quantizer;
    TRY(load(&p));
    result->recipe = recipe_print(p.recipe, p.dense, arena);
    for (int32_t step = 1; step <= options->n_steps; step++)
        TRY(step_run(&p, step));
    TRY(checkpoint_write_graph(options->float_path, p.graph, diag));
    last.model_path = options->float_path;
    TRY(quantizer_run(&last, arena, &result->quantized, diag));
    return size_measure(&p, result->quantized.graph, &result->pruned);
}
