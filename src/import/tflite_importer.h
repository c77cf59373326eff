/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the TensorFlow Lite importer share. */
#ifndef DTMM_IMPORT_TFLITE_IMPORTER_H
#define DTMM_IMPORT_TFLITE_IMPORTER_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"
#include "graph/layer_name.h"
#include "import/tflite_reader.h"

/* Element types of the format that the importer reads. */
enum { TFLITE_FLOAT32 = 0, TFLITE_INT32 = 2, TFLITE_INT64 = 4, TFLITE_INT8 = 9 };

enum { TFLITE_ABSENT = -1 /* an optional input that is not there */ };

/* One import. `operator_index` and what follows describe the operator at work; `op` is NULL before
 * the first. */
struct importer {
    const struct tflite_model *model;
    struct arena *arena;
    struct diag *diag;
    struct graph_builder builder;
    int32_t *ids;          /* of the file's tensors in the graph; -1: not there yet */
    size_t expanded_bytes; /* that sparse constants take so far */
    const int32_t *zeros;  /* n_zeros of them, shared by what is quantized per channel */
    size_t n_zeros;
    uint32_t operator_index;
    const char *op_name; /* in lower case, for messages */
    const struct tflite_operator *op;
    const char *node_name;
};

/* ---- tflite.c ---- */

/* As fail(), with `op 3 conv_2d (inputs 'a', 'b'; output 'c'): ` in front while an operator is at
 * work. */
enum status import_fail(struct importer *importer, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- tflite_ops.c ---- */

/* Adds the nodes of the operator at work to the graph. `builtin` is its number in the format. */
enum status operator_import(struct importer *importer, const struct tflite_code *code);

/* ---- tflite_tensor.c ---- */

/* Index among the file's tensors of the input at `position`, or TFLITE_ABSENT. ERR_INPUT when the
 * index is out of range. */
enum status input_index(struct importer *importer, uint32_t position, int32_t *index);

/* Checks that every tensor of the file refers to a buffer that is there; the functions below rely
 * on it. */
enum status tensors_check(struct importer *importer);

/* Whether the tensor has data in the file. */
int tensor_is_constant(const struct importer *importer, int32_t index);

/* Type, shape and quantization of a tensor of the file; its data when it is constant (expanded when
 * stored sparse). The name is the file's, shortened. */
enum status tensor_read(struct importer *importer, int32_t index, struct tensor *tensor);

/* Id in the graph of the input at `position`: an activation that is already there, or a constant,
 * which is added on first use. */
enum status input_id(struct importer *importer, uint32_t position, int32_t *id);

/* The same for an input that must be constant; `role` names it in the graph as `conv2d/weights`. */
enum status constant_id(struct importer *importer, uint32_t position, const char *role,
                        int32_t *id);

/* Makes floats of an s8 constant of the graph that has scales. */
void constant_dequantize(struct importer *importer, int32_t id);

/* The values of a constant int32 or int64 input of at most `max` elements. */
enum status input_integers(struct importer *importer, uint32_t position, const char *role,
                           int64_t *values, int32_t max, int32_t *n);

/* ---- tflite_sparse.c ---- */

struct sparse_source {
    const struct tflite_sparsity *sparsity;
    const struct shape *shape;
    const uint8_t *values;
    size_t n_values;
    size_t value_bytes;
};

/* Writes the dense form of a tensor stored with SparsityParameters to `dense` (row-major, zeroed
 * by the caller, elements of `shape`). Returns NULL, or what is wrong with the indices. Format:
 * tensorflow/lite/schema/schema.fbs. */
const char *sparse_expand(const struct sparse_source *source, uint8_t *dense);

#endif
