/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void text_reserve(struct text *text, size_t more)
{
    if (text->size - text->length > more)
        return;
    size_t size = text->size;
    while (size - text->length <= more)
        size *= 2;
    char *data = arena_alloc(text->arena, size, 1);
    memcpy(data, text->data, text->length);
    text->data = data;
    text->size = size;
}

struct text text_start(struct arena *arena)
{
    return (struct text){.arena = arena, .data = arena_alloc(arena, 1, 256), .size = 256};
}

void text_append(struct text *text, const char *data, size_t length)
{
    text_reserve(text, length);
    memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length <= 0)
        return;
    text_reserve(text, (size_t)length);
    va_start(arguments, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}
