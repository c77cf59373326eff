/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/random.h"
#include "train/task.h"

/* Batch statistics of fewer samples than a large batch's smallest shard are too noisy. */
enum { SHARD_SAMPLES = 16, SHARD_SAMPLES_MIN = 8 };

struct train_settings train_settings_initial(void)
{
    static const float whole_image[] = {1, 1};
    return (struct train_settings){.n_epochs = 30,
                                   .batch_samples = 64,
                                   .shard_samples = SHARD_SAMPLES,
                                   .rate = 0.1,
                                   .warmup_epochs = 1,
                                   .weight_decay = 5e-4,
                                   .validation = 0.1,
                                   .augmentation_text = "none",
                                   .scale = {1, 0},
                                   .distill_share = 0.5,
                                   .temperature = 4,
                                   .feature_weight = 1,
                                   .n_anchors = 1,
                                   .anchors = whole_image};
}

/* ---- preparing ---- */

static int32_t largest_shard(int32_t batch, int32_t most)
{
    int32_t shard = batch < most ? batch : most;
    while (batch % shard != 0)
        shard--;
    return shard;
}

/* The heads of a graph: the task's, then the features to be alike in teacher and student. */
static enum status heads_find(const struct train_settings *settings, const struct graph *graph,
                              const struct graph *teacher, int32_t *heads, struct diag *diag)
{
    heads[0] = task_head(graph, settings->loss);
    for (int32_t i = 0; teacher != NULL && i < settings->n_features; i++) {
        int32_t own = tensor_find_activation(graph, settings->features[i]);
        int32_t other = tensor_find_activation(teacher, settings->features[i]);
        if (own < 0 || other < 0 ||
            !shape_equal(&graph->tensors[own].shape, &teacher->tensors[other].shape))
            return fail(diag, ERR_USAGE,
                        "--distill-features %s: must be an activation of the same shape in network "
                        "and teacher",
                        settings->features[i]);
        heads[1 + i] = own;
    }
    return OK;
}

static enum status teacher_make(struct trainer *trainer, const struct network_options *like,
                                struct diag *diag)
{
    const struct graph *graph = trainer->graph, *teacher = trainer->teacher;
    int32_t heads[MAX_INPUTS];
    TRY(heads_find(trainer->settings, teacher, graph, heads, diag));
    struct network_options options = *like;
    options.heads = heads;
    options.training = 0;
    options.rounding = NULL;
    if (!shape_equal(&teacher->tensors[heads[0]].shape, &graph->tensors[trainer->heads[0]].shape) ||
        teacher->n_inputs != 1 ||
        shape_elements(&teacher->tensors[teacher->inputs[0]].shape) !=
            shape_elements(&graph->tensors[graph->inputs[0]].shape))
        return fail(diag, ERR_USAGE,
                    "--distill: the teacher's input and output must have the network's shapes");
    return network_make(teacher, &options, &trainer->teacher_network, diag);
}

static enum status check_sizes(const struct trainer *trainer, struct diag *diag)
{
    int32_t batch = trainer->settings->batch_samples, n_ranks = trainer->distributed.n_ranks;
    int32_t most = trainer->settings->shard_samples, shard = largest_shard(batch, most);
    int32_t below = batch / most * most;
    if (batch > most && shard < SHARD_SAMPLES_MIN)
        return fail(diag, ERR_USAGE,
                    "--batch %d: is not made of equal shards of %d to %d samples; use %d or %d",
                    batch, SHARD_SAMPLES_MIN, most, below, below + most);
    if (batch > trainer->split.n_train)
        return fail(diag, ERR_USAGE,
                    "--batch %d is more than the %d samples there are for training", batch,
                    trainer->split.n_train);
    if (batch / shard % n_ranks != 0)
        return fail(diag, ERR_USAGE,
                    "--batch %d cannot be shared by %d processes; use a multiple of %d", batch,
                    n_ranks, n_ranks * most);
    return OK;
}

/* A loss can only teach what it depends on. */
static enum status check_heads(const struct trainer *trainer, struct diag *diag)
{
    for (int32_t i = 0; i < trainer->n_heads; i++) {
        if (network_learns(trainer->network, trainer->heads[i]))
            continue;
        if (i == 0)
            return fail(diag, ERR_INPUT, "the network has no weights to learn");
        return fail(diag, ERR_USAGE,
                    "--distill-features %s: does not depend on weights; leave it out",
                    trainer->settings->features[i - 1]);
    }
    return OK;
}

