/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says while it works. */
#ifndef DTMM_PROGRESS_H
#define DTMM_PROGRESS_H

#include <time.h>

struct observer {
    int verbose;      /* a line a pass, to stderr */
    const char *dump; /* name of the pass whose result is printed to stdout, or NULL */
};

struct progress {
    struct observer observer;
    struct timespec start;
};

/* Starts the clock of a pass. */
void progress_begin(struct progress *progress);

/* Ends a pass: its line, with what it made. Returns whether its result is to be dumped. */
int progress_end(const struct progress *progress, const char *pass, const char *result);

#endif
