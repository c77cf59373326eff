/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/predict.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/metrics.h"
#include "eval/eval.h"
#include "pass/pass.h"
#include "train/network.h"
#include "train/workers.h"

enum { BATCH = 256 };

float *samples_real(const struct sample_set *samples, struct arena *arena)
{
    size_t elements = (size_t)shape_elements(&samples->dataset->shape);
    float *real = ARENA_ARRAY(arena, (size_t)samples->n * elements, float);
    for (int32_t i = 0; i < samples->n; i++)
        dataset_sample(samples->dataset, samples->indices[i], samples->scale,
                       real + (size_t)i * elements);
    return real;
}

static struct predictions predictions_start(const struct graph *graph, int32_t n,
                                            struct arena *arena)
{
    int64_t n_values = shape_elements(&graph->tensors[graph->outputs[0]].shape);
    return (struct predictions){n, (int32_t)n_values,
                                ARENA_ARRAY(arena, (size_t)n * (size_t)n_values, float)};
}

/* Those of a batch that starts at `first`. */
static struct sample_set batch_of(const struct sample_set *samples, int32_t first)
{
    struct sample_set batch = *samples;
    batch.indices += first;
    batch.n = samples->n - first < BATCH ? samples->n - first : BATCH;
    return batch;
}

/* ---- bytes ---- */

/* Numbers as bytes of the tensor, and back. */
static void to_bytes(const struct tensor *tensor, const float *real, void *bytes)
{
    size_t n = (size_t)shape_elements(&tensor->shape);
    if (tensor->dtype == DTYPE_F32) {
        memcpy(bytes, real, n * sizeof *real);
        return;
    }
    for (size_t i = 0; i < n; i++)
        ((int8_t *)bytes)[i] =
            (int8_t)quantize_value((double)real[i], tensor->quantization.scale[0],
                                   tensor->quantization.zero_point[0], INT8_MIN);
}

static void from_bytes(const struct tensor *tensor, const void *bytes, float *real)
{
    size_t n = (size_t)shape_elements(&tensor->shape);
    if (tensor->dtype == DTYPE_F32) {
        memcpy(real, bytes, n * sizeof *real);
        return;
    }
    for (size_t i = 0; i < n; i++)
        real[i] = dequantize_value(((const int8_t *)bytes)[i], tensor->quantization.scale[0],
                                   tensor->quantization.zero_point[0]);
}

uint8_t *samples_bytes(const struct graph *graph, const struct sample_set *samples,
                       struct arena *arena)
{
    const struct tensor *input = &graph->tensors[graph->inputs[0]];
    size_t n = (size_t)shape_elements(&samples->dataset->shape);
    size_t sample_bytes = tensor_bytes(input);
    struct arena scratch = {0};
    float *real = ARENA_ARRAY(&scratch, n, float);
    uint8_t *bytes = arena_alloc(arena, (size_t)samples->n, sample_bytes);
    for (int32_t i = 0; i < samples->n; i++) {
        dataset_sample(samples->dataset, samples->indices[i], samples->scale, real);
        to_bytes(input, real, bytes + (size_t)i * sample_bytes);
    }
    arena_free(&scratch);
    return bytes;
}

struct predictions predictions_of_bytes(const struct graph *graph, const uint8_t *bytes, int32_t n,
                                        struct arena *arena)
{
    struct predictions predictions = predictions_start(graph, n, arena);
    const struct tensor *output = &graph->tensors[graph->outputs[0]];
    for (int32_t i = 0; i < n; i++)
        from_bytes(output, bytes + (size_t)i * tensor_bytes(output),
                   predictions.values + (size_t)i * (size_t)predictions.n_values);
    return predictions;
}

/* ---- float ---- */

enum status predict_float(const struct graph *graph, const struct sample_set *samples,
                          struct progress *progress, struct arena *arena,
                          struct predictions *predictions, struct diag *diag)
{
    struct network *network;
    const struct network_options options = {.n_heads = 1, .heads = graph->outputs};
    TRY(network_make(graph, &options, &network, diag));
    *predictions = predictions_start(graph, samples->n, arena);
    for (int32_t i = 0; i < samples->n; i += BATCH) {
        struct arena scratch = {0};
        struct sample_set batch = batch_of(samples, i);
        float *to = predictions->values + (size_t)i * (size_t)predictions->n_values;
        network_infer(network, samples_real(&batch, &scratch), batch.n, &to);
        arena_free(&scratch);
        progress_count(progress, "samples in float", i + batch.n, samples->n);
    }
    network_free(network);
    return OK;
}