static const uint8_t *mask_of(const struct graph *graph, const struct masks *masks, int32_t tensor)
{
    for (int32_t n = 0; masks != NULL && n < graph->n_nodes; n++)
        if (masks->kept[n] != NULL && graph->nodes[n].inputs[1] == tensor)
            return masks->kept[n];
    return NULL;
}

/* Which values an optimizer with --keep-zeros may change. */
static const uint8_t *kept_make(const struct trainer *trainer, const struct parameters *parameters,
                                struct arena *arena)
{
    uint8_t *kept = ARENA_ARRAY(arena, (size_t)parameters->n_values + 1, uint8_t);
    for (int32_t i = 0; i < parameters->n; i++) {
        const struct parameter *p = &parameters->list[i];
        const uint8_t *mask = mask_of(trainer->graph, trainer->settings->masks, p->tensor);
        for (int64_t k = 0; k < p->n; k++)
            kept[p->first + k] = p->role != PARAMETER_WEIGHTS ||
                                 (mask != NULL ? mask[k] : parameters->values[p->first + k] != 0);
    }
    return kept;
}

static void state_start(struct trainer *trainer, struct arena *arena)
{
    const struct train_settings *settings = trainer->settings;
    struct parameters parameters = network_parameters(trainer->network);
    struct train_state *state = &trainer->state;
    *state = (struct train_state){.n_values = parameters.n_values, .best_score = -INFINITY};
    state->best_values =
        arena_copy(arena, parameters.values, (size_t)parameters.n_values * sizeof(float));
    optimizer_start(&state->optimizer, settings->optimizer, (float)settings->weight_decay,
                    parameters.n_values, arena);
    state->optimizer.clip = settings->clip;
    if (settings->keep_zeros)
        state->optimizer.kept = kept_make(trainer, &parameters, arena);
}

enum status trainer_make(const struct train_settings *settings, const struct graph *graph,
                         const struct graph *teacher, const struct dataset *dataset,
                         struct arena *arena, struct trainer *trainer, struct diag *diag)
{
    *trainer = (struct trainer){
        .settings = settings, .graph = graph, .teacher = teacher, .dataset = dataset};
    trainer->distributed = (struct distributed){0, 1};
    if (!settings->alone)
        TRY(distributed_start(&trainer->distributed, diag));
    if (graph->n_inputs > 0 && graph->tensors[graph->inputs[0]].dtype != DTYPE_F32)
        return fail(diag, ERR_UNSUPPORTED,
                    "the network works on %s; only a float (f32) network can be trained",
                    dtype_name(graph->tensors[graph->inputs[0]].dtype));
    if (graph->n_outputs != 1)
        return fail(diag, ERR_UNSUPPORTED, "the network has %d outputs, only one can be trained",
                    graph->n_outputs);
    TRY(dataset_fits(dataset, graph, diag));
    if (teacher == NULL || settings->distill_share < 1)
        TRY(task_check(settings, graph, dataset, diag));
    TRY(dataset_split(dataset, settings->validation, settings->seed, arena, &trainer->split, diag));
    TRY(check_sizes(trainer, diag));
    trainer->n_heads = 1 + (teacher != NULL ? settings->n_features : 0);
    TRY(heads_find(settings, graph, teacher, trainer->heads, diag));
    struct network_options options = {
        .n_threads = settings->n_threads,
        .shard_samples = largest_shard(settings->batch_samples, settings->shard_samples),
        .n_heads = trainer->n_heads,
        .heads = trainer->heads,
        .training = 1,
        .rounding = settings->rounding};
    TRY(network_make(graph, &options, &trainer->network, diag));
    TRY(check_heads(trainer, diag));
    if (teacher != NULL)
        TRY(teacher_make(trainer, &options, diag));
    state_start(trainer, arena);
    trainer->origin =
        origin_of(dataset, teacher, trainer->state.optimizer.kept, trainer->state.n_values, arena);
    return OK;
}

void trainer_free(struct trainer *trainer)
{
    network_free(trainer->network);
    network_free(trainer->teacher_network);
    trainer->network = trainer->teacher_network = NULL;
}

/* ---- one batch ---- */

