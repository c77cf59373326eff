/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status fail(struct diag *diag, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(diag->message, sizeof diag->message, format, arguments);
    va_end(arguments);
    for (char *c = diag->message; *c != '\0'; c++)
        if (*c == '\n')
            *c = ' ';
    return status;
}

void diag_prefix(struct diag *diag, const char *prefix)
{
    struct diag old = *diag;
    int length = snprintf(diag->message, sizeof diag->message, "%s: ", prefix);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used >= sizeof diag->message)
        used = sizeof diag->message - 1;
    size_t room = sizeof diag->message - used - 1;
    size_t keep = strlen(old.message) < room ? strlen(old.message) : room;
    memcpy(diag->message + used, old.message, keep);
    diag->message[used + keep] = '\0';
}

int status_exit_code(enum status status)
{
    switch (status) {
#define X(name, exit_code, meaning)                                                                \
    case name:                                                                                     \
        return exit_code;
        STATUS_LIST(X)
#undef X
    }
    return 2;
}
