/* SPDX-License-Identifier: Apache-2.0 */
/* Ops along one dimension: batch normalization and softmax. */
#include "import/onnx_importer.h"

/* Parameter `position`, one value a channel, as the channels come in memory. */
static enum status parameter_add(struct onnx_importer *importer, int32_t position, const char *role,
                                 int32_t channels, const int32_t *indices, int32_t *id)
{
    const struct constant *constant;
    TRY(input_floats(importer, position, role, &constant));
    if (constant_elements(constant) != channels)
        return onnx_fail(importer, ERR_INPUT, "the %s has %lld elements for %d channels", role,
                         (long long)constant_elements(constant), (int)channels);
    const struct axis axis = {channels, 1, indices};
    const struct shape shape = {1, {channels}};
    *id = constant_add(importer, role, &shape,
                       floats_arrange(importer->arena, constant->floats, &axis, 1));
    return OK;
}

enum status import_onnx_batch_normalization(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    static const char *const roles[5] = {"", "gamma", "beta", "mean", "variance"};
    struct value *input;
    int32_t order[MAX_RANK];
    int64_t training;
    TRY(step_computed(importer, 0, &input));
    TRY(attribute_int(importer, "training_mode", 0, &training));
    if (training)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "it is in training mode; call model.eval() before the export");
    if (input->shape.rank < 2)
        return onnx_fail(importer, ERR_INPUT, "the input has no channels");
    int32_t n = channels_last(input->shape.rank, order), channels = input->shape.dims[1];
    const struct constant *gamma;
    TRY(input_floats(importer, 1, roles[1], &gamma));
    if (constant_elements(gamma) != channels)
        return onnx_fail(importer, ERR_INPUT, "gamma has %lld elements for %d channels",
                         (long long)constant_elements(gamma), (int)channels);
    struct node node = {.op = OP_batch_normalization, .n_inputs = 5};
    TRY(attribute_float(importer, "epsilon", 1e-5F, &node.attrs.epsilon));
    TRY(value_ordered(importer, input, order, n, &node.inputs[0]));
    const int32_t *indices = layout_indices(&input->layout, 1, channels, importer->arena);
    for (int32_t i = 1; i < 5; i++)
        TRY(parameter_add(importer, i, roles[i], channels, indices, &node.inputs[i]));
    const struct shape shape = importer->builder.graph->tensors[node.inputs[0]].shape;
    return value_make(importer, step_output(importer, 0), &node, &shape, &input->shape,
                      &input->layout);
}

/* Over one dimension; before version 13 over all from `axis` on. */
enum status import_onnx_softmax(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    int64_t given;
    int32_t axis, order[MAX_RANK], n = 0, size = 1;
    TRY(step_computed(importer, 0, &input));
    int32_t rank = input->shape.rank;
    TRY(attribute_int(importer, "axis", importer->opset < 13 ? 1 : -1, &given));
    TRY(axis_check(importer, given, rank, &axis));
    uint32_t over = importer->opset < 13 ? ~0U << axis : 1U << axis;
    /* Those that it goes over must be innermost in memory. */
    for (int pass = 0; pass < 2; pass++)
        for (int32_t i = 0; i < input->layout.n && n < MAX_RANK; i++) {
            int32_t dim = input->layout.dim[input->layout.memory[i]];
            if ((int)(over >> dim & 1) == pass && (n == 0 || order[n - 1] != dim))
                order[n++] = dim;
        }
    if (!layout_follows(&input->layout, order, n))
        return fail_transposed(importer, input);
    for (int32_t d = 0; d < rank; d++)
        size *= over >> d & 1 ? input->shape.dims[d] : 1;
    struct shape shape = importer->builder.graph->tensors[input->id].shape;
    if (shape.dims[shape.rank - 1] != size || rank <= 2)
        shape = (struct shape){2, {(int32_t)(shape_elements(&shape) / size), size}};
    struct node node = {.op = OP_softmax, .n_inputs = 1, .attrs = {.beta = 1}};
    node.inputs[0] = value_shaped(importer, input, &shape);
    return value_make(importer, step_output(importer, 0), &node, &shape, &input->shape,
                      &input->layout);
}