/* What the workers of a batch need. */
struct batch {
    struct trainer *trainer;
    struct task task;
    const int32_t *indices; /* of the batch's samples, all ranks' */
    int32_t first_shard;    /* of this rank */
    int32_t shard_samples;
    int64_t sample_elements;
    struct task_sample *samples; /* by place in the batch */
    float *scratch;              /* two samples a worker */
    const float **inputs;        /* by worker: of the shard it is at */
    double *loss, *right;        /* by shard of this rank */
};

static void sample_make(const struct batch *batch, int32_t index, struct random *random,
                        float *sample, float *scratch)
{
    const struct trainer *trainer = batch->trainer;
    const struct train_settings *settings = trainer->settings;
    dataset_sample(trainer->dataset, index, settings->scale, sample);
    augment(&settings->augmentation, &trainer->graph->tensors[trainer->graph->inputs[0]].shape,
            random, sample, scratch);
}

static void batch_fill(void *context, int32_t worker, int32_t shard, float *inputs)
{
    const struct batch *batch = context;
    const struct augmentation *augmentation = &batch->trainer->settings->augmentation;
    int64_t n = batch->sample_elements;
    float *scratch = batch->scratch + worker * 2 * n, *other = scratch + n;
    int32_t first = (batch->first_shard + shard) * batch->shard_samples;
    for (int32_t i = 0; i < batch->shard_samples; i++) {
        struct task_sample *sample = &batch->samples[first + i];
        float *values = inputs + i * n;
        *sample =
            (struct task_sample){batch->indices[first + i], batch->indices[first + i], 1, values};
        struct random random = augment_random(batch->trainer->settings->seed,
                                              batch->trainer->state.epoch, sample->first);
        sample_make(batch, sample->first, &random, values, scratch);
        if (augmentation->mixup <= 0)
            continue;
        sample->second = batch->indices[first + (i + 1) % batch->shard_samples];
        sample->share = augment_share(augmentation, &random);
        sample_make(batch, sample->second, &random, other, scratch);
        for (int64_t k = 0; k < n; k++)
            values[k] = sample->share * values[k] + (1 - sample->share) * other[k];
    }
    batch->inputs[worker] = inputs;
}

/* Of a sample's output against the teacher's: of classes the divergence, else the distance. */
static double imitation_loss(const struct train_settings *settings, const float *values,
                             const float *teacher, int32_t n, double weight, float *gradient)
{
    if (settings->loss != LOSS_CROSS_ENTROPY)
        return loss_mse(values, n, teacher, weight, gradient);
    return loss_distillation(values, teacher, n, settings->temperature, weight, gradient);
}

/* The teacher's part: outputs, then features, of all samples of a shard. */
static double teacher_loss(const struct batch *batch, int32_t worker, const float *const *heads,
                           float *const *gradients, double weight)
{
    struct trainer *trainer = batch->trainer;
    const struct train_settings *settings = trainer->settings;
    int32_t n = batch->shard_samples;
    int32_t n_values = (int32_t)shape_elements(batch->task.head);
    double loss = 0;
    network_infer_shard(trainer->teacher_network, worker, batch->inputs[worker], n);
    const float *teacher = network_head(trainer->teacher_network, worker, 0);
    for (int32_t i = 0; i < n; i++)
        loss += settings->distill_share *
                imitation_loss(settings, heads[0] + i * n_values, teacher + i * n_values, n_values,
                               settings->distill_share * weight, gradients[0] + i * n_values);
    for (int32_t h = 1; h < trainer->n_heads; h++) {
        int64_t elements = shape_elements(&trainer->graph->tensors[trainer->heads[h]].shape) * n;
        loss +=
            settings->feature_weight * n *
            loss_mse(heads[h], (int32_t)elements, network_head(trainer->teacher_network, worker, h),
                     settings->feature_weight * n * weight, gradients[h]);
    }
    return loss;
}

