/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include "driver/project.h"

#include <assert.h>
#include <stdlib.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "eval/eval.h"
#include "pass/pass.h"

static int has_runtime(struct arena *arena, const char *folder)
{
    return access(arena_printf(arena, "%s/runtime/dtmm.h", folder), R_OK) == 0;
}

enum status share_folder(struct arena *arena, const char **folder, struct diag *diag)
{
    const char *chosen = getenv("DTMM_SHARE");
    if (chosen != NULL && chosen[0] != '\0') {
        if (!has_runtime(arena, chosen))
            return fail(diag, ERR_IO, "$DTMM_SHARE is %s, which has no runtime/dtmm.h", chosen);
        *folder = chosen;
        return OK;
    }
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0)
        return fail(diag, ERR_IO, "cannot find the runtime's sources; set $DTMM_SHARE");
    path[length] = '\0';
    for (char *slash = strrchr(path, '/'); slash != NULL; slash = strrchr(path, '/')) {
        *slash = '\0';
        *folder = arena_printf(arena, "%s/share/dtmm", path);
        if (has_runtime(arena, *folder))
            return OK;
        *folder = arena_string(arena, path);
        if (has_runtime(arena, *folder))
            return OK;
    }
    return fail(diag, ERR_IO, "cannot find the runtime's sources; set $DTMM_SHARE");
}

static enum status read_report(struct project *project, struct arena *arena, struct diag *diag)
{
    const char *path = arena_printf(arena, "%s/report.json", project->folder);
    struct file file;
    if (file_read(path, arena, &file, diag) != OK)
        return fail(diag, ERR_INPUT, "%s: not a folder that 'dtmm compress' wrote: no report.json",
                    project->folder);
    json_error_t error;
    project->report = json_loadb((const char *)file.data, file.size, 0, &error);
    if (project->report == NULL)
        return fail(diag, ERR_INPUT, "%s:%d: %s", path, error.line, error.text);
    const char *name = json_string_value(json_object_get(project->report, "target"));
    if (name == NULL)
        return fail(diag, ERR_INPUT, "%s: no \"target\"", path);
    return target_find(name, &project->target, diag);
}

enum status project_open(const char *folder, struct arena *arena, struct project *project,
                         struct diag *diag)
{
    *project = (struct project){.folder = folder};
    enum status status = read_report(project, arena, diag);
    if (status == OK)
        status =
            driver_load(arena_printf(arena, "%s/model.txt", folder), arena, &project->graph, diag);
    if (status == OK)
        status = pack(project->graph, NULL, arena, &project->packed, diag);
    if (status == OK)
        status = plan(project->graph, project->packed, arena, &project->layout, diag);
    size_t n_layers = json_array_size(json_object_get(project->report, "layers"));
    if (status == OK && n_layers != (size_t)project->graph->n_nodes)
        status = fail(diag, ERR_INPUT,
                      "%s: report.json and model.txt do not belong together (%zu and %d layers)",
                      folder, n_layers, project->graph->n_nodes);
    if (status != OK)
        project_close(project);
    return status;
}

void project_close(struct project *project)
{
    json_decref(project->report);
    project->report = NULL;
}

