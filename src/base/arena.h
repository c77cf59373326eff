/* SPDX-License-Identifier: Apache-2.0 */
/* Region memory: everything allocated from one arena is released together. */
#ifndef DTMM_BASE_ARENA_H
#define DTMM_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_chunk;

/* A growing region. Initialize with `{0}`; release with arena_free(). */
struct arena {
    struct arena_chunk *last;
};

/* Returns `count * size` zeroed bytes aligned for any type. Never returns NULL: when the host is
 * out of memory, or the product overflows, it prints a line and exits with code 2. */
void *arena_alloc(struct arena *arena, size_t count, size_t size);

/* Copies `bytes` bytes into the arena. */
void *arena_copy(struct arena *arena, const void *data, size_t bytes);

/* Copies a string into the arena. */
char *arena_string(struct arena *arena, const char *string);

/* Formats a string into the arena, as printf does. */
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Releases everything; the arena is empty and usable again. */
void arena_free(struct arena *arena);

/* Releases everything but the memory of the last chunk, for use again: cheaper in a loop. */
void arena_reset(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_alloc((arena), (count), sizeof(type)))

#endif
