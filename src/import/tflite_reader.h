/* SPDX-License-Identifier: Apache-2.0 */
/* A verified TensorFlow Lite file as plain C structures. Nothing is interpreted here: indices,
 * counts and enum values are as the file has them, hostile until the importer has checked them.
 * Only this holds: every pointer is valid for its count, strings end, and arrays of 4-byte elements
 * are aligned. All points into memory of the arena. */
#ifndef DTMM_IMPORT_TFLITE_READER_H
#define DTMM_IMPORT_TFLITE_READER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/arena.h"

struct tflite_ints {
    const int32_t *data; /* NULL when absent */
    uint32_t n;
};

struct tflite_floats {
    const float *data;
    uint32_t n;
};

/* `n` little-endian numbers of 8 bytes, not aligned. */
struct tflite_longs {
    const uint8_t *data;
    uint32_t n;
};

struct tflite_bytes {
    const uint8_t *data; /* aligned to 4; NULL when absent */
    uint32_t n;
};

/* `bytes_each` 4 (int32), 2 (uint16) or 1 (uint8); 0 when absent. */
struct tflite_indices {
    const uint8_t *data;
    uint32_t n;
    uint32_t bytes_each;
};

struct tflite_dimension {
    int32_t format;
    int32_t dense_size;
    struct tflite_indices segments;
    struct tflite_indices indices;
};

struct tflite_sparsity {
    struct tflite_ints traversal_order;
    struct tflite_ints block_map;
    uint32_t n_dimensions;
    const struct tflite_dimension *dimensions;
};

struct tflite_quantization {
    struct tflite_floats scale;
    struct tflite_longs zero_point;
    int32_t axis;
    int32_t details_type; /* 0: none */
};

struct tflite_tensor {
    const char *name; /* "" when absent */
    int32_t type;
    struct tflite_ints shape;
    struct tflite_ints shape_signature;
    uint32_t buffer;
    uint32_t external_buffer;
    int is_variable;
    struct tflite_quantization quantization;
    const struct tflite_sparsity *sparsity; /* NULL: dense */
};

/* The options of all operators in one; those that an operator does not have are at the format's
 * defaults. */
struct tflite_options {
    int32_t type; /* number in the union, 0: none */
    int32_t padding;
    int32_t stride_h, stride_w;
    int32_t dilation_h, dilation_w;
    int32_t filter_h, filter_w;
    int32_t activation;
    int32_t weights_format;
    int keep_num_dims;
    float beta;
    float alpha;
    int32_t axis;
    int keep_dims;
    int align_corners, half_pixel_centers;
    int32_t begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask;
    int end_is_offset;
    struct tflite_ints new_shape;
};

struct tflite_operator {
    uint32_t code_index;
    struct tflite_ints inputs, outputs;
    struct tflite_options options;
};

struct tflite_code {
    int32_t builtin;         /* the operator's number, from whichever of the two fields has it */
    const char *name;        /* as in the schema; "" when the number is not known */
    const char *custom_name; /* "" when absent */
    int32_t version;
};

struct tflite_buffer {
    struct tflite_bytes data;
    uint64_t offset, size; /* of data behind the flat buffer; above 1 when used */
};

struct tflite_subgraph {
    uint32_t n_tensors, n_operators;
    const struct tflite_tensor *tensors;
    const struct tflite_operator *operators;
    struct tflite_ints inputs, outputs;
};

struct tflite_model {
    uint32_t version;
    uint32_t n_subgraphs;
    struct tflite_subgraph subgraph; /* the first */
    uint32_t n_codes, n_buffers;
    const struct tflite_code *codes;
    const struct tflite_buffer *buffers;
    const uint8_t *file; /* all of it */
    size_t file_size;
};

/* Copies the file into the arena, verifies its structure and describes it. Returns NULL when it
 * is fine, otherwise what is wrong with it. */
const char *tflite_read(const void *data, size_t size, struct arena *arena,
                        struct tflite_model *model);

#ifdef __cplusplus
}
#endif

#endif
