/* SPDX-License-Identifier: Apache-2.0 */
/* A growing string, for everything that is printed into memory before it is written. */
#ifndef DTMM_BASE_TEXT_H
#define DTMM_BASE_TEXT_H

#include <stddef.h>

#include "base/arena.h"

/* Initialize with text_start(). `data` is always terminated by a NUL that `length` does not count.
 */
struct text {
    struct arena *arena;
    char *data;
    size_t length, size;
};

/* An empty text whose memory comes from `arena`. */
struct text text_start(struct arena *arena);

/* Appends formatted, as printf does. */
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `length` bytes. */
void text_append(struct text *text, const char *data, size_t length);

#endif
