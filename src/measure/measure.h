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
    const char *folder;       /* OUT */
    const char *model;        /* the graph's name */
    const char *board_folder; /* where the boards' start-up code and linker scripts are */
    const struct target *target;
    int32_t n_nodes;                  /* of the compiled graph, for per-layer counts */
    size_t input_bytes, output_bytes; /* of one sample, all inputs (outputs) back to back */
    size_t flash_budget, sram_budget; /* for the linker script; 0: the target's */
};

/* Builds the library with the board support, linked for the *target's* flash and SRAM sizes, and
 * reads its sizes from the ELF file. ERR_BUDGET when it does not fit: the message says what it
 * needs and what there is. ERR_TOOL when the cross compiler is missing: says what to install. */
enum status measure_build(const struct firmware *firmware, struct built *built, struct diag *diag);

/* Builds and runs `n_samples` inferences under the target's emulator; `inputs` are their bytes back
 * to back. Instructions are counted by -icount and the core's timer, whose scale is checked at each
 * start against a loop of known length (ERR_TOOL when it is off). Instructions and stack are those
 * of the first sample. A run that does not end within `timeout_seconds` is ERR_TOOL. */
enum status measure_run(const struct firmware *firmware, const void *inputs, size_t n_samples,
                        int per_layer, int timeout_seconds, struct arena *arena, struct run *run,
                        struct diag *diag);

#endif
