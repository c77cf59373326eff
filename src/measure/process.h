/* SPDX-License-Identifier: Apache-2.0 */
/* Running compilers and emulators, without a shell. */
#ifndef DTMM_MEASURE_PROCESS_H
#define DTMM_MEASURE_PROCESS_H

#include "base/arena.h"
#include "base/status.h"

struct process {
    const char *const *arguments; /* ends with NULL; the first is the program, looked up in PATH */
    const char *folder;           /* where it runs */
    const char *log;              /* file that takes its output and errors */
    int timeout_seconds;          /* then it and its children are killed */
};

/* Runs it to its end; `exit_code` is 128 + the signal's number when a signal ended it. ERR_TOOL
 * when it is not installed (names the Debian package) or ran out of time. */
enum status process_run(const struct process *process, int *exit_code, struct diag *diag);

/* The line of a log that tells most: the first with a linker's or compiler's complaint, else the
 * first. "" when empty. */
const char *process_log_line(const char *log, struct arena *arena);

#endif
