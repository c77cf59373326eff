/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void progress_begin(struct progress *progress)
{
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

void progress_count(struct progress *progress, const char *what, long done, long total)
{
    if (!isatty(STDERR_FILENO))
        return;
    if (done < total && seconds_since(&progress->start) > 2) {
        fprintf(stderr, "\r%ld of %ld %s\033[K", done, total, what);
        progress->shows_count = 1;
    } else if (progress->shows_count && done == total) {
        fputs("\r\033[K", stderr);
        progress->shows_count = 0;
    }
}

int progress_end(const struct progress *progress, const char *pass, const char *result)
{
    if (progress->observer.verbose)
        fprintf(stderr, "%-10s %s (%.3f s)\n", pass, result, seconds_since(&progress->start));
    return progress->observer.dump != NULL && strcmp(progress->observer.dump, pass) == 0;
}
