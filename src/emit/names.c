/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/names.h"

#include <string.h>

static const char *const reserved_words[] = {
    "alignas",      "alignof",  "and",           "and_eq",
    "asm",          "auto",     "bitand",        "bitor",
    "bool",         "break",    "case",          "catch",
    "char",         "char16_t", "char32_t",      "class",
    "compl",        "const",    "const_cast",    "constexpr",
    "continue",     "decltype", "default",       "delete",
    "do",           "double",   "dynamic_cast",  "else",
    "enum",         "explicit", "export",        "extern",
    "false",        "float",    "for",           "friend",
    "goto",         "if",       "inline",        "int",
    "long",         "mutable",  "namespace",     "new",
    "noexcept",     "not",      "not_eq",        "nullptr",
    "operator",     "or",       "or_eq",         "private",
    "protected",    "public",   "register",      "reinterpret_cast",
    "restrict",     "return",   "short",         "signed",
    "sizeof",       "static",   "static_assert", "static_cast",
    "struct",       "switch",   "template",      "this",
    "thread_local", "throw",    "true",          "try",
    "typedef",      "typeid",   "typename",      "typeof",
    "union",        "unsigned", "using",         "virtual",
    "void",         "volatile", "wchar_t",       "while",
    "xor",          "xor_eq",   "int8_t",        "uint8_t",
    "int16_t",      "uint16_t", "int32_t",       "uint32_t",
    "int64_t",      "uint64_t", "size_t",        "arena",
    "base",         "main",     "memcpy",        "memset",
    "run",          "run_in",
};

static int is_taken(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->taken[i], name) == 0)
            return 1;
    return 0;
}

static void take(struct names *names, const char *name)
{
    if (names->n == names->size) {
        const char **taken = ARENA_ARRAY(names->arena, names->size * 2, const char *);
        memcpy(taken, names->taken, names->n * sizeof *taken);
        names->taken = taken;
        names->size *= 2;
    }
    names->taken[names->n++] = name;
}

struct names names_start(struct arena *arena)
{
    struct names names = {.arena = arena, .size = 256};
    names.taken = ARENA_ARRAY(arena, names.size, const char *);
    for (size_t i = 0; i < sizeof reserved_words / sizeof reserved_words[0]; i++)
        take(&names, reserved_words[i]);
    return names;
}

const char *name_take(struct names *names, const char *wanted)
{
    const char *name = wanted;
    for (int suffix = 2; is_taken(names, name); suffix++)
        name = arena_printf(names->arena, "%s_%d", wanted, suffix);
    take(names, name);
    return name;
}

char *name_capitals(struct arena *arena, const char *text)
{
    char *capitals = arena_string(arena, text);
    for (char *c = capitals; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return capitals;
}
