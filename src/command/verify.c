/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "command/command.h"
#include "driver/project.h"
#include "eval/eval.h"

struct verify_request {
    const char *folder, *inputs, *outputs, *on;
    int json, verbose;
    long timeout_seconds;
};

/* One comparison of output bytes. */
struct comparison {
    const char *what; /* "host against recorded outputs" */
    size_t n_samples, n_equal;
    size_t first_sample, first_byte; /* of the first difference */
    int first_left, first_right;
};

static struct comparison compare(const char *what, const uint8_t *left, const uint8_t *right,
                                 size_t n_samples, size_t sample_bytes)
{
    struct comparison result = {.what = what, .n_samples = n_samples};
    for (size_t i = 0; i < n_samples; i++) {
        size_t j = 0;
        while (j < sample_bytes && left[i * sample_bytes + j] == right[i * sample_bytes + j])
            j++;
        if (j == sample_bytes) {
            result.n_equal++;
        } else if (result.n_equal == i) {
            result.first_sample = i;
            result.first_byte = j;
            result.first_left = (int8_t)left[i * sample_bytes + j];
            result.first_right = (int8_t)right[i * sample_bytes + j];
        }
    }
    return result;
}

static enum status parse_request(const struct command *command, int argc, char **argv,
                                 struct verify_request *request, struct diag *diag)
{
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, 'h'},          {"inputs", required_argument, NULL, 'i'},
        {"outputs", required_argument, NULL, 'u'}, {"on", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},          {"verbose", no_argument, NULL, 'v'},
        {"timeout", required_argument, NULL, 'T'}, {NULL, 0, NULL, 0}};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "v", 1, &arguments, diag));
    const char **value = arguments.value;
    *request = (struct verify_request){.folder = arguments.positional[0],
                                       .inputs = value['i'],
                                       .outputs = value['u'],
                                       .on = value['n'],
                                       .json = value['j'] != NULL,
                                       .verbose = value['v'] != NULL,
                                       .timeout_seconds = 600};
    if (request->inputs == NULL)
        return fail(diag, ERR_USAGE,
                    "--inputs FILE is missing: samples, one after the other, as "
                    "the network reads them");
    if (value['T'] != NULL)
        TRY(parse_whole("--timeout", value['T'], 1, 86400, &request->timeout_seconds, diag));
    return OK;
}

static enum status read_outputs(const struct verify_request *request, size_t sample_bytes,
                                size_t n_samples, struct arena *arena, uint8_t **outputs,
                                struct diag *diag)
{
    size_t n_recorded;
    TRY(samples_read(request->outputs, sample_bytes, arena, outputs, &n_recorded, diag));
    if (n_recorded != n_samples)
        return fail(diag, ERR_INPUT, "%s has %zu samples but %s has %zu", request->outputs,
                    n_recorded, request->inputs, n_samples);
    return OK;
}

static enum status run_all(const struct verify_request *request, const struct project *project,
                           const struct target *target, struct arena *arena,
                           struct comparison *comparisons, int *n_comparisons, struct diag *diag)
{
    size_t n_samples, output_bytes = graph_output_bytes(project->graph);
    uint8_t *inputs, *recorded = NULL;
    struct run host, device;
    TRY(samples_read(request->inputs, graph_input_bytes(project->graph), arena, &inputs, &n_samples,
                     diag));
    if (request->outputs != NULL)
        TRY(read_outputs(request, output_bytes, n_samples, arena, &recorded, diag));
    struct progress progress = {.observer.verbose = request->verbose};
    progress_begin(&progress);
    TRY(project_run_host(project, inputs, n_samples, arena, &host, diag));
    progress_end(&progress, "evaluate", "all samples on host");
    if (recorded != NULL)
        comparisons[(*n_comparisons)++] = compare("host against the recorded outputs", host.outputs,
                                                  recorded, n_samples, output_bytes);
    if (target == NULL)
        return OK;
    struct firmware firmware;
    progress_begin(&progress);
    TRY(firmware_describe(project->graph, project->folder, target, arena, &firmware, diag));
    TRY(measure_run(&firmware, inputs, n_samples, 0, (int)request->timeout_seconds, arena, &device,
                    diag));
    progress_end(&progress, "measure",
                 arena_printf(arena, "all samples on %s", target->core->machine));
    comparisons[(*n_comparisons)++] = compare(
        arena_printf(arena, "%s (%s) against the host", target->name, target->core->machine),
        device.outputs, host.outputs, n_samples, output_bytes);
    if (recorded != NULL)
        comparisons[(*n_comparisons)++] =
            compare(arena_printf(arena, "%s (%s) against the recorded outputs", target->name,
                                 target->core->machine),
                    device.outputs, recorded, n_samples, output_bytes);
    return OK;
}

static void show(const struct comparison *comparisons, int n, int as_json)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const struct comparison *c = &comparisons[i];
        if (as_json)
            json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "comparison", c->what,
                                                  "samples", (json_int_t)c->n_samples, "equal",
                                                  (json_int_t)c->n_equal));
        else
            printf("%s: %zu of %zu samples equal\n", c->what, c->n_equal, c->n_samples);
    }
    if (as_json)
        print_json(list);
    else
        json_decref(list);
}

static enum status judge(const struct comparison *comparisons, int n, struct diag *diag)
{
    for (int i = 0; i < n; i++) {
        const struct comparison *c = &comparisons[i];
        if (c->n_equal != c->n_samples)
            return fail(diag, ERR_MISMATCH,
                        "%s: %zu of %zu samples differ; the first is sample %zu at byte %zu: %d, "
                        "expected %d",
                        c->what, c->n_samples - c->n_equal, c->n_samples, c->first_sample,
                        c->first_byte, c->first_left, c->first_right);
    }
    return OK;
}

static enum status verify(const struct verify_request *request, struct arena *arena,
                          struct diag *diag)
{
    struct project project;
    struct comparison comparisons[3];
    int n_comparisons = 0;
    TRY(project_open(request->folder, arena, &project, diag));
    const struct target *target = project.target;
    enum status status = OK;
    if (request->on != NULL && strcmp(request->on, "host") == 0)
        target = NULL;
    else if (request->on != NULL)
        status = target_find(request->on, &target, diag);
    if (status == OK && target == NULL && request->outputs == NULL)
        status = fail(diag, ERR_USAGE, "--on host needs --outputs FILE to compare with");
    if (status == OK && target != NULL)
        status = project_check_target(&project, target, diag);
    if (status == OK)
        status = run_all(request, &project, target, arena, comparisons, &n_comparisons, diag);
    if (status == OK) {
        show(comparisons, n_comparisons, request->json);
        status = judge(comparisons, n_comparisons, diag);
    }
    project_close(&project);
    return status;
}

enum status command_verify(const struct command *command, int argc, char **argv, struct diag *diag)
{
    struct verify_request request;
    TRY(parse_request(command, argc, argv, &request, diag));
    struct arena arena = {0};
    enum status status = verify(&request, &arena, diag);
    arena_free(&arena);
    return status;
}
