/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says while it works. */
#ifndef DTMM_DRIVER_PROGRESS_H
#define DTMM_DRIVER_PROGRESS_H

#include <time.h>

struct observer {
    int verbose;      /* a line a pass, to stderr */
    const char *dump; /* name of the pass whose result is printed to stdout, or NULL */
};

struct progress {
    struct observer observer;
    struct timespec start;
    int shows_count; /* a line of progress_count() stands there */
};

/* Starts the clock of a pass. */
void progress_begin(struct progress *progress);

/* Ends a pass: its line, with what it made. Returns whether its result is to be dumped. */
int progress_end(const struct progress *progress, const char *pass, const char *result);

/* Part of a pass that may take long: after two seconds, a line on a terminal that says how far it
 * is. The last one (done == total) takes the line away. */
void progress_count(struct progress *progress, const char *what, long done, long total);

#endif