static void batch_loss(void *context, int32_t worker, int32_t shard, const float *const *heads,
                       float *const *gradients)
{
    const struct batch *batch = context;
    const struct trainer *trainer = batch->trainer;
    const struct train_settings *settings = trainer->settings;
    int64_t n = shape_elements(batch->task.head);
    int32_t first = (batch->first_shard + shard) * batch->shard_samples;
    double weight = 1.0 / settings->batch_samples, loss = 0, right = 0;
    double own = trainer->teacher != NULL ? 1 - settings->distill_share : 1;
    for (int32_t h = 0; h < trainer->n_heads; h++)
        memset(gradients[h], 0,
               (size_t)(shape_elements(&trainer->graph->tensors[trainer->heads[h]].shape) *
                        batch->shard_samples) *
                   sizeof(float));
    for (int32_t i = 0; own > 0 && i < batch->shard_samples; i++) {
        const struct task_sample *sample = &batch->samples[first + i];
        loss += own * task_loss(&batch->task, sample, heads[0] + i * n, own * weight,
                                gradients[0] + i * n);
        right += task_is_right(&batch->task, sample, heads[0] + i * n);
    }
    if (trainer->teacher != NULL)
        loss += teacher_loss(batch, worker, heads, gradients, weight);
    batch->loss[shard] = loss;
    batch->right[shard] = right;
}

static void batch_ready(void *context, int64_t first, int64_t n)
{
    const struct batch *batch = context;
    struct parameters parameters = network_parameters(batch->trainer->network);
    distributed_sum_begin(&batch->trainer->distributed, parameters.gradients + first, n);
}

/* Sums over the batch, of all ranks: loss, samples that were right, ranks that are to stop. */
struct batch_sums {
    double loss, right, stop;
};

static enum status batch_run(struct batch *batch, struct batch_sums *sums, struct diag *diag)
{
    const struct trainer *trainer = batch->trainer;
    int32_t n_shards =
        trainer->settings->batch_samples / batch->shard_samples / trainer->distributed.n_ranks;
    batch->first_shard = trainer->distributed.rank * n_shards;
    const struct network_batch work = {batch, n_shards, batch_fill, batch_loss,
                                       trainer->distributed.n_ranks > 1 ? batch_ready : NULL};
    TRY(network_step(trainer->network, &work, diag));
    *sums = (struct batch_sums){0, 0, interrupt_noted()};
    for (int32_t i = 0; i < n_shards; i++) {
        sums->loss += batch->loss[i];
        sums->right += batch->right[i];
    }
    double values[] = {sums->loss, sums->right, sums->stop};
    distributed_sum(&trainer->distributed, values, 3);
    *sums = (struct batch_sums){values[0], values[1], values[2]};
    distributed_sum_end();
    return OK;
}

/* ---- validation ---- */

/* Whether labels or targets are learned from, not a teacher alone. */
static int has_own_loss(const struct trainer *trainer)
{
    return trainer->teacher == NULL || trainer->settings->distill_share < 1;
}

/* Some of the samples to validate on, with room for what the network makes of them. */
struct validation {
    struct trainer *trainer;
    struct task task;
    int64_t n_inputs, n_head; /* elements a sample */
    float *inputs, *values, *teacher, *unused;
    double loss, n_right;
};

static void validate_some(struct validation *v, const int32_t *indices, int32_t n)
{
    struct trainer *trainer = v->trainer;
    float *outputs[MAX_INPUTS] = {v->values}, *teacher_outputs[MAX_INPUTS] = {v->teacher};
    for (int32_t i = 0; i < n; i++)
        dataset_sample(trainer->dataset, indices[i], trainer->settings->scale,
                       v->inputs + i * v->n_inputs);
    network_infer(trainer->network, v->inputs, n, outputs);
    if (!has_own_loss(trainer))
        network_infer(trainer->teacher_network, v->inputs, n, teacher_outputs);
    for (int32_t i = 0; i < n; i++) {
        struct task_sample sample = {indices[i], indices[i], 1, v->inputs + i * v->n_inputs};
        const float *values = v->values + i * v->n_head;
        if (has_own_loss(trainer)) {
            v->loss += task_loss(&v->task, &sample, values, 0, v->unused);
            v->n_right += task_is_right(&v->task, &sample, values);
        } else {
            v->loss += imitation_loss(trainer->settings, values, v->teacher + i * v->n_head,
                                      (int32_t)v->n_head, 0, v->unused);
        }
    }
}

