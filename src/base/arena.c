/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT sizeof(max_align_t)
#define CHUNK_BYTES ((size_t)64 * 1024)

struct arena_chunk {
    struct arena_chunk *previous;
    size_t used, size;
    max_align_t data[];
};

static _Noreturn void die_out_of_memory(void)
{
    fputs("dtmm: out of memory\n", stderr);
    exit(2);
}

static struct arena_chunk *chunk_add(struct arena *arena, size_t bytes)
{
    size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    if (size > SIZE_MAX - sizeof(struct arena_chunk))
        die_out_of_memory();
    /* Zeroed by the host, which gives no memory before it is touched. */
    struct arena_chunk *chunk = calloc(1, sizeof *chunk + size);
    if (chunk == NULL)
        die_out_of_memory();
    chunk->previous = arena->last;
    chunk->used = 0;
    chunk->size = size;
    arena->last = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - ALIGNMENT) / size)
        die_out_of_memory();
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct arena_chunk *chunk = arena->last;
    if (chunk == NULL || chunk->size - chunk->used < bytes)
        chunk = chunk_add(arena, bytes);
    void *result = (char *)chunk->data + chunk->used;
    chunk->used += bytes;
    return result;
}

void *arena_copy(struct arena *arena, const void *data, size_t bytes)
{
    void *result = arena_alloc(arena, bytes, 1);
    if (bytes != 0)
        memcpy(result, data, bytes);
    return result;
}

char *arena_string(struct arena *arena, const char *string)
{
    return arena_copy(arena, string, strlen(string) + 1);
}

char *arena_vprintf(struct arena *arena, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0)
        die_out_of_memory();
    char *result = arena_alloc(arena, (size_t)length + 1, 1);
    vsnprintf(result, (size_t)length + 1, format, again);
    va_end(again);
    return result;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *result = arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return result;
}

void arena_free(struct arena *arena)
{
    while (arena->last != NULL) {
        struct arena_chunk *previous = arena->last->previous;
        free(arena->last);
        arena->last = previous;
    }
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *last = arena->last;
    if (last == NULL)
        return;
    arena->last = last->previous;
    arena_free(arena);
    memset(last->data, 0, last->used);
    last->used = 0;
    last->previous = NULL;
    arena->last = last;
}
