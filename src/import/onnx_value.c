/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the file as tensors of the graph: looking them up, moving them, making them. */
#include <string.h>

#include "import/onnx_importer.h"

struct value *step_input(const struct onnx_importer *importer, int32_t position)
{
    const struct step *step = importer->step;
    if (position >= step->n_inputs || step->inputs[position] < 0)
        return NULL;
    return &importer->values[step->inputs[position]];
}

struct value *step_output(const struct onnx_importer *importer, int32_t position)
{
    const struct step *step = importer->step;
    if (position >= step->n_outputs || step->outputs[position] < 0)
        return NULL;
    return &importer->values[step->outputs[position]];
}

enum status step_computed(struct onnx_importer *importer, int32_t position, struct value **value)
{
    *value = step_input(importer, position);
    if (*value == NULL)
        return onnx_fail(importer, ERR_INPUT, "input %d is missing; the file is damaged",
                         (int)position);
    if ((*value)->constant != NULL)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "input '%s' is constant, so that the node computes nothing new; run the "
                         "file through onnxsim",
                         onnx_name(importer->arena, (*value)->name));
    return OK;
}

enum status shape_make(struct onnx_importer *importer, const int64_t *dims, int32_t rank,
                       struct shape *shape)
{
    int64_t elements = 1;
    if (rank > MAX_RANK)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "a tensor of %d dimensions, at most %d are supported", (int)rank,
                         MAX_RANK);
    *shape = (struct shape){.rank = rank};
    for (int32_t d = 0; d < rank; d++) {
        if (dims[d] < 1)
            return onnx_fail(importer, ERR_INPUT,
                             "dimension %d of the output would be %lld, it must be at least 1",
                             (int)d, (long long)dims[d]);
        if (dims[d] > INT32_MAX || (elements *= dims[d]) > INT32_MAX)
            return onnx_fail(importer, ERR_UNSUPPORTED,
                             "the output would have more than 2^31 - 1 elements");
        shape->dims[d] = (int32_t)dims[d];
    }
    return OK;
}

/* ---- orders ---- */

int32_t channels_last(int32_t rank, int32_t order[MAX_RANK])
{
    static const int32_t orders[MAX_RANK + 1][MAX_RANK] = {
        {0}, {0}, {0, 1}, {0, -1, 2, 1}, {0, 2, 3, 1}, {0, 2, 3, 4, 1}};
    memcpy(order, orders[rank], sizeof orders[rank]);
    return rank == 3 ? 4 : rank;
}

/* Dimensions of size 1 first, then the others as they come in memory. */
static int32_t order_of(const struct value *value, int32_t order[MAX_RANK])
{
    int32_t n = 0;
    uint32_t seen = 0;
    for (int32_t d = 0; d < value->shape.rank; d++)
        if (value->shape.dims[d] == 1)
            order[n++] = d;
    for (int32_t i = 0; i < value->layout.n; i++) {
        int32_t dim = value->layout.dim[value->layout.memory[i]];
        if (!(seen >> dim & 1))
            order[n++] = dim;
        seen |= 1U << dim;
    }
    return n;
}

static int all_follow(struct value *const *values, int32_t n_values, const int32_t *order,
                      int32_t n)
{
    for (int32_t i = 0; i < n_values; i++)
        if (values[i]->constant == NULL && !layout_follows(&values[i]->layout, order, n))
            return 0;
    return 1;
}

int order_common(struct value *const *values, int32_t n_values, int32_t order[MAX_RANK], int32_t *n)
{
    int32_t rank = values[0]->shape.rank;
    if (rank >= 4) {
        *n = channels_last(rank, order);
        if (all_follow(values, n_values, order, *n))
            return 1;
    }
    for (int32_t i = 0; i < rank; i++)
        order[i] = i;
    *n = rank;
    if (all_follow(values, n_values, order, *n))
        return 1;
    *n = channels_last(rank, order);
    if (all_follow(values, n_values, order, *n))
        return 1;
    for (int32_t i = 0; i < n_values; i++) {
        if (values[i]->constant != NULL)
            continue;
        *n = order_of(values[i], order);
        if (all_follow(values, n_values, order, *n))
            return 1;
    }
    return 0;
}

