/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "command/compress.h"
#include "command/prune_options.h"
#include "target/latency.h"

static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                        {"target", required_argument, NULL, 't'},
                                        {"flash", required_argument, NULL, 'F'},
                                        {"sram", required_argument, NULL, 'M'},
                                        {"sparsity", required_argument, NULL, 'x'},
                                        {"out", required_argument, NULL, 'o'},
                                        {"force", no_argument, NULL, 'f'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {"dump", required_argument, NULL, 'd'},
                                        PRUNE_OPTIONS,
                                        {"instructions", required_argument, NULL, 'I'},
                                        {"latency", required_argument, NULL, 'l'},
                                        {"max-drop", required_argument, NULL, 'p'},
                                        {"min-accuracy", required_argument, NULL, 'c'},
                                        {"objective", required_argument, NULL, 'J'},
                                        {"solver", required_argument, NULL, 'K'},
                                        {"rounds", required_argument, NULL, 'k'},
                                        {"recipe", required_argument, NULL, 'R'},
                                        {NULL, 0, NULL, 0}};
/* What decides no outcome, by letter. */
static const char UNIMPORTANT[] = "hofjvdmH";

enum status parse_budget(const char *option, const char *value, uint32_t device,
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

enum status check_out(const char *out, int force, const char *model_path, struct diag *diag)
{
    switch (out[0] == '\0' ? FOLDER_OTHER : folder_look(out)) {
    case FOLDER_OTHER:
        return fail(diag, ERR_USAGE, "-o '%s': not a folder; choose another name", out);
    case FOLDER_CLOSED:
        return fail(diag, ERR_IO, "-o %s: cannot look into it: %s", out, strerror(errno));
    case FOLDER_FULL:
        if (!force)
            return fail(diag, ERR_USAGE, "-o %s: exists and is not empty; --force replaces it",
                        out);
        break;
    default:
        break;
    }
    if (folder_holds(out, ".") || folder_holds(out, model_path))
        return fail(diag, ERR_USAGE,
                    "-o %s: holds the %s, which would be lost; choose another folder", out,
                    folder_holds(out, ".") ? "current folder" : "model");
    return OK;
}

/* ---- budgets of what is searched for ---- */

/* "6.5M", "900K", "250000": K is a thousand. */
static enum status parse_instructions(const char *value, double *number, struct diag *diag)
{
    char *end;
    *number = strtod(value, &end);
    if (*end == 'K' || *end == 'k')
        *number *= 1e3, end++;
    else if (*end == 'M' || *end == 'm')
        *number *= 1e6, end++;
    if (end == value || *end != '\0' || !isfinite(*number) || *number < 1)
        return fail(diag, ERR_USAGE,
                    "--instructions %s: not a count; write it as 6.5M, 900K or 250000", value);
    return OK;
}

/* "20ms", "1.5s", "800us" */
static enum status parse_latency(const char *value, const struct target *target, double *number,
                                 struct diag *diag)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"ms", 1e-3}, {"us", 1e-6}, {"s", 1}};
    char *end;
    double time = strtod(value, &end);
    for (size_t i = 0; i < sizeof units / sizeof units[0] && end != value; i++)
        if (strcmp(end, units[i].name) == 0 && isfinite(time) && time > 0) {
            *number = latency_instructions(target, time * units[i].seconds);
            if (*number > 0)
                return OK;
            return fail(diag, ERR_USAGE,
                        "--latency: %s has no clock of its own; choose a device ('dtmm targets'), "
                        "or give --instructions",
                        target->name);
        }
    return fail(diag, ERR_USAGE, "--latency %s: not a time; write it as 20ms, 800us or 1.5s",
                value);
}

static enum status parse_amounts(const char *const *value, struct compressor_options *options,
                                 struct diag *diag)
{
    double points;
    options->most_instructions = options->most_drop = (double)INFINITY;
    if (value['I'] != NULL && value['l'] != NULL)
        return fail(diag, ERR_USAGE, "--latency and --instructions say the same; give one");
    if (value['I'] != NULL)
        TRY(parse_instructions(value['I'], &options->most_instructions, diag));
    if (value['l'] != NULL)
        TRY(parse_latency(value['l'], options->target, &options->most_instructions, diag));
    options->is_latency = value['l'] != NULL;
    if (value['p'] != NULL) {
        TRY(parse_fraction("--max-drop", value['p'], 0, 100, &points, diag));
        options->most_drop = points / 100;
    }
    if (value['c'] != NULL) {
        TRY(parse_fraction("--min-accuracy", value['c'], 0, 100.0000001, &points, diag));
        options->min_accuracy = points / 100;
    }
    return OK;
}

enum status parse_solver(const char *value, enum solver *solver, struct diag *diag)
{
    static const char *const SOLVERS[] = {
#define X(suffix, name, meaning) name,
        SOLVER_LIST(X)
#undef X
    };
    for (int i = 0; value != NULL && i < N_SOLVERS; i++)
        if (strcmp(value, SOLVERS[i]) == 0) {
            *solver = (enum solver)i;
            return OK;
        }
    return value == NULL ? OK
                         : fail(diag, ERR_USAGE, "--solver %s: must be knapsack or anneal", value);
}

