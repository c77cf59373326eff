/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/parameters.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { LINE_COLUMNS = 100 };

/* A type that does not match dtmm.h stops the compilation here. */
#define MEMBER(structure, name) (((struct dtmm_##structure *)0)->name)
#define EXPRESSION_pointer(type) const type *
#define EXPRESSION_value(type) type
#define EXPRESSION_list(type) type *
#define FIELD(structure, kind, type, name)                                                         \
    _Static_assert(_Generic(MEMBER(structure, name), EXPRESSION_##kind(type) : 1, default : 0),    \
                   "dtmm_" #structure "." #name " is not what parameters.inc says");
#include "emit/parameters.inc"
#undef FIELD

#define LENGTH_pointer(structure, name) 1
#define LENGTH_value(structure, name) 1
#define LENGTH_list(structure, name)                                                               \
    (sizeof MEMBER(structure, name) / sizeof *MEMBER(structure, name))

static const struct parameter_field fields[] = {
#define FIELD(structure, kind, type, name)                                                         \
    {#structure,                                                                                   \
     #name,                                                                                        \
     FIELD_##kind,                                                                                 \
     FIELD_##type,                                                                                 \
     offsetof(struct dtmm_##structure, name),                                                      \
     LENGTH_##kind(structure, name)},
#include "emit/parameters.inc"
#undef FIELD
};

size_t n_parameter_fields(void)
{
    return sizeof fields / sizeof fields[0];
}

const struct parameter_field *parameter_field_at(size_t index)
{
    assert(index < n_parameter_fields());
    return &fields[index];
}

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [FIELD_int8_t] = {"int8_t", sizeof(int8_t)},
    [FIELD_uint8_t] = {"uint8_t", sizeof(uint8_t)},
    [FIELD_uint16_t] = {"uint16_t", sizeof(uint16_t)},
    [FIELD_int32_t] = {"int32_t", sizeof(int32_t)},
    [FIELD_float] = {"float", sizeof(float)},
};

enum field_type field_type_named(const char *c_type)
{
    size_t type = 0;
    while (strcmp(types[type].name, c_type) != 0) {
        type++;
        assert(type < sizeof types / sizeof types[0]);
    }
    return (enum field_type)type;
}

size_t field_type_bytes(enum field_type type)
{
    return types[type].bytes;
}

static void float_print(struct text *text, float value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.9g", (double)value);
    text_printf(text, "%s%sf", digits, strpbrk(digits, ".e") == NULL ? ".0" : "");
}

void element_print(struct text *text, enum field_type type, const void *element)
{
    int8_t s8;
    uint16_t u16;
    int32_t s32;
    float f32;
    switch (type) {
    case FIELD_int8_t:
        memcpy(&s8, element, sizeof s8);
        text_printf(text, "%d", s8);
        break;
    case FIELD_uint8_t:
        text_printf(text, "%d", *(const uint8_t *)element);
        break;
    case FIELD_uint16_t:
        memcpy(&u16, element, sizeof u16);
        text_printf(text, "%d", u16);
        break;
    case FIELD_int32_t:
        memcpy(&s32, element, sizeof s32);
        if (s32 == INT32_MIN)
            text_printf(text, "INT32_MIN"); /* -2147483648 is not an int32_t constant in C */
        else
            text_printf(text, "%ld", (long)s32);
        break;
    case FIELD_float:
        memcpy(&f32, element, sizeof f32);
        float_print(text, f32);
        break;
    }
}

static const char *array_name(const struct packed_call *call, const char *const *names,
                              const char *field)
{
    for (int32_t i = 0; i < call->n_arrays; i++)
        if (strcmp(call->arrays[i].field, field) == 0)
            return names[i];
    return "NULL";
}

static void field_print(struct text *text, const struct parameter_field *field,
                        const struct packed_call *call, const char *const *array_names)
{
    const char *member = (const char *)&call->parameters + field->offset;
    text_printf(text, ".%s = ", field->name);
    if (field->kind == FIELD_pointer)
        text_printf(text, "%s", array_name(call, array_names, field->name));
    else if (field->kind == FIELD_value)
        element_print(text, field->type, member);
    else
        for (size_t i = 0; i < field->n; i++) {
            text_printf(text, i == 0 ? "{" : ", ");
            element_print(text, field->type, member + i * field_type_bytes(field->type));
        }
    text_printf(text, field->kind == FIELD_list ? "}," : ",");
}

void parameters_print(struct text *text, const struct packed_call *call,
                      const char *const *array_names)
{
    const char *structure = kernel_facts(call->kernel)->parameters;
    struct arena scratch = {0};
    size_t column = 0;
    for (size_t i = 0; i < n_parameter_fields(); i++) {
        if (strcmp(fields[i].structure, structure) != 0)
            continue;
        struct text field = text_start(&scratch);
        field_print(&field, &fields[i], call, array_names);
        int new_line = column == 0 || column + 1 + field.length > LINE_COLUMNS;
        text_printf(text, "%s%s", new_line ? (column == 0 ? "    " : "\n    ") : " ", field.data);
        column = new_line ? 4 + field.length : column + 1 + field.length;
    }
    text_printf(text, "\n");
    arena_free(&scratch);
}
