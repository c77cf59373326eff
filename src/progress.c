/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <stdio.h>
#include <string.h>

void progress_begin(struct progress *progress)
{
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
}

int progress_end(const struct progress *progress, const char *pass, const char *result)
{
    if (progress->observer.verbose) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        double seconds = (double)(now.tv_sec - progress->start.tv_sec) +
                         (double)(now.tv_nsec - progress->start.tv_nsec) * 1e-9;
        fprintf(stderr, "%-10s %s (%.3f s)\n", pass, result, seconds);
    }
    return progress->observer.dump != NULL && strcmp(progress->observer.dump, pass) == 0;
}
