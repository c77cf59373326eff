/* SPDX-License-Identifier: Apache-2.0 */
/* ops.inc and attrs.inc as tables, for the files of this folder. */
#ifndef DTMM_GRAPH_FACTS_H
#define DTMM_GRAPH_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "graph/graph.h"

struct op_facts {
    const char *name;
    int32_t min_inputs, max_inputs;
    int32_t attributes; /* ATTR_ bits */
};
const struct op_facts *op_facts(enum op op);

enum attr_type { ATTR_TYPE_i32, ATTR_TYPE_f32, ATTR_TYPE_activation };

/* One element of an attribute; the member is that of the attribute's type. */
union attr_value {
    int32_t i32;
    float f32;
    enum activation activation;
    uint32_t bits;
};

struct attr_facts {
    const char *name;
    int32_t count; /* 0: one per dimension of the first input */
    enum attr_type type;
    size_t offset;     /* in struct attrs */
    int32_t n_members; /* elements in struct attrs */
    double initial;
};
const struct attr_facts *attr_facts(enum attr_index attr);

/* Elements of the attribute on a node whose first input has the given rank. */
int32_t attr_count(const struct attr_facts *facts, int32_t rank);

/* The value that the text form leaves out. */
union attr_value attr_initial(const struct attr_facts *facts);

union attr_value attr_get(const struct attrs *attrs, const struct attr_facts *facts, int32_t index);
void attr_set(struct attrs *attrs, const struct attr_facts *facts, int32_t index,
              union attr_value value);

/* The attributes of a node of this op with every one at its initial value. */
struct attrs attrs_initial(enum op op, int32_t rank);

/* Finds a name of the given length; -1 when there is none. */
int op_find(const char *name, size_t length);
int attr_find(const char *name, size_t length);
int dtype_find(const char *name, size_t length);
int activation_find(const char *name, size_t length);
int initializer_find(const char *name, size_t length);

/* Whether identifier_make() leaves this name as it is. */
int identifier_is(const char *name);

/* Whether the enumerators are in range, for values that have not been verified. */
int dtype_is(enum dtype dtype);
int activation_is(enum activation activation);
int initializer_is(enum initializer initializer);

/* Whether the inputs beyond the first are weights and bias: constants of their own kind, not data.
 */
int op_has_weights(enum op op);

#endif
