/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "command/command.h"
#include "command/prune_options.h"
#include "command/train_options.h"
#include "prune/pruner.h"
#include "report/report.h"

static const struct option OPTIONS[] = {
    {"help", no_argument, NULL, 'h'},           PRUNE_OPTIONS,
    {"sparsity", required_argument, NULL, 'x'}, {"recipe", required_argument, NULL, 'R'},
    {"unit", required_argument, NULL, 'u'},     {"score", required_argument, NULL, 'c'},
    {"rank", required_argument, NULL, 'k'},     {"target", required_argument, NULL, 'T'},
    {"out", required_argument, NULL, 'o'},      {"json", no_argument, NULL, 'j'},
    {"verbose", no_argument, NULL, 'v'},        {NULL, 0, NULL, 0}};

static const char *const SCORES[] = {
#define X(suffix, name, meaning) name,
    SCORE_LIST(X)
#undef X
};
static const char *const RANKS[] = {
#define X(suffix, name, meaning) name,
    RANK_LIST(X)
#undef X
};

/* The first name stands for 0, and for an option that is not given. */
static enum status parse_name(const char *option, const char *value, const char *const *names,
                              int n_names, struct arena *arena, int *found, struct diag *diag)
{
    struct text known = text_start(arena);
    *found = 0;
    for (int i = 0; i < n_names; i++) {
        if (value == NULL || strcmp(names[i], value) == 0) {
            *found = i;
            return OK;
        }
        text_printf(&known, "%s%s", i == 0 ? "" : i + 1 < n_names ? ", " : " or ", names[i]);
    }
    return fail(diag, ERR_USAGE, "%s %s: must be %s", option, value, known.data);
}

static enum status parse_ranking(const char **value, struct pruner_options *options,
                                 struct arena *arena, struct diag *diag)
{
    const struct target *target;
    int score, rank;
    TRY(parse_name("--score", value['c'], SCORES, N_SCORE_KINDS, arena, &score, diag));
    TRY(parse_name("--rank", value['k'], RANKS, N_RANK_KINDS, arena, &rank, diag));
    options->has_score = value['c'] != NULL;
    options->has_rank = value['k'] != NULL;
    options->score = (enum score_kind)score;
    options->rank = (enum rank_kind)rank;
    if (value['T'] != NULL && options->has_rank &&
        (options->rank == RANK_SCORE || options->rank == RANK_BYTES))
        return fail(diag, ERR_USAGE, "--target is for --rank instructions or both");
    TRY(target_find(value['T'] != NULL ? value['T'] : "cortex-m4", &target, diag));
    options->core = target->core;
    return OK;
}

static enum status parse_what(const char **value, struct pruner_options *options, struct diag *diag)
{
    options->recipe_path = value['R'];
    if (value['R'] != NULL && (value['x'] != NULL || value['u'] != NULL))
        return fail(diag, ERR_USAGE, "--recipe tells units and shares; leave out the others");
    if (value['R'] == NULL && value['x'] == NULL)
        return fail(diag, ERR_USAGE, "--sparsity or --recipe is missing: what to remove");
    if (value['x'] != NULL)
        TRY(parse_fraction("--sparsity", value['x'], 0, 1, &options->sparsity, diag));
    return unit_parse(value['u'] != NULL ? value['u'] : "filterlet", &options->unit, diag);
}

static enum status parse_options(const struct arguments *arguments, struct arena *arena,
                                 struct pruner_options *options, struct diag *diag)
{
    const char **value = (const char **)(void *)arguments->value;
    *options = (struct pruner_options){.recipe_path = NULL};
    TRY(prune_options_parse(value, arena, options, diag));
    options->quantizer.model_path = arguments->positional[0];
    options->quantizer.out_path = value['o'];
    if (value['o'] == NULL)
        return fail(diag, ERR_USAGE, "-o is missing: the .tflite file to write");
    size_t length = strlen(value['o']);
    int has_ending = length > 7 && strcmp(value['o'] + length - 7, ".tflite") == 0;
    options->float_path = arena_printf(arena, "%.*s.safetensors",
                                       (int)(has_ending ? length - 7 : length), value['o']);
    options->state_path = arena_printf(arena, "%s.state", value['o']);
    options->settings = settings_text(OPTIONS, value, arguments->positional[0], "hHojvm", arena);
    TRY(parse_what(value, options, diag));
    return parse_ranking(value, options, arena, diag);
}

