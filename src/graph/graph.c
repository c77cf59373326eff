/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"

#include <assert.h>
#include <string.h>

#include "graph/facts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct op_facts ops[] = {
#define OP(name, min_inputs, max_inputs, attributes) {#name, min_inputs, max_inputs, attributes},
#include "graph/ops.inc"
#undef OP
};

static const struct attr_facts attributes[] = {
#define ATTR(name, count, type, initial, doc)                                                      \
    {#name,                                                                                        \
     count,                                                                                        \
     ATTR_TYPE_##type,                                                                             \
     offsetof(struct attrs, name),                                                                 \
     (int32_t)(sizeof(((struct attrs *)0)->name) / sizeof(union attr_value)),                      \
     initial},
#include "graph/attrs.inc"
#undef ATTR
};

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
#define X(suffix, name, c_type) {#name, sizeof(c_type)},
    DTYPE_LIST(X)
#undef X
};

static const char *const activations[] = {
#define X(suffix, name) #name,
    ACTIVATION_LIST(X)
#undef X
};

static const char *const initializers[] = {
#define X(suffix, name) #name,
    INITIALIZER_LIST(X)
#undef X
};

_Static_assert(sizeof(union attr_value) == 4 && sizeof(enum activation) == 4,
               "every element of an attribute has four bytes");

const struct op_facts *op_facts(enum op op)
{
    assert((size_t)op < COUNT(ops));
    return &ops[op];
}

const struct attr_facts *attr_facts(enum attr_index attr)
{
    assert((size_t)attr < COUNT(attributes));
    return &attributes[attr];
}

int32_t attr_count(const struct attr_facts *facts, int32_t rank)
{
    return facts->count != 0 ? facts->count : rank;
}

union attr_value attr_initial(const struct attr_facts *facts)
{
    if (facts->type == ATTR_TYPE_f32)
        return (union attr_value){.f32 = (float)facts->initial};
    return (union attr_value){.i32 = (int32_t)facts->initial};
}

union attr_value attr_get(const struct attrs *attrs, const struct attr_facts *facts, int32_t index)
{
    assert(index >= 0 && index < facts->n_members);
    union attr_value value;
    memcpy(&value, (const char *)attrs + facts->offset + (size_t)index * sizeof value,
           sizeof value);
    return value;
}

void attr_set(struct attrs *attrs, const struct attr_facts *facts, int32_t index,
              union attr_value value)
{
    assert(index >= 0 && index < facts->n_members);
    memcpy((char *)attrs + facts->offset + (size_t)index * sizeof value, &value, sizeof value);
}

struct attrs attrs_initial(enum op op, int32_t rank)
{
    struct attrs attrs = {0};
    for (int a = 0; a < N_ATTRS; a++) {
        const struct attr_facts *facts = attr_facts((enum attr_index)a);
        if (!(op_facts(op)->attributes & (1 << a)))
            continue;
        for (int32_t i = 0; i < attr_count(facts, rank); i++)
            attr_set(&attrs, facts, i, attr_initial(facts));
    }
    return attrs;
}

static int name_is(const char *known, const char *name, size_t length)
{
    return strlen(known) == length && memcmp(known, name, length) == 0;
}

int op_find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(ops); i++)
        if (name_is(ops[i].name, name, length))
            return (int)i;
    return -1;
}

int attr_find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(attributes); i++)
        if (name_is(attributes[i].name, name, length))
            return (int)i;
    return -1;
}

int dtype_find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(dtypes); i++)
        if (name_is(dtypes[i].name, name, length))
            return (int)i;
    return -1;
}

int activation_find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(activations); i++)
        if (name_is(activations[i], name, length))
            return (int)i;
    return -1;
}

int initializer_find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(initializers); i++)
        if (name_is(initializers[i], name, length))
            return (int)i;
    return -1;
}

int dtype_is(enum dtype dtype)
{
    return (size_t)dtype < COUNT(dtypes);
}

int activation_is(enum activation activation)
{
    return (size_t)activation < COUNT(activations);
}

int initializer_is(enum initializer initializer)
{
    return (size_t)initializer < COUNT(initializers);
}

int op_has_weights(enum op op)
{
    return op == OP_conv_2d || op == OP_depthwise_conv_2d || op == OP_transpose_conv ||
           op == OP_fully_connected;
}

int op_runs_on_s8(enum op op)
{
    return op != OP_batch_normalization;
}

const char *op_name(enum op op)
{
    return op_facts(op)->name;
}

const char *dtype_name(enum dtype dtype)
{
    assert(dtype_is(dtype));
    return dtypes[dtype].name;
}

const char *activation_name(enum activation activation)
{
    assert(activation_is(activation));
    return activations[activation];
}

const char *initializer_name(enum initializer initializer)
{
    assert(initializer_is(initializer));
    return initializers[initializer];
}

size_t dtype_bytes(enum dtype dtype)
{
    assert(dtype_is(dtype));
    return dtypes[dtype].bytes;
}

int64_t shape_elements(const struct shape *shape)
{
    int64_t n = 1;
    for (int32_t i = 0; i < shape->rank; i++) {
        if (shape->dims[i] > 0 && n > INT64_MAX / shape->dims[i])
            return INT64_MAX;
        n *= shape->dims[i];
    }
    return n;
}

size_t tensor_bytes(const struct tensor *tensor)
{
    return (size_t)shape_elements(&tensor->shape) * dtype_bytes(tensor->dtype);
}

int shape_equal(const struct shape *a, const struct shape *b)
{
    if (a->rank != b->rank)
        return 0;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return 0;
    return 1;
}

const char *shape_string(const struct shape *shape, struct arena *arena)
{
    if (shape->rank == 0)
        return "scalar";
    struct text text = text_start(arena);
    for (int32_t i = 0; i < shape->rank; i++)
        text_printf(&text, "%s%d", i == 0 ? "" : "x", shape->dims[i]);
    return text.data;
}

int32_t tensor_find_activation(const struct graph *graph, const char *name)
{
    for (int32_t i = 0; i < graph->n_tensors; i++)
        if (graph->tensors[i].data == NULL && strcmp(graph->tensors[i].name, name) == 0)
            return i;
    return -1;
}

const struct node *tensor_maker(const struct graph *graph, int32_t tensor)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].output == tensor)
            return &graph->nodes[i];
    return NULL;
}

const struct tensor *node_input(const struct graph *graph, const struct node *node, int index)
{
    if (index < 0 || index >= node->n_inputs || node->inputs[index] < 0)
        return NULL;
    assert(node->inputs[index] < graph->n_tensors);
    return &graph->tensors[node->inputs[index]];
}

const struct tensor *node_output(const struct graph *graph, const struct node *node)
{
    assert(node->output >= 0 && node->output < graph->n_tensors);
    return &graph->tensors[node->output];
}