static enum status parse_search(const char *const *value, struct compressor_options *options,
                                struct diag *diag)
{
    long rounds = 3;
    options->objective = OBJECTIVE_ACCURACY;
    if (value['J'] != NULL) {
        int found = -1;
        for (int i = OBJECTIVE_LATENCY; i <= OBJECTIVE_FLASH; i++)
            if (strcmp(value['J'], objective_name((enum objective)i)) == 0)
                found = i;
        if (found < 0)
            return fail(diag, ERR_USAGE, "--objective %s: must be latency, accuracy or flash",
                        value['J']);
        options->objective = (enum objective)found;
    }
    TRY(parse_solver(value['K'], &options->solver, diag));
    if (value['k'] != NULL)
        TRY(parse_whole("--rounds", value['k'], 1, 16, &rounds, diag));
    options->n_rounds = (int32_t)rounds;
    options->recipe_path = value['R'];
    if (value['R'] != NULL && (value['K'] != NULL || value['k'] != NULL))
        return fail(diag, ERR_USAGE, "--recipe skips the search; leave out --solver and --rounds");
    if (options->objective != OBJECTIVE_ACCURACY && value['R'] == NULL &&
        options->most_drop == (double)INFINITY && options->min_accuracy == 0)
        return fail(diag, ERR_USAGE,
                    "--objective %s needs --max-drop or --min-accuracy: nothing else keeps it from "
                    "removing everything",
                    value['J']);
    return OK;
}

const char *state_path_of(const char *out, struct arena *arena)
{
    size_t length = strlen(out);
    while (length > 1 && out[length - 1] == '/')
        length--;
    return arena_printf(arena, "%.*s.state", (int)length, out);
}

static enum status parse_compressor(const char *const *value, struct compress_request *request,
                                    struct arena *arena, struct diag *diag)
{
    struct compressor_options *options = &request->compressor;
    const struct compile_options *compile = &request->compile;
    if (compile->observer.dump != NULL || value['x'] != NULL)
        return fail(diag, ERR_USAGE, "%s is for a compression without --data",
                    value['x'] != NULL ? "--sparsity" : "--dump");
    if (compile->target->core->emulator == NULL)
        return fail(diag, ERR_USAGE,
                    "--target %s: --data needs a device, where budgets are measured",
                    compile->target->name);
    options->model_path = compile->model_path;
    options->target = compile->target;
    options->flash_budget = compile->flash_budget;
    options->sram_budget = compile->sram_budget;
    options->state_path = state_path_of(request->out, arena);
    options->settings = settings_text(OPTIONS, value, compile->model_path, UNIMPORTANT, arena);
    options->resume = value['m'] != NULL;
    TRY(prune_options_parse(value, arena, &options->pruner, diag));
    TRY(parse_amounts(value, options, diag));
    return parse_search(value, options, diag);
}

/* Without data nothing can be trained or judged. */
static enum status check_no_data(const char *const *value, struct diag *diag)
{
    static const char ALWAYS[] = "htFMxofjvd";
    for (const struct option *option = OPTIONS; option->name != NULL; option++)
        if (value[option->val] != NULL && strchr(ALWAYS, option->val) == NULL)
            return fail(diag, ERR_USAGE, "--%s needs --data: what to train on and to judge by",
                        option->name);
    return OK;
}

enum status compress_request_parse(const struct command *command, int argc, char **argv,
                                   struct arena *arena, struct compress_request *request,
                                   struct diag *diag)
{
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "t:o:fvd:", 1, &arguments, diag));
    const char **value = arguments.value;
    struct compile_options *compile = &request->compile;
    *request = (struct compress_request){.model_path = arguments.positional[0],
                                         .out = value['o'],
                                         .force = value['f'] != NULL,
                                         .json = value['j'] != NULL,
                                         .has_data = value['D'] != NULL};
    compile->model_path = arguments.positional[0];
    compile->observer = (struct observer){.verbose = value['v'] != NULL, .dump = value['d']};
    if (value['t'] == NULL)
        return fail(diag, ERR_USAGE, "--target is missing; 'dtmm targets' lists them");
    if (request->out == NULL)
        return fail(diag, ERR_USAGE, "-o OUT is missing: the folder to write");
    TRY(target_find(value['t'], &compile->target, diag));
    TRY(check_dump(compile->observer.dump, DUMPABLE_PASSES, request->json, diag));
    if (value['x'] != NULL)
        TRY(parse_fraction("--sparsity", value['x'], 0, 1, &compile->sparsity, diag));
    const struct target *target = compile->target;
    TRY(parse_budget("--flash", value['F'], target->flash_bytes, target, &compile->flash_budget,
                     diag));
    TRY(parse_budget("--sram", value['M'], target->sram_bytes, target, &compile->sram_budget,
                     diag));
    TRY(check_out(request->out, request->force, compile->model_path, diag));
    return request->has_data ? parse_compressor(value, request, arena, diag)
                             : check_no_data(value, diag);
}
