/* SPDX-License-Identifier: Apache-2.0 */
#include "train/distributed.h"

#include <stdlib.h>

#if DTMM_MPI

#include <mpi.h>

enum { MAX_REQUESTS = 256, MAX_PART = 1 << 24 };

static MPI_Request requests[MAX_REQUESTS];
static int n_requests;
static int has_ended;

static void finish(void)
{
    if (has_ended)
        MPI_Finalize();
    else
        MPI_Abort(MPI_COMM_WORLD, 1);
}

enum status distributed_start(struct distributed *distributed, struct diag *diag)
{
    *distributed = (struct distributed){0, 1};
    if (getenv("OMPI_COMM_WORLD_SIZE") == NULL && getenv("PMI_SIZE") == NULL)
        return OK;
    int provided, started, rank, size;
    MPI_Initialized(&started);
    if (!started && MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return fail(diag, ERR_TOOL, "MPI does not start");
    if (!started)
        atexit(finish);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    *distributed = (struct distributed){rank, size};
    return OK;
}

void distributed_sum_begin(const struct distributed *distributed, float *values, int64_t n)
{
    for (int64_t part; distributed->n_ranks > 1 && n > 0; n -= part, values += part) {
        part = n < MAX_PART ? n : MAX_PART;
        if (n_requests == MAX_REQUESTS)
            distributed_sum_end();
        MPI_Iallreduce(MPI_IN_PLACE, values, (int)part, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD,
                       &requests[n_requests++]);
    }
    int done;
    if (n_requests > 0) /* lets the library work on what was begun before */
        MPI_Testall(n_requests, requests, &done, MPI_STATUSES_IGNORE);
}

void distributed_sum_end(void)
{
    if (n_requests > 0)
        MPI_Waitall(n_requests, requests, MPI_STATUSES_IGNORE);
    n_requests = 0;
}

void distributed_sum(const struct distributed *distributed, double *values, int32_t n)
{
    if (distributed->n_ranks > 1)
        MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

void distributed_wait(const struct distributed *distributed)
{
    if (distributed->n_ranks > 1)
        MPI_Barrier(MPI_COMM_WORLD);
}

void distributed_end(void)
{
    has_ended = 1;
}

#else

enum status distributed_start(struct distributed *distributed, struct diag *diag)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    *distributed = (struct distributed){0, 1};
    if (size == NULL)
        size = getenv("PMI_SIZE");
    if (size != NULL && atoi(size) > 1)
        return fail(diag, ERR_TOOL,
                    "started by mpirun, but built without MPI; install libopenmpi-dev and build "
                    "again");
    return OK;
}

void distributed_sum_begin(const struct distributed *distributed, float *values, int64_t n)
{
    (void)distributed;
    (void)values;
    (void)n;
}

void distributed_sum_end(void)
{
}

void distributed_sum(const struct distributed *distributed, double *values, int32_t n)
{
    (void)distributed;
    (void)values;
    (void)n;
}

void distributed_wait(const struct distributed *distributed)
{
    (void)distributed;
}

void distributed_end(void)
{
}

#endif
