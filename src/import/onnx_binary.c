/* SPDX-License-Identifier: Apache-2.0 */
/* Add, Sub, Mul and Div of two operands, one of which may be constant or broadcast. */
#include <math.h>

#include "import/onnx_importer.h"

/* The operand that has all elements of the result, and how its tensor is cut into dimensions. */
struct broadcast {
    struct shape file;    /* of the result */
    struct layout layout; /* of the result */
    struct shape shape;   /* of the result's tensor */
    int32_t first[MAX_RANK + 1];
};

static enum status result_shape(struct onnx_importer *importer, const struct shape *a,
                                const struct shape *b, struct shape *result)
{
    int64_t dims[MAX_RANK];
    int32_t rank = a->rank > b->rank ? a->rank : b->rank;
    for (int32_t i = 1; i <= rank; i++) {
        int32_t size_a = i <= a->rank ? a->dims[a->rank - i] : 1;
        int32_t size_b = i <= b->rank ? b->dims[b->rank - i] : 1;
        if (size_a != size_b && size_a != 1 && size_b != 1)
            return onnx_fail(importer, ERR_INPUT, "shapes %s and %s do not broadcast",
                             shape_string(a, importer->arena), shape_string(b, importer->arena));
        dims[rank - i] = size_a != 1 ? size_a : size_b;
    }
    return shape_make(importer, dims, rank, result);
}

/* Prepares to compute with all elements of `full`. */
static enum status broadcast_start(struct onnx_importer *importer, const struct value *full,
                                   struct broadcast *broadcast)
{
    if (!layout_reshape(&full->layout, &broadcast->file, &broadcast->layout))
        return fail_transposed(importer, full);
    broadcast->shape = importer->builder.graph->tensors[full->id].shape;
    if (layout_splits(&broadcast->layout, &broadcast->shape, broadcast->first) &&
        broadcast->shape.rank >= 1)
        return OK;
    if (layout_shape(&broadcast->layout, &broadcast->file, &broadcast->shape) &&
        layout_splits(&broadcast->layout, &broadcast->shape, broadcast->first))
        return OK;
    return fail_transposed(importer, full);
}

/* Dimensions of the result in which an operand of shape `shape` has size 1. */
static uint32_t repeated_dims(const struct broadcast *broadcast, const struct shape *shape)
{
    uint32_t mask = 0;
    int32_t shift = broadcast->file.rank - shape->rank;
    for (int32_t d = 0; d < broadcast->file.rank; d++)
        if (d < shift || shape->dims[d - shift] == 1)
            mask |= 1U << d;
    return mask;
}

/* The shape of the operand's tensor: 1 where all of a dimension repeats; 0 when part of one does.
 */
static int operand_shape(const struct broadcast *broadcast, uint32_t repeated, struct shape *shape)
{
    *shape = broadcast->shape;
    for (int32_t d = 0; d < shape->rank; d++) {
        int32_t kept = 1;
        for (int32_t i = broadcast->first[d]; i < broadcast->first[d + 1]; i++) {
            int32_t factor = broadcast->layout.memory[i];
            if (!(repeated >> broadcast->layout.dim[factor] & 1))
                kept *= broadcast->layout.size[factor];
        }
        if (kept != 1 && kept != shape->dims[d])
            return 0;
        shape->dims[d] = kept;
    }
    return 1;
}

/* Distance in a constant of shape `shape` between elements whose factor differs by 1. */
static int64_t factor_stride(const struct broadcast *broadcast, const struct shape *shape,
                             int32_t factor)
{
    const struct layout *layout = &broadcast->layout;
    int32_t dim = layout->dim[factor] - (broadcast->file.rank - shape->rank);
    int64_t stride = 1;
    for (int32_t d = shape->rank - 1; d > dim; d--)
        stride *= shape->dims[d];
    for (int32_t k = factor + 1; k < layout->n && layout->dim[k] == layout->dim[factor]; k++)
        stride *= layout->size[k];
    return stride;
}

static enum status operand_constant(struct onnx_importer *importer,
                                    const struct broadcast *broadcast,
                                    const struct constant *constant, int32_t *id)
{
    const struct layout *layout = &broadcast->layout;
    uint32_t repeated = repeated_dims(broadcast, &constant->shape);
    struct axis axes[MAX_FACTORS];
    struct shape shape;
    int n = 0;
    if (!constant->is_float)
        return onnx_fail(importer, ERR_INPUT, "the constant operand must be floats");
    int whole = operand_shape(broadcast, repeated, &shape);
    for (int32_t i = 0; i < layout->n; i++) {
        int32_t factor = layout->memory[i];
        int repeats = (int)(repeated >> layout->dim[factor] & 1);
        if (repeats && whole)
            continue;
        int64_t stride = repeats ? 0 : factor_stride(broadcast, &constant->shape, factor);
        axes[n++] = (struct axis){layout->size[factor], stride, NULL};
    }
    if (!whole)
        shape = broadcast->shape;
    if (shape_elements(&shape) == 1)
        shape = (struct shape){1, {1}};
    *id = constant_add(importer, "operand", &shape,
                       floats_arrange(importer->arena, constant->floats, axes, n));
    return OK;
}

