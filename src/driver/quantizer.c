/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/quantizer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/random.h"
#include "emit/emit.h"
#include "pass/pass.h"
#include "report/report.h"
#include "train/task.h"

/* What one run works on. */
struct quantizer {
    const struct quantizer_options *options;
    struct quantizer_result *result;
    struct dataset dataset;
    struct split split;
    struct sample_scale scale;
    struct fake_quantization *kept; /* scales of the origin; NULL: there is none */
    struct progress progress;
    struct arena *arena;
    struct diag *diag;
};

/* ---- samples ---- */

static enum status samples_load(struct quantizer *q)
{
    const struct quantizer_options *options = q->options;
    progress_begin(&q->progress);
    if (options->dataset != NULL)
        q->dataset = *options->dataset;
    else
        TRY(dataset_read(options->data_path, options->training_part, q->arena, &q->dataset,
                         q->diag));
    TRY(dataset_fits(&q->dataset, q->result->original, q->diag));
    TRY(dataset_split(&q->dataset, options->validation_fraction, options->seed, q->arena, &q->split,
                      q->diag));
    q->scale = options->scale;
    if (options->input_like != NULL)
        TRY(driver_scale_like(options->input_like, q->dataset.type, &q->scale, q->diag));
    progress_end(&q->progress, "data",
                 arena_printf(q->arena, "%d samples, %d of them for validation",
                              q->dataset.n_samples, q->split.n_validation));
    return OK;
}

/* Up to `n` of the indices, chosen by the seed; all of them in their order when there are fewer. */
static struct sample_set samples_choose(const struct quantizer *q, const int32_t *indices,
                                        int32_t n_indices, int32_t n)
{
    int32_t *chosen = arena_copy(q->arena, indices, (size_t)n_indices * sizeof *indices);
    struct random random = {q->options->seed};
    if (n > n_indices)
        n = n_indices;
    for (int32_t i = 0; i < n && n < n_indices; i++) {
        int32_t other = random_range(&random, i, n_indices - 1), kept = chosen[i];
        chosen[i] = chosen[other];
        chosen[other] = kept;
    }
    return (struct sample_set){&q->dataset, chosen, n, q->scale};
}

/* ---- the float network ---- */

/* Says where a pass on the network failed. */
static enum status verified(const struct quantizer *q, enum status status, const char *pass)
{
    if (status != OK) {
        diag_prefix(q->diag, pass);
        diag_prefix(q->diag, q->options->model_path);
    }
    return status;
}

static enum status float_check(const struct quantizer *q, const struct graph *graph)
{
    for (int32_t t = 0; t < graph->n_tensors; t++)
        if (graph->tensors[t].dtype != DTYPE_F32)
            return fail(q->diag, ERR_INPUT,
                        "%s: '%s' is %s: the network is quantized already; give the float network "
                        "that it was made from",
                        q->options->model_path, graph->tensors[t].name,
                        dtype_name(graph->tensors[t].dtype));
    return OK;
}

static int has_normalization(const struct graph *graph)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op == OP_batch_normalization)
            return 1;
    return 0;
}

/* What was int8 is folded already, unless it has got normalizations since. */
static enum status float_prepare(struct quantizer *q)
{
    struct quantizer_result *result = q->result;
    result->folded = result->original;
    if (q->options->origin != NULL && !has_normalization(result->original))
        return OK;
    progress_begin(&q->progress);
    TRY(verified(q, fold(result->original, q->arena, &result->folded, q->diag), "fold"));
    progress_end(&q->progress, "fold",
                 arena_printf(q->arena, "%d layers, %d before", result->folded->n_nodes,
                              result->original->n_nodes));
    return OK;
}

static enum status ranges_measure(struct quantizer *q, const struct calibration *calibration,
                                  const float *samples)
{
    const struct graph *graph = q->result->folded;
    struct network *network;
    const struct network_options options = {.n_threads = 1};
    progress_begin(&q->progress);
    TRY(verified(q, network_make(graph, &options, &network, q->diag), "calibrate"));
    q->result->ranges =
        calibrate(network, graph, calibration, samples, q->result->n_calibration, q->arena);
    network_free(network);
    progress_end(&q->progress, "calibrate",
                 arena_printf(q->arena, "%d samples, %s", q->result->n_calibration,
                              q->result->ranges->method));
    return OK;
}

