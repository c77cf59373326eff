/* SPDX-License-Identifier: Apache-2.0 */
/* A TensorFlow Lite file as plain C structures, and their bytes. Nothing is decided here: indices,
 * numbers of operators and enum values are the format's, as the emitter gives them
 * (import/tflite.fbs lists them). */
#ifndef DTMM_EMIT_TFLITE_WRITER_H
#define DTMM_EMIT_TFLITE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "base/arena.h"

struct tflite_new_tensor {
    const char *name;
    int32_t type;
    int32_t rank;
    const int32_t *dims; /* rank */
    const void *data;    /* NULL: computed */
    size_t data_bytes;
    int32_t n_scales; /* 0: not quantized */
    const float *scale;
    const int32_t *zero_point;
    int32_t axis;
};

/* The options of all operators in one; `type` is the number in the union, 0: none. */
struct tflite_new_options {
    int32_t type;
    int32_t padding;
    int32_t stride[2];   /* height, width */
    int32_t dilation[2]; /* height, width */
    int32_t filter[2];   /* height, width */
    int32_t depth_multiplier;
    int32_t activation;
    int keep_num_dims, keep_dims;
    float beta, alpha;
    int32_t axis;
    int align_corners, half_pixel_centers;
    int32_t end_mask;
    int32_t rank; /* of the new shape */
    const int32_t *new_shape;
};

enum { TFLITE_NEW_MAX_INPUTS = 16 };

struct tflite_new_operator {
    int32_t code; /* index into the codes */
    int32_t n_inputs;
    int32_t inputs[TFLITE_NEW_MAX_INPUTS];
    int32_t output;
    struct tflite_new_options options;
};

struct tflite_new_code {
    int32_t builtin, version;
};

struct tflite_new_model {
    const char *name, *description;
    int32_t n_tensors, n_operators, n_codes, n_inputs, n_outputs;
    const struct tflite_new_tensor *tensors;
    const struct tflite_new_operator *operators;
    const struct tflite_new_code *codes;
    const int32_t *inputs, *outputs;
};

/* The file's bytes, in memory of the arena; the same for the same model. */
const uint8_t *tflite_write(const struct tflite_new_model *model, struct arena *arena,
                            size_t *size);

#ifdef __cplusplus
}
#endif

#endif