enum status project_save_report(const struct project *project, struct diag *diag)
{
    struct arena scratch = {0};
    char *json = json_dumps(project->report, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    assert(json != NULL);
    struct text text = text_start(&scratch);
    text_printf(&text, "%s\n", json);
    free(json);
    enum status status = file_write(arena_printf(&scratch, "%s/report.json", project->folder),
                                    text.data, text.length, diag);
    arena_free(&scratch);
    return status;
}

static size_t *tensor_sizes(const struct graph *graph, const int32_t *ids, int32_t n,
                            struct arena *arena)
{
    size_t *sizes = ARENA_ARRAY(arena, (size_t)n, size_t);
    for (int32_t i = 0; i < n; i++)
        sizes[i] = tensor_bytes(&graph->tensors[ids[i]]);
    return sizes;
}

enum status firmware_describe(const struct graph *graph, const char *folder,
                              const struct target *target, struct arena *arena,
                              struct firmware *firmware, struct diag *diag)
{
    const char *share;
    TRY(share_folder(arena, &share, diag));
    *firmware = (struct firmware){
        .folder = folder,
        .model = graph->name,
        .board_folder = arena_printf(arena, "%s/board", share),
        .target = target,
        .n_nodes = graph->n_nodes,
        .n_inputs = graph->n_inputs,
        .input_bytes = tensor_sizes(graph, graph->inputs, graph->n_inputs, arena),
        .n_outputs = graph->n_outputs,
        .output_bytes = tensor_sizes(graph, graph->outputs, graph->n_outputs, arena),
    };
    return OK;
}

/* Pointers to each tensor of one sample. */
static void split_sample(const struct graph *graph, const int32_t *ids, int32_t n, uint8_t *sample,
                         void **pointers)
{
    for (int32_t i = 0; i < n; i++) {
        pointers[i] = sample;
        sample += tensor_bytes(&graph->tensors[ids[i]]);
    }
}

enum status project_run_host(const struct project *project, const uint8_t *inputs, size_t n_samples,
                             struct arena *arena, struct run *run, struct diag *diag)
{
    const struct graph *graph = project->graph;
    size_t input_bytes = graph_input_bytes(graph), output_bytes = graph_output_bytes(graph);
    void **in = ARENA_ARRAY(arena, (size_t)graph->n_inputs, void *);
    void **out = ARENA_ARRAY(arena, (size_t)graph->n_outputs, void *);
    uint8_t *samples = arena_copy(arena, inputs, n_samples * input_bytes);
    *run = (struct run){.instructions = -1, .stack_bytes = -1};
    run->output_bytes = n_samples * output_bytes;
    run->outputs = arena_alloc(arena, n_samples, output_bytes);
    for (size_t i = 0; i < n_samples; i++) {
        split_sample(graph, graph->inputs, graph->n_inputs, samples + i * input_bytes, in);
        split_sample(graph, graph->outputs, graph->n_outputs, run->outputs + i * output_bytes, out);
        TRY(eval_run(graph, project->packed, project->layout, (const void *const *)in, out, diag));
    }
    return OK;
}

uint8_t *samples_invent(const struct graph *graph, size_t n_samples, struct arena *arena)
{
    struct random random = {1};
    uint8_t *samples = arena_alloc(arena, n_samples, graph_input_bytes(graph)), *end = samples;
    for (size_t s = 0; s < n_samples; s++)
        for (int32_t i = 0; i < graph->n_inputs; i++) {
            const struct tensor *tensor = &graph->tensors[graph->inputs[i]];
            for (int64_t j = 0; j < shape_elements(&tensor->shape); j++) {
                int8_t q = (int8_t)random_range(&random, -128, 127);
                float real = (float)q / 128.0f;
                size_t size = dtype_bytes(tensor->dtype);
                memcpy(end, tensor->dtype == DTYPE_F32 ? (void *)&real : (void *)&q, size);
                end += size;
            }
        }
    return samples;
}

enum status samples_read(const char *path, size_t sample_bytes, struct arena *arena,
                         uint8_t **samples, size_t *n_samples, struct diag *diag)
{
    struct file file;
    TRY(file_read(path, arena, &file, diag));
    if (file.size == 0 || file.size % sample_bytes != 0)
        return fail(diag, ERR_INPUT, "%s: has %zu bytes, not a multiple of a sample's %zu bytes",
                    path, file.size, sample_bytes);
    *samples = file.data;
    *n_samples = file.size / sample_bytes;
    return OK;
}

enum status project_check_target(const struct project *project, const struct target *target,
                                 struct diag *diag)
{
    for (size_t i = 0; i < json_array_size(json_object_get(project->report, "layers")); i++) {
        const json_t *layer = json_array_get(json_object_get(project->report, "layers"), i);
        const char *kernel = json_string_value(json_object_get(layer, "kernel"));
        const char *end = kernel != NULL ? strrchr(kernel, '_') : NULL;
        const char *isa = end != NULL ? end + 1 : "c";
        if (strcmp(isa, "c") != 0 && strcmp(isa, target->core->isa) != 0)
            return fail(diag, ERR_USAGE,
                        "%s is compiled for %s with %s kernels, which %s cannot run; compress it "
                        "with --target %s",
                        project->folder, project->target->name, isa, target->name, target->name);
    }
    return OK;
}