static enum status operand_computed(struct onnx_importer *importer,
                                    const struct broadcast *broadcast, const struct value *value,
                                    int32_t *id)
{
    uint32_t repeated = repeated_dims(broadcast, &value->shape);
    struct shape shape;
    struct layout kept =
        layout_without(&broadcast->layout, repeated, broadcast->file.rank - value->shape.rank);
    if (!layout_equal(&kept, &value->layout) || !operand_shape(broadcast, repeated, &shape))
        return fail_transposed(importer, value);
    *id = value_shaped(importer, value, &shape);
    return OK;
}

static const struct value *full_operand(struct onnx_importer *importer,
                                        const struct value *const operands[2],
                                        const struct shape *file)
{
    (void)importer;
    for (int i = 0; i < 2; i++)
        if (operands[i]->constant == NULL &&
            shape_elements(&operands[i]->shape) == shape_elements(file))
            return operands[i];
    return NULL;
}

/* A constant one value a channel becomes the bias of the node before it, where that has none. */
static int bias_fuse(struct onnx_importer *importer, const struct value *input, int32_t constant)
{
    struct graph *graph = importer->builder.graph;
    if (input->maker < 0 || input->n_readers != 1)
        return 0;
    struct node *maker = &graph->nodes[input->maker];
    const struct tensor *bias = &graph->tensors[constant];
    if ((maker->op != OP_conv_2d && maker->op != OP_fully_connected) || maker->n_inputs != 2 ||
        maker->attrs.activation != ACTIVATION_NONE)
        return 0;
    int32_t filters = graph->tensors[maker->inputs[1]].shape.dims[0];
    if (shape_elements(&bias->shape) != filters ||
        bias->shape.dims[bias->shape.rank - 1] != filters)
        return 0;
    graph->tensors[constant].shape = (struct shape){1, {filters}};
    maker->inputs[2] = constant;
    maker->n_inputs = 3;
    return 1;
}

static enum status binary_import(struct onnx_importer *importer, enum op op,
                                 const struct value *const operands[2])
{
    struct broadcast broadcast;
    TRY(result_shape(importer, &operands[0]->shape, &operands[1]->shape, &broadcast.file));
    const struct value *full = full_operand(importer, operands, &broadcast.file);
    if (full == NULL)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "shapes %s and %s: both operands would be repeated, or a computed one to "
                         "the shape of a constant; give one of them the shape of the result",
                         shape_string(&operands[0]->shape, importer->arena),
                         shape_string(&operands[1]->shape, importer->arena));
    TRY(broadcast_start(importer, full, &broadcast));
    struct node node = {.op = op, .n_inputs = 2};
    for (int i = 0; i < 2; i++) {
        if (operands[i] == full)
            node.inputs[i] = value_shaped(importer, full, &broadcast.shape);
        else if (operands[i]->constant != NULL)
            TRY(operand_constant(importer, &broadcast, operands[i]->constant, &node.inputs[i]));
        else
            TRY(operand_computed(importer, &broadcast, operands[i], &node.inputs[i]));
        if (operands[i] != full && operands[i]->constant != NULL && op == OP_add &&
            bias_fuse(importer, full, node.inputs[i]))
            return value_view(importer, full, &broadcast.file, &broadcast.layout);
    }
    return value_make(importer, step_output(importer, 0), &node, &broadcast.shape, &broadcast.file,
                      &broadcast.layout);
}

static enum status operands_read(struct onnx_importer *importer, const struct value *operands[2])
{
    for (int32_t i = 0; i < 2; i++) {
        operands[i] = step_input(importer, i);
        if (operands[i] == NULL)
            return onnx_fail(importer, ERR_INPUT, "operand %d is missing; the file is damaged",
                             (int)i);
        if (operands[i]->constant != NULL && constant_elements(operands[i]->constant) == 0)
            return onnx_fail(importer, ERR_INPUT, "operand %d is empty; the file is damaged",
                             (int)i);
    }
    if (operands[0]->constant != NULL && operands[1]->constant != NULL)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "both operands are constant; run the file through onnxsim");
    return OK;
}

enum status import_onnx_binary(struct onnx_importer *importer, int op)
{
    const struct value *operands[2];
    TRY(operands_read(importer, operands));
    return binary_import(importer, (enum op)op, operands);
}

/* By a constant: a product with its inverse. */
enum status import_onnx_div(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct value *operands[2];
    TRY(operands_read(importer, operands));
    const struct constant *divisor = operands[1]->constant;
    if (divisor == NULL || !divisor->is_float)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "the divisor must be a constant; rewrite it as a product");
    struct constant inverse = *divisor;
    int64_t n = constant_elements(divisor);
    float *values = ARENA_ARRAY(importer->arena, (size_t)n, float);
    for (int64_t i = 0; i < n; i++) {
        values[i] = 1 / divisor->floats[i];
        if (!isfinite(values[i]))
            return onnx_fail(importer, ERR_INPUT, "it divides by %g", (double)divisor->floats[i]);
    }
    inverse.floats = values;
    struct value factor = *operands[1];
    factor.constant = &inverse;
    operands[1] = &factor;
    return binary_import(importer, OP_mul, operands);
}
