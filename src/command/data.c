/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "data/dataset.h"
#include "data/statistics.h"
#include "report/report.h"

static const char *const TYPE_NAMES[] = {
    [SAMPLE_U8] = "u8", [SAMPLE_S8] = "s8", [SAMPLE_F32] = "f32"};

static const char *class_name(const struct dataset *dataset, int32_t label, struct arena *arena)
{
    return dataset->class_names != NULL ? dataset->class_names[label]
                                        : arena_printf(arena, "%d", label);
}

/* Names come from files and may be no UTF-8, which JSON must be. */
static json_t *name_json(const char *name)
{
    json_t *json = json_string(name);
    return json != NULL ? json : json_string("(not UTF-8)");
}

static json_t *data_json(const struct dataset *dataset, const char *part,
                         const struct statistics *statistics, struct arena *arena)
{
    json_t *classes = json_array(), *channels = json_array();
    for (int32_t i = 0; i < dataset->n_classes; i++)
        json_array_append_new(classes, json_pack("{s:o, s:i}", "name",
                                                 name_json(class_name(dataset, i, arena)), "count",
                                                 statistics->class_counts[i]));
    for (int32_t i = 0; i < statistics->n_channels; i++)
        json_array_append_new(channels, json_pack("{s:f, s:f}", "mean", statistics->mean[i], "std",
                                                  statistics->deviation[i]));
    return json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:o, s:f, s:f, s:o}", "data",
                     name_json(dataset->path), "format", dataset->format, "part", part, "shape",
                     shape_string(&dataset->shape, arena), "type", TYPE_NAMES[dataset->type],
                     "n_samples", dataset->n_samples, "n_classes", dataset->n_classes, "n_targets",
                     dataset->n_targets, "classes", classes, "minimum", statistics->low, "maximum",
                     statistics->high, "channels", channels);
}

static void print_classes(const struct dataset *dataset, const struct statistics *statistics,
                          struct arena *arena, struct text *text)
{
    struct table *table = table_start(arena, "rlr");
    table_cell(table, "class");
    table_cell(table, "name");
    table_cell(table, "samples");
    table_rule(table);
    for (int32_t i = 0; i < dataset->n_classes; i++) {
        table_cell(table, "%d", i);
        table_cell(table, "%s", dataset->class_names != NULL ? dataset->class_names[i] : "-");
        table_cell(table, "%s", thousands(arena, statistics->class_counts[i]));
    }
    text_printf(text, "\n");
    table_print(table, text);
}

static void print_data(const struct dataset *dataset, const char *part,
                       const struct statistics *statistics, struct arena *arena)
{
    struct text text = text_start(arena);
    text_printf(&text, "format   %s, %s part\n", dataset->format, part);
    text_printf(&text, "samples  %s of %s %s\n", thousands(arena, dataset->n_samples),
                shape_string(&dataset->shape, arena), TYPE_NAMES[dataset->type]);
    if (dataset->n_targets > 0)
        text_printf(&text, "targets  %d a sample\n", dataset->n_targets);
    else if (dataset->n_classes == 0)
        text_printf(&text, "labels   none\n");
    text_printf(&text, "values   %.6g to %.6g\n", statistics->low, statistics->high);
    for (int32_t i = 0; i < statistics->n_channels; i++)
        text_printf(&text, "channel  %d: mean %.6g, std %.6g\n", i, statistics->mean[i],
                    statistics->deviation[i]);
    if (dataset->n_classes > 0)
        print_classes(dataset, statistics, arena, &text);
    fwrite(text.data, 1, text.length, stdout);
}

enum status command_data(const struct command *command, int argc, char **argv, struct diag *diag)
{
    static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"part", required_argument, NULL, 'p'},
                                            {NULL, 0, NULL, 0}};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "", 1, &arguments, diag));
    const char *part = arguments.value['p'] != NULL ? arguments.value['p'] : "train";
    if (strcmp(part, "train") != 0 && strcmp(part, "test") != 0)
        return fail(diag, ERR_USAGE, "--part %s: must be train or test", part);
    struct arena arena = {0};
    struct dataset dataset;
    enum status status = dataset_read(arguments.positional[0],
                                      strcmp(part, "train") == 0 ? DATASET_TRAIN : DATASET_TEST,
                                      &arena, &dataset, diag);
    if (status == OK) {
        struct statistics statistics = dataset_statistics(&dataset, &arena);
        if (arguments.value['j'] != NULL)
            print_json(data_json(&dataset, part, &statistics, &arena));
        else
            print_data(&dataset, part, &statistics, &arena);
    }
    arena_free(&arena);
    return status;
}
