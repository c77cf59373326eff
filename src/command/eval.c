/* SPDX-License-Identifier: Apache-2.0 */
#include "command/eval.h"

#include <string.h>

/* Predictions of so many numbers are in memory at a time. */
#define CHUNK_VALUES (INT64_C(1) << 26)

/* What one run works on. */
struct session {
    const struct eval_request *request;
    struct graph *graph;
    struct dataset dataset;
    struct sample_set samples;
    int32_t n_available;
    int is_int8;
    struct progress progress;
    struct device_result device;
    struct evaluation evaluation;
    struct arena *arena;
    struct diag *diag;
};

/* ---- the network ---- */

static enum status network_load(struct session *s)
{
    const struct eval_request *request = s->request;
    TRY(driver_import(request->model, &s->progress.observer, s->arena, &s->graph, s->diag));
    const struct graph *graph = s->graph;
    for (int32_t i = 0; i < graph->n_tensors; i++) {
        const struct tensor *tensor = &graph->tensors[i];
        s->is_int8 |= tensor->dtype != DTYPE_F32;
        if (tensor->initializer != INITIALIZER_NONE)
            return fail(s->diag, ERR_INPUT,
                        "%s: '%s' has no trained values yet; train the network first (dtmm train)",
                        request->model, tensor->name);
    }
    if (graph->n_outputs != 1)
        return fail(s->diag, ERR_UNSUPPORTED, "%s: has %d outputs; eval looks at exactly one",
                    request->model, graph->n_outputs);
    if (request->target != NULL && !s->is_int8)
        return fail(s->diag, ERR_USAGE,
                    "%s: a float network does not run on %s; make it int8 first (dtmm quantize), "
                    "or evaluate it --on host",
                    request->model, request->target->name);
    return OK;
}

/* ---- the samples ---- */

/* Evenly spread over all, since datasets may stand in the order of their classes. */
static struct sample_set samples_spread(const struct session *s, const int32_t *indices, int32_t n)
{
    int32_t limit = s->request->limit < n ? s->request->limit : n;
    int32_t *chosen = ARENA_ARRAY(s->arena, (size_t)limit, int32_t);
    for (int32_t i = 0; i < limit; i++) {
        int32_t at = (int32_t)((int64_t)i * n / limit);
        chosen[i] = indices != NULL ? indices[at] : at;
    }
    return (struct sample_set){.dataset = &s->dataset, .indices = chosen, .n = limit};
}

static enum status samples_load(struct session *s)
{
    const struct eval_request *request = s->request;
    const struct data_options *data = &request->data;
    int is_test = strcmp(request->part, "test") == 0;
    TRY(dataset_read(data->path, is_test ? data->test_part : data->training_part, s->arena,
                     &s->dataset, s->diag));
    TRY(dataset_fits(&s->dataset, s->graph, s->diag));
    if (is_test) {
        s->n_available = s->dataset.n_samples;
        s->samples = samples_spread(s, NULL, s->n_available);
        return OK;
    }
    struct split split;
    TRY(dataset_split(&s->dataset, data->validation, data->seed, s->arena, &split, s->diag));
    int is_train = strcmp(request->part, "train") == 0;
    s->n_available = is_train ? split.n_train : split.n_validation;
    s->samples = samples_spread(s, is_train ? split.train : split.validation, s->n_available);
    if (s->n_available == 0)
        return fail(s->diag, ERR_USAGE, "--val 0 leaves no samples for validation");
    return OK;
}

