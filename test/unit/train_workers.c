/* SPDX-License-Identifier: Apache-2.0 */
/* How many threads train: one a core, and the cores shared with other processes of mpirun; every
 * item of a job is done once. */
#define _GNU_SOURCE /* sched_setaffinity() */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "train/workers.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static void processes_share_the_cores(void **state)
{
    (void)state;
    static const char name[] = "OMPI_COMM_WORLD_LOCAL_SIZE";
    int32_t cores = workers_cores(), all = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    char text[16];
    unsetenv(name);
    assert_int_equal(workers_default(), cores);
    for (int32_t n = 1; n <= 2 * all; n++) {
        int32_t share = n < all ? all / n : 1;
        snprintf(text, sizeof text, "%d", n);
        setenv(name, text, 1);
        assert_int_equal(workers_default(), share < cores ? share : cores);
    }
    setenv(name, "none", 1);
    assert_int_equal(workers_default(), cores);
    unsetenv(name);
}

static void a_bound_process_has_its_cores(void **state)
{
    (void)state;
    cpu_set_t before, one;
    size_t first = 0;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    assert_int_equal(workers_cores(), CPU_COUNT(&before));
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(workers_cores(), 1);
    assert_int_equal(workers_default(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

enum { N_WORKERS = 3, N_ITEMS = 200 };

struct job {
    atomic_int done[N_ITEMS];
    atomic_int n_strange; /* workers that there are not */
};

static void item(void *context, int32_t worker, int32_t index)
{
    struct job *job = context;
    atomic_fetch_add(&job->done[index], 1);
    if (worker < 0 || worker >= N_WORKERS)
        atomic_fetch_add(&job->n_strange, 1);
}

static void each_item_once(void **state)
{
    (void)state;
    struct workers *workers;
    struct diag diag;
    assert_int_equal(workers_make(N_WORKERS, &workers, &diag), OK);
    for (int32_t n = 0; n <= N_ITEMS; n += 25) {
        static struct job job;
        job = (struct job){.n_strange = 0};
        workers_run(workers, item, &job, n);
        for (int i = 0; i < N_ITEMS; i++)
            assert_int_equal(atomic_load(&job.done[i]), i < n);
        assert_int_equal(atomic_load(&job.n_strange), 0);
    }
    workers_free(workers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_share_the_cores),
        cmocka_unit_test(a_bound_process_has_its_cores),
        cmocka_unit_test(each_item_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
