/* SPDX-License-Identifier: Apache-2.0 */
/* Building an emitted library for its target and running it under emulation. */
#ifndef DTMM_MEASURE_MEASURE_H
#define DTMM_MEASURE_MEASURE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "product/measured.h"
#include "target/target.h"

/* What is built: a folder written by emit_c_library(). */
struct firmware {
    const char *folder; /* OUT */
    const char *model;  /* the graph's name: OUT/include/<model>.h declares <model>_run_in() */
    const char *board_folder; /* where the boards' start-up code and linker scripts are */
    const struct target *target;
    int32_t n_nodes; /* of the compiled graph, for per-layer counts */
    int32_t n_inputs, n_outputs;
    const size_t *input_bytes, *output_bytes; /* of one sample, one each input (output) */
    size_t flash_budget, sram_budget;         /* at most; 0: what the target has */
};

/* Builds the library with the board support and reads its sizes from the ELF file. ERR_BUDGET when
 * it does not fit the budgets or the *target*: the message says what it needs and what there is.
 * ERR_TOOL when the cross compiler is missing (says what to install) or rejects the library.
 * ERR_UNSUPPORTED for the target "host", which has no device to build for. */
enum status measure_build(const struct firmware *firmware, struct built *built, struct diag *diag);

/* Builds and runs `n_samples` > 0 inferences under the target's emulator; `inputs` are their bytes
 * back to back, a sample's inputs in their order. Outputs come back likewise.
 * Instructions are those that the emulator executes in the first sample's call of <model>_run_in(),
 * counted by -icount and the core's timer, whose scale is checked at each start against a loop of
 * known length (ERR_TOOL when it is off). The same firmware and inputs give the same number; a tick
 * is at most a quarter of an instruction, so that the number is exact to about one instruction.
 * Layers are counted in a run of their own, whose recorder's cost is subtracted. The stack is that
 * of the first sample. ERR_BUDGET when the library or its stack does not fit the target, or when
 * the emulated machine is smaller and cannot hold it (the message tells). ERR_TOOL also when a run
 * does not end within `timeout_seconds` or ends in a fault. */
enum status measure_run(const struct firmware *firmware, const void *inputs, size_t n_samples,
                        int per_layer, int timeout_seconds, struct arena *arena, struct run *run,
                        struct diag *diag);

#endif
