/* SPDX-License-Identifier: Apache-2.0 */
/* An ONNX file as plain C structures. Nothing is interpreted here: sizes, names and enum values are
 * as the file has them, hostile until the importer has checked them. Only this holds: every pointer
 * is valid for its count, and no string is NULL. All points into memory of the arena. */
#ifndef DTMM_IMPORT_ONNX_READER_H
#define DTMM_IMPORT_ONNX_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

/* Element types of the format (TensorProto.DataType). */
enum onnx_type {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_STRING = 8,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16,
};

/* A tensor's values are in `raw` (little-endian) or in the array that belongs to its type. */
struct onnx_tensor {
    const char *name;
    int32_t type;
    size_t n_dims;
    const int64_t *dims;
    int is_external; /* the values are in another file */
    int has_raw;
    const uint8_t *raw;
    size_t raw_size;
    size_t n_floats, n_int32s, n_int64s, n_doubles, n_uint64s;
    const float *floats;
    const int32_t *int32s;
    const int64_t *int64s;
    const double *doubles;
    const uint64_t *uint64s;
};

/* What the type of an attribute says is in use (AttributeProto.AttributeType). */
enum {
    ONNX_ATTRIBUTE_FLOAT = 1,
    ONNX_ATTRIBUTE_INT = 2,
    ONNX_ATTRIBUTE_STRING = 3,
    ONNX_ATTRIBUTE_TENSOR = 4,
    ONNX_ATTRIBUTE_GRAPH = 5,
    ONNX_ATTRIBUTE_FLOATS = 6,
    ONNX_ATTRIBUTE_INTS = 7,
};

struct onnx_attribute {
    const char *name;
    int32_t type;
    float f;
    int64_t i;
    const char *s;               /* ends at its first NUL */
    const struct onnx_tensor *t; /* NULL when absent */
    size_t n_floats, n_ints;
    const float *floats;
    const int64_t *ints;
};

struct onnx_node {
    const char *name, *op_type, *domain;
    size_t n_inputs, n_outputs, n_attributes;
    const char *const *inputs; /* "" stands for an optional input that is left out */
    const char *const *outputs;
    const struct onnx_attribute *attributes;
};

/* The description of an input or output. */
struct onnx_value_info {
    const char *name;
    int32_t type; /* of the elements; 0: not a tensor, or not told */
    int has_shape;
    size_t n_dims;
    const int64_t *dims;            /* -1: symbolic or not told */
    const char *const *dim_symbols; /* "" when a number or not told */
};

struct onnx_model {
    int64_t opset; /* of the default domain; 0 when the file does not say */
    int n_functions;
    int n_sparse_initializers;
    const char *producer;
    size_t n_nodes, n_initializers, n_inputs, n_outputs;
    const struct onnx_node *nodes;
    const struct onnx_tensor *initializers;
    const struct onnx_value_info *inputs, *outputs;
};

/* Decodes the file into memory of the arena. Returns NULL when it is fine, otherwise what is wrong
 * with it. */
const char *onnx_read(const void *data, size_t size, struct arena *arena, struct onnx_model *model);

#endif
