/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "import/onnx_importer.h"

static int takes_activation(enum op op)
{
    switch (op) {
    case OP_conv_2d:
    case OP_depthwise_conv_2d:
    case OP_transpose_conv:
    case OP_fully_connected:
    case OP_batch_normalization:
    case OP_add:
    case OP_sub:
    case OP_mul:
    case OP_average_pool_2d:
    case OP_max_pool_2d:
        return 1;
    default:
        return 0;
    }
}

/* Fuses the activation to the node before it, where nobody else reads that. */
static int fuse(struct onnx_importer *importer, const struct value *input,
                enum activation activation)
{
    if (input->maker < 0 || input->n_readers != 1)
        return 0;
    struct node *maker = &importer->builder.graph->nodes[input->maker];
    if (!takes_activation(maker->op) || maker->attrs.activation != ACTIVATION_NONE)
        return 0;
    maker->attrs.activation = activation;
    return 1;
}

static enum status constant_scalar(struct onnx_importer *importer, const char *role, float value,
                                   int32_t *id)
{
    static const struct shape shape = {1, {1}};
    *id = constant_add(importer, role, &shape, arena_copy(importer->arena, &value, sizeof value));
    return OK;
}

/* A node that keeps shape and layout of the input. */
static enum status elementwise_make(struct onnx_importer *importer, const struct value *input,
                                    struct node *node)
{
    const struct shape shape = importer->builder.graph->tensors[input->id].shape;
    return value_make(importer, step_output(importer, 0), node, &shape, &input->shape,
                      &input->layout);
}

static enum status activation_import(struct onnx_importer *importer, const struct value *input,
                                     enum activation activation)
{
    if (fuse(importer, input, activation))
        return value_view(importer, input, &input->shape, &input->layout);
    struct node node = {.op = OP_relu, .n_inputs = 1, .inputs = {input->id}};
    if (activation == ACTIVATION_RELU6)
        node.op = OP_relu6;
    if (activation == ACTIVATION_RELU_N1_TO_1) {
        /* There is no op of its own: a product with 1 that has it fused. */
        node.op = OP_mul;
        node.n_inputs = 2;
        node.attrs.activation = activation;
        TRY(constant_scalar(importer, "one", 1, &node.inputs[1]));
    }
    return elementwise_make(importer, input, &node);
}

enum status import_onnx_relu(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    TRY(step_computed(importer, 0, &input));
    return activation_import(importer, input, ACTIVATION_RELU);
}

/* Makes the relu that made the value, alone or fused, a relu6. */
static int relu_bound(struct onnx_importer *importer, const struct value *input)
{
    if (input->maker < 0 || input->n_readers != 1)
        return 0;
    struct node *maker = &importer->builder.graph->nodes[input->maker];
    if (maker->op == OP_relu)
        maker->op = OP_relu6;
    else if (takes_activation(maker->op) && maker->attrs.activation == ACTIVATION_RELU)
        maker->attrs.activation = ACTIVATION_RELU6;
    else
        return 0;
    return 1;
}

/* An attribute in older versions, an input in newer ones. */
static enum status bound_read(struct onnx_importer *importer, const char *name, int32_t position,
                              float *bound)
{
    const struct constant *constant;
    TRY(attribute_float(importer, name, *bound, bound));
    if (step_input(importer, position) == NULL)
        return OK;
    TRY(input_floats(importer, position, name, &constant));
    *bound = constant->floats[0];
    return OK;
}

enum status import_onnx_clip(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    float low = -INFINITY, high = INFINITY;
    TRY(step_computed(importer, 0, &input));
    TRY(bound_read(importer, "min", 1, &low));
    TRY(bound_read(importer, "max", 2, &high));
    int unbounded_below = low<-3e38F, unbounded_above = high> 3e38F;
    if (unbounded_below && unbounded_above)
        return value_view(importer, input, &input->shape, &input->layout);
    if (low == 0 && unbounded_above)
        return activation_import(importer, input, ACTIVATION_RELU);
    if (low <= 0 && high == 6 && relu_bound(importer, input))
        return value_view(importer, input, &input->shape, &input->layout);
    if (low == 0 && high == 6)
        return activation_import(importer, input, ACTIVATION_RELU6);
    if (low == -1 && high == 1)
        return activation_import(importer, input, ACTIVATION_RELU_N1_TO_1);
    return onnx_fail(importer, ERR_UNSUPPORTED,
                     "the range %g to %g is not supported; use 0 to 6, -1 to 1, or 0 to infinity",
                     (double)low, (double)high);
}

/* max(0, min(1, alpha * x + beta)) = relu6(6 * alpha * x + 6 * beta) / 6 */
enum status import_onnx_hard_sigmoid(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    float alpha, beta;
    TRY(step_computed(importer, 0, &input));
    TRY(attribute_float(importer, "alpha", 0.2F, &alpha));
    TRY(attribute_float(importer, "beta", 0.5F, &beta));
    const struct shape shape = importer->builder.graph->tensors[input->id].shape;
    struct node scaled = {.op = OP_mul, .n_inputs = 2, .inputs = {input->id}};
    struct node clipped = {.op = OP_add, .n_inputs = 2, .inputs = {input->id}};
    struct node result = {.op = OP_mul, .n_inputs = 2};
    if (fabsf(6 * alpha - 1) > 1e-6F) {
        TRY(constant_scalar(importer, "slope", 6 * alpha, &scaled.inputs[1]));
        clipped.inputs[0] = node_add(importer, &scaled, "scaled", &shape);
    }
    TRY(constant_scalar(importer, "offset", 6 * beta, &clipped.inputs[1]));
    clipped.attrs.activation = ACTIVATION_RELU6;
    result.inputs[0] = node_add(importer, &clipped, "clipped", &shape);
    TRY(constant_scalar(importer, "sixth", 1.0F / 6, &result.inputs[1]));
    return elementwise_make(importer, input, &result);
}

/* Ops of one input that have the same name here. */
enum status import_onnx_unary(struct onnx_importer *importer, int op)
{
    struct value *input;
    struct node node = {.op = (enum op)op, .n_inputs = 1};
    TRY(step_computed(importer, 0, &input));
    node.inputs[0] = input->id;
    if (op == OP_leaky_relu)
        TRY(attribute_float(importer, "alpha", 0.01F, &node.attrs.alpha));
    return elementwise_make(importer, input, &node);
}
