/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "compress/compressor_internal.h"

/* The network keeps its name, which is that of the file. */
static const char *round_file(const struct compressor *c, const struct round *round,
                              const char *ending)
{
    const char *slash = strrchr(c->options->model_path, '/');
    const char *name = slash != NULL ? slash + 1 : c->options->model_path;
    const char *dot = strrchr(name, '.');
    int length = dot != NULL && dot != name ? (int)(dot - name) : (int)strlen(name);
    return compressor_path(c,
                           arena_printf(c->arena, "%s/%.*s.%s", round->name, length, name, ending));
}

const char *round_tflite(const struct compressor *c, const struct round *round)
{
    return round_file(c, round, "tflite");
}

const char *round_float(const struct compressor *c, const struct round *round)
{
    return round_file(c, round, "safetensors");
}

struct pruner_options compressor_pruner_options(const struct compressor *c)
{
    struct pruner_options options = c->options->pruner;
    options.quantizer.model_path = c->options->model_path;
    options.live_only = 1;
    return options;
}

/* The options of this round's pruning. All epochs of a network of which nothing leaves are one
 * step's. */
static struct pruner_options options_of(struct compressor *c, const struct round *round)
{
    struct pruner_options options = compressor_pruner_options(c);
    struct quantizer_options *quantizer = &options.quantizer;
    int32_t n_all = options.n_epochs + quantizer->n_qat_epochs;
    options.recipe = round->recipe;
    if (round->recipe != NULL)
        options.recipe_path = c->options->recipe_path; /* errors name it */
    options.start_path = round->start_path;
    options.core = c->options->target->core;
    options.float_path = round_float(c, round);
    options.state_path = compressor_path(c, arena_printf(c->arena, "%s/state", round->name));
    options.keep_state = 1;
    options.settings = arena_printf(c->arena, "%s %s", c->options->settings, round->name);
    options.resume = folder_look(options.state_path) == FOLDER_FULL;
    if (round->n_epochs < n_all) {
        int32_t n_qat = quantizer->n_qat_epochs < round->n_epochs / 2 ? quantizer->n_qat_epochs
                                                                      : round->n_epochs / 2;
        quantizer->n_qat_epochs = n_qat;
        options.n_epochs = round->n_epochs - n_qat;
    }
    if (round->recipe == NULL || round->start_path != NULL || options.n_epochs == 0)
        options.n_steps = 1;
    quantizer->out_path = round_tflite(c, round);
    return options;
}

static enum status round_train(struct compressor *c, struct round *round)
{
    struct arena scratch = {0};
    struct diag unused;
    struct pruner_result result;
    const struct pruner_options options = options_of(c, round);
    TRY(folder_make(compressor_path(c, round->name), c->diag));
    enum status status = pruner_run(&options, &scratch, &result, c->diag);
    if (status == OK) {
        const struct quality *quality = &result.quantized.quality_int8;
        round->scale = result.scale;
        round->accuracy = quality->n > 0 ? quality->accuracy : (double)NAN;
        status = compressor_round_save(c, round, ROUND_TRAINED);
    }
    arena_free(&scratch);
    if (status == OK)
        folder_remove(options.state_path, &unused); /* it goes with the whole state in any case */
    return status;
}

enum status compressor_round_run(struct compressor *c, struct round *round)
{
    enum round_progress progress = compressor_round_load(c, round);
    if (progress == ROUND_DONE)
        return OK;
    if (progress == ROUND_MISSING)
        TRY(round_train(c, round));
    round->sram_limit = compressor_sram_limit(c);
    TRY(compressor_measure(c, round_tflite(c, round), round->recipe, &round->device));
    return compressor_round_save(c, round, ROUND_DONE);
}
