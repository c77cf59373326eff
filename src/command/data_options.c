/* SPDX-License-Identifier: Apache-2.0 */
#include "command/data_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum status parse_float(const char *option, const char *value, float *number,
                               struct diag *diag)
{
    char *end;
    *number = strtof(value, &end);
    if (end == value || *end != '\0' || !isfinite(*number))
        return fail(diag, ERR_USAGE, "%s %s: not a number", option, value);
    return OK;
}

static enum status parse_scale(const char *const *value, struct data_options *options,
                               struct diag *diag)
{
    options->scale = (struct sample_scale){1, 0};
    options->input_like = value['L'];
    options->scale_given = value['L'] != NULL || value['S'] != NULL || value['O'] != NULL;
    if (value['L'] != NULL && (value['S'] != NULL || value['O'] != NULL))
        return fail(diag, ERR_USAGE,
                    "--input-like and --input-scale or --input-offset contradict each other");
    if (value['S'] != NULL)
        TRY(parse_float("--input-scale", value['S'], &options->scale.scale, diag));
    if (value['O'] != NULL)
        TRY(parse_float("--input-offset", value['O'], &options->scale.offset, diag));
    if (options->scale.scale == 0)
        return fail(diag, ERR_USAGE, "--input-scale must not be 0");
    return OK;
}

enum status data_options_parse(const char *const *value, const char *what,
                               struct data_options *options, struct diag *diag)
{
    long seed = 1;
    *options = (struct data_options){.path = value['D'], .validation = 0.1};
    if (options->path == NULL)
        return fail(diag, ERR_USAGE, "--data is missing: %s; see doc/data.md", what);
    int held_out = value['V'] != NULL && strcmp(value['V'], "test") == 0;
    options->training_part = held_out ? DATASET_TRAIN_HELD_OUT : DATASET_TRAIN;
    options->test_part = held_out ? DATASET_TEST_REST : DATASET_TEST;
    if (value['V'] != NULL && !held_out)
        TRY(parse_fraction("--val", value['V'], 0, 1, &options->validation, diag));
    if (value['s'] != NULL)
        TRY(parse_whole("--seed", value['s'], 0, INT32_MAX, &seed, diag));
    options->seed = (uint64_t)seed;
    return parse_scale(value, options, diag);
}

enum status data_options_scale(const struct data_options *options, enum sample_type type,
                               struct sample_scale *scale, struct diag *diag)
{
    *scale = options->scale;
    if (options->input_like == NULL)
        return OK;
    return driver_scale_like(options->input_like, type, scale, diag);
}

int32_t words_split(const char *text, struct arena *arena, const char *const **words)
{
    char *copy = arena_string(arena, text);
    const char **list = ARENA_ARRAY(arena, strlen(text) + 1, const char *);
    int32_t n = 0;
    for (char *word = copy; word != NULL;) {
        char *comma = strchr(word, ',');
        if (comma != NULL)
            *comma++ = '\0';
        if (*word != '\0')
            list[n++] = word;
        word = comma;
    }
    *words = list;
    return n;
}

enum status anchors_parse(const char *text, struct arena *arena, int32_t *n_anchors,
                          const float **anchors, struct diag *diag)
{
    const char *const *words;
    int32_t n = words_split(text, arena, &words);
    float *sizes = ARENA_ARRAY(arena, 2 * (size_t)n + 2, float);
    for (int32_t i = 0; i < n; i++) {
        char *end, *last;
        sizes[2 * i] = strtof(words[i], &end);
        sizes[2 * i + 1] = *end == ':' ? strtof(end + 1, &last) : 0;
        if (*end != ':' || *last != '\0' || !(sizes[2 * i] > 0 && sizes[2 * i] <= 1) ||
            !(sizes[2 * i + 1] > 0 && sizes[2 * i + 1] <= 1))
            return fail(diag, ERR_USAGE,
                        "--anchors %s: must be WIDTH:HEIGHT,... in parts of the image, such as "
                        "0.2:0.3,0.6:0.6",
                        text);
    }
    if (n == 0)
        return fail(diag, ERR_USAGE, "--anchors: there must be at least one");
    *n_anchors = n;
    *anchors = sizes;
    return OK;
}
