/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command/command.h"
#include "report/report.h"

enum status command_inspect(const struct command *command, int argc, char **argv, struct diag *diag)
{
    static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"text", no_argument, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "", 1, &arguments, diag));
    struct arena arena = {0};
    struct graph *graph;
    enum status status = driver_load(arguments.positional[0], &arena, &graph, diag);
    if (status == OK && arguments.value['t'] != NULL) {
        struct text text = text_start(&arena);
        graph_dump(graph, &text);
        fwrite(text.data, 1, text.length, stdout);
    } else if (status == OK) {
        json_t *report = inspect_json(graph, arguments.positional[0]);
        if (arguments.value['j'] != NULL) {
            print_json(report);
        } else {
            struct text text = text_start(&arena);
            inspect_print(report, &text);
            fwrite(text.data, 1, text.length, stdout);
            json_decref(report);
        }
    }
    arena_free(&arena);
    return status;
}