static void scales_keep(struct quantizer *q)
{
    if (q->options->origin != NULL)
        q->kept = keep_scales(q->result->folded, q->options->origin, q->arena);
}

/* The ranges, once the channels have been equalized by their magnitudes. */
static enum status float_calibrate(struct quantizer *q, const float *samples)
{
    static const struct calibration magnitudes = {CALIBRATION_MINMAX, 100};
    struct quantizer_result *result = q->result;
    if (q->options->equalize) {
        TRY(ranges_measure(q, &magnitudes, samples));
        progress_begin(&q->progress);
        scales_keep(q);
        enum status status =
            equalize(result->folded, result->ranges, q->kept, q->arena, &result->folded, q->diag);
        TRY(verified(q, status, "equalize"));
        progress_end(&q->progress, "equalize", "");
    }
    return ranges_measure(q, &q->options->calibration, samples);
}

static enum status float_measure(struct quantizer *q)
{
    struct arena scratch = {0};
    struct sample_set samples =
        samples_choose(q, q->split.train, q->split.n_train, q->options->n_calibration);
    q->result->n_calibration = samples.n;
    enum status status = float_calibrate(q, samples_real(&samples, &scratch));
    arena_free(&scratch);
    scales_keep(q);
    return status;
}

/* ---- to int8 ---- */

/* Samples of 8 bits keep their values: q = stored (less 128 where they are unsigned), when that is
 * a zero point of int8. */
static void input_scale(const struct quantizer *q, struct scale_request *request)
{
    if (q->dataset.type == SAMPLE_F32 || !(q->scale.scale > 0))
        return;
    double zero = (q->dataset.type == SAMPLE_U8 ? -128 : 0) -
                  (double)q->scale.offset / (double)q->scale.scale;
    if (fabs(zero - round(zero)) > 1e-3 || round(zero) < -128 || round(zero) > 127)
        return;
    request->input_known = 1;
    request->input_scale = q->scale.scale;
    request->input_zero_point = (int32_t)round(zero);
}

static struct scale_request request_make(const struct quantizer *q)
{
    struct scale_request request = {.rounding = q->options->rounding, .kept = q->kept};
    input_scale(q, &request);
    return request;
}

static enum status to_int8(struct quantizer *q)
{
    struct quantizer_result *result = q->result;
    struct arena scratch = {0};
    struct scale_request request = request_make(q);
    struct fake_quantization *fake;
    struct graph *graph = result->folded;
    progress_begin(&q->progress);
    enum status status = choose_scales(graph, result->ranges, &request, &scratch, &fake, q->diag);
    if (status == OK && q->options->correct_bias && q->options->n_qat_epochs == 0) {
        status = correct_bias(graph, fake, result->ranges, &scratch, &graph, q->diag);
        if (status == OK)
            status = choose_scales(graph, result->ranges, &request, &scratch, &fake, q->diag);
    }
    if (status == OK)
        status = quantize(graph, fake, q->arena, &result->graph, q->diag);
    arena_free(&scratch);
    progress_end(&q->progress, "quantize", "");
    return verified(q, status, "quantize");
}

/* Training has changed weights, which need other scales then. Activations keep those that it has
 * rounded them to. */
static void scales_keep_trained(struct quantizer *q)
{
    const struct fake_quantization *before = q->kept;
    scales_keep(q);
    for (int32_t t = 0; q->kept != NULL && t < q->kept->n_tensors; t++)
        q->kept->tensors[t] = before->tensors[t];
    for (int32_t i = 0; q->kept != NULL && i < q->kept->n_nodes; i++)
        memcpy(q->kept->nodes[i].inputs, before->nodes[i].inputs, sizeof before->nodes[i].inputs);
}

/* Trains the folded network with the rounding that it is going to have, the float network being the
 * teacher. Leaves its weights in result->folded. Activations keep their ranges. */
