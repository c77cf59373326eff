/* SPDX-License-Identifier: Apache-2.0 */
/* Reading networks from the formats of other frameworks. */
#ifndef DTMM_IMPORT_IMPORT_H
#define DTMM_IMPORT_IMPORT_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

/* tflite.c: reads a TensorFlow Lite model from memory into a verified graph (int8 or float32). The
 * bytes are hostile until checked. `name` is the graph's. ERR_INPUT: malformed; ERR_UNSUPPORTED
 * names the op, its index, its tensors and the remedy. */
enum status import_tflite(const void *data, size_t size, const char *name, struct arena *arena,
                          struct graph **graph, struct diag *diag);

/* onnx.c: reads an ONNX model (opset 9 to 18) from memory into a verified graph; images become
 * channels last. The bytes are hostile until checked. `name` is the graph's. ERR_INPUT: malformed;
 * ERR_UNSUPPORTED names the node and the remedy. */
enum status import_onnx(const void *data, size_t size, const char *name, struct arena *arena,
                        struct graph **graph, struct diag *diag);

/* safetensors.c: reads a checkpoint of training: the graph with its best values. ERR_INPUT:
 * malformed, or not one that `dtmm train` wrote. */
enum status import_safetensors(const void *data, size_t size, struct arena *arena,
                               struct graph **graph, struct diag *diag);

#endif
