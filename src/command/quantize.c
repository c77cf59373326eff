/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "command/data_options.h"
#include "command/train_options.h"
#include "driver/quantizer.h"
#include "report/report.h"

static const struct option OPTIONS[] = {{"help", no_argument, NULL, 'h'},
                                        DATA_OPTIONS,
                                        {"out", required_argument, NULL, 'o'},
                                        {"method", required_argument, NULL, 'm'},
                                        {"percentile", required_argument, NULL, 'P'},
                                        {"calibrate", required_argument, NULL, 'c'},
                                        {"validate", required_argument, NULL, 'N'},
                                        {"equalize", no_argument, NULL, 'e'},
                                        {"no-equalize", no_argument, NULL, 'E'},
                                        {"bias-correction", no_argument, NULL, 'b'},
                                        {"no-bias-correction", no_argument, NULL, 'B'},
                                        {"clip-weights", no_argument, NULL, 'w'},
                                        {"per-channel-dense", no_argument, NULL, 'p'},
                                        {"qat", required_argument, NULL, 'q'},
                                        {"lr", required_argument, NULL, 'r'},
                                        {"augment", required_argument, NULL, 'a'},
                                        {"distill-share", required_argument, NULL, 'A'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {NULL, 0, NULL, 0}};

/* The switch that was given, or what holds without one. ERR_USAGE for both. */
static enum status parse_switch(const char **value, int on, int off, const char *name,
                                int otherwise, int *result, struct diag *diag)
{
    if (value[on] != NULL && value[off] != NULL)
        return fail(diag, ERR_USAGE, "--%s and --no-%s contradict each other; give one", name,
                    name);
    *result = value[on] != NULL ? 1 : value[off] != NULL ? 0 : otherwise;
    return OK;
}

static enum status parse_method(const char **value, struct calibration *calibration,
                                struct diag *diag)
{
    *calibration = (struct calibration){CALIBRATION_PERCENTILE, 99.99};
    if (value['m'] != NULL) {
        int method = calibration_method_find(value['m']);
        if (method < 0)
            return fail(diag, ERR_USAGE,
                        "--method %s: there is no such method; there are minmax, percentile and "
                        "mse",
                        value['m']);
        calibration->method = (enum calibration_method)method;
    }
    if (value['P'] == NULL)
        return OK;
    if (calibration->method != CALIBRATION_PERCENTILE)
        return fail(diag, ERR_USAGE, "--percentile belongs to --method percentile");
    return parse_fraction("--percentile", value['P'], 50.0001, 100.0001, &calibration->percentile,
                          diag);
}

static enum status parse_samples(const char **value, struct quantizer_options *options,
                                 struct diag *diag)
{
    long number = 0;
    struct data_options data;
    TRY(data_options_parse(value, "samples to calibrate on", &data, diag));
    options->data_path = data.path;
    options->training_part = data.training_part;
    options->validation_fraction = data.validation;
    options->seed = data.seed;
    options->scale = data.scale;
    options->input_like = data.input_like;
    options->n_calibration = 512;
    options->n_validation = 2000;
    if (value['c'] != NULL) {
        TRY(parse_whole("--calibrate", value['c'], 1, INT32_MAX, &number, diag));
        options->n_calibration = (int32_t)number;
    }
    if (value['N'] != NULL) {
        TRY(parse_whole("--validate", value['N'], 0, INT32_MAX, &number, diag));
        options->n_validation = (int32_t)number;
    }
    return OK;
}

static enum status parse_training(const char **value, struct quantizer_options *options,
                                  struct diag *diag)
{
    long n_epochs = 0;
    options->qat_rate = 1e-2;
    options->distill_share = 0.5;
    if (value['q'] == NULL && (value['r'] != NULL || value['a'] != NULL || value['A'] != NULL))
        return fail(diag, ERR_USAGE, "--lr, --augment and --distill-share belong to --qat EPOCHS");
    if (value['q'] != NULL)
        TRY(parse_whole("--qat", value['q'], 1, 100000, &n_epochs, diag));
    options->n_qat_epochs = (int32_t)n_epochs;
    if (value['r'] != NULL)
        TRY(parse_fraction("--lr", value['r'], 0, 1000, &options->qat_rate, diag));
    if (value['A'] != NULL)
        TRY(parse_share("--distill-share", value['A'], &options->distill_share, diag));
    return augmentation_parse(value['a'] != NULL ? value['a'] : "none", &options->augmentation,
                              diag);
}

static enum status parse_options(struct arguments *arguments, struct quantizer_options *options,
                                 struct diag *diag)
{
    const char **value = arguments->value;
    *options = (struct quantizer_options){
        .model_path = arguments->positional[0],
        .out_path = value['o'],
        .observer.verbose = value['v'] != NULL,
    };
    TRY(parse_samples(value, options, diag));
    if (options->out_path == NULL)
        return fail(diag, ERR_USAGE, "-o is missing: the .tflite file to write");
    TRY(parse_method(value, &options->calibration, diag));
    TRY(parse_training(value, options, diag));
    int trains = options->n_qat_epochs > 0;
    TRY(parse_switch(value, 'e', 'E', "equalize", !trains, &options->equalize, diag));
    TRY(parse_switch(value, 'b', 'B', "bias-correction", 1, &options->correct_bias, diag));
    options->rounding.clip = value['w'] != NULL;
    options->rounding.per_channel = value['p'] != NULL;
    return OK;
}

/* null for what is not known. */
static json_t *number_json(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *quality_json(const struct quality *quality)
{
    return json_pack("{s:o, s:o}", "accuracy", number_json(quality->accuracy), "squared_error",
                     number_json(quality->squared_error));
}

static json_t *result_json(const struct quantizer_options *options,
                           const struct quantizer_result *result)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:I, s:b, s:b, s:b, s:I}", "model", options->model_path, "data",
        options->data_path, "out", options->out_path, "method", result->ranges->method,
        "n_calibration", result->n_calibration, "seed", (json_int_t)options->seed, "equalized",
        options->equalize, "bias_corrected", options->correct_bias, "weights_clipped",
        options->rounding.clip, "file_bytes", (json_int_t)result->file_bytes);
    json_t *validation = json_null();
    if (result->quality_int8.n > 0)
        validation = json_pack("{s:i, s:o, s:o, s:o}", "n_samples", result->quality_int8.n, "float",
                               quality_json(&result->quality_float), "int8",
                               quality_json(&result->quality_int8), "signal_to_noise_db",
                               number_json(result->signal_to_noise));
    json_object_set_new(json, "validation", validation);
    return json;
}

