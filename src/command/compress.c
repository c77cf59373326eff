/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/stage.h"
#include "command/compress.h"
#include "command/train_options.h"
#include "driver/project.h"
#include "emit/emit.h"
#include "report/report.h"

/* The arena alone may show that no build can fit; the layer at its peak is the cause. */
static enum status check_arena(const struct compile_options *options,
                               const struct compiled *compiled, struct diag *diag)
{
    size_t arena_bytes = compiled->layout->arena_bytes;
    if (arena_bytes <= options->sram_budget)
        return OK;
    const struct packed_call *peak = &compiled->packed->calls[compiled->layout->peak_call];
    const struct node *node = &compiled->graph->nodes[peak->node];
    struct arena scratch = {0};
    enum status status =
        fail(diag, ERR_BUDGET,
             "%s: needs %zu bytes of SRAM for activations, the budget is %zu; the cause is %s '%s' "
             "(%s -> %s)",
             options->model_path, arena_bytes, options->sram_budget, op_name(node->op), node->name,
             shape_string(&node_input(compiled->graph, node, 0)->shape, &scratch),
             shape_string(&node_output(compiled->graph, node)->shape, &scratch));
    arena_free(&scratch);
    return status;
}

/* Adds the layer with the most bytes to the builder's message that flash is too small. */
static void name_largest_layer(const struct compiled *compiled, struct diag *diag)
{
    int32_t largest = 0;
    const struct packed_node *nodes = compiled->packed->nodes;
    for (int32_t i = 1; i < compiled->packed->n_nodes; i++)
        if (nodes[i].weight_bytes + nodes[i].index_bytes >
            nodes[largest].weight_bytes + nodes[largest].index_bytes)
            largest = i;
    const struct node *node = &compiled->graph->nodes[largest];
    struct diag old = *diag;
    fail(diag, ERR_BUDGET, "%.800s; the largest layer is %s '%s' with %zu bytes of weights",
         old.message, op_name(node->op), node->name,
         nodes[largest].weight_bytes + nodes[largest].index_bytes);
}

static enum status write_graph(const struct compiled *compiled, const char *folder,
                               struct arena *arena, struct diag *diag)
{
    struct text text = text_start(arena);
    graph_dump(compiled->graph, &text);
    return file_write(arena_printf(arena, "%s/model.txt", folder), text.data, text.length, diag);
}

static enum status build(const struct compress_request *request, const struct compiled *compiled,
                         const char *folder, struct arena *arena, struct built *built,
                         struct diag *diag)
{
    const struct compile_options *options = &request->compile;
    const char *share;
    struct progress progress = {.observer = options->observer};
    TRY(share_folder(arena, &share, diag));
    progress_begin(&progress);
    TRY(emit_c_library(compiled->graph, compiled->packed, compiled->layout, options->target,
                       arena_printf(arena, "%s/runtime", share), folder, diag));
    progress_end(&progress, "emit", "library in C");
    struct firmware firmware;
    progress_begin(&progress);
    TRY(firmware_describe(compiled->graph, folder, options->target, arena, &firmware, diag));
    firmware.flash_budget = options->flash_budget;
    firmware.sram_budget = options->sram_budget;
    enum status status = measure_build(&firmware, built, diag);
    if (status == OK)
        progress_end(&progress, "build",
                     arena_printf(arena, "linked for %s", options->target->name));
    if (status == ERR_BUDGET) {
        diag_prefix(diag, options->model_path);
        if (built->flash_bytes > options->flash_budget)
            name_largest_layer(compiled, diag);
    }
    return status;
}

static enum status file_copy(const char *from, const char *to, struct arena *arena,
                             struct diag *diag)
{
    struct file file;
    TRY(file_read(from, arena, &file, diag));
    return file_write(to, file.data, file.size, diag);
}

/* What the library was made from: to be evaluated, edited, or compressed further. */
static enum status write_sources(const struct compressor_result *found, const char *folder,
                                 struct arena *arena, struct diag *diag)
{
    TRY(file_copy(found->tflite_path, arena_printf(arena, "%s/model.tflite", folder), arena, diag));
    TRY(file_copy(found->float_path, arena_printf(arena, "%s/model.safetensors", folder), arena,
                  diag));
    if (found->recipe == NULL)
        return OK;
    return file_write(arena_printf(arena, "%s/recipe.json", folder), found->recipe,
                      strlen(found->recipe), diag);
}

