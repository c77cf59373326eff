/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers of a generated source: each is taken once. */
#ifndef DTMM_EMIT_IDENTIFIERS_H
#define DTMM_EMIT_IDENTIFIERS_H

#include "base/arena.h"
#include "graph/name_set.h"

/* Starts with the words that generated code must not declare: keywords of C and C++ and the names
 * that the generated code uses itself. */
struct name_set *identifiers_start(struct arena *arena);

/* Takes `wanted`, or, when it is taken, the first free of `wanted`_1, `wanted`_2, ... */
const char *identifier_take(struct name_set *names, const char *wanted);

/* `text` with its lower-case letters as capitals. */
char *identifier_capitals(struct arena *arena, const char *text);

#endif
