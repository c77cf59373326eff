/* SPDX-License-Identifier: Apache-2.0 */
/* What the built library really needs and does on the emulated device. */
#ifndef DTMM_PRODUCT_MEASURED_H
#define DTMM_PRODUCT_MEASURED_H

#include <stddef.h>
#include <stdint.h>

/* Of the linked firmware: the model, the runtime and what they pull in from the compiler's and the
 * C library (memcpy, 64-bit arithmetic, floating point); board start-up code and test harness not
 * included. Unused functions and data are gone. */
struct built {
    size_t flash_bytes; /* text + rodata + data */
    size_t code_bytes;  /* of these, text, and rodata that is not the model's */
    size_t data_bytes;  /* data + bss, without the arena */
};

struct run {
    struct built built;
    int64_t instructions;        /* of the whole inference; -1 unknown (host) */
    int32_t n_layers;            /* 0 unless asked for */
    int64_t *layer_instructions; /* by node of the compiled graph; -1: reported nothing */
    int64_t stack_bytes;         /* high-water mark of one inference; -1 unknown */
    uint8_t *outputs;            /* all outputs of all samples, back to back */
    size_t output_bytes;
};

#endif