/* Fills the staged folder; leaves the report for the screen in *report. `found` may be NULL. */
static enum status fill(const struct compress_request *request, const struct compiled *compiled,
                        const struct compressor_result *found, const char *folder,
                        struct arena *arena, json_t **report, struct diag *diag)
{
    struct built built = {0};
    TRY(build(request, compiled, folder, arena, &built, diag));
    TRY(write_graph(compiled, folder, arena, diag));
    if (found != NULL)
        TRY(write_sources(found, folder, arena, diag));
    struct report_facts facts = {.model_path = request->model_path,
                                 .original = compiled->original,
                                 .graph = compiled->graph,
                                 .packed = compiled->packed,
                                 .layout = compiled->layout,
                                 .target = request->compile.target,
                                 .built = &built,
                                 .sparsity = request->compile.sparsity};
    *report = report_json(&facts);
    if (found != NULL)
        report_add_schedule(*report, found->json);
    struct project project = {.folder = folder, .report = *report};
    return project_save_report(&project, diag);
}

static void show(const struct compress_request *request, json_t *report, struct arena *arena)
{
    if (request->json)
        print_json(json_incref(report));
    if (request->json || request->compile.observer.dump != NULL)
        return;
    struct text text = text_start(arena);
    report_print(report, &text);
    text_printf(&text, "\nwritten to %s; next: dtmm run %s\n", request->out, request->out);
    fwrite(text.data, 1, text.length, stdout);
}

/* Writes OUT, complete or not at all. */
static enum status write_out(const struct compress_request *request,
                             const struct compiled *compiled, const struct compressor_result *found,
                             struct arena *arena, struct diag *diag)
{
    struct stage stage;
    json_t *report = NULL;
    TRY(stage_open(request->out, arena, &stage, diag));
    enum status status = fill(request, compiled, found, stage.folder, arena, &report, diag);
    if (status == OK)
        status = stage_commit(&stage, arena, diag);
    else
        stage_discard(&stage);
    if (status == OK)
        show(request, report, arena);
    json_decref(report);
    return status;
}

/* Without data: what can be done to the network as it is. */
static enum status compress(const struct compress_request *request, struct arena *arena,
                            struct diag *diag)
{
    struct compiled compiled;
    TRY(driver_compile(&request->compile, arena, &compiled, diag));
    TRY(check_arena(&request->compile, &compiled, diag));
    return write_out(request, &compiled, NULL, arena, diag);
}

/* The network that was found becomes the library. The report compares with the one that came. */
static enum status write_found(const struct compress_request *request,
                               const struct compressor_result *found, struct arena *arena,
                               struct diag *diag)
{
    struct compress_request last = *request;
    struct compiled compiled;
    last.compile.model_path = found->tflite_path;
    last.compile.sram_budget = found->sram_limit;
    last.compile.recipe = found->recipe;
    TRY(driver_compile(&last.compile, arena, &compiled, diag));
    last.compile.sram_budget = request->compile.sram_budget;
    TRY(driver_load(request->model_path, arena, &compiled.original, diag));
    TRY(check_arena(&last.compile, &compiled, diag));
    TRY(write_out(&last, &compiled, found, arena, diag));
    return folder_remove(request->compressor.state_path, diag);
}

/* With data: removes and trains until the budgets are met. */
static enum status compress_trained(const struct compress_request *request, struct arena *arena,
                                    struct diag *diag)
{
    struct compressor_options options = request->compressor;
    struct compressor_result found = {.json = NULL};
    struct train_screen screen = train_screen_start(0);
    options.pruner.quantizer.train_observer = train_screen_show;
    options.pruner.quantizer.train_context = &screen;
    enum status status = compressor_run(&options, arena, &found, diag);
    train_screen_end(&screen);
    if (status == OK)
        status = write_found(request, &found, arena, diag);
    json_decref(found.json);
    return status;
}

enum status command_compress(const struct command *command, int argc, char **argv,
                             struct diag *diag)
{
    struct compress_request request;
    struct arena arena = {0};
    enum status status = compress_request_parse(command, argc, argv, &arena, &request, diag);
    if (status == OK)
        status = (request.has_data ? compress_trained : compress)(&request, &arena, diag);
    arena_free(&arena);
    return status;
}