struct shape shape_ordered(const struct shape *shape, const int32_t *order, int32_t n)
{
    struct shape result = {.rank = n};
    for (int32_t i = 0; i < n; i++)
        result.dims[i] = order[i] >= 0 ? shape->dims[order[i]] : 1;
    return result;
}

enum status fail_transposed(struct onnx_importer *importer, const struct value *value)
{
    return onnx_fail(importer, ERR_UNSUPPORTED,
                     "'%s' (%s in the file) would have to be transposed in memory, where images "
                     "are channels last, and there is no op for that; leave out the Transpose, "
                     "Reshape or Flatten before it",
                     onnx_name(importer->arena, value->name),
                     shape_string(&value->shape, importer->arena));
}

enum status value_need_ascending(struct onnx_importer *importer, const struct value *value,
                                 int32_t dim)
{
    return layout_ascends(&value->layout, dim) ? OK : fail_transposed(importer, value);
}

/* ---- tensors ---- */

int32_t value_shaped(struct onnx_importer *importer, const struct value *value,
                     const struct shape *shape)
{
    const struct tensor *tensor = &importer->builder.graph->tensors[value->id];
    if (shape_equal(&tensor->shape, shape))
        return value->id;
    const char *name = value->view_name != NULL
                           ? value->view_name
                           : arena_printf(importer->arena, "%s_reshape", importer->node_name);
    struct tensor made = {.name = name, .dtype = DTYPE_F32, .shape = *shape};
    struct node node = {.name = name, .op = OP_reshape, .n_inputs = 1, .inputs = {value->id}};
    node.output = graph_add_tensor(&importer->builder, &made);
    graph_add_node(&importer->builder, &node);
    return node.output;
}

enum status value_ordered(struct onnx_importer *importer, const struct value *value,
                          const int32_t *order, int32_t n, int32_t *id)
{
    if (!layout_follows(&value->layout, order, n))
        return fail_transposed(importer, value);
    struct shape shape = shape_ordered(&value->shape, order, n);
    *id = value_shaped(importer, value, &shape);
    return OK;
}

int32_t constant_add(struct onnx_importer *importer, const char *role, const struct shape *shape,
                     const float *data)
{
    struct tensor tensor = {
        .name = arena_printf(importer->arena, "%s/%s", importer->node_name, role),
        .dtype = DTYPE_F32,
        .shape = *shape,
        .data = data,
    };
    importer->constant_bytes += tensor_bytes(&tensor);
    return graph_add_tensor(&importer->builder, &tensor);
}

int32_t node_add(struct onnx_importer *importer, struct node *node, const char *suffix,
                 const struct shape *shape)
{
    node->name = arena_printf(importer->arena, "%s_%s", importer->node_name, suffix);
    struct tensor tensor = {.name = node->name, .dtype = DTYPE_F32, .shape = *shape};
    node->output = graph_add_tensor(&importer->builder, &tensor);
    graph_add_node(&importer->builder, node);
    return node->output;
}

enum status value_make(struct onnx_importer *importer, struct value *value, struct node *node,
                       const struct shape *shape, const struct shape *file,
                       const struct layout *layout)
{
    struct tensor tensor = {
        .name = onnx_name(importer->arena, value->name),
        .dtype = DTYPE_F32,
        .shape = *shape,
    };
    node->name = importer->node_name;
    node->output = graph_add_tensor(&importer->builder, &tensor);
    value->ready = 1;
    value->shape = *file;
    value->id = node->output;
    value->layout = *layout;
    value->maker = graph_add_node(&importer->builder, node);
    return OK;
}

enum status value_make_ordered(struct onnx_importer *importer, struct node *node,
                               const struct shape *file, const int32_t *order, int32_t n)
{
    struct shape shape = shape_ordered(file, order, n);
    struct layout layout = layout_of_order(file, order, n);
    return value_make(importer, step_output(importer, 0), node, &shape, file, &layout);
}

enum status value_view(struct onnx_importer *importer, const struct value *from,
                       const struct shape *file, const struct layout *layout)
{
    struct value *value = step_output(importer, 0);
    value->ready = 1;
    value->shape = *file;
    value->constant = from->constant;
    value->id = from->id;
    value->layout = *layout;
    value->maker = from->n_readers == 1 ? from->maker : -1;
    value->view_name = shape_equal(file, &from->shape) ? from->view_name : importer->node_name;
    return OK;
}
