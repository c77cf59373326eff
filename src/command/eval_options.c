/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "command/eval.h"

/* The emulator runs a firmware some hundred times slower than the host runs the network. */
enum { DEVICE_SAMPLES = 16 };

static const char *const TASKS[] = {
#define X(suffix, name) name,
    EVAL_TASK_LIST(X)
#undef X
};

const char *eval_task_name(enum eval_task task)
{
    return TASKS[task];
}

static enum status parse_task(const char *name, int *task, struct diag *diag)
{
    *task = -1;
    for (int i = 0; name != NULL && i < N_EVAL_TASKS; i++)
        if (strcmp(TASKS[i], name) == 0)
            *task = i;
    if (name != NULL && *task < 0)
        return fail(diag, ERR_USAGE,
                    "--task %s: must be classify, binary, regress, anomaly or detect", name);
    return OK;
}

static enum status parse_part(const char **value, struct eval_request *request, struct diag *diag)
{
    const char *part = value['p'] != NULL ? value['p'] : "test";
    request->part = part;
    if (strcmp(part, "train") == 0 || strcmp(part, "validation") == 0)
        return OK;
    if (strcmp(part, "test") != 0)
        return fail(diag, ERR_USAGE, "--part %s: must be test, train or validation", part);
    if ((value['V'] != NULL && strcmp(value['V'], "test") != 0) || value['s'] != NULL)
        return fail(diag, ERR_USAGE,
                    "--val and --seed divide the training data; they belong to --part train or "
                    "validation");
    return OK;
}

static enum status parse_place(const char **value, struct eval_request *request, struct diag *diag)
{
    long limit = INT32_MAX, timeout = 600;
    if (value['n'] != NULL && strcmp(value['n'], "host") != 0) {
        TRY(target_find(value['n'], &request->target, diag));
        limit = DEVICE_SAMPLES;
    }
    if (request->target != NULL && request->target->core->emulator == NULL)
        return fail(diag, ERR_USAGE, "--on %s: nothing emulates it; choose another, or host",
                    request->target->name);
    if (value['l'] != NULL)
        TRY(parse_whole("--limit", value['l'], 1, INT32_MAX, &limit, diag));
    if (value['T'] != NULL)
        TRY(parse_whole("--timeout", value['T'], 1, 86400, &timeout, diag));
    request->limit = (int32_t)limit;
    request->timeout_seconds = (int)timeout;
    return OK;
}

enum status eval_request_parse(const struct command *command, int argc, char **argv,
                               struct arena *arena, struct eval_request *request, struct diag *diag)
{
    static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                            DATA_OPTIONS,
                                            {"part", required_argument, NULL, 'p'},
                                            {"on", required_argument, NULL, 'n'},
                                            {"limit", required_argument, NULL, 'l'},
                                            {"task", required_argument, NULL, 't'},
                                            {"anchors", required_argument, NULL, 'a'},
                                            {"timeout", required_argument, NULL, 'T'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    static const float whole_image[] = {1, 1};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "v", 1, &arguments, diag));
    const char **value = arguments.value;
    *request = (struct eval_request){.model = arguments.positional[0],
                                     .n_anchors = 1,
                                     .anchors = whole_image,
                                     .as_json = value['j'] != NULL,
                                     .verbose = value['v'] != NULL};
    TRY(data_options_parse(value, "samples to evaluate on", &request->data, diag));
    TRY(parse_part(value, request, diag));
    TRY(parse_task(value['t'], &request->task, diag));
    TRY(parse_place(value, request, diag));
    if (value['a'] == NULL)
        return OK;
    return anchors_parse(value['a'], arena, &request->n_anchors, &request->anchors, diag);
}
