/* SPDX-License-Identifier: Apache-2.0 */
/* Making ONNX files in memory: opset 13, one input "x", one output "y", unless changed. */
#ifndef DTMM_TEST_ONNX_NET_H
#define DTMM_TEST_ONNX_NET_H

#include <string.h>

#include "base/arena.h"
#include "onnx.pb-c.h"

enum { NET_MAX = 16 };

struct net {
    struct arena *arena;
    Onnx__ModelProto model;
    Onnx__OperatorSetIdProto opset, *opsets[1];
    Onnx__GraphProto graph;
    Onnx__ValueInfoProto *inputs[NET_MAX], *outputs[NET_MAX];
    Onnx__TensorProto *tensors[NET_MAX];
    Onnx__NodeProto *nodes[NET_MAX];
};

/* A value of floats; a dimension of 0 is symbolic. */
static inline Onnx__ValueInfoProto *net_value(struct net *net, const char *name, size_t n,
                                              const int64_t *dims)
{
    Onnx__ValueInfoProto *value = ARENA_NEW(net->arena, Onnx__ValueInfoProto);
    Onnx__TypeProto *type = ARENA_NEW(net->arena, Onnx__TypeProto);
    Onnx__TypeProto__Tensor *tensor = ARENA_NEW(net->arena, Onnx__TypeProto__Tensor);
    Onnx__TensorShapeProto *shape = ARENA_NEW(net->arena, Onnx__TensorShapeProto);
    onnx__value_info_proto__init(value);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(shape);
    value->name = arena_string(net->arena, name);
    value->type = type;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    tensor->shape = shape;
    shape->n_dim = n;
    shape->dim = ARENA_ARRAY(net->arena, n, Onnx__TensorShapeProto__Dimension *);
    for (size_t i = 0; i < n; i++) {
        shape->dim[i] = ARENA_NEW(net->arena, Onnx__TensorShapeProto__Dimension);
        onnx__tensor_shape_proto__dimension__init(shape->dim[i]);
        shape->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        shape->dim[i]->dim_value = dims[i];
        if (dims[i] != 0)
            continue;
        shape->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        shape->dim[i]->dim_param = arena_string(net->arena, "batch");
    }
    return value;
}

static inline struct net *net_start(struct arena *arena, size_t n, const int64_t *input)
{
    struct net *net = ARENA_NEW(arena, struct net);
    net->arena = arena;
    onnx__model_proto__init(&net->model);
    onnx__operator_set_id_proto__init(&net->opset);
    onnx__graph_proto__init(&net->graph);
    net->model.has_ir_version = 1;
    net->model.ir_version = 7;
    net->model.n_opset_import = 1;
    net->model.opset_import = net->opsets;
    net->opsets[0] = &net->opset;
    net->opset.has_version = 1;
    net->opset.version = 13;
    net->model.graph = &net->graph;
    net->graph.node = net->nodes;
    net->graph.initializer = net->tensors;
    net->graph.input = net->inputs;
    net->graph.output = net->outputs;
    net->inputs[net->graph.n_input++] = net_value(net, "x", n, input);
    net->outputs[net->graph.n_output++] = net_value(net, "y", 0, NULL);
    return net;
}

/* A tensor without data. */
static inline Onnx__TensorProto *net_tensor(struct net *net, const char *name, int32_t type,
                                            size_t n_dims, const int64_t *dims)
{
    Onnx__TensorProto *tensor = ARENA_NEW(net->arena, Onnx__TensorProto);
    onnx__tensor_proto__init(tensor);
    tensor->name = arena_string(net->arena, name);
    tensor->has_data_type = 1;
    tensor->data_type = type;
    tensor->n_dims = n_dims;
    tensor->dims = arena_copy(net->arena, dims, n_dims * sizeof *dims);
    net->tensors[net->graph.n_initializer++] = tensor;
    return tensor;
}

/* Floats 1, 2, 3, ... */
static inline Onnx__TensorProto *net_counted(struct net *net, const char *name, size_t n_dims,
                                             const int64_t *dims)
{
    Onnx__TensorProto *tensor =
        net_tensor(net, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, n_dims, dims);
    size_t n = 1;
    for (size_t i = 0; i < n_dims; i++)
        n *= (size_t)dims[i];
    tensor->n_float_data = n;
    tensor->float_data = ARENA_ARRAY(net->arena, n, float);
    for (size_t i = 0; i < n; i++)
        tensor->float_data[i] = (float)(i + 1);
    return tensor;
}