/* ---- int8 ---- */

struct int8_job {
    const struct graph *graph;
    const struct packed *packed;
    struct sample_set samples;
    uint8_t *to; /* the first output */
};

static void predict_one(void *context, int32_t worker, int32_t item)
{
    (void)worker;
    const struct int8_job *job = context;
    const struct graph *graph = job->graph;
    struct arena scratch = {0};
    struct diag diag;
    struct sample_set one = job->samples;
    one.indices += item;
    one.n = 1;
    const void *const inputs[] = {samples_bytes(graph, &one, &scratch)};
    void **outputs = ARENA_ARRAY(&scratch, (size_t)graph->n_outputs, void *);
    outputs[0] = job->to + (size_t)item * tensor_bytes(&graph->tensors[graph->outputs[0]]);
    for (int32_t i = 1; i < graph->n_outputs; i++)
        outputs[i] =
            ARENA_ARRAY(&scratch, tensor_bytes(&graph->tensors[graph->outputs[i]]), uint8_t);
    enum status status = eval_run(graph, job->packed, NULL, inputs, outputs, &diag);
    assert(status == OK); /* the kernels are the host's */
    (void)status;
    arena_free(&scratch);
}

enum status predict_bytes(const struct graph *graph, const struct sample_set *samples,
                          struct progress *progress, struct arena *arena, uint8_t **outputs,
                          struct diag *diag)
{
    struct arena scratch = {0};
    struct packed *packed;
    struct workers *workers = NULL;
    size_t output_bytes = tensor_bytes(&graph->tensors[graph->outputs[0]]);
    enum status status = pack(graph, NULL, &scratch, &packed, diag);
    if (status == OK)
        status = workers_make(workers_cores(), &workers, diag);
    if (status == OK) {
        *outputs = arena_alloc(arena, (size_t)samples->n, output_bytes);
        for (int32_t i = 0; i < samples->n; i += BATCH) {
            struct int8_job job = {graph, packed, batch_of(samples, i),
                                   *outputs + (size_t)i * output_bytes};
            workers_run(workers, predict_one, &job, job.samples.n);
            progress_count(progress, "samples in int8", i + job.samples.n, samples->n);
        }
        workers_free(workers);
    }
    arena_free(&scratch);
    return status;
}

enum status predict_int8(const struct graph *graph, const struct sample_set *samples,
                         struct progress *progress, struct arena *arena,
                         struct predictions *predictions, struct diag *diag)
{
    struct arena scratch = {0};
    uint8_t *outputs;
    enum status status = predict_bytes(graph, samples, progress, &scratch, &outputs, diag);
    if (status == OK)
        *predictions = predictions_of_bytes(graph, outputs, samples->n, arena);
    arena_free(&scratch);
    return status;
}

/* ---- how good ---- */

struct quality quality_measure(const struct predictions *predictions,
                               const struct sample_set *samples)
{
    const struct dataset *dataset = samples->dataset;
    struct quality quality = {predictions->n, (double)NAN, (double)NAN};
    size_t n_values = (size_t)predictions->n_values;
    struct regression regression = {0};
    int32_t n_right = 0;
    int has_classes = dataset->labels != NULL && dataset->n_classes <= predictions->n_values;
    int has_targets = dataset->targets != NULL && dataset->n_targets == predictions->n_values;
    for (int32_t i = 0; i < predictions->n; i++) {
        const float *values = predictions->values + (size_t)i * n_values;
        if (has_classes)
            n_right += scores_argmax(values, predictions->n_values) ==
                       dataset->labels[samples->indices[i]];
        if (has_targets)
            regression_add(&regression, values,
                           dataset->targets + (size_t)samples->indices[i] * n_values,
                           predictions->n_values);
    }
    if (has_classes)
        quality.accuracy = (double)n_right / predictions->n;
    if (has_targets)
        quality.squared_error = regression_mse(&regression);
    return quality;
}

double signal_to_noise(const struct predictions *exact, const struct predictions *rounded)
{
    double signal = 0, noise = 0;
    size_t n = (size_t)exact->n * (size_t)exact->n_values;
    for (size_t i = 0; i < n; i++) {
        double value = (double)exact->values[i], error = (double)rounded->values[i] - value;
        signal += value * value;
        noise += error * error;
    }
    return 10 * log10(signal / noise);
}
