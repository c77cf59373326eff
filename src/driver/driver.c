/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/driver.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/safetensors.h"
#include "driver/fit.h"
#include "emit/emit.h"
#include "graph/weights.h"
#include "import/import.h"
#include "pass/pass.h"
#include "report/report.h"

const char *const DUMPABLE_PASSES[] = {"import", "score", "prune", "simplify",
                                       "pack",   "plan",  NULL};

/* ---- what the observer sees ---- */

static const char *graph_summary(const struct graph *graph, struct arena *scratch)
{
    int64_t macs = 0, weights = 0, live = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        struct weight_counts counts = weight_counts(graph, &graph->nodes[i]);
        macs += counts.macs;
        weights += counts.n_weights;
        live += counts.n_weights_live;
    }
    return arena_printf(scratch,
                        "%d layers, %s MACs, %s weights, %s in filterlets that are not zero",
                        graph->n_nodes, thousands(scratch, macs), thousands(scratch, weights),
                        thousands(scratch, live));
}

static void graph_done(const struct progress *progress, const char *pass, const struct graph *graph)
{
    struct arena scratch = {0};
    if (progress_end(progress, pass, graph_summary(graph, &scratch))) {
        struct text text = text_start(&scratch);
        graph_dump(graph, &text);
        fwrite(text.data, 1, text.length, stdout);
    }
    arena_free(&scratch);
}

static void score_done(const struct progress *progress, const struct graph *graph,
                       const struct scores *scores)
{
    if (!progress_end(progress, "score", "filterlets ranked by their normalized L2 norm"))
        return;
    for (int32_t i = 0; i < scores->n_nodes; i++) {
        const struct node_scores *node = &scores->nodes[i];
        if (node->of == NULL)
            continue;
        printf("%s", graph->nodes[i].name);
        for (int64_t j = 0; j < node->n_units; j++)
            printf(" %.6g", (double)node->of[j]);
        printf("\n");
    }
}

static void print_call(const struct graph *graph, const struct packed_call *call)
{
    const struct kernel_facts *facts = kernel_facts(call->kernel);
    printf("%s: dtmm_%s_%s", graph->nodes[call->node].name, facts->name, facts->isa);
    for (int32_t i = 0; i < call->n_arrays; i++)
        printf(" %s %zu", call->arrays[i].field, call->arrays[i].n * call->arrays[i].element_bytes);
    printf(" scratch %zu\n", call->scratch_bytes);
}

static void pack_done(const struct progress *progress, const struct graph *graph,
                      const struct packed *packed)
{
    struct arena scratch = {0};
    size_t weights = 0, index = 0;
    for (int32_t i = 0; i < packed->n_nodes; i++) {
        weights += packed->nodes[i].weight_bytes;
        index += packed->nodes[i].index_bytes;
    }
    const char *summary =
        arena_printf(&scratch, "%d calls, weights %s B, index %s B", packed->n_calls,
                     thousands(&scratch, (int64_t)weights), thousands(&scratch, (int64_t)index));
    if (progress_end(progress, "pack", summary))
        for (int32_t i = 0; i < packed->n_calls; i++)
            print_call(graph, &packed->calls[i]);
    arena_free(&scratch);
}

static void plan_done(const struct progress *progress, const struct compiled *compiled)
{
    struct arena scratch = {0};
    const char *summary = arena_printf(&scratch, "arena %s B",
                                       thousands(&scratch, (int64_t)compiled->layout->arena_bytes));
    if (progress_end(progress, "plan", summary)) {
        struct text text = text_start(&scratch);
        layout_chart(compiled->graph, compiled->packed, compiled->layout, &text);
        fwrite(text.data, 1, text.length, stdout);
    }
    arena_free(&scratch);
}

/* ---- the pipeline ---- */

/* Whether a line starts with the word "graph"; a long name follows on the next. */
static int is_text(const struct file *file)
{
    const char *text = (const char *)file->data;
    if (memchr(text, '\0', file->size) != NULL)
        return 0;
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "graph", 5) == 0 && (line[5] == ' ' || line[5] == '\n'))
            return 1;
    }
    return 0;
}

/* Whether there are bytes that no text has. */
static int has_control(const struct file *file)
{
    for (size_t i = 0; i < file->size; i++)
        if (file->data[i] < ' ' && strchr("\t\n\v\f\r", file->data[i]) == NULL)
            return 1;
    return memchr(file->data, '\0', file->size) != NULL;
}

static int is_tflite(const struct file *file)
{
    return file->size >= 8 && memcmp(file->data + 4, "TFL3", 4) == 0;
}

static const char *stem(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    char *name = arena_string(arena, slash != NULL ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name)
        *dot = '\0';
    return name;
}

