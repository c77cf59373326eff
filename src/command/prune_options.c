/* SPDX-License-Identifier: Apache-2.0 */
#include "command/prune_options.h"

#include <string.h>

#include "base/text.h"
#include "command/data_options.h"

/* Enough to train between steps of removal. */
enum { MANY_EPOCHS = 8 };

static enum status parse_count(const char *option, const char *value, long low, long high,
                               int32_t *count, struct diag *diag)
{
    long number = *count;
    if (value != NULL)
        TRY(parse_whole(option, value, low, high, &number, diag));
    *count = (int32_t)number;
    return OK;
}

static enum status parse_teacher(const char *const *value, struct pruner_options *options,
                                 struct arena *arena, struct diag *diag)
{
    options->distill_share = value['N'] != NULL ? 0 : 0.5;
    options->feature_weight = 1;
    if (value['N'] != NULL && (value['G'] != NULL || value['A'] != NULL || value['E'] != NULL))
        return fail(diag, ERR_USAGE, "--no-distill contradicts the other options of distillation");
    if (value['A'] != NULL)
        TRY(parse_share("--distill-share", value['A'], &options->distill_share, diag));
    options->labels_option =
        value['A'] != NULL ? arena_printf(arena, "--distill-share %s", value['A']) : "--no-distill";
    if (value['W'] != NULL)
        TRY(parse_fraction("--feature-weight", value['W'], 0, 1e6, &options->feature_weight, diag));
    options->quantizer.distill_share = options->distill_share;
    if (value['E'] != NULL)
        options->n_features = words_split(value['E'], arena, &options->features);
    if (options->n_features >= MAX_INPUTS)
        return fail(diag, ERR_USAGE, "--distill-features: at most %d", MAX_INPUTS - 1);
    return OK;
}

static enum status parse_course(const char *const *value, struct pruner_options *options,
                                struct diag *diag)
{
    struct quantizer_options *quantizer = &options->quantizer;
    options->n_epochs = 20;
    options->rate = 0.06;
    options->weight_decay = 1e-4;
    quantizer->qat_rate = 0.003;
    TRY(parse_count("--epochs", value['e'], 0, 100000, &options->n_epochs, diag));
    options->n_steps = options->n_epochs < MANY_EPOCHS ? 1 : 4;
    TRY(parse_count("--steps", value['n'], 1, 1000, &options->n_steps, diag));
    quantizer->n_qat_epochs = options->n_epochs > 4 ? 2 : 0;
    TRY(parse_count("--qat", value['q'], 0, options->n_epochs, &quantizer->n_qat_epochs, diag));
    options->n_epochs -= quantizer->n_qat_epochs;
    TRY(parse_count("--batch", value['b'], 1, 100000, &options->batch_samples, diag));
    TRY(parse_count("--threads", value['H'], 0, 1024, &options->n_threads, diag));
    if (value['r'] != NULL)
        TRY(parse_fraction("--lr", value['r'], 0, 1000, &options->rate, diag));
    if (value['Q'] != NULL)
        TRY(parse_fraction("--qat-lr", value['Q'], 0, 1000, &quantizer->qat_rate, diag));
    if (value['w'] != NULL)
        TRY(parse_fraction("--weight-decay", value['w'], 0, 1000, &options->weight_decay, diag));
    return augmentation_parse(value['a'] != NULL ? value['a'] : "none", &quantizer->augmentation,
                              diag);
}

static enum status parse_quantizer(const char *const *value, struct pruner_options *options,
                                   struct diag *diag)
{
    struct data_options data;
    TRY(data_options_parse(value, "samples to train on", &data, diag));
    options->quantizer = (struct quantizer_options){
        .data_path = data.path,
        .training_part = data.training_part,
        .test_part = data.test_part,
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
    return OK;
}

enum status prune_options_parse(const char *const *value, struct arena *arena,
                                struct pruner_options *options, struct diag *diag)
{
    TRY(parse_quantizer(value, options, diag));
    options->compensate = value['P'] == NULL;
    if (value['P'] != NULL && value['C'] != NULL)
        return fail(diag, ERR_USAGE, "--compensate contradicts --no-compensate");
    options->resume = value['m'] != NULL;
    TRY(parse_teacher(value, options, arena, diag));
    return parse_course(value, options, diag);
}

const char *settings_text(const struct option *options, const char *const *value, const char *first,
                          const char *unimportant, struct arena *arena)
{
    struct text text = text_start(arena);
    text_printf(&text, "%s", first);
    for (const struct option *option = options; option->name != NULL; option++)
        if (value[option->val] != NULL && strchr(unimportant, option->val) == NULL)
            text_printf(&text, " --%s%s%s", option->name, option->has_arg ? " " : "",
                        option->has_arg ? value[option->val] : "");
    return text.data;
}