/* Bytes to pixels: the model's own integers where both are int8, else what the options say. */
static enum status samples_scale(struct session *s)
{
    const struct eval_request *request = s->request;
    const struct tensor *input = &s->graph->tensors[s->graph->inputs[0]];
    enum sample_type type = s->dataset.type;
    struct sample_scale *scale = &s->samples.scale;
    if (request->data.scale_given || type == SAMPLE_F32)
        return data_options_scale(&request->data, type, scale, s->diag);
    if (type == SAMPLE_S8 && input->dtype == DTYPE_S8)
        return driver_scale_like(request->model, type, scale, s->diag);
    if (type == SAMPLE_S8)
        return fail(s->diag, ERR_USAGE,
                    "%s: has int8 samples but the input '%s' of %s is float; say what they mean by "
                    "--input-like MODEL (an int8 network for such samples), or --input-scale and "
                    "--input-offset",
                    request->data.path, input->name, request->model);
    if (input->dtype == DTYPE_S8 && 255 * input->quantization.scale[0] < 127.5f)
        return fail(s->diag, ERR_USAGE,
                    "%s: has samples of 0 to 255 but the input '%s' of %s spans %.6g; say what "
                    "they mean by --input-scale and --input-offset as when it was trained, or "
                    "--input-like %s where 0 to 255 stand for the whole span",
                    request->data.path, input->name, request->model,
                    255 * (double)input->quantization.scale[0], request->model);
    return data_options_scale(&request->data, type, scale, s->diag);
}

/* ---- predicting ---- */

static enum status predict(struct session *s, const struct sample_set *samples,
                           struct arena *scratch, struct predictions *predictions)
{
    if (s->request->target != NULL)
        return eval_on_device(s->request, s->graph, samples, &s->progress, scratch, predictions,
                              &s->device, s->diag);
    enum status status = (s->is_int8 ? predict_int8 : predict_float)(
        s->graph, samples, &s->progress, scratch, predictions, s->diag);
    if (status != OK)
        diag_prefix(s->diag, s->request->model);
    return status;
}

static enum status evaluate(struct session *s)
{
    const struct tensor *output = &s->graph->tensors[s->graph->outputs[0]];
    int64_t chunk = CHUNK_VALUES / shape_elements(&output->shape);
    if (chunk < 256)
        chunk = 256;
    if (s->request->target != NULL || chunk > s->samples.n)
        chunk = s->samples.n;
    TRY(evaluation_start(s->request, s->graph, &s->dataset, s->samples.n, s->arena, &s->evaluation,
                         s->diag));
    progress_begin(&s->progress);
    for (int64_t i = 0; i < s->samples.n; i += chunk) {
        struct arena scratch = {0};
        struct predictions predictions;
        struct sample_set some = s->samples;
        some.indices += i;
        some.n = (int32_t)(s->samples.n - i < chunk ? s->samples.n - i : chunk);
        enum status status = predict(s, &some, &scratch, &predictions);
        if (status == OK)
            evaluation_add(&s->evaluation, &predictions, &some);
        arena_free(&scratch);
        TRY(status);
    }
    progress_end(&s->progress, "evaluate", arena_printf(s->arena, "%d samples", s->samples.n));
    return OK;
}

/* ---- the command ---- */

static enum status judge(const struct session *s)
{
    if (s->request->target == NULL || s->device.n_equal == s->samples.n)
        return OK;
    return fail(s->diag, ERR_MISMATCH, "%s: %d of %d samples differ from the host; the first is %d",
                s->request->target->name, s->samples.n - s->device.n_equal, s->samples.n,
                s->samples.indices[s->device.first]);
}

static enum status run(struct session *s)
{
    TRY(network_load(s));
    TRY(samples_load(s));
    TRY(samples_scale(s));
    TRY(evaluate(s));
    const struct eval_facts facts = {.request = s->request,
                                     .evaluation = &s->evaluation,
                                     .samples = &s->samples,
                                     .n_available = s->n_available,
                                     .is_int8 = s->is_int8,
                                     .device = s->request->target != NULL ? &s->device : NULL};
    if (s->request->as_json)
        print_json(eval_json(&facts, s->arena));
    else
        eval_print(&facts, s->arena);
    return judge(s);
}

enum status command_eval(const struct command *command, int argc, char **argv, struct diag *diag)
{
    struct arena arena = {0};
    struct eval_request request;
    enum status status = eval_request_parse(command, argc, argv, &arena, &request, diag);
    if (status == OK) {
        struct session session = {.request = &request,
                                  .progress.observer.verbose = request.verbose,
                                  .arena = &arena,
                                  .diag = diag};
        status = run(&session);
    }
    arena_free(&arena);
    return status;
}
