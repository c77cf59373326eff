/* SPDX-License-Identifier: Apache-2.0 */
#include <fnmatch.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "prune/pruner_internal.h"
#include "train/checkpoint.h"
#include "train/origin.h"

static const char *path_of(const struct pruner *p, const char *name)
{
    return arena_printf(p->arena, "%s/%s", p->options->state_path, name);
}

static const char *graph_path(const struct pruner *p, int32_t step)
{
    return path_of(p, arena_printf(p->arena, "step%d.safetensors", step));
}

const char *pruner_checkpoint(const struct pruner *p)
{
    return path_of(p, arena_printf(p->arena, "training%d.safetensors", p->step));
}

/* ---- the folder ---- */

static int is_state(const char *name)
{
    return strcmp(name, "state.json") == 0;
}

/* Neither a file that is written here nor one that was cut off. */
static int is_foreign(const char *name)
{
    static const char *const own[] = {"state.json", "state.json.partial-*",
                                      "step[0-9]*.safetensors*", "training[0-9]*.safetensors*"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (fnmatch(own[i], name, 0) == 0)
            return 0;
    return 1;
}

int pruner_state_begun(const struct pruner *p)
{
    enum folder_state found = folder_look(p->options->state_path);
    return (found == FOLDER_EMPTY || found == FOLDER_FULL) &&
           folder_find(p->options->state_path, is_state, p->arena) == NULL;
}

enum status pruner_state_clear(const struct pruner *p)
{
    const char *path = p->options->state_path;
    const char *foreign = folder_find(path, is_foreign, p->arena);
    if (foreign != NULL || folder_look(path) == FOLDER_OTHER)
        return fail(p->diag, ERR_USAGE,
                    "%s: is in the way: the state of this run would be there, but it %s%s; choose "
                    "another -o",
                    path, foreign != NULL ? "holds " : "is no folder",
                    foreign != NULL ? foreign : "");
    return folder_remove(path, p->diag);
}

/* ---- what is in it ---- */

/* The graph first: the state names it, and is replaced as a whole. */
enum status pruner_state_write(const struct pruner *p)
{
    struct origin origin = origin_of(&p->dataset, p->dense, NULL, 0, p->arena);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:i}", "settings", p->options->settings,
                             "recipe", p->result->recipe, "network", origin.teacher, "data",
                             origin.dataset, "step", p->step);
    if (json == NULL)
        return fail(p->diag, ERR_USAGE,
                    "the options are not UTF-8, in which they are saved: '%s'; rename the file",
                    p->options->settings);
    if (!isnan(p->result->validation_dense))
        json_object_set_new(json, "validation_dense", json_real(p->result->validation_dense));
    char *text = json_dumps(json, JSON_INDENT(2));
    enum status status = folder_make(p->options->state_path, p->diag);
    if (status == OK)
        status = checkpoint_write_graph(graph_path(p, p->step), p->graph, p->diag);
    if (status == OK)
        status = file_write(path_of(p, "state.json"), text, strlen(text), p->diag);
    free(text);
    json_decref(json);
    return status;
}

/* Files change, though their names stay. */
static enum status origin_check(const struct pruner *p, const json_t *json)
{
    struct origin now = origin_of(&p->dataset, p->dense, NULL, 0, p->arena);
    const char *network = json_string_value(json_object_get(json, "network"));
    const char *data = json_string_value(json_object_get(json, "data"));
    if (network == NULL || data == NULL)
        return fail(p->diag, ERR_INPUT, "is damaged; start again without --resume");
    if (strcmp(network, now.teacher) != 0)
        return fail(p->diag, ERR_USAGE,
                    "the run was started with other values of the network than '%s' has now; "
                    "start again without --resume",
                    p->options->quantizer.model_path);
    if (strcmp(data, now.dataset) != 0)
        return fail(p->diag, ERR_USAGE,
                    "the run was started with other data: %s; now there are %s; start again "
                    "without --resume",
                    data, now.dataset);
    return OK;
}

static enum status state_take(struct pruner *p, const json_t *json)
{
    const char *settings = json_string_value(json_object_get(json, "settings"));
    const char *recipe = json_string_value(json_object_get(json, "recipe"));
    const json_t *step = json_object_get(json, "step"),
                 *dense = json_object_get(json, "validation_dense");
    if (settings == NULL || recipe == NULL || !json_is_integer(step) ||
        json_integer_value(step) < 1 || json_integer_value(step) > p->options->n_steps ||
        (dense && !json_is_number(dense)))
        return fail(p->diag, ERR_INPUT, "is damaged; start again without --resume");
    if (strcmp(settings, p->options->settings) != 0)
        return fail(p->diag, ERR_USAGE,
                    "the run was started with '%s', not with '%s'; give the same options to go on",
                    settings, p->options->settings);
    if (strcmp(recipe, p->result->recipe) != 0)
        return fail(p->diag, ERR_USAGE,
                    "the run was started with another recipe, or another network; give the same "
                    "to go on");
    TRY(origin_check(p, json));
    p->step = (int32_t)json_integer_value(step);
    p->result->validation_dense = dense != NULL ? json_number_value(dense) : NAN;
    return OK;
}

enum status pruner_state_read(struct pruner *p)
{
    struct file file;
    const char *path = path_of(p, "state.json");
    if (folder_look(p->options->state_path) == FOLDER_MISSING)
        return fail(p->diag, ERR_USAGE, "%s: no run is there to go on with; start without --resume",
                    p->options->state_path);
    TRY(file_read(path, p->arena, &file, p->diag));
    json_t *json = json_loads((const char *)file.data, 0, NULL);
    enum status status = state_take(p, json);
    json_decref(json);
    if (status != OK) {
        diag_prefix(p->diag, path);
        return status;
    }
    return driver_load(graph_path(p, p->step), p->arena, &p->graph, p->diag);
}
