/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/stage.h"
#include "command/command.h"
#include "emit/emit.h"
#include "project.h"
#include "report/report.h"

struct request {
    struct compile_options compile;
    const char *out;
    int force, json;
};

static enum status parse_budget(const char *option, const char *value, uint32_t device,
                                const struct target *target, size_t *bytes, struct diag *diag)
{
    *bytes = device;
    if (value == NULL)
        return OK;
    TRY(parse_bytes(option, value, bytes, diag));
    if (*bytes > device)
        return fail(diag, ERR_USAGE,
                    "%s %s is more than %s has (%u bytes); choose a smaller budget "
                    "or another --target",
                    option, value, target->name, device);
    return OK;
}

/* OUT may be missing or an empty folder; with --force also a folder that nothing else needs. */
static enum status check_out(const struct request *request, struct diag *diag)
{
    const char *out = request->out;
    switch (out[0] == '\0' ? FOLDER_OTHER : folder_look(out)) {
    case FOLDER_OTHER:
        return fail(diag, ERR_USAGE, "-o '%s': not a folder; choose another name", out);
    case FOLDER_CLOSED:
        return fail(diag, ERR_IO, "-o %s: cannot look into it: %s", out, strerror(errno));
    case FOLDER_FULL:
        if (!request->force)
            return fail(diag, ERR_USAGE, "-o %s: exists and is not empty; --force replaces it",
                        out);
        break;
    default:
        break;
    }
    if (folder_holds(out, ".") || folder_holds(out, request->compile.model_path))
        return fail(diag, ERR_USAGE,
                    "-o %s: holds the %s, which would be lost; choose another folder", out,
                    folder_holds(out, ".") ? "current folder" : "model");
    return OK;
}

static enum status parse_request(const struct command *command, int argc, char **argv,
                                 struct request *request, struct diag *diag)
{
    static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                            {"target", required_argument, NULL, 't'},
                                            {"flash", required_argument, NULL, 'F'},
                                            {"sram", required_argument, NULL, 'S'},
                                            {"sparsity", required_argument, NULL, 's'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"force", no_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"dump", required_argument, NULL, 'd'},
                                            {NULL, 0, NULL, 0}};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "t:o:fvd:", 1, &arguments, diag));
    const char **value = arguments.value;
    struct compile_options *compile = &request->compile;
    *request = (struct request){
        .out = value['o'], .force = value['f'] != NULL, .json = value['j'] != NULL};
    compile->model_path = arguments.positional[0];
    compile->observer = (struct observer){.verbose = value['v'] != NULL, .dump = value['d']};
    if (value['t'] == NULL)
        return fail(diag, ERR_USAGE, "--target is missing; 'dtmm targets' lists them");
    if (request->out == NULL)
        return fail(diag, ERR_USAGE, "-o OUT is missing: the folder to write");
    TRY(target_find(value['t'], &compile->target, diag));
    TRY(check_dump(compile->observer.dump, DUMPABLE_PASSES, request->json, diag));
    if (value['s'] != NULL)
        TRY(parse_fraction("--sparsity", value['s'], 0, 1, &compile->sparsity, diag));
    const struct target *target = compile->target;
    TRY(parse_budget("--flash", value['F'], target->flash_bytes, target, &compile->flash_budget,
                     diag));
    TRY(parse_budget("--sram", value['S'], target->sram_bytes, target, &compile->sram_budget,
                     diag));
    return check_out(request, diag);
}

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

static enum status build(const struct request *request, const struct compiled *compiled,
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

/* Fills the staged folder; leaves the report for the screen in *report. */
static enum status fill(const struct request *request, const struct compiled *compiled,
                        const char *folder, struct arena *arena, json_t **report, struct diag *diag)
{
    struct built built = {0};
    TRY(build(request, compiled, folder, arena, &built, diag));
    TRY(write_graph(compiled, folder, arena, diag));
    struct report_facts facts = {.model_path = request->compile.model_path,
                                 .original = compiled->original,
                                 .graph = compiled->graph,
                                 .packed = compiled->packed,
                                 .layout = compiled->layout,
                                 .target = request->compile.target,
                                 .built = &built,
                                 .sparsity = request->compile.sparsity};
    *report = report_json(&facts);
    struct project project = {.folder = folder, .report = *report};
    return project_save_report(&project, diag);
}

static void show(const struct request *request, json_t *report, struct arena *arena)
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

static enum status compress(const struct request *request, struct arena *arena, struct diag *diag)
{
    struct compiled compiled;
    struct stage stage;
    json_t *report = NULL;
    TRY(driver_compile(&request->compile, arena, &compiled, diag));
    TRY(check_arena(&request->compile, &compiled, diag));
    TRY(stage_open(request->out, arena, &stage, diag));
    enum status status = fill(request, &compiled, stage.folder, arena, &report, diag);
    if (status == OK)
        status = stage_commit(&stage, arena, diag);
    else
        stage_discard(&stage);
    if (status == OK)
        show(request, report, arena);
    json_decref(report);
    return status;
}

enum status command_compress(const struct command *command, int argc, char **argv,
                             struct diag *diag)
{
    struct request request;
    TRY(parse_request(command, argc, argv, &request, diag));
    struct arena arena = {0};
    enum status status = compress(&request, &arena, diag);
    arena_free(&arena);
    return status;
}
