/* SPDX-License-Identifier: Apache-2.0 */
/* strided_slice as in the source format, resolved to what the graph has. */
#ifndef DTMM_IMPORT_TFLITE_SLICE_H
#define DTMM_IMPORT_TFLITE_SLICE_H

#include <stdint.h>

#include "graph/graph.h"

enum { SLICE_MAX_ENTRIES = 2 * MAX_RANK };

/* The operands: bit i of a mask speaks of entry i. Meaning as tf.strided_slice documents. */
struct slice_spec {
    struct shape input;
    int32_t n; /* entries */
    int64_t begin[SLICE_MAX_ENTRIES];
    int64_t end[SLICE_MAX_ENTRIES];
    int64_t step[SLICE_MAX_ENTRIES];
    uint32_t begin_mask;       /* begin is ignored: from the first */
    uint32_t end_mask;         /* end is ignored: to the last */
    uint32_t ellipsis_mask;    /* all dimensions that no other entry takes */
    uint32_t new_axis_mask;    /* a new dimension of size 1 */
    uint32_t shrink_axis_mask; /* takes one index and drops the dimension */
    int end_is_offset;         /* end counts from begin */
};

/* A begin and step for each dimension of the input. */
struct slice {
    int32_t begin[MAX_RANK];
    int32_t step[MAX_RANK];
    struct shape kept;   /* what is taken, of the input's rank */
    struct shape result; /* the same with dimensions dropped and added */
};

/* Returns NULL, or what is wrong with the operands. */
const char *slice_resolve(const struct slice_spec *spec, struct slice *slice);

#endif
