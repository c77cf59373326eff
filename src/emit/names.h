/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of a generated source: each is taken once. */
#ifndef DTMM_EMIT_NAMES_H
#define DTMM_EMIT_NAMES_H

#include "base/arena.h"

struct names {
    struct arena *arena;
    const char **taken;
    size_t n, size;
};

/* Starts with the words that generated code must not declare: keywords of C and C++ and the names
 * that the generated code uses itself. */
struct names names_start(struct arena *arena);

/* Takes `wanted`, or, when it is taken, the first free of `wanted`_2, `wanted`_3, ... */
const char *name_take(struct names *names, const char *wanted);

/* `text` with its lower-case letters as capitals. */
char *name_capitals(struct arena *arena, const char *text);

#endif
