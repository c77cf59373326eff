/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/identifiers.h"

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

struct name_set *identifiers_start(struct arena *arena)
{
    struct name_set *names = name_set_start(arena);
    for (size_t i = 0; i < sizeof reserved_words / sizeof reserved_words[0]; i++)
        name_set_add(names, reserved_words[i], 0);
    return names;
}

const char *identifier_take(struct name_set *names, const char *wanted)
{
    const char *name = name_set_unique(names, wanted);
    name_set_add(names, name, 0);
    return name;
}

char *identifier_capitals(struct arena *arena, const char *text)
{
    char *capitals = arena_string(arena, text);
    for (char *c = capitals; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return capitals;
}
