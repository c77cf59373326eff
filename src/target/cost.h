/* SPDX-License-Identifier: Apache-2.0 */
/* How many instructions a kernel call executes on a core, predicted from its parameters: the sum of
 * how often each part of the kernel runs (work_<isa>.c) times what that part costs on the core
 * (costs.inc, fitted to measurements by `make fit-costs`). */
#ifndef DTMM_TARGET_COST_H
#define DTMM_TARGET_COST_H

#include "product/packed.h"
#include "target/target.h"

enum { MAX_WORK = 15 };

/* One function a kernel: void work_<name>_<isa>(parameters, counts). counts[0] is the call itself,
 * 1; the others are the kernel's own, zero where it has fewer than MAX_WORK. All arrays that the
 * parameters point to may be read. */
#define KERNEL(name, isa, parameters, form, reference)                                             \
    void work_##name##_##isa(const struct dtmm_##parameters *p, double counts[MAX_WORK]);
#include "../../runtime/kernels.inc"
#undef KERNEL

/* Counts the work of a call; all MAX_WORK counts are set. */
void cost_work(enum kernel kernel, const union kernel_parameters *parameters,
               double counts[MAX_WORK]);

/* Predicted instructions of a call; negative when the core's costs of this kernel are not known. */
double cost_instructions(const struct core *core, enum kernel kernel,
                         const union kernel_parameters *parameters);

/* Bytes of flash for the kernel's code and constants on the core; 0 when not known. */
size_t cost_code_bytes(const struct core *core, enum kernel kernel);

#endif
