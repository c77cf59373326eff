/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "compress/compressor_internal.h"

const char *compressor_path(const struct compressor *c, const char *name)
{
    return arena_printf(c->arena, "%s/%s", c->options->state_path, name);
}

static enum status state_read(struct compressor *c)
{
    struct file file;
    const char *path = compressor_path(c, c->state_name);
    if (folder_look(c->options->state_path) == FOLDER_MISSING)
        return fail(c->diag, ERR_USAGE, "%s: no run is there to go on with; start without --resume",
                    c->options->state_path);
    TRY(file_read(path, c->arena, &file, c->diag));
    c->state = json_loadb((const char *)file.data, file.size, 0, NULL);
    const char *settings = json_string_value(json_object_get(c->state, "settings"));
    if (settings == NULL || !json_is_object(json_object_get(c->state, "rounds")))
        return fail(c->diag, ERR_INPUT, "%s: is damaged; start again without --resume", path);
    if (strcmp(settings, c->options->settings) != 0)
        return fail(c->diag, ERR_USAGE,
                    "%s: the run was started with '%s', not with '%s'; give the same options to go "
                    "on",
                    path, settings, c->options->settings);
    return OK;
}

static int is_complete(const char *name)
{
    return strstr(name, ".partial-") == NULL;
}

/* A run was cut off before it had saved anything. */
static int is_begun(const struct compressor *c)
{
    enum folder_state found = folder_look(c->options->state_path);
    return found == FOLDER_EMPTY ||
           (found == FOLDER_FULL &&
            folder_find(c->options->state_path, is_complete, c->arena) == NULL);
}

enum status compressor_state_open(struct compressor *c)
{
    int is_new = is_begun(c);
    if (c->options->resume && !is_new)
        return state_read(c);
    c->state = json_pack("{s:s, s:{}}", "settings", c->options->settings, "rounds");
    if (c->state == NULL)
        return fail(c->diag, ERR_USAGE,
                    "the options are not UTF-8, in which they are saved: '%s'; rename the file",
                    c->options->settings);
    struct file file;
    if (!is_new && folder_look(c->options->state_path) == FOLDER_FULL &&
        file_read(compressor_path(c, c->state_name), c->arena, &file, c->diag) != OK)
        return fail(c->diag, ERR_USAGE,
                    "%s: is in the way: the state of this run would be there, but it holds "
                    "something else; choose another -o",
                    c->options->state_path);
    TRY(folder_remove(c->options->state_path, c->diag));
    TRY(folder_make(c->options->state_path, c->diag));
    return compressor_state_save(c);
}

enum status compressor_state_take(struct compressor *c, const char *name)
{
    struct file file;
    struct diag unused;
    const char *path = compressor_path(c, name);
    json_decref(c->state);
    c->state = NULL;
    c->state_name = "state.json";
    if (file_read(path, c->arena, &file, &unused) == OK)
        c->state_name = name;
    TRY(state_read(c));
    c->state_name = name;
    return OK;
}

enum status compressor_state_save(const struct compressor *c)
{
    char *text = json_dumps(c->state, JSON_INDENT(2));
    enum status status = file_write(compressor_path(c, c->state_name), text, strlen(text), c->diag);
    free(text);
    return status;
}

/* What the device is known to make of it; 0: that was not measured. */
static int device_load(json_t *json, struct round *round)
{
    json_int_t limit, flash, sram, lacking, instructions;
    int n_equal;
    if (json_unpack(json, "{s:I, s:I, s:I, s:I, s:I, s:i}", "sram_limit", &limit, "flash", &flash,
                    "sram", &sram, "sram_lacking", &lacking, "instructions", &instructions, "equal",
                    &n_equal) != 0)
        return 0;
    round->sram_limit = (size_t)limit;
    round->device = (struct device_facts){.flash_bytes = (size_t)flash,
                                          .sram_bytes = (size_t)sram,
                                          .sram_lacking = (size_t)lacking,
                                          .instructions = (int64_t)instructions,
                                          .n_equal = n_equal};
    return 1;
}

enum round_progress compressor_round_load(const struct compressor *c, struct round *round)
{
    json_t *json = json_object_get(json_object_get(c->state, "rounds"), round->name);
    const char *recipe = json_string_value(json_object_get(json, "recipe"));
    double scale, offset;
    struct file file;
    struct diag unused;
    if (json_unpack(json, "{s:F, s:F}", "scale", &scale, "offset", &offset) != 0 ||
        file_read(round_tflite(c, round), c->arena, &file, &unused) != OK ||
        (round->recipe != NULL && (recipe == NULL || !recipe_removes_same(recipe, round->recipe))))
        return ROUND_MISSING;
    int is_same = round->recipe == NULL || strcmp(recipe, round->recipe) == 0;
    if (recipe != NULL && is_same)
        round->recipe = arena_string(c->arena, recipe);
    round->scale = (struct sample_scale){(float)scale, (float)offset};
    const json_t *accuracy = json_object_get(json, "accuracy");
    round->accuracy = json_is_number(accuracy) ? json_number_value(accuracy) : (double)NAN;
    return is_same && device_load(json_object_get(json, "device"), round) ? ROUND_DONE
                                                                          : ROUND_TRAINED;
}

enum status compressor_round_save(struct compressor *c, const struct round *round,
                                  enum round_progress progress)
{
    const struct device_facts *device = &round->device;
    json_t *json = json_pack("{s:f, s:f}", "scale", (double)round->scale.scale, "offset",
                             (double)round->scale.offset);
    if (progress == ROUND_DONE)
        json_object_set_new(json, "device",
                            json_pack("{s:I, s:I, s:I, s:I, s:I, s:i}", "sram_limit",
                                      (json_int_t)round->sram_limit, "flash",
                                      (json_int_t)device->flash_bytes, "sram",
                                      (json_int_t)device->sram_bytes, "sram_lacking",
                                      (json_int_t)device->sram_lacking, "instructions",
                                      (json_int_t)device->instructions, "equal", device->n_equal));
    if (round->recipe != NULL)
        json_object_set_new(json, "recipe", json_string(round->recipe));
    if (!isnan(round->accuracy))
        json_object_set_new(json, "accuracy", json_real(round->accuracy));
    json_object_set_new(json_object_get(c->state, "rounds"), round->name, json);
    return compressor_state_save(c);
}
