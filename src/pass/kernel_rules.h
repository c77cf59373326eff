/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers a kernel computes: runtime/<isa>/rules.h by enum kernel. */
#ifndef DTMM_PASS_KERNEL_RULES_H
#define DTMM_PASS_KERNEL_RULES_H

#include "product/packed.h"

/* 1 when `kernel` computes the layer of these parameters (those of its reference) exactly. The
 * arrays they point to are read. */
int kernel_accepts(enum kernel kernel, const union kernel_parameters *parameters);

/* The scratch memory of a kernel that accepts the layer, in bytes. */
size_t kernel_scratch_bytes(enum kernel kernel, const union kernel_parameters *parameters);

#endif
