/* SPDX-License-Identifier: Apache-2.0 */
#include "command/train_options.h"

#include <string.h>

static const char *const LOSSES[] = {
#define X(suffix, name, meaning) name,
    LOSS_LIST(X)
#undef X
};
static const char *const OPTIMIZERS[] = {
#define X(suffix, name, meaning) name,
    OPTIMIZER_LIST(X)
#undef X
};
static const char *const RATES[] = {
#define X(suffix, name, meaning) name,
    RATE_LIST(X)
#undef X
};

static enum status choice(const char *option, const char *value, const char *const *names, int n,
                          int *index, struct diag *diag)
{
    struct arena scratch = {0};
    const char *all = "";
    for (int i = 0; i < n; i++) {
        if (strcmp(names[i], value) == 0) {
            *index = i;
            arena_free(&scratch);
            return OK;
        }
        all = arena_printf(&scratch, "%s%s%s", all, i > 0 ? ", " : "", names[i]);
    }
    enum status status = fail(diag, ERR_USAGE, "%s %s: must be one of %s", option, value, all);
    arena_free(&scratch);
    return status;
}

static enum status number(const char *option, const char *value, double low, double high,
                          double *result, struct diag *diag)
{
    return value == NULL ? OK : parse_fraction(option, value, low, high, result, diag);
}

static enum status whole(const char *option, const char *value, long low, long high,
                         int32_t *result, struct diag *diag)
{
    long parsed = *result;
    if (value != NULL)
        TRY(parse_whole(option, value, low, high, &parsed, diag));
    *result = (int32_t)parsed;
    return OK;
}

enum {
    O_EPOCHS = 'e',
    O_BATCH = 'b',
    O_RATE = 'r',
    O_OPTIMIZER = 'p',
    O_SCHEDULE = 'c',
    O_WARMUP = 'w',
    O_DECAY = 'y',
    O_SMOOTHING = 'm',
    O_LOSS = 'l',
    O_AUGMENT = 'a',
    O_PATIENCE = 'E',
    O_THREADS = 't',
    O_RESUME = 'R',
    O_TEACHER = 'T',
    O_SHARE = 'A',
    O_TEMPERATURE = 'K',
    O_FEATURES = 'f',
    O_FEATURE_WEIGHT = 'F',
    O_ZEROS = 'z',
    O_ANCHORS = 'n',
    O_OUT = 'o',
    O_JSON = 'j',
    O_CLIP = 'C'
};

static enum status parse_course(const char **value, struct train_settings *settings,
                                struct diag *diag)
{
    int loss = (int)settings->loss, optimizer = 0, schedule = 0;
    TRY(whole("--epochs", value[O_EPOCHS], 1, 100000, &settings->n_epochs, diag));
    TRY(whole("--batch", value[O_BATCH], 1, 65536, &settings->batch_samples, diag));
    TRY(whole("--early-stop", value[O_PATIENCE], 0, 100000, &settings->patience, diag));
    TRY(whole("--threads", value[O_THREADS], 0, 1024, &settings->n_threads, diag));
    if (value[O_LOSS] != NULL)
        TRY(choice("--loss", value[O_LOSS], LOSSES, N_LOSSES, &loss, diag));
    if (value[O_OPTIMIZER] != NULL)
        TRY(choice("--optimizer", value[O_OPTIMIZER], OPTIMIZERS, N_OPTIMIZERS, &optimizer, diag));
    if (value[O_SCHEDULE] != NULL)
        TRY(choice("--schedule", value[O_SCHEDULE], RATES, N_RATES, &schedule, diag));
    settings->loss = (enum loss_kind)loss;
    settings->optimizer = (enum optimizer_kind)optimizer;
    settings->schedule = (enum rate_kind)schedule;
    if (settings->optimizer == OPTIMIZER_ADAM)
        settings->rate = 1e-3;
    TRY(number("--lr", value[O_RATE], 0, 1000, &settings->rate, diag));
    TRY(number("--warmup", value[O_WARMUP], 0, 100000, &settings->warmup_epochs, diag));
    TRY(number("--weight-decay", value[O_DECAY], 0, 1, &settings->weight_decay, diag));
    TRY(number("--clip", value[O_CLIP], 0, 1e9, &settings->clip, diag));
    return number("--label-smoothing", value[O_SMOOTHING], 0, 1, &settings->label_smoothing, diag);
}

static enum status parse_distillation(struct train_request *request, const char **value,
                                      struct arena *arena, struct diag *diag)
{
    struct train_settings *settings = &request->settings;
    request->teacher = value[O_TEACHER];
    request->share_given = value[O_SHARE] != NULL;
    if (value[O_SHARE] != NULL)
        TRY(parse_share("--distill-share", value[O_SHARE], &settings->distill_share, diag));
    TRY(number("--temperature", value[O_TEMPERATURE], 0.01, 1000, &settings->temperature, diag));
    TRY(number("--feature-weight", value[O_FEATURE_WEIGHT], 0, 1e6, &settings->feature_weight,
               diag));
    if (value[O_FEATURES] != NULL)
        settings->n_features = words_split(value[O_FEATURES], arena, &settings->features);
    if (settings->n_features >= MAX_INPUTS)
        return fail(diag, ERR_USAGE, "--distill-features: at most %d", MAX_INPUTS - 1);
    if (request->teacher == NULL && (request->share_given || settings->n_features > 0))
        return fail(diag, ERR_USAGE, "--distill TEACHER is missing");
    return OK;
}

