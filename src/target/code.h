/* SPDX-License-Identifier: Apache-2.0 */
/* What a library's code takes in flash before it is linked. */
#ifndef DTMM_TARGET_CODE_H
#define DTMM_TARGET_CODE_H

#include "product/packed.h"
#include "target/target.h"

enum { MAX_CODE_PARTS = 64 };

/* The kernels of a core, as bench/code_parts.py linked them. */
struct core_code {
    size_t own_bytes[N_KERNELS]; /* of what no other kernel has; 0: not known */
    uint64_t parts[N_KERNELS];   /* a bit for each part that it shares with others */
    size_t part_bytes[MAX_CODE_PARTS];
    int n_parts;
    uint64_t memory; /* parts that are memcpy and memset */
    uint64_t always; /* linked whatever the kernels: memcpy and memset, which start-up code for
                        Armv6-M calls */
};

struct core_code core_code_load(const struct core *core);

/* Bytes of code and constants of the kernels marked in used[N_KERNELS], what they share once. */
size_t core_code_bytes(const struct core_code *code, const uint8_t *used);

/* Of one kernel, without memcpy and memset, which anything may bring along. */
size_t core_kernel_bytes(const struct core_code *code, enum kernel kernel);

/* Bytes of a kernel's parameter structure on a core with pointers of 32 bits. */
size_t parameter_bytes(enum kernel kernel);

/* About what a call takes in the function that runs the network. */
size_t call_bytes(const struct core *core);

#endif
