/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of the test firmware: the generated description of one model (firmware.c), the
 * runner (runner.c) and the processor's own code (arm/, riscv/). None of it counts as the library's
 * flash or SRAM: sections.ld puts it elsewhere. */
#ifndef DTMM_BOARD_HARNESS_H
#define DTMM_BOARD_HARNESS_H

#include <stdint.h>

/* ---- generated for each model: firmware.c ---- */

struct harness_buffer {
    void *data;
    uint32_t bytes;
};

extern const struct harness_buffer harness_inputs[], harness_outputs[];
extern const uint32_t harness_n_inputs, harness_n_outputs, harness_n_samples, harness_n_layers;

/* Ticks that belong to one layer; `wraps` are the timer interrupts among them. */
struct harness_layer {
    uint64_t ticks;
    uint32_t wraps, calls;
};
extern struct harness_layer harness_layers[];

/* One inference, from and to the buffers above. */
void harness_inference(void);

/* ---- the processor: arm/ or riscv/ ---- */

/* The timer: a free-running count, and how often its interrupt has run to extend it. */
struct board_time {
    uint64_t ticks;
    uint32_t wraps;
};
void board_time_start(void);
struct board_time board_time(void);

/* Returns after exactly 2 * `n` + 1 instructions, the return included; n > 0. */
void board_loop(uint32_t n);

/* A semihosting request to the emulator. */
intptr_t board_semihosting(intptr_t operation, void *argument);

/* The stack pointer. */
uintptr_t board_stack_pointer(void);

/* ---- the runner ---- */

/* What the start-up code calls once memory is ready, and what a fault ends in. */
_Noreturn void harness_main(void);
_Noreturn void harness_exit(uint32_t code);

/* Layers are timed from here on; harness_layer_done() is in profile.h. */
void harness_layers_start(void);

/* Exit codes; 0 is success. The host's messages follow these (src/measure/measure.c). */
enum { HARNESS_FAULT = 2, HARNESS_FILE = 3, HARNESS_STACK = 4, HARNESS_STATE = 5 };

#endif
