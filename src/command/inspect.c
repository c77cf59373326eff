/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command/command.h"
#include "report/report.h"

static void show(const struct graph *graph, const char *path, int as_json, struct arena *arena)
{
    json_t *report = inspect_json(graph, path);
    if (as_json) {
        print_json(report);
        return;
    }
    struct text text = text_start(arena);
    inspect_print(report, &text);
    fwrite(text.data, 1, text.length, stdout);
    json_decref(report);
}

enum status command_inspect(const struct command *command, int argc, char **argv, struct diag *diag)
{
    static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"dump", required_argument, NULL, 'd'},
                                            {NULL, 0, NULL, 0}};
    static const char *const PASSES[] = {"import", NULL};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "vd:", 1, &arguments, diag));
    const char **value = arguments.value;
    TRY(check_dump(value['d'], PASSES, value['j'] != NULL, diag));
    struct observer observer = {.verbose = value['v'] != NULL, .dump = value['d']};
    struct arena arena = {0};
    struct graph *graph;
    enum status status = driver_import(arguments.positional[0], &observer, &arena, &graph, diag);
    if (status == OK && observer.dump == NULL)
        show(graph, arguments.positional[0], value['j'] != NULL, &arena);
    arena_free(&arena);
    return status;
}
