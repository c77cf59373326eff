/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the TensorFlow Lite emitter share. */
#ifndef DTMM_EMIT_TFLITE_EMITTER_H
#define DTMM_EMIT_TFLITE_EMITTER_H

#include "base/arena.h"
#include "base/status.h"
#include "emit/tflite_writer.h"
#include "graph/graph.h"

/* Element types of the format. */
enum { TFLITE_FLOAT32 = 0, TFLITE_INT32 = 2, TFLITE_INT8 = 9 };

/* One file in the making. `node` is at work. */
struct emitter {
    const struct graph *graph;
    const struct node *node;
    struct arena *arena;
    struct diag *diag;
    int32_t *ids; /* of the graph's tensors in the file; -1: not there yet */
    struct tflite_new_model model;
    struct tflite_new_tensor *tensors;
    struct tflite_new_operator *operators;
    struct tflite_new_code *codes;
    int32_t tensors_size, operators_size;
};

/* ---- tflite.c ---- */

/* Index in the file of a tensor of the graph, which is added on first use under `name`. */
int32_t emitter_tensor(struct emitter *emitter, int32_t id, const char *name);

/* Index of the input at `position` of the node at work. */
int32_t emitter_input(struct emitter *emitter, int32_t position);

/* Adds a computed tensor that is like `like` but for its shape; its name says that the layer that
 * makes it is the node's with "_role" behind, in the format's way: "conv_pad/Pad". */
int32_t emitter_derive(struct emitter *emitter, const struct tensor *like,
                       const struct shape *shape, const char *role);

/* Adds a constant of int32 numbers, named after the node. */
int32_t emitter_integers(struct emitter *emitter, const char *role, const int32_t *values,
                         int32_t rank, const int32_t *dims);

/* Adds an operator with its code; `op->code` is set here. */
void emitter_operator(struct emitter *emitter, int32_t builtin, int32_t version,
                      struct tflite_new_operator *op);

/* ---- tflite_ops.c ---- */

/* Adds the operators of the node at work, but its output: `output` is its index in the file. */
enum status emitter_node(struct emitter *emitter, int32_t output);

#endif
