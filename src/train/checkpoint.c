/* SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/safetensors.h"

static const char format[] = "dtmm checkpoint 1";

/* The graph in text form, without the values that the file has as tensors. */
static const char *graph_text(const struct graph *graph, struct arena *arena)
{
    struct graph bare = *graph;
    struct text text = text_start(arena);
    bare.tensors =
        arena_copy(arena, graph->tensors, (size_t)graph->n_tensors * sizeof *graph->tensors);
    for (int32_t i = 0; i < bare.n_tensors; i++)
        if (bare.tensors[i].data != NULL && bare.tensors[i].dtype == DTYPE_F32)
            bare.tensors[i].initializer = INITIALIZER_ZEROS;
    graph_dump(&bare, &text);
    return text.data;
}

/* ---- writing ---- */

static void tensor_add(struct safetensors *file, const struct tensor *tensor, const char *name,
                       const float *values)
{
    struct safetensor *added = &file->tensors[file->n_tensors++];
    *added = (struct safetensor){.name = name,
                                 .dtype = "F32",
                                 .rank = tensor->shape.rank,
                                 .bytes = tensor_bytes(tensor),
                                 .data = values};
    for (int32_t i = 0; i < tensor->shape.rank; i++)
        added->dims[i] = tensor->shape.dims[i];
}

/* One array of values as tensors, their names behind a prefix. */
static void values_add(struct safetensors *file, const struct trainer *trainer, const char *prefix,
                       const float *values, struct arena *arena)
{
    struct parameters parameters = network_parameters(trainer->network);
    for (int32_t i = 0; values != NULL && i < parameters.n; i++) {
        const struct parameter *p = &parameters.list[i];
        const struct tensor *tensor = &trainer->graph->tensors[p->tensor];
        tensor_add(file, tensor, arena_printf(arena, "%s%s", prefix, tensor->name),
                   values + p->first);
    }
}

static void metadata_add(struct safetensors *file, const char *key, const char *value)
{
    file->metadata[file->n_metadata++] = (struct safetensors_metadata){key, value};
}

enum status checkpoint_write(const char *path, const struct trainer *trainer, const char *settings,
                             struct diag *diag)
{
    struct arena arena = {0};
    const struct train_state *state = &trainer->state;
    struct parameters parameters = network_parameters(trainer->network);
    struct safetensors file = {
        .tensors = ARENA_ARRAY(&arena, 4 * (size_t)parameters.n + 1, struct safetensor),
        .metadata = ARENA_ARRAY(&arena, 16, struct safetensors_metadata)};
    metadata_add(&file, "format", format);
    metadata_add(&file, "graph", graph_text(trainer->graph, &arena));
    metadata_add(&file, "settings", settings);
    metadata_add(&file, "dataset", trainer->origin.dataset);
    metadata_add(&file, "teacher", trainer->origin.teacher);
    metadata_add(&file, "zeros", trainer->origin.zeros);
    metadata_add(&file, "epoch", arena_printf(&arena, "%d", state->epoch));
    metadata_add(&file, "step", arena_printf(&arena, "%d", state->step));
    metadata_add(&file, "loss_sum", arena_printf(&arena, "%a", state->loss_sum));
    metadata_add(&file, "n_right", arena_printf(&arena, "%a", state->n_right));
    metadata_add(&file, "best_epoch", arena_printf(&arena, "%d", state->best_epoch));
    metadata_add(&file, "best_score", arena_printf(&arena, "%a", state->best_score));
    metadata_add(&file, "n_steps",
                 arena_printf(&arena, "%lld", (long long)state->optimizer.n_steps));
    values_add(&file, trainer, "", parameters.values, &arena);
    values_add(&file, trainer, "best:", state->best_values, &arena);
    values_add(&file, trainer, "momentum:", state->optimizer.momentum, &arena);
    values_add(&file, trainer, "square:", state->optimizer.square, &arena);
    enum status status = safetensors_write(path, &file, diag);
    arena_free(&arena);
    return status;
}

enum status checkpoint_write_graph(const char *path, const struct graph *graph, struct diag *diag)
{
    struct arena arena = {0};
    struct safetensors file = {
        .tensors = ARENA_ARRAY(&arena, (size_t)graph->n_tensors + 1, struct safetensor),
        .metadata = ARENA_ARRAY(&arena, 2, struct safetensors_metadata)};
    metadata_add(&file, "format", format);
    metadata_add(&file, "graph", graph_text(graph, &arena));
    for (int32_t i = 0; i < graph->n_tensors; i++) {
        const struct tensor *tensor = &graph->tensors[i];
        if (tensor->data != NULL && tensor->dtype == DTYPE_F32)
            tensor_add(&file, tensor, tensor->name, tensor->data);
    }
    enum status status = safetensors_write(path, &file, diag);
    arena_free(&arena);
    return status;
}

/* ---- reading ---- */

