/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* sched_getaffinity() */
#include "train/workers.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct member {
    struct workers *workers;
    int32_t index;
    pthread_t thread;
};

struct workers {
    int32_t n;
    struct member *members; /* members[0] has no thread of its own */
    pthread_mutex_t mutex;
    pthread_cond_t started, ended;
    uint64_t round; /* counts jobs */
    int32_t n_busy;
    int stop;
    worker_job *job;
    void *context;
    int32_t n_items;
    atomic_int next;
};

static void items_do(struct workers *workers, int32_t worker)
{
    for (;;) {
        int32_t item = atomic_fetch_add(&workers->next, 1);
        if (item >= workers->n_items)
            return;
        workers->job(workers->context, worker, item);
    }
}

static void *member_run(void *argument)
{
    struct member *member = argument;
    struct workers *workers = member->workers;
    uint64_t seen = 0;
    pthread_mutex_lock(&workers->mutex);
    for (;;) {
        while (!workers->stop && workers->round == seen)
            pthread_cond_wait(&workers->started, &workers->mutex);
        if (workers->stop)
            break;
        seen = workers->round;
        pthread_mutex_unlock(&workers->mutex);
        items_do(workers, member->index);
        pthread_mutex_lock(&workers->mutex);
        if (--workers->n_busy == 0)
            pthread_cond_signal(&workers->ended);
    }
    pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

int32_t workers_cores(void)
{
    cpu_set_t allowed;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        cores = CPU_COUNT(&allowed);
    return cores > 1 ? (int32_t)cores : 1;
}

int32_t workers_default(void)
{
    long share = sysconf(_SC_NPROCESSORS_ONLN), allowed = workers_cores();
    const char *text = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    long processes = text != NULL ? strtol(text, NULL, 10) : 1;
    if (processes > 1)
        share /= processes;
    if (share > allowed)
        share = allowed;
    return share > 1 ? (int32_t)share : 1;
}

enum status workers_make(int32_t n, struct workers **workers, struct diag *diag)
{
    struct workers *made = calloc(1, sizeof *made);
    struct member *members = calloc((size_t)n, sizeof *members);
    sigset_t all, before;
    if (made == NULL || members == NULL) {
        free(made);
        free(members);
        return fail(diag, ERR_TOOL, "out of memory");
    }
    made->members = members;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->started, NULL);
    pthread_cond_init(&made->ended, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the calling thread */
    for (made->n = 1; made->n < n; made->n++) {
        struct member *member = &members[made->n];
        *member = (struct member){.workers = made, .index = made->n};
        if (pthread_create(&member->thread, NULL, member_run, member) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (made->n < n) {
        workers_free(made);
        return fail(diag, ERR_TOOL, "cannot start %d threads; use fewer", n);
    }
    *workers = made;
    return OK;
}

void workers_free(struct workers *workers)
{
    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->mutex);
    workers->stop = 1;
    pthread_cond_broadcast(&workers->started);
    pthread_mutex_unlock(&workers->mutex);
    for (int32_t i = 1; i < workers->n; i++)
        pthread_join(workers->members[i].thread, NULL);
    pthread_cond_destroy(&workers->ended);
    pthread_cond_destroy(&workers->started);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->members);
    free(workers);
}

void workers_run(struct workers *workers, worker_job *job, void *context, int32_t n_items)
{
    pthread_mutex_lock(&workers->mutex);
    workers->job = job;
    workers->context = context;
    workers->n_items = n_items;
    atomic_store(&workers->next, 0);
    workers->n_busy = workers->n - 1;
    workers->round++;
    pthread_cond_broadcast(&workers->started);
    pthread_mutex_unlock(&workers->mutex);
    items_do(workers, 0);
    pthread_mutex_lock(&workers->mutex);
    while (workers->n_busy > 0)
        pthread_cond_wait(&workers->ended, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
}
