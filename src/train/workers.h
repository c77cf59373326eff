/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that share the items of a job. */
#ifndef DTMM_TRAIN_WORKERS_H
#define DTMM_TRAIN_WORKERS_H

#include <stdint.h>

#include "base/status.h"

struct workers;

/* Work on one item; `worker` is in [0, n). Worker 0 is the thread that calls workers_run(). */
typedef void worker_job(void *context, int32_t worker, int32_t item);

/* Cores that this process may run on: all, or those that it was bound to. */
int32_t workers_cores(void);

/* One worker a core; processes that mpirun started on this machine share the cores. */
int32_t workers_default(void);

/* `n` workers, n - 1 threads of them. */
enum status workers_make(int32_t n, struct workers **workers, struct diag *diag);
void workers_free(struct workers *workers);

/* Does items 0 .. n_items - 1, each by whoever is free first, and returns when all are done. */
void workers_run(struct workers *workers, worker_job *job, void *context, int32_t n_items);

#endif