static void print_quality(const struct quantizer_result *result)
{
    const struct quality *exact = &result->quality_float, *rounded = &result->quality_int8;
    if (!isnan(exact->accuracy))
        printf("  accuracy        float %.2f %%, int8 %.2f %% (%+.2f points)\n",
               100 * exact->accuracy, 100 * rounded->accuracy,
               100 * (rounded->accuracy - exact->accuracy));
    if (!isnan(exact->squared_error))
        printf("  squared error   float %.6g, int8 %.6g\n", exact->squared_error,
               rounded->squared_error);
    printf("  output          int8 is %.1f dB above its difference from float\n",
           result->signal_to_noise);
}

static void print_result(const struct quantizer_options *options,
                         const struct quantizer_result *result)
{
    struct arena scratch = {0};
    printf("%s: int8, %s B, calibrated on %d samples (%s)\n", options->out_path,
           thousands(&scratch, (int64_t)result->file_bytes), result->n_calibration,
           result->ranges->method);
    if (result->quality_int8.n > 0) {
        printf("on %d validation samples:\n", result->quality_int8.n);
        print_quality(result);
    }
    arena_free(&scratch);
}

enum status command_quantize(const struct command *command, int argc, char **argv,
                             struct diag *diag)
{
    struct arguments arguments;
    struct quantizer_options options;
    struct quantizer_result result;
    TRY(arguments_parse(command, argc, argv, OPTIONS, "o:v", 1, &arguments, diag));
    TRY(parse_options(&arguments, &options, diag));
    struct arena arena = {0};
    struct train_screen screen = train_screen_start(0);
    options.train_observer = train_screen_show;
    options.train_context = &screen;
    enum status status = quantizer_run(&options, &arena, &result, diag);
    train_screen_end(&screen);
    if (status == OK && arguments.value['j'] != NULL)
        print_json(result_json(&options, &result));
    else if (status == OK)
        print_result(&options, &result);
    arena_free(&arena);
    return status;
}
