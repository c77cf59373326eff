/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes that train one network (MPI). A program built without MPI, or started without
 * mpirun, is one process of one. All calls are made by the main thread. */
#ifndef DTMM_TRAIN_DISTRIBUTED_H
#define DTMM_TRAIN_DISTRIBUTED_H

#include <stdint.h>

#include "base/status.h"

struct distributed {
    int32_t rank, n_ranks;
};

/* Joins the other processes; a program that ends before distributed_end() ends them all, which
 * would wait for it forever. ERR_TOOL when mpirun started the program, but it was built without
 * MPI. */
enum status distributed_start(struct distributed *distributed, struct diag *diag);

/* Begins to add up `n` numbers over all ranks, in place; they may be read after
 * distributed_sum_end(), which ends all that were begun. */
void distributed_sum_begin(const struct distributed *distributed, float *values, int64_t n);
void distributed_sum_end(void);

/* Adds up numbers over all ranks, in place, at once. */
void distributed_sum(const struct distributed *distributed, double *values, int32_t n);

/* Waits until all ranks are here. */
void distributed_wait(const struct distributed *distributed);

/* The work in common is done. */
void distributed_end(void);

#endif
