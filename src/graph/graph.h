/* SPDX-License-Identifier: Apache-2.0 */
/* The network: flat arrays of tensors and nodes that refer to each other by index. A graph is
 * immutable once a pass has returned it; what a later pass learns about it lives in structures of
 * its own (src/product), indexed by tensor or node. Everything belongs to the arena it was made in.
 */
#ifndef DTMM_GRAPH_GRAPH_H
#define DTMM_GRAPH_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

enum { MAX_RANK = 5, MAX_INPUTS = 16 };

/* Element types: suffix of the enumerator, name in the text form, C type. */
#define DTYPE_LIST(X)                                                                              \
    X(F32, f32, float)                                                                             \
    X(S8, s8, int8_t)                                                                              \
    X(S32, s32, int32_t)

enum dtype {
#define X(suffix, name, c_type) DTYPE_##suffix,
    DTYPE_LIST(X)
#undef X
};

/* Fused activations: suffix of the enumerator, name in the text form. */
#define ACTIVATION_LIST(X)                                                                         \
    X(NONE, none)                                                                                  \
    X(RELU, relu)                                                                                  \
    X(RELU6, relu6)                                                                                \
    X(RELU_N1_TO_1, relu_n1_to_1)

enum activation {
#define X(suffix, name) ACTIVATION_##suffix,
    ACTIVATION_LIST(X)
#undef X
};

/* What the values of a constant are before training has drawn or learned them: suffix of the
 * enumerator, name in the text form (as in Keras). */
#define INITIALIZER_LIST(X)                                                                        \
    X(NONE, none)                                                                                  \
    X(ZEROS, zeros)                                                                                \
    X(ONES, ones)                                                                                  \
    X(HE_NORMAL, he_normal)                                                                        \
    X(GLOROT_UNIFORM, glorot_uniform)

enum initializer {
#define X(suffix, name) INITIALIZER_##suffix,
    INITIALIZER_LIST(X)
#undef X
};

enum op {
#define OP(name, min_inputs, max_inputs, attributes) OP_##name,
#include "graph/ops.inc"
#undef OP
    N_OPS
};

/* Bit numbers and bits of the attributes. */
enum attr_index {
#define ATTR(name, count, type, initial, doc) ATTR_INDEX_##name,
#include "graph/attrs.inc"
#undef ATTR
    N_ATTRS
};
enum attr_bit {
#define ATTR(name, count, type, initial, doc) ATTR_##name = 1 << ATTR_INDEX_##name,
#include "graph/attrs.inc"
#undef ATTR
};

/* All attributes; an op uses those that ops.inc names, the others are zero. See attrs.inc. */
struct attrs {
    int32_t stride[2];
    int32_t dilation[2];
    int32_t pads[4];
    int32_t window[2];
    enum activation activation;
    int32_t axis;
    int32_t axes;
    float beta;
    float alpha;
    float epsilon;
    int32_t before[MAX_RANK];
    int32_t after[MAX_RANK];
    int32_t begin[MAX_RANK];
    int32_t step[MAX_RANK];
    int32_t align_corners;
    int32_t half_pixel_centers;
};

struct shape {
    int32_t rank;           /* 0 .. MAX_RANK; 0 is a scalar */
    int32_t dims[MAX_RANK]; /* each at least 1 */
};

/* real = scale * (quantized - zero_point). `n` is 0 (not quantized), 1 (whole tensor), or the size
 * of dimension `axis` (one scale per index; zero points are then all 0). */
struct quantization {
    int32_t n;
    int32_t axis;
    const float *scale;        /* n, each finite and > 0 */
    const int32_t *zero_point; /* n */
};

struct tensor {
    const char *name; /* unique in the graph */
    enum dtype dtype;
    struct shape shape;
    struct quantization quantization;
    const void *data; /* constant: shape_elements() elements, row-major; otherwise NULL */
    enum initializer initializer; /* other than NONE: an f32 constant that is still to be trained;
                                     its data is zero */
};

struct node {
    const char *name; /* unique, a C identifier in lower case: used in generated code and reports */
    enum op op;
    int32_t n_inputs;
    int32_t inputs[MAX_INPUTS]; /* tensor ids */
    int32_t output;             /* tensor id */
    struct attrs attrs;
};

/* Nodes stand in execution order. A tensor is a graph input, a constant, or the output of exactly
 * one node. */
