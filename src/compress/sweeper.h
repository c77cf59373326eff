/* SPDX-License-Identifier: Apache-2.0 */
/* The front of accuracy against flash and instructions of one network. */
#ifndef DTMM_COMPRESS_SWEEPER_H
#define DTMM_COMPRESS_SWEEPER_H

#include "compress/compressor.h"
#include "report/front.h"

struct sweeper_options {
    struct compressor_options compressor; /* its budgets limit all points; there is no limit of
                                             accuracy */
    int32_t n_points;
    int32_t rank, n_ranks;       /* of processes that share the points */
    void (*wait)(void *context); /* until all ranks are here */
    void *wait_context;
};

struct sweeper_result {
    struct front front;              /* the dense network first; on rank 0 */
    const char *const *tflite_paths; /* by point, in the folder of the state */
    const char *const *recipes;      /* JSON; NULL: the dense network */
};

/* Makes the dense network int8 and probes it; then for budgets of flash and instructions that go
 * down together, from the dense network's towards the least there is: a recipe of the best accuracy
 * within them, pruning and training from the network of the point before, building and measuring.
 * Ranks take points that follow one another; the first of each starts from the dense network. Rank
 * 0 runs the test data, once a point, when all are done. The state is as compressor_run()'s. */
enum status sweeper_run(const struct sweeper_options *options, struct arena *arena,
                        struct sweeper_result *result, struct diag *diag);

#endif
