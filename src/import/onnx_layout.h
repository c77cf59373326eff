/* SPDX-License-Identifier: Apache-2.0 */
/* How the values of a tensor lie in memory, seen from the dimensions that the file gives it. ONNX
 * is NCHW, the graph NHWC; instead of moving values, reshapes and transposes of the file only
 * change this description, and whoever reads the values arranges its weights to suit.
 *
 * Every dimension is a product of factors: (1, 16, 4, 4) made of an NHWC image has the factors
 * 16 4 4, in memory in the order 1 2 0; flattened to (1, 256) it has the same factors in the same
 * order, all of them in dimension 1. */
#ifndef DTMM_IMPORT_ONNX_LAYOUT_H
#define DTMM_IMPORT_ONNX_LAYOUT_H

#include <stdint.h>

#include "base/arena.h"
#include "graph/graph.h"

/* Each is at least 2, and a tensor has fewer than 2^31 elements. */
enum { MAX_FACTORS = 32 };

/* Factors stand in the order of the file, outermost first; none is 1; neighbors that are neighbors
 * in memory too are one factor. */
struct layout {
    int32_t n;
    int32_t size[MAX_FACTORS];
    int32_t dim[MAX_FACTORS];    /* the dimension it is a factor of, never decreasing */
    int32_t memory[MAX_FACTORS]; /* factor at each place in memory, outermost first */
};

/* That of values whose dimensions lie in memory in the given order: `order[i]` is the dimension at
 * place i; others than 0 .. rank - 1 stand for a dimension of size 1. */
struct layout layout_of_order(const struct shape *shape, const int32_t *order, int32_t n);

/* The layout under which row-major values are what they seem. */
struct layout layout_plain(const struct shape *shape);

int layout_equal(const struct layout *a, const struct layout *b);

/* Of the same values when dimension i of the result is dimension `order[i]` of `from`. */
struct layout layout_transpose(const struct layout *from, const int32_t *order, int32_t rank);

/* Of the same values in another shape of as many elements. Returns 0 when no layout describes that.
 */
int layout_reshape(const struct layout *from, const struct shape *shape, struct layout *to);

/* Without the dimensions whose bit is set in `mask`, each dimension d renamed to d - shift. */
struct layout layout_without(const struct layout *from, uint32_t mask, int32_t shift);

/* `base` with dimension `dim` made of the factors that it has in `from`, times an innermost factor
 * of `multiplier`: the channels of an op that treats each on its own. */
struct layout layout_channels(const struct layout *base, int32_t dim, const struct layout *from,
                              int32_t multiplier);

/* With one more dimension `dim` of `size`, innermost in the file and in memory. */
struct layout layout_append(const struct layout *from, int32_t dim, int32_t size);

/* Whether the dimensions lie in memory as `order` says, whatever the order within each. */
int layout_follows(const struct layout *layout, const int32_t *order, int32_t n);

/* Whether the indices of dimension `dim` ascend in memory. */
int layout_ascends(const struct layout *layout, int32_t dim);

/* The index in the file of each index of dimension `dim` (of `size`) as they come in memory; NULL
 * when they ascend. */
const int32_t *layout_indices(const struct layout *layout, int32_t dim, int32_t size,
                              struct arena *arena);

/* Whether each dimension of a tensor of shape `shape` with this layout is made of whole factors.
 * `first[i]` .. `first[i + 1]` are then the places in memory that make dimension i. */
int layout_splits(const struct layout *layout, const struct shape *shape,
                  int32_t first[MAX_RANK + 1]);

/* A shape for a tensor with this layout, `file` being the shape in the file: channels last where
 * memory is so, otherwise the file's where memory is so, otherwise the dimensions as they come in
 * memory. Returns 0 when there is none of at most MAX_RANK dimensions. */
int layout_shape(const struct layout *layout, const struct shape *file, struct shape *shape);

#endif
