/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the ONNX importer share. */
#ifndef DTMM_IMPORT_ONNX_IMPORTER_H
#define DTMM_IMPORT_ONNX_IMPORTER_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"
#include "import/onnx_layout.h"
#include "import/onnx_reader.h"

struct annotation;
struct name_set;

/* A constant of the file, or one computed from such. A dimension may be 0. */
struct constant {
    int is_float;
    int32_t type; /* of its elements in the file */
    struct shape shape;
    const float *floats;     /* NULL unless is_float */
    const int64_t *integers; /* otherwise */
    /* Where DequantizeLinear made it: what of. One scale, or one an index of a dimension. */
    int32_t n_scales, scale_axis;
    const float *scale;
};

/* What a name of the file stands for. */
struct value {
    const char *name;
    int ready;                       /* the rest is there */
    int32_t n_readers;               /* inputs of nodes, and outputs of the network */
    struct shape shape;              /* as in the file */
    const struct constant *constant; /* NULL: computed, by what follows */
    int32_t id;                      /* tensor of the graph */
    struct layout layout;            /* of the tensor */
    int quantized;                   /* the integers behind a QuantizeLinear */
    int32_t maker;                   /* node of the graph whose only reader reads this; -1: none */
    const char *view_name;           /* of the node that gave it another shape, or NULL */
};

/* A node of the file, its names resolved; patterns of nodes become one before the import. */
struct step {
    const struct onnx_node *node;
    const char *op_type;
    int32_t n_inputs, n_outputs;
    int32_t *inputs, *outputs; /* indices of values; -1: left out */
    int live;                  /* an output of the network needs it */
};

/* One import. `step` is the node at work, NULL before the first. */
struct onnx_importer {
    const struct onnx_model *model;
    struct arena *arena;
    struct diag *diag;
    struct graph_builder builder;
    int32_t opset;
    struct name_set *names;
    struct value *values;
    int32_t n_values;
    struct step *steps;
    int32_t n_steps;
    size_t constant_bytes;          /* taken so far */
    struct annotation *annotations; /* by tensor of the graph: what it is quantized to */
    int32_t annotations_size;
    int32_t n_quantized; /* QuantizeLinear nodes of activations */
    const struct step *step;
    int32_t step_index;
    const char *node_name;
};

/* ---- onnx.c ---- */