static enum status parse_data(struct train_request *request, const char **value,
                              struct arena *arena, struct diag *diag)
{
    struct train_settings *settings = &request->settings;
    if (value[O_AUGMENT] != NULL)
        settings->augmentation_text = value[O_AUGMENT];
    TRY(augmentation_parse(settings->augmentation_text, &settings->augmentation, diag));
    settings->validation = request->data.validation;
    settings->seed = request->data.seed;
    if (settings->patience > 0 && settings->validation <= 0)
        return fail(diag, ERR_USAGE,
                    "--early-stop %d: without validation data (--val 0) no epoch is better",
                    settings->patience);
    if (value[O_ANCHORS] == NULL)
        return OK;
    return anchors_parse(value[O_ANCHORS], arena, &settings->n_anchors, &settings->anchors, diag);
}

enum status train_request_parse(const struct command *command, int argc, char **argv,
                                struct arena *arena, struct train_request *request,
                                struct diag *diag)
{
    static const struct option OPTIONS[] = {
        {"help", no_argument, NULL, 'h'},
        {"json", no_argument, NULL, O_JSON},
        {"keep-zeros", no_argument, NULL, O_ZEROS},
        DATA_OPTIONS,
        {"epochs", required_argument, NULL, O_EPOCHS},
        {"batch", required_argument, NULL, O_BATCH},
        {"lr", required_argument, NULL, O_RATE},
        {"optimizer", required_argument, NULL, O_OPTIMIZER},
        {"schedule", required_argument, NULL, O_SCHEDULE},
        {"warmup", required_argument, NULL, O_WARMUP},
        {"weight-decay", required_argument, NULL, O_DECAY},
        {"clip", required_argument, NULL, O_CLIP},
        {"label-smoothing", required_argument, NULL, O_SMOOTHING},
        {"loss", required_argument, NULL, O_LOSS},
        {"augment", required_argument, NULL, O_AUGMENT},
        {"early-stop", required_argument, NULL, O_PATIENCE},
        {"threads", required_argument, NULL, O_THREADS},
        {"resume", required_argument, NULL, O_RESUME},
        {"distill", required_argument, NULL, O_TEACHER},
        {"distill-share", required_argument, NULL, O_SHARE},
        {"temperature", required_argument, NULL, O_TEMPERATURE},
        {"distill-features", required_argument, NULL, O_FEATURES},
        {"feature-weight", required_argument, NULL, O_FEATURE_WEIGHT},
        {"anchors", required_argument, NULL, O_ANCHORS},
        {"out", required_argument, NULL, O_OUT},
        {NULL, 0, NULL, 0}};
    struct arguments arguments;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "o:", 1, &arguments, diag));
    const char **value = arguments.value;
    *request = (struct train_request){.settings = train_settings_initial(),
                                      .net = arguments.positional[0],
                                      .resume = value[O_RESUME],
                                      .out = value[O_OUT],
                                      .loss_given = value[O_LOSS] != NULL,
                                      .as_json = value[O_JSON] != NULL};
    request->settings.keep_zeros = value[O_ZEROS] != NULL;
    TRY(data_options_parse(value, "samples to train on", &request->data, diag));
    if (request->out == NULL)
        return fail(diag, ERR_USAGE, "-o OUT is missing: the folder to write");
    TRY(parse_course(value, &request->settings, diag));
    TRY(parse_distillation(request, value, arena, diag));
    return parse_data(request, value, arena, diag);
}

const char *train_request_text(const struct train_request *request, struct arena *arena)
{
    const struct train_settings *s = &request->settings;
    struct text text = text_start(arena);
    text_printf(
        &text,
        "--epochs %d --batch %d --lr %.9g --optimizer %s --schedule %s --warmup %.9g "
        "--weight-decay %.9g --label-smoothing %.9g --loss %s --augment %s --val %s "
        "--early-stop %d --seed %llu --input-scale %.9g --input-offset %.9g",
        s->n_epochs, s->batch_samples, s->rate, OPTIMIZERS[s->optimizer], RATES[s->schedule],
        s->warmup_epochs, s->weight_decay, s->label_smoothing, LOSSES[s->loss],
        s->augmentation_text,
        request->data.training_part == DATASET_TRAIN ? arena_printf(arena, "%.9g", s->validation)
                                                     : "test",
        s->patience, (unsigned long long)s->seed, (double)s->scale.scale, (double)s->scale.offset);
    if (s->clip > 0)
        text_printf(&text, " --clip %.9g", s->clip);
    if (s->keep_zeros)
        text_printf(&text, " --keep-zeros");
    if (request->teacher != NULL)
        text_printf(&text, " --distill-share %.9g --temperature %.9g --feature-weight %.9g",
                    s->distill_share, s->temperature, s->feature_weight);
    for (int32_t i = 0; i < s->n_features; i++)
        text_printf(&text, "%s%s", i == 0 ? " --distill-features " : ",", s->features[i]);
    for (int32_t i = 0; s->loss == LOSS_YOLO && i < s->n_anchors; i++)
        text_printf(&text, "%s%.9g:%.9g", i == 0 ? " --anchors " : ",", (double)s->anchors[2 * i],
                    (double)s->anchors[2 * i + 1]);
    return text.data;
}
