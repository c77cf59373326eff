/* SPDX-License-Identifier: Apache-2.0 */
/* How a function says that it failed, and why. */
#ifndef DTMM_BASE_STATUS_H
#define DTMM_BASE_STATUS_H

/* The kind of a failure: name, exit code of the program, meaning. One list: names cannot drift. */
#define STATUS_LIST(X)                                                                             \
    X(OK, 0, "success")                                                                            \
    X(ERR_USAGE, 1, "the command line is wrong")                                                   \
    X(ERR_INPUT, 1, "an input file is malformed")                                                  \
    X(ERR_UNSUPPORTED, 1, "the input is well formed but uses something not supported")             \
    X(ERR_BUDGET, 1, "the result does not fit the budgets or the device")                          \
    X(ERR_IO, 1, "a file could not be read or written")                                            \
    X(ERR_TOOL, 2, "a compiler or emulator is missing or failed")                                  \
    X(ERR_MISMATCH, 3, "outputs that must be equal differ")

enum status {
#define X(name, exit_code, meaning) name,
    STATUS_LIST(X)
#undef X
};

/* Where a failing function leaves its message. One line, no trailing newline. */
struct diag {
    char message[1024];
};

/* Writes the message and returns `status`, so that an error is one line: return fail(d, ...). */
enum status fail(struct diag *diag, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts `prefix: ` in front of the message that is there; for a caller that knows the file. */
void diag_prefix(struct diag *diag, const char *prefix);

/* The program's exit code for a status. */
int status_exit_code(enum status status);

#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum status try_status_ = (call);                                                          \
        if (try_status_ != OK)                                                                     \
            return try_status_;                                                                    \
    } while (0)

#endif
