/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "compress/compressor_internal.h"
#include "driver/project.h"
#include "emit/emit.h"
#include "pass/pass.h"

enum { TIMEOUT_SECONDS = 600 };

/* What the device runtime takes at most of the stack. */
enum { STACK_BYTES = 512 };

size_t compressor_sram_limit(const struct compressor *c)
{
    size_t device = c->options->target->sram_bytes;
    size_t limit = device > STACK_BYTES ? device - STACK_BYTES : 0;
    if (c->options->sram_budget < limit)
        limit = c->options->sram_budget;
    double margin = c->margins[BUDGET_SRAM];
    return margin < (double)limit ? limit - (size_t)margin : 0;
}

/* Compiles with the budgets, but goes on when they are missed: by how much is to be known. */
static enum status library_make(struct compressor *c, const char *tflite_path, const char *recipe,
                                const char *folder, struct arena *arena, struct compiled *compiled,
                                struct firmware *firmware)
{
    const struct target *target = c->options->target;
    const struct compile_options options = {.model_path = tflite_path,
                                            .target = target,
                                            .flash_budget = target->flash_bytes,
                                            .sram_budget = compressor_sram_limit(c),
                                            .recipe = recipe};
    const char *share;
    TRY(driver_compile(&options, arena, compiled, c->diag));
    TRY(share_folder(arena, &share, c->diag));
    TRY(emit_c_library(compiled->graph, compiled->packed, compiled->layout, target,
                       arena_printf(arena, "%s/runtime", share), folder, c->diag));
    return firmware_describe(compiled->graph, folder, target, arena, firmware, c->diag);
}

static enum status host_run(const struct compiled *compiled, const uint8_t *inputs,
                            struct arena *arena, struct run *run, struct diag *diag)
{
    struct project project = {.graph = compiled->graph};
    TRY(pack(compiled->graph, NULL, arena, &project.packed, diag));
    TRY(plan(compiled->graph, project.packed, arena, &project.layout, diag));
    return project_run_host(&project, inputs, EQUAL_SAMPLES, arena, run, diag);
}

static size_t sum_bytes(const size_t *bytes, int32_t n)
{
    size_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += bytes[i];
    return sum;
}

/* The library fits the device, its stack does not beside it; or, where no stack was seen, the
 * emulated machine could not hold stack and buffers: they tell about how much is to become free. */
static size_t sram_lacking(const struct firmware *firmware, const struct run *run,
                           size_t sram_bytes)
{
    size_t needed = sram_bytes + (size_t)run->stack_bytes, device = firmware->target->sram_bytes;
    if (run->stack_bytes > 0 && needed > device)
        return needed - device;
    return STACK_BYTES + sum_bytes(firmware->input_bytes, firmware->n_inputs) +
           sum_bytes(firmware->output_bytes, firmware->n_outputs);
}

static enum status device_run(struct compressor *c, const struct compiled *compiled,
                              const struct firmware *firmware, struct arena *arena,
                              struct device_facts *facts)
{
    struct run device = {0}, host;
    const uint8_t *inputs = samples_invent(compiled->graph, EQUAL_SAMPLES, arena);
    enum status status =
        measure_run(firmware, inputs, EQUAL_SAMPLES, 0, TIMEOUT_SECONDS, arena, &device, c->diag);
    if (status == ERR_BUDGET) {
        facts->sram_lacking = sram_lacking(firmware, &device, facts->sram_bytes);
        return OK;
    }
    TRY(status);
    TRY(host_run(compiled, inputs, arena, &host, c->diag));
    size_t output_bytes = host.output_bytes / EQUAL_SAMPLES;
    for (size_t i = 0; i < EQUAL_SAMPLES; i++)
        facts->n_equal += memcmp(device.outputs + i * output_bytes, host.outputs + i * output_bytes,
                                 output_bytes) == 0;
    facts->instructions = device.instructions;
    return OK;
}

static enum status measure_in(struct compressor *c, const char *tflite_path, const char *recipe,
                              const char *folder, struct arena *arena, struct device_facts *facts)
{
    struct compiled compiled;
    struct firmware firmware;
    struct built built = {0};
    *facts = (struct device_facts){.instructions = -1};
    TRY(library_make(c, tflite_path, recipe, folder, arena, &compiled, &firmware));
    enum status status = measure_build(&firmware, &built, c->diag);
    if (status != OK && status != ERR_BUDGET)
        return status;
    facts->flash_bytes = built.flash_bytes;
    facts->sram_bytes = compiled.layout->arena_bytes + built.data_bytes;
    /* Too large for the device: sizes are all that can be said. */
    return status == OK ? device_run(c, &compiled, &firmware, arena, facts) : OK;
}

enum status compressor_measure(struct compressor *c, const char *tflite_path, const char *recipe,
                               struct device_facts *facts)
{
    struct arena scratch = {0};
    const char *folder;
    struct diag ignored;
    interrupt_hold();
    enum status status = folder_temporary(&scratch, &folder, c->diag);
    if (status == OK) {
        status = measure_in(c, tflite_path, recipe, folder, &scratch, facts);
        enum status removed = folder_remove(folder, status == OK ? c->diag : &ignored);
        status = status == OK ? removed : status;
    }
    interrupt_release();
    arena_free(&scratch);
    return status;
}
