/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "driver/project.h"
#include "eval/eval.h"
#include "report/report.h"

enum { SHOWN_VALUES = 16 };

struct run_request {
    const char *folder, *on, *input;
    int per_layer, json, verbose;
    long timeout_seconds;
};

static enum status parse_request(const struct command *command, int argc, char **argv,
                                 struct run_request *request, struct diag *diag)
{
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, 'h'},          {"on", required_argument, NULL, 'n'},
        {"input", required_argument, NULL, 'i'},   {"per-layer", no_argument, NULL, 'p'},
        {"json", no_argument, NULL, 'j'},          {"verbose", no_argument, NULL, 'v'},
        {"timeout", required_argument, NULL, 'T'}, {NULL, 0, NULL, 0}};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "v", 1, &arguments, diag));
    *request = (struct run_request){.folder = arguments.positional[0],
                                    .on = arguments.value['n'],
                                    .input = arguments.value['i'],
                                    .per_layer = arguments.value['p'] != NULL,
                                    .json = arguments.value['j'] != NULL,
                                    .verbose = arguments.value['v'] != NULL,
                                    .timeout_seconds = 300};
    if (arguments.value['T'] != NULL)
        TRY(parse_whole("--timeout", arguments.value['T'], 1, 86400, &request->timeout_seconds,
                        diag));
    return OK;
}

static json_t *values_json(const struct tensor *tensor, const uint8_t *data)
{
    json_t *values = json_array();
    for (int64_t i = 0; i < shape_elements(&tensor->shape); i++) {
        float real;
        if (tensor->dtype == DTYPE_F32) {
            memcpy(&real, data + 4 * i, 4);
            json_array_append_new(values, json_real((double)real));
        } else {
            json_array_append_new(values, json_integer((int8_t)data[i]));
        }
    }
    return values;
}

/* [sample][output] -> values */
static json_t *outputs_json(const struct graph *graph, const struct run *run, size_t n_samples)
{
    json_t *samples = json_array();
    const uint8_t *data = run->outputs;
    for (size_t i = 0; i < n_samples; i++) {
        json_t *outputs = json_object();
        for (int32_t j = 0; j < graph->n_outputs; j++) {
            const struct tensor *tensor = &graph->tensors[graph->outputs[j]];
            json_object_set_new(outputs, tensor->name, values_json(tensor, data));
            data += tensor_bytes(tensor);
        }
        json_array_append_new(samples, outputs);
    }
    return samples;
}

static void print_output(const char *name, const json_t *values, struct text *text)
{
    size_t n = json_array_size(values), largest = 0;
    text_printf(text, "  %s:", name);
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(values, i);
        if (json_number_value(value) > json_number_value(json_array_get(values, largest)))
            largest = i;
        if (i < SHOWN_VALUES)
            text_printf(text, json_is_integer(value) ? " %.0f" : " %g", json_number_value(value));
    }
    text_printf(text, n > SHOWN_VALUES ? " ... (%zu values)" : "", n);
    text_printf(text, "; largest at %zu\n", largest);
}

static void print_outputs(const json_t *samples, struct text *text)
{
    size_t i;
    const json_t *sample;
    json_array_foreach(samples, i, sample)
    {
        text_printf(text, "sample %zu\n", i);
        const char *name;
        json_t *values;
        json_object_foreach((json_t *)(uintptr_t)sample, name, values)
            print_output(name, values, text);
    }
}

static enum status execute(const struct run_request *request, struct project *project,
                           const struct target *target, struct arena *arena, json_t **result,
                           struct diag *diag)
{
    uint8_t *samples = NULL;
    size_t n_samples = 1;
    if (request->input == NULL)
        samples = samples_invent(project->graph, 1, arena);
    else
        TRY(samples_read(request->input, graph_input_bytes(project->graph), arena, &samples,
                         &n_samples, diag));
    struct run run;
    struct progress progress = {.observer.verbose = request->verbose};
    progress_begin(&progress);
    if (target == NULL) {
        TRY(project_run_host(project, samples, n_samples, arena, &run, diag));
    } else {
        struct firmware firmware;
        TRY(firmware_describe(project->graph, project->folder, target, arena, &firmware, diag));
        TRY(measure_run(&firmware, samples, n_samples, request->per_layer,
                        (int)request->timeout_seconds, arena, &run, diag));
    }
    progress_end(&progress, target == NULL ? "evaluate" : "measure",
                 arena_printf(arena, "%zu %s on %s", n_samples,
                              n_samples == 1 ? "sample" : "samples",
                              target == NULL ? "host" : target->core->machine));
    if (target == project->target) {
        report_add_run(project->report, &run);
        TRY(project_save_report(project, diag));
    }
    *result = json_deep_copy(project->report);
    if (target != project->target)
        report_other_run(*result, &run);
    json_object_set_new(*result, "on", json_string(target != NULL ? target->name : "host"));
    json_object_set_new(*result, "input",
                        json_string(request->input != NULL ? request->input : "pseudo-random"));
    json_object_set_new(*result, "outputs", outputs_json(project->graph, &run, n_samples));
    return OK;
}

static void show(const struct run_request *request, json_t *result, struct arena *arena)
{
    if (request->json) {
        print_json(json_incref(result));
        return;
    }
    struct text text = text_start(arena);
    text_printf(&text, "on %s, input %s\n", json_string_value(json_object_get(result, "on")),
                json_string_value(json_object_get(result, "input")));
    print_outputs(json_object_get(result, "outputs"), &text);
    if (json_is_integer(json_object_get(result, "instructions"))) {
        text_printf(&text, "\n");
        report_print(result, &text);
    }
    fwrite(text.data, 1, text.length, stdout);
}

enum status command_run(const struct command *command, int argc, char **argv, struct diag *diag)
{
    struct run_request request;
    TRY(parse_request(command, argc, argv, &request, diag));
    struct arena arena = {0};
    struct project project;
    const struct target *target = NULL;
    json_t *result = NULL;
    enum status status = project_open(request.folder, &arena, &project, diag);
    if (status != OK)
        goto done;
    if (request.on == NULL)
        target = project.target;
    else if (strcmp(request.on, "host") != 0)
        status = target_find(request.on, &target, diag);
    if (status == OK && target != NULL)
        status = project_check_target(&project, target, diag);
    if (status == OK)
        status = execute(&request, &project, target, &arena, &result, diag);
    if (status == OK)
        show(&request, result, &arena);
    json_decref(result);
    project_close(&project);
done:
    arena_free(&arena);
    return status;
}
