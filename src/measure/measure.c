/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/measure.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "measure/build.h"
#include "measure/process.h"

/* What board/common/runner.c writes to result.bin, word for word. */
struct span {
    uint64_t ticks;
    uint32_t wraps, unused;
};

struct result {
    uint32_t magic, n_layers;
    struct span loop_short, loop_long, nothing, inference, layer_overhead;
    uint32_t loop_short_n, loop_long_n, layer_trials, stack_bytes;
};

struct layer {
    uint64_t ticks;
    uint32_t wraps, calls;
};

#define RESULT_MAGIC 0x4D4D5444u

/* Exit codes of the harness (board/common/harness.h). */
enum { HARNESS_FAULT = 2, HARNESS_FILE = 3, HARNESS_STACK = 4, HARNESS_STATE = 5 };

/* Instructions of board/arm/time.c's interrupt handler, which runs at each wrap of the timer. */
#define WRAP_INSTRUCTIONS 5

/* The calibration loop of 8 million instructions may be off by this many; that is what the timer's
 * reading may round by at its start and its end. */
#define CALIBRATION_TOLERANCE 4.0

/* ---- time ---- */

static double instructions_of(const struct core *core, uint64_t ticks, uint32_t wraps)
{
    double ticks_per_instruction = ldexp(core->timer_hz / 1e9, (int)core->icount_shift);
    return (double)ticks / ticks_per_instruction - (double)wraps * WRAP_INSTRUCTIONS;
}

static double span_instructions(const struct core *core, const struct span *span)
{
    return instructions_of(core, span->ticks, span->wraps);
}

static enum status check_scale(const struct core *core, const struct result *result,
                               struct diag *diag)
{
    double counted =
        span_instructions(core, &result->loop_long) - span_instructions(core, &result->loop_short);
    double expected = 2.0 * ((double)result->loop_long_n - (double)result->loop_short_n);
    if (fabs(counted - expected) <= CALIBRATION_TOLERANCE)
        return OK;
    return fail(diag, ERR_TOOL,
                "%s -M %s counts %.1f instructions in a loop of %.0f: its timer does not run as "
                "that of QEMU 7.2; counts would be wrong",
                core->emulator, core->machine, counted, expected);
}

/* ---- one run ---- */

static const char *path_in(struct workshop *workshop, const char *name)
{
    return arena_printf(workshop->arena, "%s/%s", workshop->folder, name);
}

static enum status explain_exit(struct workshop *workshop, int exit_code, const char *log,
                                struct diag *diag)
{
    const struct target *target = workshop->firmware->target;
    const char *machine = target->core->machine;
    switch (exit_code) {
    case 0:
        return OK;
    case HARNESS_FAULT:
        return fail(diag, ERR_TOOL, "the firmware ended in a processor fault on %s", machine);
    case HARNESS_FILE:
        return fail(diag, ERR_TOOL, "the firmware on %s could not read or write its files",
                    machine);
    case HARNESS_STACK:
        return fail(diag, ERR_BUDGET,
                    "'%s' needs more stack than the emulated machine %s has left beside the "
                    "library and the test's buffers",
                    workshop->firmware->model, machine);
    case HARNESS_STATE:
        return fail(diag, ERR_MISMATCH,
                    "two inferences on the same input gave different outputs on %s", machine);
    default:
        return fail(diag, ERR_TOOL, "%s -M %s failed (exit code %d): %s", target->core->emulator,
                    machine, exit_code, process_log_line(log, workshop->arena));
    }
}

static enum status emulate(struct workshop *workshop, int timeout_seconds, struct diag *diag)
{
    const struct core *core = workshop->firmware->target->core;
    const char *icount = arena_printf(workshop->arena, "shift=%u", (unsigned)core->icount_shift);
    const char *log = path_in(workshop, "log");
    const char *arguments[] = {core->emulator,
                               "-no-user-config",
                               "-M",
                               core->machine,
                               "-display",
                               "none",
                               "-serial",
                               "none",
                               "-monitor",
                               "none",
                               "-semihosting-config",
                               "enable=on,target=native",
                               "-icount",
                               icount,
                               "-kernel",
                               "firmware.elf",
                               strcmp(core->startup, "riscv") == 0 ? "-bios" : NULL,
                               "none",
                               NULL};
    struct process process = {arguments, workshop->folder, log, timeout_seconds};
    int exit_code;
    TRY(process_run(&process, &exit_code, diag));
    return explain_exit(workshop, exit_code, log, diag);
}

/* Links, runs, reads result.bin; `layers` is what follows the result in it. */
static enum status run_firmware(struct workshop *workshop, int timeout_seconds,
                                struct result *result, const struct layer **layers,
                                struct diag *diag)
{
    const struct core *core = workshop->firmware->target->core;
    struct file file;
    TRY(workshop_link(workshop, diag));
    TRY(emulate(workshop, timeout_seconds, diag));
    TRY(file_read(path_in(workshop, "result.bin"), workshop->arena, &file, diag));
    size_t n_layers = workshop->per_layer ? (size_t)workshop->firmware->n_nodes : 0;
    if (file.size != sizeof *result + n_layers * sizeof **layers)
        return fail(diag, ERR_TOOL, "the firmware on %s wrote a broken result", core->machine);
    memcpy(result, file.data, sizeof *result);
    if (result->magic != RESULT_MAGIC || result->n_layers != n_layers)
        return fail(diag, ERR_TOOL, "the firmware on %s wrote a broken result", core->machine);
    *layers = arena_copy(workshop->arena, file.data + sizeof *result, n_layers * sizeof **layers);
    return check_scale(core, result, diag);
}

