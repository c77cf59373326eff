/* SPDX-License-Identifier: Apache-2.0 */
/* Compares kernels, over random layers, with what they must equal. */
#ifndef DTMM_TEST_KERNELS_CHECK_H
#define DTMM_TEST_KERNELS_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "test/kernels/layers.h"

/* One line of runtime/kernels.inc. */
struct kernel_under_test {
    const char *name, *isa;
    enum { TEST_FORM_unary, TEST_FORM_scratch, TEST_FORM_binary } form;
    void (*run)(const void *parameters, const void *const inputs[2], void *output, void *scratch);
};

/* All kernels of kernels.inc that are linked into this program. */
extern const struct kernel_under_test kernels_under_test[];
extern const size_t n_kernels_under_test;

/* Runs the kernel on `n_layers` layers made from the seed, each with buffers against an unmapped
 * page at either edge, and in place where it may. Compares with the naive computation, or with
 * `reference` when it is not NULL. Returns 1 when all is equal; otherwise 0 and `message` says
 * what differs. */
int check_kernel(const struct kernel_under_test *kernel, const struct kernel_under_test *reference,
                 uint64_t seed, int n_layers, char message[512]);

#endif