struct graph {
    const char *name; /* a C identifier in lower case */
    int32_t n_tensors;
    struct tensor *tensors;
    int32_t n_nodes;
    struct node *nodes;
    int32_t n_inputs;
    int32_t *inputs; /* tensor ids */
    int32_t n_outputs;
    int32_t *outputs; /* tensor ids */
};

/* Names as in ops.inc and in the text form. */
const char *op_name(enum op op);
/* Whether int8 graphs may have the op: all but batch_normalization, which is folded before. */
int op_runs_on_s8(enum op op);
const char *dtype_name(enum dtype dtype);
const char *activation_name(enum activation activation);
const char *initializer_name(enum initializer initializer);
size_t dtype_bytes(enum dtype dtype);

/* Number of elements; shapes in a verified graph have at most 2^31 - 1. */
int64_t shape_elements(const struct shape *shape);

/* shape_elements() times the size of one. */
size_t tensor_bytes(const struct tensor *tensor);

int shape_equal(const struct shape *a, const struct shape *b);

/* "1x32x32x3" in memory of the arena; "scalar" for rank 0. */
const char *shape_string(const struct shape *shape, struct arena *arena);

/* The input at `index`, or NULL when the node has no such input (an absent bias). */
const struct tensor *node_input(const struct graph *graph, const struct node *node, int index);
const struct tensor *node_output(const struct graph *graph, const struct node *node);

/* The input or output of a node that has this name, or -1; constants do not count. */
int32_t tensor_find_activation(const struct graph *graph, const char *name);

/* The node whose output a tensor is, or NULL: an input or a constant. */
const struct node *tensor_maker(const struct graph *graph, int32_t tensor);

/* ---- build.c: making a graph. Ids are stable; arrays grow inside the arena. ---- */

struct name_set;

struct graph_builder {
    struct arena *arena;
    struct graph *graph;
    int32_t tensors_size, nodes_size;
    struct name_set *tensor_names, *node_names; /* taken */
};

/* An empty graph; its name is made a C identifier. */
struct graph_builder graph_start(struct arena *arena, const char *name);

/* Copies the tensor with its name and quantization (not its data) and returns its id. A name
 * already taken gets a suffix. */
int32_t graph_add_tensor(struct graph_builder *builder, const struct tensor *tensor);

/* Copies the node and returns its id. The name is made a unique lower-case C identifier. */
int32_t graph_add_node(struct graph_builder *builder, const struct node *node);

void graph_set_inputs(struct graph_builder *builder, const int32_t *ids, int32_t n);
void graph_set_outputs(struct graph_builder *builder, const int32_t *ids, int32_t n);

/* A lower-case C identifier made of `text`: foreign characters in a row become one '_', at either
 * end they are dropped, as are leading '_'; a leading digit gets an 'n' before it, an empty result
 * is "unnamed", a keyword of C or C++ gets a trailing '_'. */
char *identifier_make(struct arena *arena, const char *text);

/* ---- shape.c ---- */

/* The shape the output of `node` must have. For ops whose output shape attributes do not give (see
 * ops.inc), checks the output tensor's own shape and returns it. Checks the ranks of the inputs,
 * the shapes of weights and bias and the ranges of the attributes on the way; needs only that the
 * op, the tensor ids, the number of inputs and the shapes of the tensors are valid. ERR_INPUT or
 * ERR_UNSUPPORTED names the node. */
enum status shape_infer(const struct graph *graph, const struct node *node, struct shape *shape,
                        struct diag *diag);

/* ---- verify.c ---- */

/* Checks every rule that passes rely on: ids in range, every tensor produced once and before it is
 * read, no cycle, shapes as inferred, element types and quantization as each op demands, attributes
 * in range, constants where they must be, unique names, sizes that cannot overflow; doc/graph.md
 * lists the rules. ERR_INPUT (the graph contradicts itself) or ERR_UNSUPPORTED (it is sound, but
 * beyond what the runtime can execute) names the node or the tensor. */
enum status graph_verify(const struct graph *graph, struct diag *diag);

/* ---- text form: dump.c, parse.c; grammar in doc/graph.md ---- */

/* Prints the graph. parse(dump(g)) dumps to the same bytes. */
void graph_dump(const struct graph *graph, struct text *text);

/* Reads the text form and verifies the graph; `source` is hostile until then. ERR_INPUT names line
 * and column, or is graph_verify()'s. */
enum status graph_parse(const char *source, size_t length, struct arena *arena,
                        struct graph **graph, struct diag *diag);

#endif