void trainer_validate(struct trainer *trainer, const int32_t *indices, int32_t n, double *loss,
                      double *accuracy)
{
    enum { CHUNK = 512 };
    struct arena scratch = {0};
    const struct shape *head = &trainer->graph->tensors[trainer->heads[0]].shape;
    struct train_settings settings = *trainer->settings;
    struct validation v = {.trainer = trainer,
                           .task = {&settings, trainer->dataset, head},
                           .n_inputs = shape_elements(&trainer->dataset->shape),
                           .n_head = shape_elements(head)};
    int64_t rank = trainer->distributed.rank, n_ranks = trainer->distributed.n_ranks;
    int32_t end = (int32_t)(n * (rank + 1) / n_ranks);
    settings.label_smoothing = 0;
    v.inputs = ARENA_ARRAY(&scratch, (size_t)v.n_inputs * CHUNK, float);
    v.values = ARENA_ARRAY(&scratch, (size_t)v.n_head * CHUNK, float);
    v.teacher = ARENA_ARRAY(&scratch, (size_t)v.n_head * CHUNK, float);
    v.unused = ARENA_ARRAY(&scratch, (size_t)v.n_head, float);
    for (int32_t at = (int32_t)(n * rank / n_ranks); at < end; at += CHUNK)
        validate_some(&v, indices + at, end - at < CHUNK ? end - at : CHUNK);
    double sums[2] = {v.loss, v.n_right};
    distributed_sum(&trainer->distributed, sums, 2);
    *loss = sums[0] / n;
    *accuracy = settings.loss == LOSS_CROSS_ENTROPY && has_own_loss(trainer) ? sums[1] / n : NAN;
    arena_free(&scratch);
}

/* ---- epochs ---- */

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* One call of trainer_run(). */
struct course {
    struct trainer *trainer;
    struct batch batch;
    int32_t n_steps; /* an epoch */
    int32_t *order;  /* of the training samples in this epoch */
    double started, shown;
    int64_t steps_done; /* since then */
    struct arena arena;
};

static void order_make(struct course *course)
{
    const struct trainer *trainer = course->trainer;
    const struct split *split = &trainer->split;
    struct random random = {trainer->settings->seed ^
                            UINT64_C(0xd1342543de82ef95) * (uint64_t)(trainer->state.epoch + 1)};
    memcpy(course->order, split->train, (size_t)split->n_train * sizeof *course->order);
    for (int32_t i = split->n_train - 1; i > 0; i--) {
        int32_t other = random_range(&random, 0, i);
        int32_t index = course->order[i];
        course->order[i] = course->order[other];
        course->order[other] = index;
    }
}

/* Of the training, at a step of the current epoch: in [0, 1). */
static double time_at(const struct course *course, int32_t step)
{
    return ((double)course->trainer->state.epoch + (double)step / course->n_steps) /
           course->trainer->settings->n_epochs;
}

static double rate_at(const struct course *course, int32_t step)
{
    const struct train_settings *settings = course->trainer->settings;
    int32_t n_others = settings->epochs_before + settings->epochs_after;
    double time = time_at(course, step);
    if (n_others == 0)
        return settings->rate *
               rate_factor(settings->schedule, settings->warmup_epochs / settings->n_epochs, time);
    double epoch = time * settings->n_epochs;
    double whole = (settings->epochs_before + epoch) / (settings->n_epochs + n_others);
    double warmth = settings->warmup_epochs > 0 ? fmin(1, epoch / settings->warmup_epochs) : 1;
    return settings->rate * warmth * rate_factor(settings->schedule, 0, whole);
}

static struct epoch_result result_now(const struct course *course)
{
    const struct train_settings *settings = course->trainer->settings;
    const struct train_state *state = &course->trainer->state;
    double samples = (double)state->step * settings->batch_samples;
    double seconds = seconds_now() - course->started;
    double per_second = seconds > 0 ? (double)course->steps_done / seconds : 0;
    double left = (1 - time_at(course, state->step)) * settings->n_epochs * course->n_steps;
    int classes = settings->loss == LOSS_CROSS_ENTROPY && has_own_loss(course->trainer);
    return (struct epoch_result){.epoch = state->epoch + 1,
                                 .n_epochs = settings->n_epochs,
                                 .progress = (double)state->step / course->n_steps,
                                 .rate = rate_at(course, state->step > 0 ? state->step - 1 : 0),
                                 .loss = samples > 0 ? state->loss_sum / samples : NAN,
                                 .accuracy =
                                     classes && samples > 0 ? state->n_right / samples : NAN,
                                 .validation_loss = NAN,
                                 .validation_accuracy = NAN,
                                 .images_per_second = per_second * settings->batch_samples,
                                 .seconds = seconds,
                                 .seconds_left = per_second > 0 ? left / per_second : NAN};
}

