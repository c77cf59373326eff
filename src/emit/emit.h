/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the compiled network for others to use. */
#ifndef DTMM_EMIT_EMIT_H
#define DTMM_EMIT_EMIT_H

#include "base/arena.h"
#include "base/file.h"
#include "base/status.h"
#include "graph/graph.h"
#include "product/layout.h"
#include "product/packed.h"
#include "target/target.h"

/* c_library.c: writes include/<model>.h, src/<model>.c, the runtime files that the kernels in
 * `packed` need and no others, CMakeLists.txt and README.md into the folder. `runtime_folder` is
 * where the runtime's sources are. */
enum status emit_c_library(const struct graph *graph, const struct packed *packed,
                           const struct layout *layout, const struct target *target,
                           const char *runtime_folder, const char *folder, struct diag *diag);

/* tflite.c: the bytes of a TensorFlow Lite file of a verified f32 or int8 graph, which the importer
 * and TensorFlow Lite read; the same for the same graph. What the format cannot say directly
 * becomes more operators: pads that are neither SAME nor VALID a pad before the layer, or a
 * strided_slice behind a transpose_conv. ERR_UNSUPPORTED names a node that cannot be written so: a
 * batch_normalization, pools with such pads. */
enum status emit_tflite(const struct graph *graph, struct arena *arena, struct file *file,
                        struct diag *diag);

#endif
