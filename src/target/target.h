/* SPDX-License-Identifier: Apache-2.0 */
/* A device to compile for: a core with its instruction set and emulator, or a real part with that
 * core. Facts only, one line each in cores.inc and devices.inc. */
#ifndef DTMM_TARGET_TARGET_H
#define DTMM_TARGET_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* How a core is compiled for and emulated. */
struct core {
    const char *name;     /* "cortex-m4" */
    const char *isa;      /* "armv7em": the preferred folder under runtime/; "c" is always there */
    const char *compiler; /* "arm-none-eabi-gcc" */
    const char *flags;    /* "-mcpu=cortex-m4 -mthumb ...", separated by single spaces */
    const char *emulator; /* "qemu-system-arm"; null: nothing emulates it, it is this computer */
    const char *machine;  /* "mps2-an386" */
    const char *board;    /* folder below board/: memory map for the linker */
    const char *startup;  /* folder below board/: start-up code, "arm" or "riscv" */
    uint32_t flash_origin, sram_origin;               /* of the emulated machine */
    uint32_t machine_flash_bytes, machine_sram_bytes; /* what the emulated machine has there */
    uint32_t icount_shift; /* an instruction takes 2^icount_shift ns of the machine's time */
    uint32_t timer_hz;     /* counts a second of the timer that measures it */
};

struct target {
    const char *name;        /* "stm32f446", or the core's name */
    const char *description; /* "STM32F446RE, Cortex-M4F 180 MHz" */
    const struct core *core;
    uint32_t flash_bytes, sram_bytes; /* of the device; a bare core has its emulated machine's */
    uint32_t clock_hz;                /* 0: has none of its own (RISC-V virt, this computer) */
    const char *source;               /* data sheet and section; which banks the SRAM is */
};

/* All targets, in the order they are listed: cores, devices, this computer ("host"). */
size_t n_targets(void);
const struct target *target_at(size_t index);

/* Finds a target by its name, whatever the case. ERR_USAGE lists near matches (edit distance) and
 * says how to list all. */
enum status target_find(const char *name, const struct target **target, struct diag *diag);

#endif
