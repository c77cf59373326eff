/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/stage.h"
#include "command/compress.h"
#include "command/prune_options.h"
#include "command/train_options.h"
#include "compress/sweeper.h"
#include "train/distributed.h"

static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                        {"target", required_argument, NULL, 't'},
                                        {"points", required_argument, NULL, 'z'},
                                        {"sram", required_argument, NULL, 'M'},
                                        {"solver", required_argument, NULL, 'K'},
                                        {"out", required_argument, NULL, 'o'},
                                        {"force", no_argument, NULL, 'f'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        PRUNE_OPTIONS,
                                        {NULL, 0, NULL, 0}};

struct sweep_request {
    const char *out;
    int force, json;
    struct sweeper_options sweeper;
};

static enum status parse_request(const struct arguments *arguments,
                                 const struct distributed *distributed, struct arena *arena,
                                 struct sweep_request *request, struct diag *diag)
{
    static const char *const FEW_EPOCHS = "6";
    const char **value = (const char **)(void *)arguments->value;
    struct compressor_options *options = &request->sweeper.compressor;
    const char *model = arguments->positional[0];
    long points = 8;
    *request = (struct sweep_request){
        .out = value['o'], .force = value['f'] != NULL, .json = value['j'] != NULL};
    if (value['t'] == NULL)
        return fail(diag, ERR_USAGE, "--target is missing; 'dtmm targets' lists them");
    if (value['o'] == NULL)
        return fail(diag, ERR_USAGE, "-o OUT is missing: the folder to write");
    TRY(target_find(value['t'], &options->target, diag));
    if (options->target->core->emulator == NULL)
        return fail(diag, ERR_USAGE,
                    "--target %s: a device is needed, on which points are measured",
                    options->target->name);
    TRY(parse_budget("--sram", value['M'], options->target->sram_bytes, options->target,
                     &options->sram_budget, diag));
    if (value['z'] != NULL)
        TRY(parse_whole("--points", value['z'], 1, 100, &points, diag));
    TRY(parse_solver(value['K'], &options->solver, diag));
    TRY(check_out(request->out, request->force, model, diag));
    options->settings =
        arena_printf(arena, "%s, %d ranks", settings_text(OPTIONS, value, model, "hofjvmH", arena),
                     distributed->n_ranks);
    if (value['e'] == NULL)
        value['e'] = FEW_EPOCHS;
    TRY(prune_options_parse(value, arena, &options->pruner, diag));
    options->model_path = model;
    options->flash_budget = options->target->flash_bytes;
    options->most_instructions = options->most_drop = (double)INFINITY;
    options->objective = OBJECTIVE_ACCURACY;
    options->n_rounds = 1;
    options->state_path = state_path_of(request->out, arena);
    options->resume = value['m'] != NULL;
    request->sweeper.n_points = (int32_t)points;
    request->sweeper.rank = distributed->rank;
    request->sweeper.n_ranks = distributed->n_ranks;
    return OK;
}

/* ---- the folder ---- */

static enum status write_text(const struct text *text, const char *path, struct diag *diag)
{
    return file_write(path, text->data, text->length, diag);
}

static enum status write_point(const struct sweeper_result *result, int32_t i, const char *folder,
                               struct arena *arena, struct diag *diag)
{
    struct file file;
    const char *name = result->front.points[i].name;
    TRY(file_read(result->tflite_paths[i], arena, &file, diag));
    TRY(file_write(arena_printf(arena, "%s/%s.tflite", folder, name), file.data, file.size, diag));
    if (result->recipes[i] == NULL)
        return OK;
    return file_write(arena_printf(arena, "%s/%s.json", folder, name), result->recipes[i],
                      strlen(result->recipes[i]), diag);
}

static enum status fill(const struct sweeper_result *result, const char *folder,
                        struct arena *arena, struct diag *diag)
{
    struct text csv = text_start(arena);
    front_csv(&result->front, &csv);
    TRY(write_text(&csv, arena_printf(arena, "%s/front.csv", folder), diag));
    struct text svg = text_start(arena);
    front_svg(&result->front, &svg);
    TRY(write_text(&svg, arena_printf(arena, "%s/front.svg", folder), diag));
    for (int32_t i = 0; i < result->front.n; i++)
        TRY(write_point(result, i, folder, arena, diag));
    return OK;
}

static void show(const struct sweep_request *request, const struct sweeper_result *result,
                 struct arena *arena)
{
    const struct front *front = &result->front;
    if (request->json) {
        print_json(front_json(front));
        return;
    }
    struct text text = text_start(arena);
    front_print(front, &text);
    text_printf(&text, "\nwritten to %s: front.csv, front.svg, a .tflite and a recipe each",
                request->out);
    if (front->knee > 0)
        text_printf(&text,
                    "\nrecommended: %s/%s.tflite; next: dtmm compress %s/%s.tflite --target %s ...",
                    request->out, front->points[front->knee].name, request->out,
                    front->points[front->knee].name, front->target);
    text_printf(&text, "\n");
    fwrite(text.data, 1, text.length, stdout);
}

static enum status write_out(const struct sweep_request *request,
                             const struct sweeper_result *result, struct arena *arena,
                             struct diag *diag)
{
    struct stage stage;
    TRY(stage_open(request->out, arena, &stage, diag));
    enum status status = fill(result, stage.folder, arena, diag);
    if (status == OK)
        status = stage_commit(&stage, arena, diag);
    else
        stage_discard(&stage);
    TRY(status);
    show(request, result, arena);
    return folder_remove(request->sweeper.compressor.state_path, diag);
}

/* ---- the command ---- */

static void wait_for_all(void *context)
{
    distributed_wait(context);
}

static enum status sweep(struct sweep_request *request, struct distributed *distributed,
                         struct arena *arena, struct diag *diag)
{
    struct sweeper_options *options = &request->sweeper;
    struct pruner_options *pruner = &options->compressor.pruner;
    struct sweeper_result result;
    struct train_screen screen = train_screen_start(distributed->rank);
    pruner->quantizer.train_observer = train_screen_show;
    pruner->quantizer.train_context = &screen;
    options->wait = wait_for_all;
    options->wait_context = distributed;
    enum status status = sweeper_run(options, arena, &result, diag);
    train_screen_end(&screen);
    if (status == OK && distributed->rank == 0)
        status = write_out(request, &result, arena, diag);
    if (status == OK)
        distributed_end();
    return status;
}

enum status command_sweep(const struct command *command, int argc, char **argv, struct diag *diag)
{
    struct arguments arguments;
    struct sweep_request request;
    struct distributed distributed;
    struct arena arena = {0};
    TRY(arguments_parse(command, argc, argv, OPTIONS, "t:o:fv", 1, &arguments, diag));
    TRY(distributed_start(&distributed, diag));
    enum status status = parse_request(&arguments, &distributed, &arena, &request, diag);
    if (status == OK)
        status = sweep(&request, &distributed, &arena, diag);
    arena_free(&arena);
    return status;
}