static inline Onnx__TensorProto *net_raw(struct net *net, const char *name, int32_t type, size_t n,
                                         const void *data, size_t bytes)
{
    Onnx__TensorProto *tensor = net_tensor(net, name, type, 1, (const int64_t[]){(int64_t)n});
    tensor->has_raw_data = 1;
    tensor->raw_data.data = arena_copy(net->arena, data, bytes);
    tensor->raw_data.len = bytes;
    return tensor;
}

static inline Onnx__TensorProto *net_integers(struct net *net, const char *name, size_t n,
                                              const int64_t *values)
{
    return net_raw(net, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, n, values, n * sizeof *values);
}

/* A scalar of floats, and one of bytes. */
static inline void net_number(struct net *net, const char *name, float value)
{
    Onnx__TensorProto *tensor =
        net_raw(net, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 1, &value, sizeof value);
    tensor->n_dims = 0;
}

static inline void net_byte(struct net *net, const char *name, int32_t type, int value)
{
    const uint8_t byte = (uint8_t)value;
    net_raw(net, name, type, 1, &byte, 1)->n_dims = 0;
}

static inline size_t net_words(struct net *net, const char *text, char ***words)
{
    size_t n = 0;
    *words = ARENA_ARRAY(net->arena, NET_MAX * 2, char *);
    for (char *word = strtok(arena_string(net->arena, text), " "); word != NULL;
         word = strtok(NULL, " "))
        (*words)[n++] = strcmp(word, "-") == 0 ? arena_string(net->arena, "") : word;
    return n;
}

/* Inputs and outputs are separated by spaces; "-" is one that is left out. */
static inline Onnx__NodeProto *net_node(struct net *net, const char *op, const char *inputs,
                                        const char *outputs)
{
    Onnx__NodeProto *node = ARENA_NEW(net->arena, Onnx__NodeProto);
    onnx__node_proto__init(node);
    node->op_type = arena_string(net->arena, op);
    node->n_input = net_words(net, inputs, &node->input);
    node->n_output = net_words(net, outputs, &node->output);
    node->attribute = ARENA_ARRAY(net->arena, NET_MAX, Onnx__AttributeProto *);
    net->nodes[net->graph.n_node++] = node;
    return node;
}

static inline Onnx__AttributeProto *net_attribute(struct net *net, Onnx__NodeProto *node,
                                                  const char *name,
                                                  Onnx__AttributeProto__AttributeType type)
{
    Onnx__AttributeProto *attribute = ARENA_NEW(net->arena, Onnx__AttributeProto);
    onnx__attribute_proto__init(attribute);
    attribute->name = arena_string(net->arena, name);
    attribute->has_type = 1;
    attribute->type = type;
    node->attribute[node->n_attribute++] = attribute;
    return attribute;
}

static inline void net_int(struct net *net, Onnx__NodeProto *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *attribute =
        net_attribute(net, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    attribute->has_i = 1;
    attribute->i = value;
}

static inline void net_float(struct net *net, Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *attribute =
        net_attribute(net, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    attribute->has_f = 1;
    attribute->f = value;
}

static inline void net_string(struct net *net, Onnx__NodeProto *node, const char *name,
                              const char *value)
{
    Onnx__AttributeProto *attribute =
        net_attribute(net, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    attribute->has_s = 1;
    attribute->s.len = strlen(value);
    attribute->s.data = arena_copy(net->arena, value, attribute->s.len + 1);
}

static inline void net_ints(struct net *net, Onnx__NodeProto *node, const char *name, size_t n,
                            const int64_t *values)
{
    Onnx__AttributeProto *attribute =
        net_attribute(net, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    attribute->n_ints = n;
    attribute->ints = arena_copy(net->arena, values, n * sizeof *values);
}

#define NET_INTS(net, node, name, ...)                                                             \
    net_ints(net, node, name, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t),            \
             (const int64_t[]){__VA_ARGS__})
#define NET_DIMS(...)                                                                              \
    sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (const int64_t[])                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

/* The bytes of the file. */
static inline uint8_t *net_pack(const struct net *net, size_t *size)
{
    *size = onnx__model_proto__get_packed_size(&net->model);
    uint8_t *bytes = arena_alloc(net->arena, *size, 1);
    onnx__model_proto__pack(&net->model, bytes);
    return bytes;
}

#endif
