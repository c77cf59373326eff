/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "command/eval.h"
#include "driver/project.h"
#include "emit/emit.h"

/* Samples that one start of the emulator is given. */
enum { BATCH = 16 };

/* Compiles the network and writes its library into the folder. */
static enum status library_write(const struct eval_request *request, const char *folder,
                                 struct arena *arena, struct firmware *firmware, struct diag *diag)
{
    const struct target *target = request->target;
    const struct compile_options options = {.model_path = request->model,
                                            .target = target,
                                            .flash_budget = target->flash_bytes,
                                            .sram_budget = target->sram_bytes,
                                            .observer.verbose = request->verbose};
    struct compiled compiled;
    const char *share;
    TRY(driver_compile(&options, arena, &compiled, diag));
    TRY(share_folder(arena, &share, diag));
    TRY(emit_c_library(compiled.graph, compiled.packed, compiled.layout, target,
                       arena_printf(arena, "%s/runtime", share), folder, diag));
    return firmware_describe(compiled.graph, folder, target, arena, firmware, diag);
}

static enum status batches_run(const struct eval_request *request, const struct firmware *firmware,
                               const uint8_t *inputs, uint8_t *outputs, int32_t n,
                               struct progress *progress, struct device_result *result,
                               struct diag *diag)
{
    size_t input_bytes = firmware->input_bytes[0], output_bytes = firmware->output_bytes[0];
    const char *what = "samples on the device";
    for (int32_t i = 0; i < n; i += BATCH) {
        struct arena scratch = {0};
        struct run run;
        int32_t n_batch = n - i < BATCH ? n - i : BATCH;
        progress_count(progress, what, i, n);
        enum status status =
            measure_run(firmware, inputs + (size_t)i * input_bytes, (size_t)n_batch, 0,
                        request->timeout_seconds, &scratch, &run, diag);
        if (status == OK)
            memcpy(outputs + (size_t)i * output_bytes, run.outputs, run.output_bytes);
        if (i == 0)
            result->instructions = run.instructions;
        arena_free(&scratch);
        TRY(status);
    }
    progress_count(progress, what, n, n);
    return OK;
}

static void compare(const uint8_t *device, const uint8_t *host, int32_t n, size_t sample_bytes,
                    struct device_result *result)
{
    for (int32_t i = 0; i < n; i++) {
        size_t at = (size_t)i * sample_bytes;
        if (memcmp(device + at, host + at, sample_bytes) == 0)
            result->n_equal++;
        else if (result->first < 0)
            result->first = i;
    }
}

static enum status run_in(const struct eval_request *request, const char *folder,
                          const struct graph *graph, const struct sample_set *samples,
                          struct progress *progress, struct arena *arena, uint8_t **outputs,
                          struct device_result *result, struct diag *diag)
{
    struct firmware firmware;
    TRY(library_write(request, folder, arena, &firmware, diag));
    const uint8_t *inputs = samples_bytes(graph, samples, arena);
    *outputs = arena_alloc(arena, (size_t)samples->n, firmware.output_bytes[0]);
    return batches_run(request, &firmware, inputs, *outputs, samples->n, progress, result, diag);
}

/* run_in() a temporary folder, which an interrupt does not leave behind. */
static enum status run_apart(const struct eval_request *request, const struct graph *graph,
                             const struct sample_set *samples, struct progress *progress,
                             struct arena *arena, uint8_t **outputs, struct device_result *result,
                             struct diag *diag)
{
    const char *folder;
    struct diag ignored;
    interrupt_hold();
    enum status status = folder_temporary(arena, &folder, diag);
    if (status == OK) {
        status = run_in(request, folder, graph, samples, progress, arena, outputs, result, diag);
        enum status removed = folder_remove(folder, status == OK ? diag : &ignored);
        status = status == OK ? removed : status;
    }
    interrupt_release();
    return status;
}

enum status eval_on_device(const struct eval_request *request, const struct graph *graph,
                           const struct sample_set *samples, struct progress *progress,
                           struct arena *arena, struct predictions *predictions,
                           struct device_result *result, struct diag *diag)
{
    struct arena scratch = {0};
    uint8_t *device, *host;
    size_t sample_bytes = tensor_bytes(&graph->tensors[graph->outputs[0]]);
    *result = (struct device_result){.first = -1};
    enum status status =
        run_apart(request, graph, samples, progress, &scratch, &device, result, diag);
    if (status == OK)
        status = predict_bytes(graph, samples, progress, &scratch, &host, diag);
    if (status == OK) {
        compare(device, host, samples->n, sample_bytes, result);
        *predictions = predictions_of_bytes(graph, device, samples->n, arena);
    }
    arena_free(&scratch);
    return status;
}
