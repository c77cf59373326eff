/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "command/command.h"
#include "command/data_options.h"
#include "command/train_options.h"
#include "pruner.h"
#include "report/report.h"

static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                        DATA_OPTIONS,
                                        {"sparsity", required_argument, NULL, 'x'},
                                        {"recipe", required_argument, NULL, 'R'},
                                        {"unit", required_argument, NULL, 'u'},
                                        {"score", required_argument, NULL, 'c'},
                                        {"rank", required_argument, NULL, 'k'},
                                        {"target", required_argument, NULL, 'T'},
                                        {"steps", required_argument, NULL, 'n'},
                                        {"epochs", required_argument, NULL, 'e'},
                                        {"qat", required_argument, NULL, 'q'},
                                        {"batch", required_argument, NULL, 'b'},
                                        {"lr", required_argument, NULL, 'r'},
                                        {"weight-decay", required_argument, NULL, 'w'},
                                        {"distill", no_argument, NULL, 'd'},
                                        {"no-distill", no_argument, NULL, 'N'},
                                        {"distill-share", required_argument, NULL, 'A'},
                                        {"distill-features", required_argument, NULL, 'f'},
                                        {"feature-weight", required_argument, NULL, 'W'},
                                        {"compensate", no_argument, NULL, 'C'},
                                        {"no-compensate", no_argument, NULL, 'P'},
                                        {"resume", no_argument, NULL, 'm'},
                                        {"augment", required_argument, NULL, 'a'},
                                        {"threads", required_argument, NULL, 't'},
                                        {"out", required_argument, NULL, 'o'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {NULL, 0, NULL, 0}};

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

static enum status parse_count(const char *option, const char *value, long low, long high,
                               int32_t *count, struct diag *diag)
{
    long number = *count;
    if (value != NULL)
        TRY(parse_whole(option, value, low, high, &number, diag));
    *count = (int32_t)number;
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

static enum status parse_teacher(const char **value, struct pruner_options *options,
                                 struct arena *arena, struct diag *diag)
{
    options->distill_share = value['N'] != NULL ? 0 : 0.5;
    options->feature_weight = 1;
    if (value['N'] != NULL && (value['d'] != NULL || value['A'] != NULL || value['f'] != NULL))
        return fail(diag, ERR_USAGE, "--no-distill contradicts the other options of distillation");
    if (value['A'] != NULL)
        TRY(parse_fraction("--distill-share", value['A'], 0, 1.0000001, &options->distill_share,
                           diag));
    if (value['W'] != NULL)
        TRY(parse_fraction("--feature-weight", value['W'], 0, 1e6, &options->feature_weight, diag));
    options->quantizer.distill_share = options->distill_share;
    if (value['f'] != NULL)
        options->n_features = words_split(value['f'], arena, &options->features);
    if (options->n_features >= MAX_INPUTS)
        return fail(diag, ERR_USAGE, "--distill-features: at most %d", MAX_INPUTS - 1);
    return OK;
}

static enum status parse_course(const char **value, struct pruner_options *options,
                                struct diag *diag)
{
    struct quantizer_options *quantizer = &options->quantizer;
    options->n_steps = 1;
    options->n_epochs = 20;
    options->rate = 0.06;
    options->weight_decay = 1e-4;
    quantizer->qat_rate = 1e-2;
    TRY(parse_count("--steps", value['n'], 1, 1000, &options->n_steps, diag));
    TRY(parse_count("--epochs", value['e'], 0, 100000, &options->n_epochs, diag));
    quantizer->n_qat_epochs = options->n_epochs > 4 ? 2 : 0;
    TRY(parse_count("--qat", value['q'], 0, options->n_epochs, &quantizer->n_qat_epochs, diag));
    options->n_epochs -= quantizer->n_qat_epochs;
    TRY(parse_count("--batch", value['b'], 1, 100000, &options->batch_samples, diag));
    TRY(parse_count("--threads", value['t'], 0, 1024, &options->n_threads, diag));
    if (value['r'] != NULL)
        TRY(parse_fraction("--lr", value['r'], 0, 1000, &options->rate, diag));
    if (value['w'] != NULL)
        TRY(parse_fraction("--weight-decay", value['w'], 0, 1000, &options->weight_decay, diag));
    return augmentation_parse(value['a'] != NULL ? value['a'] : "none", &quantizer->augmentation,
                              diag);
}

/* All that decides the outcome, in a line. */
static const char *settings_text(const char **value, const struct pruner_options *options,
                                 struct arena *arena)
{
    struct text text = text_start(arena);
    text_printf(&text, "%s", options->quantizer.model_path);
    for (const struct option *option = OPTIONS; option->name != NULL; option++)
        if (value[option->val] != NULL && strchr("htojvm", option->val) == NULL)
            text_printf(&text, " --%s%s%s", option->name, option->has_arg ? " " : "",
                        option->has_arg ? value[option->val] : "");
    return text.data;
}

static enum status parse_options(const struct arguments *arguments, struct arena *arena,
                                 struct pruner_options *options, struct diag *diag)
{
    const char **value = (const char **)(void *)arguments->value;
    struct data_options data;
    *options = (struct pruner_options){.recipe_path = NULL};
    TRY(data_options_parse(value, "samples to train on", &data, diag));
    options->quantizer = (struct quantizer_options){
        .model_path = arguments->positional[0],
        .data_path = data.path,
        .out_path = value['o'],
        .scale = data.scale,
        .input_like = data.input_like,
        .calibration = {CALIBRATION_PERCENTILE, 99.99},
        .n_calibration = 512,
        .n_validation = 5000,
        .validation_fraction = data.validation,
        .seed = data.seed,
        .correct_bias = 1,
        .observer.verbose = value['v'] != NULL,
    };
    if (value['o'] == NULL)
        return fail(diag, ERR_USAGE, "-o is missing: the .tflite file to write");
    size_t length = strlen(value['o']);
    int has_ending = length > 7 && strcmp(value['o'] + length - 7, ".tflite") == 0;
    options->float_path = arena_printf(arena, "%.*s.safetensors",
                                       (int)(has_ending ? length - 7 : length), value['o']);
    options->state_path = arena_printf(arena, "%s.state", value['o']);
    options->compensate = value['P'] == NULL;
    if (value['P'] != NULL && value['C'] != NULL)
        return fail(diag, ERR_USAGE, "--compensate contradicts --no-compensate");
    options->resume = value['m'] != NULL;
    options->settings = settings_text(value, options, arena);
    TRY(parse_what(value, options, diag));
    TRY(parse_ranking(value, options, arena, diag));
    TRY(parse_teacher(value, options, arena, diag));
    return parse_course(value, options, diag);
}

static void observe(void *context, const struct epoch_result *result)
{
    train_screen_show(context, result);
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
        struct train_screen screen =
            train_screen_start(options.n_epochs + options.quantizer.n_qat_epochs, 0);
        options.quantizer.train_observer = observe;
        options.quantizer.train_context = &screen;
        status = pruner_run(&options, &arena, &result, diag);
        train_screen_end(&screen);
    }
    if (status == OK && arguments.value['j'] != NULL)
        print_json(result_json(&options, &result));
    else if (status == OK)
        print_result(&options, &result, &arena);
    arena_free(&arena);
    return status;
}
