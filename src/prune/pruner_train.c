/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "base/interrupt.h"
#include "pass/pass.h"
#include "prune/pruner_internal.h"
#include "train/checkpoint.h"
#include "train/normalization.h"
#include "train/task.h"

/* That a batch normalization sees: of fewer, statistics are so noisy that what is left learns less.
 */
enum { STATISTICS_SAMPLES = 64 };

/* Of the activations to be like the teacher's, those that still have all channels. */
static void features_choose(const struct pruner *p, struct train_settings *settings)
{
    const char **names = ARENA_ARRAY(p->arena, (size_t)p->options->n_features + 1, const char *);
    settings->n_features = 0;
    for (int32_t i = 0; i < p->options->n_features; i++) {
        const char *name = p->options->features[i];
        int32_t own = tensor_find_activation(p->graph, name),
                wanted = tensor_find_activation(p->dense, name);
        if (own >= 0 &&
            shape_equal(&p->graph->tensors[own].shape, &p->dense->tensors[wanted].shape))
            names[settings->n_features++] = name;
    }
    settings->features = names;
}

/* An epoch is to have some steps. */
static int32_t batch_choose(int32_t n_samples)
{
    enum { MOST = 128, LEAST = 16, STEPS = 4 };
    int32_t batch = MOST;
    while ((batch > LEAST && batch * STEPS > n_samples) || (batch > 1 && batch > n_samples))
        batch /= 2;
    return batch;
}

struct train_settings pruner_settings(const struct pruner *p, int32_t n_epochs)
{
    const struct quantizer_options *from = &p->options->quantizer;
    struct train_settings settings = train_settings_initial();
    settings.n_epochs = n_epochs;
    settings.batch_samples = p->options->batch_samples;
    if (settings.batch_samples == 0)
        settings.batch_samples = batch_choose(p->split.n_train);
    settings.shard_samples = STATISTICS_SAMPLES;
    settings.n_threads = p->options->n_threads;
    settings.rate = p->options->rate;
    settings.weight_decay = p->options->weight_decay;
    settings.warmup_epochs = 0.3;
    settings.epochs_before = p->epochs_done;
    settings.epochs_after = p->options->n_epochs - p->epochs_done - n_epochs;
    settings.augmentation = from->augmentation;
    settings.validation = from->validation_fraction;
    settings.seed = from->seed + (uint64_t)p->step * UINT64_C(0x9e3779b97f4a7c15);
    settings.scale = p->scale;
    settings.keep_zeros = 1;
    settings.alone = 1;
    task_like_teacher(&settings, p->dense, &p->dataset, p->options->distill_share);
    features_choose(p, &settings);
    settings.feature_weight = p->options->feature_weight;
    return settings;
}

void pruner_see_epoch(void *context, const struct epoch_result *result)
{
    struct pruner *p = context;
    const struct quantizer_options *from = &p->options->quantizer;
    struct epoch_result whole = *result;
    double done = result->epoch - 1 + result->progress;
    int32_t n_left = p->options->n_epochs + from->n_qat_epochs - p->epochs_done - p->n_epochs_now;
    whole.epoch += p->epochs_done;
    whole.n_epochs = p->options->n_epochs + from->n_qat_epochs;
    if (done > 0)
        whole.seconds_left += n_left * result->seconds / done;
    if (from->train_observer != NULL)
        from->train_observer(from->train_context, &whole);
}

static enum status state_save(void *context, const struct trainer *trainer, struct diag *diag)
{
    const struct pruner *p = context;
    return checkpoint_write(pruner_checkpoint(p), trainer, p->options->settings, diag);
}

/* The dataset splits by the seed of the options, whatever the step's own is. */
static enum status trainer_prepare(struct pruner *p, const struct train_settings *settings,
                                   const struct graph *graph, struct arena *arena,
                                   struct trainer *trainer)
{
    const struct graph *teacher = settings->distill_share > 0 ? p->dense : NULL;
    TRY(trainer_make(settings, graph, teacher, &p->dataset, arena, trainer, p->diag));
    trainer->split = p->split;
    trainer->observer = pruner_see_epoch;
    trainer->save = state_save;
    trainer->observer_context = trainer->save_context = p;
    return OK;
}

static enum status trainer_course(struct pruner *p, struct trainer *trainer, int resume)
{
    int stopped = 0;
    if (resume)
        TRY(checkpoint_read(pruner_checkpoint(p), p->options->settings, trainer, p->diag));
    TRY(trainer_run(trainer, &stopped, p->diag));
    if (!stopped)
        return OK;
    /* The signal ends the program when it is released: before anybody could say why. */
    fprintf(stderr, "%s\n", PRUNER_STOPPED);
    return fail(p->diag, ERR_USAGE, "stopped by a signal");
}

/* Says which activations are compared no more. */
static void features_note(const struct pruner *p, const struct train_settings *settings)
{
    for (int32_t i = 0, kept = 0; i < p->options->n_features; i++) {
        if (kept < settings->n_features && settings->features[kept] == p->options->features[i])
            kept++;
        else
            fprintf(stderr,
                    "note: step %d: --distill-features %s has lost channels, and is not compared\n",
                    p->step, p->options->features[i]);
    }
}

enum status pruner_train(struct pruner *p, int32_t n_epochs, int resume)
{
    struct arena scratch = {0};
    struct trainer trainer = {0};
    struct train_settings settings = pruner_settings(p, n_epochs);
    struct graph *graph;
    p->n_epochs_now = n_epochs;
    features_note(p, &settings);
    interrupt_hold();
    enum status status = renormalize(p->graph, &scratch, &graph, p->diag);
    if (status == OK)
        status = normalization_measure(graph, p->samples, p->n_samples, &scratch, &graph, p->diag);
    if (status == OK)
        settings.masks = pruner_masks(p, graph, &scratch);
    if (status == OK)
        status = trainer_prepare(p, &settings, graph, &scratch, &trainer);
    if (status == OK)
        status = trainer_course(p, &trainer, resume);
    if (status == OK)
        status = fold(network_graph(trainer.network, &scratch), p->arena, &p->graph, p->diag);
    trainer_free(&trainer);
    interrupt_release();
    arena_free(&scratch);
    p->epochs_done += n_epochs;
    return status;
}

enum status pruner_validate(struct pruner *p, const struct graph *graph, double *accuracy)
{
    struct arena scratch = {0};
    struct predictions predictions;
    const struct sample_set samples = {&p->dataset, p->split.validation, p->split.n_validation,
                                       p->scale};
    *accuracy = NAN;
    enum status status =
        predict_float(graph, &samples, &p->progress, &scratch, &predictions, p->diag);
    if (status == OK)
        *accuracy = quality_measure(&predictions, &samples).accuracy;
    arena_free(&scratch);
    return status;
}
