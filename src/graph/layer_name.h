/* SPDX-License-Identifier: Apache-2.0 */
/* What the names in a TensorFlow Lite file say; the importer reads them, the emitter writes them.
 */
#ifndef DTMM_GRAPH_LAYER_NAME_H
#define DTMM_GRAPH_LAYER_NAME_H

#include <stdint.h>

#include "base/arena.h"

/* The last component of a path that says a layer's name before all others; files written here have
 * it where other names would not do: "output;layer/dtmm". */
#define LAYER_NAME_LEAF "dtmm"

/* A short name for a node that an engineer recognizes: the layer in the name of its output
 * (`model/conv2d_3/BiasAdd;...` is `conv2d_3`), else of its weights ("": it has none), else
 * `fallback`. */
const char *layer_name(struct arena *arena, const char *output, const char *weights,
                       const char *fallback);

/* The file's name of a tensor without what follows a ';', printable and not too long. */
const char *tensor_name_shorten(struct arena *arena, const char *name, int32_t index);

#endif