static enum status train_rounded(struct quantizer *q)
{
    const struct quantizer_options *options = q->options;
    struct quantizer_result *result = q->result;
    struct arena scratch = {0};
    struct scale_request request = request_make(q);
    struct fake_quantization *scales;
    struct trainer trainer = {0};
    int stopped = 0;
    progress_begin(&q->progress);
    enum status status =
        choose_scales(result->folded, result->ranges, &request, &scratch, &scales, q->diag);
    if (status == OK) {
        struct rounding rounding = {scales, options->rounding};
        struct train_settings settings = train_settings_initial();
        settings.n_epochs = options->n_qat_epochs;
        settings.n_threads = options->n_threads;
        while (settings.batch_samples > q->split.n_train && settings.batch_samples > 1)
            settings.batch_samples /= 2;
        settings.rate = options->qat_rate;
        settings.weight_decay = 0;
        settings.clip = 0.01;
        settings.keep_zeros = 1;
        settings.alone = 1;
        settings.warmup_epochs = 0.2;
        settings.augmentation = options->augmentation;
        settings.validation = options->validation_fraction;
        settings.seed = options->seed;
        settings.scale = q->scale;
        settings.rounding = &rounding;
        task_like_teacher(&settings, result->folded, &q->dataset, options->distill_share);
        interrupt_hold();
        status = trainer_make(&settings, result->folded,
                              options->teacher != NULL ? options->teacher : result->original,
                              &q->dataset, &scratch, &trainer, q->diag);
        trainer.observer = options->train_observer;
        trainer.observer_context = options->train_context;
        if (status == OK)
            status = trainer_run(&trainer, &stopped, q->diag);
        if (status == OK && stopped) {
            fprintf(stderr, "%s\n",
                    options->when_stopped ? options->when_stopped : "stopped; nothing was written");
            status = fail(q->diag, ERR_USAGE, "stopped by a signal");
        }
        if (status == OK)
            result->folded = network_graph(trainer.network, q->arena);
        scales_keep_trained(q);
        trainer_free(&trainer);
        interrupt_release();
    }
    arena_free(&scratch);
    progress_end(&q->progress, "train", arena_printf(q->arena, "%d epochs", options->n_qat_epochs));
    return verified(q, status, "train");
}

static enum status file_emit(struct quantizer *q, struct file *file)
{
    progress_begin(&q->progress);
    TRY(verified(q, emit_tflite(q->result->graph, q->arena, file, q->diag), "emit"));
    q->result->file_bytes = file->size;
    progress_end(&q->progress, "emit",
                 arena_printf(q->arena, "%s B", thousands(q->arena, (int64_t)file->size)));
    return OK;
}

/* On validation samples, which nothing above has seen. */
static enum status quality_check(struct quantizer *q)
{
    struct quantizer_result *result = q->result;
    struct predictions exact, rounded;
    struct sample_set samples =
        samples_choose(q, q->split.validation, q->split.n_validation, q->options->n_validation);
    progress_begin(&q->progress);
    TRY(predict_float(result->original, &samples, &q->progress, q->arena, &exact, q->diag));
    TRY(predict_int8(result->graph, &samples, &q->progress, q->arena, &rounded, q->diag));
    result->quality_float = quality_measure(&exact, &samples);
    result->quality_int8 = quality_measure(&rounded, &samples);
    result->signal_to_noise = signal_to_noise(&exact, &rounded);
    progress_end(&q->progress, "measure", arena_printf(q->arena, "%d samples", samples.n));
    return OK;
}

enum status quantizer_run(const struct quantizer_options *options, struct arena *arena,
                          struct quantizer_result *result, struct diag *diag)
{
    struct quantizer q = {.options = options,
                          .result = result,
                          .progress = {.observer = options->observer},
                          .arena = arena,
                          .diag = diag};
    struct file file;
    *result = (struct quantizer_result){.n_calibration = 0};
    TRY(file_check_writable(options->out_path, diag));
    TRY(driver_import(options->model_path, &options->observer, arena, &result->original, diag));
    TRY(float_check(&q, result->original));
    TRY(samples_load(&q));
    TRY(float_prepare(&q));
    TRY(float_measure(&q));
    if (options->n_qat_epochs > 0)
        TRY(train_rounded(&q));
    TRY(to_int8(&q));
    TRY(file_emit(&q, &file));
    if (options->n_validation > 0 && q.split.n_validation > 0)
        TRY(quality_check(&q));
    return file_write(options->out_path, file.data, file.size, diag);
}