static json_t *result_json(const struct pruner_options *options, const struct pruner_result *result)
{
    const struct quality *quality = &result->quantized.quality_int8;
    const struct network_size *size = &result->size;
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:I}", "model",
                  options->quantizer.model_path, "score", SCORES[result->score], "rank",
                  RANKS[result->rank], "out", options->quantizer.out_path, "recipe", result->recipe,
                  "sparsity", 1 - (double)size->n_weights / (double)size->n_weights_dense,
                  "n_weights", (json_int_t)size->n_weights, "n_weights_dense",
                  (json_int_t)size->n_weights_dense, "weight_bytes", (json_int_t)size->weight_bytes,
                  "macs", (json_int_t)size->macs, "macs_dense", (json_int_t)size->macs_dense);
    if (!isnan(result->validation_dense)) {
        json_object_set_new(json, "validation_dense", json_real(result->validation_dense));
        json_object_set_new(json, "validation_pruned", json_real(result->validation_pruned));
    }
    if (quality->n > 0 && !isnan(quality->accuracy))
        json_object_set_new(json, "validation_int8", json_real(quality->accuracy));
    return json;
}

static void print_result(const struct pruner_options *options, const struct pruner_result *result,
                         struct arena *arena)
{
    const struct quality *quality = &result->quantized.quality_int8;
    const struct network_size *size = &result->size;
    printf("units chosen by    %s, ranked by %s\n", SCORES[result->score], RANKS[result->rank]);
    printf("weights absent     %.1f %% of %s\n",
           100 - 100 * (double)size->n_weights / (double)size->n_weights_dense,
           thousands(arena, size->n_weights_dense));
    printf("weights and index  %s B\n", thousands(arena, size->weight_bytes));
    printf("MACs               %s, %.1f %% of %s\n", thousands(arena, size->macs),
           100 * (double)size->macs / (double)size->macs_dense, thousands(arena, size->macs_dense));
    if (!isnan(result->validation_dense))
        printf("validation         %.2f %% dense, %.2f %% pruned, %.2f %% int8\n",
               100 * result->validation_dense, 100 * result->validation_pruned,
               100 * quality->accuracy);
    printf("\nwritten: %s and, in float, %s; next: dtmm compress %s --target ...\n",
           options->quantizer.out_path, options->float_path, options->quantizer.out_path);
}

enum status command_prune(const struct command *command, int argc, char **argv, struct diag *diag)
{
    struct arguments arguments;
    struct pruner_options options;
    struct pruner_result result = {.recipe = NULL};
    struct arena arena = {0};
    TRY(arguments_parse(command, argc, argv, OPTIONS, "o:v", 1, &arguments, diag));
    enum status status = parse_options(&arguments, &arena, &options, diag);
    if (status == OK) {
        struct train_screen screen = train_screen_start(0);
        options.quantizer.train_observer = train_screen_show;
        options.quantizer.train_context = &screen;
        status = pruner_run(&options, &arena, &result, diag);
        train_screen_end(&screen);
    }
    json_t *json =
        status == OK && arguments.value['j'] != NULL ? result_json(&options, &result) : NULL;
    if (json != NULL)
        print_json(json);
    else if (status == OK && arguments.value['j'] != NULL)
        status = fail(diag, ERR_USAGE,
                      "--json: a file's name is not UTF-8, which JSON is; the files are written");
    else if (status == OK)
        print_result(&options, &result, &arena);
    arena_free(&arena);
    return status;
}