enum status driver_load(const char *path, struct arena *arena, struct graph **graph,
                        struct diag *diag)
{
    struct file file;
    TRY(file_read(path, arena, &file, diag));
    enum status status;
    if (file.size == 0)
        status = fail(diag, ERR_INPUT, "the file is empty; export the network again");
    else if (safetensors_is(file.data, file.size))
        status = import_safetensors(file.data, file.size, arena, graph, diag);
    else if (is_text(&file))
        status = graph_parse((const char *)file.data, file.size, arena, graph, diag);
    else if (!has_control(&file))
        status = fail(diag, ERR_INPUT,
                      "a text file, but not a network's text form (no line starts with 'graph'); "
                      "give a .tflite or .onnx file");
    else if (!is_tflite(&file))
        status = import_onnx(file.data, file.size, stem(path, arena), arena, graph, diag);
    else
        status = import_tflite(file.data, file.size, stem(path, arena), arena, graph, diag);
    if (status != OK)
        diag_prefix(diag, path);
    return status;
}

enum status driver_scale_like(const char *path, enum sample_type type, struct sample_scale *scale,
                              struct diag *diag)
{
    struct arena scratch = {0};
    struct graph *graph;
    enum status status = driver_load(path, &scratch, &graph, diag);
    const struct tensor *input = status == OK ? &graph->tensors[graph->inputs[0]] : NULL;
    if (status == OK && input->quantization.n != 1)
        status = fail(diag, ERR_INPUT, "%s: its input '%s' is %s; --input-like needs an int8 input",
                      path, input->name, dtype_name(input->dtype));
    if (status == OK) {
        float step = input->quantization.scale[0];
        int32_t zero = input->quantization.zero_point[0] + (type == SAMPLE_U8 ? 128 : 0);
        *scale = (struct sample_scale){step, -step * (float)zero};
    }
    arena_free(&scratch);
    return status;
}

enum status driver_import(const char *path, const struct observer *observer, struct arena *arena,
                          struct graph **graph, struct diag *diag)
{
    struct progress progress = {.observer = *observer};
    progress_begin(&progress);
    TRY(driver_load(path, arena, graph, diag));
    graph_done(&progress, "import", *graph);
    return OK;
}

static enum status verified(const struct graph *graph, const char *pass, struct diag *diag)
{
    enum status status = graph_verify(graph, diag);
    if (status != OK)
        diag_prefix(diag, pass);
    return status;
}

/* Filterlets of convolutions, all layers ranked together. */
static const struct recipe *convolutions_recipe(const struct graph *graph, double sparsity,
                                                struct arena *arena)
{
    struct unit filterlet = {UNIT_FILTERLET, 0};
    struct recipe *recipe = recipe_uniform(graph, filterlet, sparsity, arena);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op != OP_conv_2d)
            recipe->layers[i].sparsity = 0;
    return recipe;
}

static enum status run_passes(const struct compile_options *options, struct progress *progress,
                              struct arena *arena, struct compiled *compiled, struct diag *diag)
{
    struct graph *graph = compiled->original;
    struct scores *scores;
    struct masks *masks;
    if (options->sparsity > 0) {
        progress_begin(progress);
        const struct recipe *recipe = convolutions_recipe(graph, options->sparsity, arena);
        TRY(score(graph, recipe, NULL, arena, &scores, diag));
        score_done(progress, graph, scores);
        progress_begin(progress);
        TRY(choose_masks(graph, scores, recipe, NULL, arena, &masks, diag));
        TRY(prune(graph, masks, NULL, arena, &graph, diag));
        TRY(verified(graph, "prune", diag));
        graph_done(progress, "prune", graph);
    }
    progress_begin(progress);
    TRY(simplify(graph, arena, &graph, diag));
    TRY(verified(graph, "simplify", diag));
    graph_done(progress, "simplify", graph);
    compiled->graph = graph;
    progress_begin(progress);
    TRY(fit(options, arena, compiled, diag));
    pack_done(progress, graph, compiled->packed);
    plan_done(progress, compiled);
    return OK;
}

enum status driver_compile(const struct compile_options *options, struct arena *arena,
                           struct compiled *compiled, struct diag *diag)
{
    struct progress progress = {.observer = options->observer};
    TRY(driver_import(options->model_path, &options->observer, arena, &compiled->original, diag));
    enum status status = run_passes(options, &progress, arena, compiled, diag);
    if (status != OK)
        diag_prefix(diag, options->model_path);
    return status;
}

enum status driver_export(const struct graph *graph, const char *path, struct diag *diag)
{
    struct arena scratch = {0};
    struct graph *folded = NULL;
    struct file file;
    int is_float = graph->tensors[graph->inputs[0]].dtype == DTYPE_F32;
    enum status status = is_float ? fold(graph, &scratch, &folded, diag) : OK;
    if (status == OK)
        status = emit_tflite(is_float ? folded : graph, &scratch, &file, diag);
    if (status != OK && path != NULL)
        diag_prefix(diag, path);
    if (status == OK && path != NULL)
        status = file_write(path, file.data, file.size, diag);
    arena_free(&scratch);
    return status;
}
