/* SPDX-License-Identifier: Apache-2.0 */
/* The files between the kernel checker's two ends; little-endian, no padding. */
#ifndef DTMM_TEST_KERNELS_DEVICE_H
#define DTMM_TEST_KERNELS_DEVICE_H

#include <stdint.h>

#define CHECK_ALL 0xffffffffu

/* job.bin */
struct check_job {
    uint64_t seed;
    uint32_t kernel; /* its place among the tested ones in kernels.inc, or CHECK_ALL */
    uint32_t n_layers, most_tries;
    uint32_t unused;
};

enum check_outcome {
    CHECK_STARTING,
    CHECK_DECLINED, /* by the kernel's rules */
    CHECK_EQUAL,
    CHECK_DIFFERENT, /* from the reference, or wrote around a buffer */
    CHECK_FAULT      /* the processor's, or of the checker itself; ticks: the exit code */
};

/* result.bin: one a layer. */
struct check_record {
    uint64_t state; /* of the random generator that makes the layer */
    uint64_t ticks; /* of the last call of the kernel */
    uint32_t kernel, outcome;
    int32_t wraps; /* of the timer during that call */
    uint32_t unused;
};

#endif