static enum status diverged(const struct course *course, struct diag *diag)
{
    const struct trainer *trainer = course->trainer;
    int32_t node = network_not_finite(trainer->network);
    const char *kept = trainer->state.epoch > 0 ? "; the last good state is kept" : "";
    if (node < 0)
        return fail(diag, ERR_INPUT,
                    "epoch %d, step %d: the loss is not finite%s; use a smaller --lr",
                    trainer->state.epoch + 1, trainer->state.step + 1, kept);
    return fail(diag, ERR_INPUT,
                "epoch %d, step %d: the loss is not finite, first at %s '%s'%s; use a smaller --lr",
                trainer->state.epoch + 1, trainer->state.step + 1,
                op_name(trainer->graph->nodes[node].op), trainer->graph->nodes[node].name, kept);
}

static enum status step_run(struct course *course, int *stop, struct diag *diag)
{
    struct trainer *trainer = course->trainer;
    const struct train_settings *settings = trainer->settings;
    struct train_state *state = &trainer->state;
    struct parameters parameters = network_parameters(trainer->network);
    struct batch_sums sums;
    course->batch.indices = course->order + (int64_t)state->step * settings->batch_samples;
    TRY(batch_run(&course->batch, &sums, diag));
    if (!isfinite(sums.loss))
        return diverged(course, diag);
    optimizer_step(&state->optimizer, &parameters, rate_at(course, state->step),
                   settings->batch_samples / course->batch.shard_samples);
    state->loss_sum += sums.loss;
    state->n_right += sums.right;
    state->step++;
    course->steps_done++;
    *stop = sums.stop > 0;
    double now = seconds_now();
    if (trainer->observer != NULL && now - course->shown > 0.2 && state->step < course->n_steps) {
        struct epoch_result result = result_now(course);
        course->shown = now;
        trainer->observer(trainer->observer_context, &result);
    }
    return OK;
}

/* How good the network is on validation data: higher is better. */
static double score_of(struct trainer *trainer, double *loss, double *accuracy)
{
    trainer_validate(trainer, trainer->split.validation, trainer->split.n_validation, loss,
                     accuracy);
    return isnan(*accuracy) ? -*loss : *accuracy;
}

static void best_keep(struct trainer *trainer, double score, int32_t epoch)
{
    struct train_state *state = &trainer->state;
    struct parameters parameters = network_parameters(trainer->network);
    state->best_score = score;
    state->best_epoch = epoch;
    memcpy(state->best_values, parameters.values, (size_t)state->n_values * sizeof(float));
}

static void start_judge(struct trainer *trainer)
{
    double loss, accuracy;
    const struct train_state *state = &trainer->state;
    if (!trainer->settings->start_counts || trainer->split.n_validation == 0 || state->epoch > 0 ||
        state->step > 0)
        return;
    double score = score_of(trainer, &loss, &accuracy);
    if (isfinite(score))
        best_keep(trainer, score, 0);
}

/* Validation, the best so far, and the observer. */
static enum status epoch_end(struct course *course, struct diag *diag)
{
    struct trainer *trainer = course->trainer;
    const struct split *split = &trainer->split;
    struct train_state *state = &trainer->state;
    struct epoch_result result = result_now(course);
    double score = state->epoch; /* without validation the last is the best */
    if (split->n_validation > 0) {
        score = score_of(trainer, &result.validation_loss, &result.validation_accuracy);
        if (!isfinite(result.validation_loss))
            return fail(diag, ERR_INPUT,
                        "epoch %d: the loss on validation data is not finite; use a smaller --lr, "
                        "and look at the data's range (dtmm data)",
                        state->epoch + 1);
    }
    result.is_best = score > state->best_score;
    if (result.is_best)
        best_keep(trainer, score, state->epoch + 1);
    state->epoch++;
    state->step = 0;
    state->loss_sum = state->n_right = 0;
    if (trainer->observer != NULL)
        trainer->observer(trainer->observer_context, &result);
    return OK;
}

/* The first layer's constant that has a value which is not finite, or NULL. */
static const char *parameter_not_finite(const struct trainer *trainer)
{
    struct parameters parameters = network_parameters(trainer->network);
    for (int32_t i = 0; i < parameters.n; i++)
        for (int64_t k = 0; k < parameters.list[i].n; k++)
            if (!isfinite(parameters.values[parameters.list[i].first + k]))
                return trainer->graph->tensors[parameters.list[i].tensor].name;
    return NULL;
}

