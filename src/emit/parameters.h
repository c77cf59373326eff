/* SPDX-License-Identifier: Apache-2.0 */
/* Printing the parameter structures of runtime/dtmm.h as C initializers. */
#ifndef DTMM_EMIT_PARAMETERS_H
#define DTMM_EMIT_PARAMETERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "product/packed.h"

enum field_kind { FIELD_pointer, FIELD_value, FIELD_list };

enum field_type {
    FIELD_int8_t,
    FIELD_uint8_t,
    FIELD_uint16_t,
    FIELD_int32_t,
    FIELD_float,
};

/* A member of a parameter structure. */
struct parameter_field {
    const char *structure; /* "conv_2d" */
    const char *name;
    enum field_kind kind;
    enum field_type type;
    size_t offset;
    size_t n; /* elements of a list, otherwise 1 */
};

/* Every member of every structure, in the order of dtmm.h. */
size_t n_parameter_fields(void);
const struct parameter_field *parameter_field_at(size_t index);

/* Prints designated initializers for all members, one group a line, indented by four blanks. A
 * pointer member prints as the entry of `array_names` of the call's array of that name, or as NULL
 * when there is none. */
void parameters_print(struct text *text, const struct packed_call *call,
                      const char *const *array_names);

/* Prints one element as a C constant of its type: integers in decimal, floats with the digits that
 * give the same float back. */
void element_print(struct text *text, enum field_type type, const void *element);

/* The type of that name; the name must be one of enum field_type. */
enum field_type field_type_named(const char *c_type);
size_t field_type_bytes(enum field_type type);

#endif