static size_t sum_bytes(const size_t *bytes, int32_t n)
{
    size_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += bytes[i];
    return sum;
}

static enum status read_outputs(struct workshop *workshop, struct arena *arena, struct run *run,
                                struct diag *diag)
{
    const struct firmware *firmware = workshop->firmware;
    struct file file;
    size_t expected = sum_bytes(firmware->output_bytes, firmware->n_outputs) * workshop->n_samples;
    TRY(file_read(path_in(workshop, "outputs.bin"), arena, &file, diag));
    if (file.size != expected)
        return fail(diag, ERR_TOOL, "the firmware wrote %zu bytes of outputs instead of %zu",
                    file.size, expected);
    run->outputs = file.data;
    run->output_bytes = file.size;
    return OK;
}

static enum status count_total(struct workshop *workshop, size_t sram_bytes, int timeout_seconds,
                               struct arena *arena, struct run *run, struct diag *diag)
{
    const struct target *target = workshop->firmware->target;
    struct result result;
    const struct layer *layers;
    TRY(run_firmware(workshop, timeout_seconds, &result, &layers, diag));
    run->instructions = llround(span_instructions(target->core, &result.inference) -
                                span_instructions(target->core, &result.nothing));
    run->stack_bytes = result.stack_bytes;
    if (sram_bytes + result.stack_bytes > target->sram_bytes)
        return fail(diag, ERR_BUDGET,
                    "'%s' does not fit %s: %zu bytes of data and arena and %u of stack are more "
                    "than its %u bytes of SRAM",
                    workshop->firmware->model, target->name, sram_bytes,
                    (unsigned)result.stack_bytes, (unsigned)target->sram_bytes);
    return read_outputs(workshop, arena, run, diag);
}

/* Again, one sample, with the model compiled to call the recorder after each layer. */
static enum status count_layers(struct workshop *workshop, int timeout_seconds, struct arena *arena,
                                struct run *run, struct diag *diag)
{
    const struct core *core = workshop->firmware->target->core;
    struct result result;
    const struct layer *layers;
    workshop->per_layer = 1;
    workshop->n_samples = 1;
    TRY(workshop_compile(workshop, GROUP_GENERATED | GROUP_MODEL, diag));
    TRY(run_firmware(workshop, timeout_seconds, &result, &layers, diag));
    double overhead = span_instructions(core, &result.layer_overhead) / result.layer_trials;
    run->n_layers = workshop->firmware->n_nodes;
    run->layer_instructions = ARENA_ARRAY(arena, (size_t)run->n_layers, int64_t);
    for (int32_t i = 0; i < run->n_layers; i++) {
        double count = instructions_of(core, layers[i].ticks, layers[i].wraps) -
                       overhead * (double)layers[i].calls;
        run->layer_instructions[i] = layers[i].calls == 0 ? -1 : llround(fmax(count, 0));
    }
    return OK;
}

static enum status run_all(struct workshop *workshop, const void *inputs, int per_layer,
                           int timeout_seconds, struct arena *arena, struct run *run,
                           struct diag *diag)
{
    const struct firmware *firmware = workshop->firmware;
    size_t sram_bytes;
    size_t bytes = sum_bytes(firmware->input_bytes, firmware->n_inputs) * workshop->n_samples;
    TRY(workshop_open(workshop, diag));
    TRY(file_write(path_in(workshop, "inputs.bin"), inputs, bytes, diag));
    TRY(workshop_compile(workshop, GROUP_ALL, diag));
    TRY(workshop_size(workshop, &run->built, &sram_bytes, diag));
    TRY(count_total(workshop, sram_bytes, timeout_seconds, arena, run, diag));
    return per_layer ? count_layers(workshop, timeout_seconds, arena, run, diag) : OK;
}

/* Removes the private folder, after which an interrupt may end the program. A failure to remove it
 * counts only when there is no other. */
static enum status close_workshop(struct workshop *workshop, enum status status, struct diag *diag)
{
    struct diag ignored;
    if (workshop->folder != NULL) {
        enum status removed = folder_remove(workshop->folder, status == OK ? diag : &ignored);
        status = status == OK ? removed : status;
    }
    interrupt_release();
    arena_free(workshop->arena);
    return status;
}

static enum status build_all(struct workshop *workshop, struct built *built, struct diag *diag)
{
    size_t sram_bytes;
    TRY(workshop_open(workshop, diag));
    TRY(workshop_compile(workshop, GROUP_ALL, diag));
    return workshop_size(workshop, built, &sram_bytes, diag);
}

enum status measure_build(const struct firmware *firmware, struct built *built, struct diag *diag)
{
    struct arena arena = {0};
    struct workshop workshop = {.firmware = firmware, .arena = &arena, .n_samples = 1};
    interrupt_hold();
    return close_workshop(&workshop, build_all(&workshop, built, diag), diag);
}

enum status measure_run(const struct firmware *firmware, const void *inputs, size_t n_samples,
                        int per_layer, int timeout_seconds, struct arena *arena, struct run *run,
                        struct diag *diag)
{
    struct arena own = {0};
    struct workshop workshop = {.firmware = firmware, .arena = &own, .n_samples = n_samples};
    *run = (struct run){.instructions = -1, .stack_bytes = -1};
    interrupt_hold();
    enum status status = run_all(&workshop, inputs, per_layer, timeout_seconds, arena, run, diag);
    return close_workshop(&workshop, status, diag);
}