/* What the last step broke shows in no loss yet. All processes end when one of them cannot save;
 * the others would wait for it forever. */
static enum status state_save(struct trainer *trainer, struct diag *diag)
{
    const char *broken = parameter_not_finite(trainer);
    if (broken != NULL)
        return fail(diag, ERR_INPUT,
                    "after epoch %d, step %d: '%s' is not finite; this state is not kept; use a "
                    "smaller --lr",
                    trainer->state.epoch, trainer->state.step, broken);
    enum status status =
        trainer->save != NULL ? trainer->save(trainer->save_context, trainer, diag) : OK;
    double n_failed = status != OK;
    distributed_sum(&trainer->distributed, &n_failed, 1);
    if (status == OK && n_failed > 0)
        return fail(diag, ERR_IO, "stopped: another process could not save, and says why");
    return status;
}

static int has_ended(const struct trainer *trainer)
{
    const struct train_settings *settings = trainer->settings;
    const struct train_state *state = &trainer->state;
    return state->epoch >= settings->n_epochs ||
           (settings->patience > 0 && state->best_epoch > 0 &&
            state->epoch - state->best_epoch >= settings->patience);
}

static enum status course_run(struct course *course, int *stopped, struct diag *diag)
{
    struct trainer *trainer = course->trainer;
    struct train_state *state = &trainer->state;
    start_judge(trainer);
    while (!has_ended(trainer)) {
        order_make(course);
        while (state->step < course->n_steps) {
            TRY(step_run(course, stopped, diag));
            if (*stopped)
                return state_save(trainer, diag);
        }
        TRY(epoch_end(course, diag));
        TRY(state_save(trainer, diag));
    }
    struct parameters parameters = network_parameters(trainer->network);
    memcpy(parameters.values, state->best_values, (size_t)state->n_values * sizeof(float));
    network_changed(trainer->network);
    return OK;
}

static void course_start(struct course *course, struct trainer *trainer)
{
    const struct train_settings *settings = trainer->settings;
    struct arena *arena = &course->arena;
    size_t n_workers = (size_t)network_n_workers(trainer->network);
    struct batch *batch = &course->batch;
    course->trainer = trainer;
    course->n_steps = trainer->split.n_train / settings->batch_samples;
    course->order = ARENA_ARRAY(arena, (size_t)trainer->split.n_train, int32_t);
    course->started = course->shown = seconds_now();
    batch->trainer = trainer;
    batch->task = (struct task){settings, trainer->dataset,
                                &trainer->graph->tensors[trainer->heads[0]].shape};
    batch->shard_samples = network_shard_samples(trainer->network);
    batch->sample_elements = shape_elements(&trainer->dataset->shape);
    size_t n_samples = (size_t)settings->batch_samples;
    batch->samples = ARENA_ARRAY(arena, n_samples, struct task_sample);
    batch->scratch = ARENA_ARRAY(arena, n_workers * 2 * (size_t)batch->sample_elements, float);
    batch->inputs = ARENA_ARRAY(arena, n_workers, const float *);
    batch->loss = ARENA_ARRAY(arena, n_samples, double);
    batch->right = ARENA_ARRAY(arena, n_samples, double);
}

enum status trainer_run(struct trainer *trainer, int *stopped, struct diag *diag)
{
    struct course course = {0};
    course_start(&course, trainer);
    *stopped = 0;
    enum status status = course_run(&course, stopped, diag);
    if (status == OK && !trainer->settings->alone)
        distributed_end();
    arena_free(&course.arena);
    return status;
}

enum status trainer_gradients(struct trainer *trainer, int32_t n_batches,
                              void (*see)(void *context, const struct parameters *parameters),
                              void *context, struct diag *diag)
{
    struct course course = {0};
    struct parameters parameters = network_parameters(trainer->network);
    struct batch_sums sums;
    enum status status = OK;
    course_start(&course, trainer);
    order_make(&course);
    for (int32_t i = 0; i < n_batches && status == OK; i++) {
        course.batch.indices =
            course.order + (int64_t)(i % course.n_steps) * trainer->settings->batch_samples;
        status = batch_run(&course.batch, &sums, diag);
        if (status == OK)
            see(context, &parameters);
    }
    arena_free(&course.arena);
    return status;
}