static enum status values_get(const struct safetensors *file, const struct trainer *trainer,
                              const char *prefix, float *values, struct arena *arena,
                              struct diag *diag)
{
    struct parameters parameters = network_parameters(trainer->network);
    for (int32_t i = 0; values != NULL && i < parameters.n; i++) {
        const struct parameter *p = &parameters.list[i];
        const struct tensor *tensor = &trainer->graph->tensors[p->tensor];
        const char *name = arena_printf(arena, "%s%s", prefix, tensor->name);
        const struct safetensor *found = safetensors_find(file, name);
        if (found == NULL || strcmp(found->dtype, "F32") != 0 ||
            found->bytes != tensor_bytes(tensor))
            return fail(diag, ERR_INPUT, "the values of '%s' are missing, or of another network",
                        name);
        memcpy(values + p->first, found->data, found->bytes);
    }
    return OK;
}

static enum status number_get(const struct safetensors *file, const char *key, double *number,
                              struct diag *diag)
{
    const char *text = safetensors_metadata(file, key);
    char *end = NULL;
    if (text != NULL)
        *number = strtod(text, &end);
    if (text == NULL || end == text || *end != '\0' || isnan(*number))
        return fail(diag, ERR_INPUT, "'%s' is missing; not a checkpoint to go on from", key);
    return OK;
}

static enum status progress_get(const struct safetensors *file, struct trainer *trainer,
                                struct diag *diag)
{
    struct train_state *state = &trainer->state;
    double epoch, step, best_epoch, n_steps;
    int32_t n_steps_epoch = trainer->split.n_train / trainer->settings->batch_samples;
    TRY(number_get(file, "epoch", &epoch, diag));
    TRY(number_get(file, "step", &step, diag));
    TRY(number_get(file, "best_epoch", &best_epoch, diag));
    TRY(number_get(file, "n_steps", &n_steps, diag));
    TRY(number_get(file, "loss_sum", &state->loss_sum, diag));
    TRY(number_get(file, "n_right", &state->n_right, diag));
    TRY(number_get(file, "best_score", &state->best_score, diag));
    if (epoch < 0 || epoch > trainer->settings->n_epochs || step < 0 || step > n_steps_epoch ||
        best_epoch < 0 || best_epoch > epoch || n_steps < 0 || n_steps > 1e15)
        return fail(diag, ERR_INPUT, "epoch %g, step %g is outside of the training", epoch, step);
    state->epoch = (int32_t)epoch;
    state->step = (int32_t)step;
    state->best_epoch = (int32_t)best_epoch;
    state->optimizer.n_steps = (int64_t)n_steps;
    return OK;
}

/* What the training was started from must be what it goes on with. */
static enum status origin_check(const struct safetensors *file, const char *key, const char *what,
                                const char *now, struct diag *diag)
{
    const char *before = safetensors_metadata(file, key);
    if (before == NULL)
        return fail(diag, ERR_INPUT, "'%s' is missing; not a checkpoint to go on from", key);
    if (strcmp(before, now) == 0)
        return OK;
    return fail(diag, ERR_USAGE,
                "the training was started with %s (%s, now %s); give the same to go on", what,
                before, now);
}

static enum status origin_compare(const struct safetensors *file, const struct origin *now,
                                  struct diag *diag)
{
    TRY(origin_check(file, "dataset", "another dataset in --data", now->dataset, diag));
    TRY(origin_check(file, "teacher", "another teacher in --distill", now->teacher, diag));
    return origin_check(file, "zeros", "other zeros in NET, for --keep-zeros", now->zeros, diag);
}

static enum status state_get(const struct file *bytes, const char *settings,
                             struct trainer *trainer, struct arena *arena, struct diag *diag)
{
    struct safetensors file;
    struct parameters parameters = network_parameters(trainer->network);
    struct train_state *state = &trainer->state;
    TRY(safetensors_read(bytes->data, bytes->size, arena, &file, diag));
    const char *before = safetensors_metadata(&file, "settings");
    const char *graph = safetensors_metadata(&file, "graph");
    if (before == NULL)
        return fail(diag, ERR_INPUT, "not a checkpoint to go on from; give it as NET instead");
    if (strcmp(before, settings) != 0)
        return fail(diag, ERR_USAGE,
                    "the training was started with '%s', not with '%s'; give the "
                    "same options to go on",
                    before, settings);
    if (graph == NULL || strcmp(graph, graph_text(trainer->graph, arena)) != 0)
        return fail(diag, ERR_INPUT, "the training was started with another network than '%s'",
                    trainer->graph->name);
    TRY(origin_compare(&file, &trainer->origin, diag));
    TRY(progress_get(&file, trainer, diag));
    TRY(values_get(&file, trainer, "", parameters.values, arena, diag));
    TRY(values_get(&file, trainer, "best:", state->best_values, arena, diag));
    TRY(values_get(&file, trainer, "momentum:", state->optimizer.momentum, arena, diag));
    TRY(values_get(&file, trainer, "square:", state->optimizer.square, arena, diag));
    network_changed(trainer->network);
    return OK;
}

enum status checkpoint_read(const char *path, const char *settings, struct trainer *trainer,
                            struct diag *diag)
{
    struct arena arena = {0};
    struct file bytes;
    enum status status = file_read(path, &arena, &bytes, diag);
    if (status == OK) {
        status = state_get(&bytes, settings, trainer, &arena, diag);
        if (status != OK)
            diag_prefix(diag, path);
    }
    arena_free(&arena);
    return status;
}