/* As fail(), with `node 3 Conv 'conv1': ` in front while a node is at work. */
enum status onnx_fail(struct onnx_importer *importer, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Printable and not too long. */
const char *onnx_name(struct arena *arena, const char *name);

/* ---- onnx_steps.c ---- */

/* Resolves the names of all nodes; values that the file defines (initializers, inputs) are there.
 */
enum status steps_resolve(struct onnx_importer *importer);

/* Marks what the outputs of the network need, and counts readers. `outputs` are values. */
void steps_mark(struct onnx_importer *importer, const int32_t *outputs, size_t n_outputs);

/* ---- onnx_pattern.c ---- */

/* Rewrites groups of nodes that compute one op of the graph (hard_swish) into one node. */
void steps_match(struct onnx_importer *importer);

/* ---- onnx_demand.c ---- */

/* Chooses the order in which the dimensions of a computed input lie in memory, by what reads it:
 * channels last where an image op does, otherwise as in the file. -1: a dimension of size 1. */
void input_order(const struct onnx_importer *importer, int32_t value, int32_t order[MAX_RANK],
                 int32_t *n);

/* ---- onnx_attribute.c: attributes of the node at work; ERR_INPUT when of another type ---- */

const struct onnx_attribute *attribute_find(const struct onnx_importer *importer, const char *name);
enum status attribute_int(struct onnx_importer *importer, const char *name, int64_t initial,
                          int64_t *value);
enum status attribute_float(struct onnx_importer *importer, const char *name, float initial,
                            float *value);
enum status attribute_string(struct onnx_importer *importer, const char *name, const char *initial,
                             const char **value);
/* At most `max`; *n is 0 when absent. */
enum status attribute_ints(struct onnx_importer *importer, const char *name, int64_t *values,
                           int32_t max, int32_t *n);

/* A list that is an attribute in older versions and input `position` in newer ones; *n is -1 when
 * there is neither. */
enum status list_read(struct onnx_importer *importer, const char *name, int32_t position,
                      int64_t *values, int32_t max, int32_t *n);

/* Adds the rank to a negative axis. */
enum status axis_check(struct onnx_importer *importer, int64_t axis, int32_t rank, int32_t *result);

/* list_read() of axes as a bit mask; *given is 0 when there are none. */
enum status axes_read(struct onnx_importer *importer, int32_t position, int32_t rank,
                      uint32_t *mask, int *given);

/* ---- onnx_constant.c ---- */

/* Reads a tensor of the file, whose name is only for messages. */
enum status constant_read(struct onnx_importer *importer, const struct onnx_tensor *from,
                          const struct constant **constant);

/* An empty one of the given shape (a dimension may be 0), to be filled through *data. */
enum status constant_make(struct onnx_importer *importer, const struct shape *shape, int32_t type,
                          struct constant **constant, void **data);

/* Refuses a file whose constants, as read and as the graph has them, are too large. */
enum status constants_check(struct onnx_importer *importer);

/* Elements, with dimensions that may be 0. */
int64_t constant_elements(const struct constant *constant);

/* One dimension of what floats_arrange() makes. */
struct axis {
    int32_t n;
    int64_t stride;         /* between elements of the source; 0 repeats one */
    const int32_t *indices; /* of the n, or NULL: ascending */
};

/* Row-major values over `axes`, taken from `data`. */
float *floats_arrange(struct arena *arena, const float *data, const struct axis *axes, int rank);

/* Input `position`, which must be constant and of floats, or integers of at most `max`. */
enum status input_floats(struct onnx_importer *importer, int32_t position, const char *role,
                         const struct constant **constant);
enum status input_integer_list(struct onnx_importer *importer, int32_t position, const char *role,
                               int64_t *values, int32_t max, int32_t *n);

/* ---- onnx_fold.c ---- */

/* Computes a node whose inputs are all constant, or that only asks for a shape. *folded is 0 when
 * it is neither. */
enum status step_fold(struct onnx_importer *importer, int *folded);

/* ---- onnx_value.c ---- */

/* Input `position` of the node at work, or NULL when it is left out. */
struct value *step_input(const struct onnx_importer *importer, int32_t position);

/* The same for an input that must be there and computed. */
enum status step_computed(struct onnx_importer *importer, int32_t position, struct value **value);

/* Checks sizes from `dims` and makes a shape of them. */
enum status shape_make(struct onnx_importer *importer, const int64_t *dims, int32_t rank,
                       struct shape *shape);

/* The order that image ops take the dimensions in: channels (dimension 1) last, height 1 for
 * rank 3. Returns how many there are. */
int32_t channels_last(int32_t rank, int32_t order[MAX_RANK]);

/* Chooses an order that every one of the values follows: channels last, plain, or that of the
 * first. Returns 0 when there is none. */
int order_common(struct value *const *values, int32_t n_values, int32_t order[MAX_RANK],
                 int32_t *n);

/* The tensor of a value with the given shape, through a reshape where it has another. */
int32_t value_shaped(struct onnx_importer *importer, const struct value *value,
                     const struct shape *shape);

/* The tensor of a value with its dimensions in the given order; ERR_UNSUPPORTED when that takes a
 * transposition. */
enum status value_ordered(struct onnx_importer *importer, const struct value *value,
                          const int32_t *order, int32_t n, int32_t *id);

/* The dimensions of a shape in the given order. */
struct shape shape_ordered(const struct shape *shape, const int32_t *order, int32_t n);

/* ERR_UNSUPPORTED when the indices of the dimension do not ascend in memory. */
enum status value_need_ascending(struct onnx_importer *importer, const struct value *value,
                                 int32_t dim);

enum status fail_transposed(struct onnx_importer *importer, const struct value *value);

/* Adds a constant named after the node at work; the data is not copied. */
int32_t constant_add(struct onnx_importer *importer, const char *role, const struct shape *shape,
                     const float *data);

/* Adds a node whose output another node of the same step reads; `suffix` distinguishes it. */
int32_t node_add(struct onnx_importer *importer, struct node *node, const char *suffix,
                 const struct shape *shape);

/* Output `position` of the node at work, to be set. */
struct value *step_output(const struct onnx_importer *importer, int32_t position);

/* Adds the node that makes the value: a tensor of shape `shape` with the layout. */
enum status value_make(struct onnx_importer *importer, struct value *value, struct node *node,
                       const struct shape *shape, const struct shape *file,
                       const struct layout *layout);

/* The first output with the dimensions of `file` in the given order. */
enum status value_make_ordered(struct onnx_importer *importer, struct node *node,
                               const struct shape *file, const int32_t *order, int32_t n);

/* The first output is another value in another shape or with another layout. */
enum status value_view(struct onnx_importer *importer, const struct value *from,
                       const struct shape *file, const struct layout *layout);

/* ---- ops: each adds the nodes of the node at work ---- */

enum status step_import(struct onnx_importer *importer);

/* onnx_conv.c, onnx_pool.c, onnx_resize.c */
enum status import_onnx_conv(struct onnx_importer *importer, int parameter);
enum status import_onnx_conv_transpose(struct onnx_importer *importer, int parameter);
enum status import_onnx_pool(struct onnx_importer *importer, int op);
enum status import_onnx_global_pool(struct onnx_importer *importer, int op);
enum status import_onnx_resize(struct onnx_importer *importer, int parameter);

/* onnx_dense.c */
enum status import_onnx_gemm(struct onnx_importer *importer, int parameter);
enum status import_onnx_matmul(struct onnx_importer *importer, int parameter);

/* onnx_elementwise.c, onnx_binary.c, onnx_activation.c */
enum status import_onnx_unary(struct onnx_importer *importer, int op);
enum status import_onnx_batch_normalization(struct onnx_importer *importer, int parameter);
enum status import_onnx_softmax(struct onnx_importer *importer, int parameter);
enum status import_onnx_relu(struct onnx_importer *importer, int parameter);
enum status import_onnx_clip(struct onnx_importer *importer, int parameter);
enum status import_onnx_hard_sigmoid(struct onnx_importer *importer, int parameter);
enum status import_onnx_binary(struct onnx_importer *importer, int op);
enum status import_onnx_div(struct onnx_importer *importer, int parameter);

/* onnx_view.c */
enum status import_onnx_identity(struct onnx_importer *importer, int parameter);
enum status import_onnx_reshape(struct onnx_importer *importer, int parameter);
enum status import_onnx_flatten(struct onnx_importer *importer, int parameter);
enum status import_onnx_squeeze(struct onnx_importer *importer, int parameter);
enum status import_onnx_unsqueeze(struct onnx_importer *importer, int parameter);
enum status import_onnx_transpose(struct onnx_importer *importer, int parameter);

/* onnx_qdq.c */
enum status import_onnx_cast(struct onnx_importer *importer, int parameter);
enum status import_onnx_quantize(struct onnx_importer *importer, int parameter);
enum status import_onnx_dequantize(struct onnx_importer *importer, int parameter);

/* Shapes that these ops give, for constants too. */
enum status reshape_shape(struct onnx_importer *importer, const struct shape *from,
                          struct shape *to);
enum status flatten_shape(struct onnx_importer *importer, const struct shape *from,
                          struct shape *to);
enum status squeeze_shape(struct onnx_importer *importer, const struct shape *from,
                          struct shape *to);
enum status unsqueeze_shape(struct onnx_importer *importer, const struct shape *from,
                            struct shape *to);
enum status transpose_order(struct onnx_importer *importer, int32_t rank, int32_t order[MAX_RANK]);

/* onnx_join.c, onnx_slice.c */
enum status import_onnx_concat(struct onnx_importer *importer, int parameter);
enum status import_onnx_pad(struct onnx_importer *importer, int parameter);
enum status import_onnx_mean(struct onnx_importer *importer, int parameter);
enum status import_onnx_slice(struct onnx_importer *importer, int parameter);
enum status import_onnx_split(struct onnx_importer *importer, int parameter);

/* What a Slice takes of each dimension. */
struct slice_range {
    int64_t first, step, count;
};
enum status slice_ranges(struct onnx_importer *importer, const struct shape *shape,
                         struct slice_range ranges[MAX_RANK]);

#endif
