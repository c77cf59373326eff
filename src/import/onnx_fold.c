/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that compute constants: what exporters write to find a shape, and weights that are moved.
 */
#include <string.h>

#include "import/onnx_fold.h"

enum status fold_result(struct onnx_importer *importer, const struct constant *constant)
{
    struct value *value = step_output(importer, 0);
    value->ready = 1;
    value->shape = constant->shape;
    value->constant = constant;
    return OK;
}

const struct constant *fold_input(const struct onnx_importer *importer, int32_t position)
{
    const struct value *value = step_input(importer, position);
    return value != NULL ? value->constant : NULL;
}

/* ---- one function an op ---- */

static enum status integers_set(struct onnx_importer *importer, const struct shape *shape,
                                const int64_t *values)
{
    struct constant *constant;
    void *data;
    TRY(constant_make(importer, shape, ONNX_INT64, &constant, &data));
    memcpy(data, values, (size_t)shape_elements(shape) * sizeof *values);
    return fold_result(importer, constant);
}

static enum status fold_shape(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct shape *shape = &step_input(importer, 0)->shape;
    int64_t start, end, dims[MAX_RANK];
    TRY(attribute_int(importer, "start", 0, &start));
    TRY(attribute_int(importer, "end", shape->rank, &end));
    start = start < 0 ? start + shape->rank : start;
    end = end < 0 ? end + shape->rank : end;
    start = start < 0 ? 0 : start;
    end = end > shape->rank ? shape->rank : end;
    struct shape result = {.rank = 1, .dims = {end > start ? (int32_t)(end - start) : 0}};
    for (int32_t i = 0; i < result.dims[0]; i++)
        dims[i] = shape->dims[start + i];
    return integers_set(importer, &result, dims);
}

static enum status fold_size(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    int64_t size = shape_elements(&step_input(importer, 0)->shape);
    return integers_set(importer, &(struct shape){.rank = 0}, &size);
}

static enum status fold_constant(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct onnx_attribute *attribute = attribute_find(importer, "value");
    const struct constant *constant;
    struct constant *made;
    void *data;
    if (attribute != NULL && attribute->t != NULL) {
        TRY(constant_read(importer, attribute->t, &constant));
        return fold_result(importer, constant);
    }
    struct shape shape = {.rank = 0};
    int is_float = 0;
    const void *from = NULL;
    if ((attribute = attribute_find(importer, "value_float")) != NULL) {
        is_float = 1;
        from = &attribute->f;
    } else if ((attribute = attribute_find(importer, "value_int")) != NULL) {
        from = &attribute->i;
    } else if ((attribute = attribute_find(importer, "value_floats")) != NULL) {
        is_float = 1;
        from = attribute->floats;
        shape = (struct shape){1, {(int32_t)(attribute->n_floats & INT32_MAX)}};
    } else if ((attribute = attribute_find(importer, "value_ints")) != NULL) {
        from = attribute->ints;
        shape = (struct shape){1, {(int32_t)(attribute->n_ints & INT32_MAX)}};
    } else {
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "it has no value that is a dense tensor; export again");
    }
    TRY(constant_make(importer, &shape, is_float ? ONNX_FLOAT : ONNX_INT64, &made, &data));
    size_t n = (size_t)shape_elements(&shape);
    if (n > 0)
        memcpy(data, from, n * (is_float ? sizeof(float) : sizeof(int64_t)));
    return fold_result(importer, made);
}

static enum status fold_identity(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    return fold_result(importer, fold_input(importer, 0));
}

static enum status fold_constant_of_shape(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    int64_t dims[MAX_RANK];
    int32_t n;
    TRY(input_integer_list(importer, 0, "shape", dims, MAX_RANK, &n));
    struct shape shape;
    TRY(shape_make(importer, dims, n, &shape));
    const struct onnx_attribute *attribute = attribute_find(importer, "value");
    const struct constant *fill = NULL;
    if (attribute != NULL && attribute->t != NULL)
        TRY(constant_read(importer, attribute->t, &fill));
    if (fill != NULL && constant_elements(fill) != 1)
        return onnx_fail(importer, ERR_INPUT, "its value must be one element");
    struct constant *made;
    void *data;
    TRY(constant_make(importer, &shape, fill != NULL ? fill->type : ONNX_FLOAT, &made, &data));
    for (int64_t i = 0; fill != NULL && i < shape_elements(&shape); i++) {
        if (made->is_float)
            ((float *)data)[i] = fill->floats[0];
        else
            ((int64_t *)data)[i] = fill->integers[0];
    }
    return fold_result(importer, made);
}

/* `any_input`: only the shape of the first input matters. */
static const struct fold_rule {
    const char *op_type;
    int32_t min_inputs;
    int any_input;
    int parameter;
    enum status (*fold)(struct onnx_importer *importer, int parameter);
} rules[] = {
    {"Constant", 0, 0, 0, fold_constant},
    {"ConstantOfShape", 1, 0, 0, fold_constant_of_shape},
    {"Shape", 1, 1, 0, fold_shape},
    {"Size", 1, 1, 0, fold_size},
    {"Identity", 1, 0, 0, fold_identity},
    {"Cast", 1, 0, 0, fold_cast},
    {"Reshape", 2, 0, 0, fold_reshape},
    {"Flatten", 1, 0, 1, fold_reshape},
    {"Squeeze", 1, 0, 2, fold_reshape},
    {"Unsqueeze", 1, 0, 3, fold_reshape},
    {"Transpose", 1, 0, 0, fold_transpose},
    {"Slice", 1, 0, 0, fold_slice},
    {"Gather", 2, 0, 0, fold_gather},
    {"Concat", 1, 0, 0, fold_concat},
    {"Add", 2, 0, '+', fold_arithmetic},
    {"Sub", 2, 0, '-', fold_arithmetic},
    {"Mul", 2, 0, '*', fold_arithmetic},
    {"Div", 2, 0, '/', fold_arithmetic},
    {"Floor", 1, 0, 0, fold_floor},
    {"QuantizeLinear", 2, 0, 0, fold_quantize},
    {"DequantizeLinear", 2, 0, 0, fold_dequantize},
};

enum status step_fold(struct onnx_importer *importer, int *folded)
{
    const struct step *step = importer->step;
    *folded = 0;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct fold_rule *rule = &rules[i];
        if (strcmp(rule->op_type, step->op_type) != 0 || *step->node->domain != '\0')
            continue;
        if (step->n_inputs < rule->min_inputs || step_output(importer, 0) == NULL)
            return OK;
        for (int32_t k = 0; k < step->n_inputs; k++) {
            const struct value *input = step_input(importer, k);
            if (k < rule->min_inputs && input == NULL)
                return OK;
            if (!rule->any_input && input != NULL && input->constant == NULL)
                return OK;
        }
        *folded = 1;
        return rule->fold(importer, rule->parameter);
    }
    return OK;
}
