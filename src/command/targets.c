/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "command/command.h"
#include "report/report.h"

static json_t *target_json(const struct target *target)
{
    const struct core *core = target->core;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s?, s:s?, s:s?}", "name", target->name,
                     "description", target->description, "core", core->name, "isa", core->isa,
                     "flash_bytes", (json_int_t)target->flash_bytes, "sram_bytes",
                     (json_int_t)target->sram_bytes, "clock_hz", (json_int_t)target->clock_hz,
                     "emulator", core->emulator, "machine", core->machine, "source",
                     target->source);
}

static void print_targets(struct arena *arena)
{
    static const char *const HEADS[] = {"target", "core",  "isa",      "flash",
                                        "SRAM",   "clock", "emulator", "description"};
    struct table *table = table_start(arena, "lllrrrll");
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_cell(table, "%s", HEADS[i]);
    table_rule(table);
    for (size_t i = 0; i < n_targets(); i++) {
        const struct target *target = target_at(i);
        table_cell(table, "%s", target->name);
        table_cell(table, "%s", target->core->name);
        table_cell(table, "%s", target->core->isa);
        if (target->core->machine == NULL) { /* no limits of its own */
            table_cell(table, "-");
            table_cell(table, "-");
        } else {
            table_cell(table, "%uK", target->flash_bytes / 1024);
            table_cell(table, "%uK", target->sram_bytes / 1024);
        }
        table_cell(table, "%s",
                   target->clock_hz > 0 ? arena_printf(arena, "%u MHz", target->clock_hz / 1000000)
                                        : "-");
        table_cell(table, "%s", target->core->machine != NULL ? target->core->machine : "-");
        table_cell(table, "%s", target->description);
    }
    struct text text = text_start(arena);
    table_print(table, &text);
    fwrite(text.data, 1, text.length, stdout);
}

enum status command_targets(const struct command *command, int argc, char **argv, struct diag *diag)
{
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "", 0, &arguments, diag));
    if (arguments.value['j'] != NULL) {
        json_t *list = json_array();
        for (size_t i = 0; i < n_targets(); i++)
            json_array_append_new(list, target_json(target_at(i)));
        print_json(list);
        return OK;
    }
    struct arena arena = {0};
    print_targets(&arena);
    arena_free(&arena);
    return OK;
}
