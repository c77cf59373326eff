/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that compute constants: what exporters write to find a shape, and weights that are moved.
 */
#include <math.h>
#include <string.h>

#include "import/onnx_quantized.h"

static enum status result_set(struct onnx_importer *importer, const struct constant *constant)
{
    struct value *value = step_output(importer, 0);
    value->ready = 1;
    value->shape = constant->shape;
    value->constant = constant;
    return OK;
}

static const struct constant *constant_of(const struct onnx_importer *importer, int32_t position)
{
    const struct value *value = step_input(importer, position);
    return value != NULL ? value->constant : NULL;
}

/* The first input with another shape of as many elements. */
static enum status fold_shaped(struct onnx_importer *importer, const struct shape *shape)
{
    struct constant *constant =
        arena_copy(importer->arena, constant_of(importer, 0), sizeof *constant);
    constant->shape = *shape;
    if (constant->n_scales > 1)
        constant->n_scales = 0;
    return result_set(importer, constant);
}

/* ---- one function an op ---- */

static enum status integers_set(struct onnx_importer *importer, const struct shape *shape,
                                const int64_t *values)
{
    struct constant *constant;
    void *data;
    TRY(constant_make(importer, shape, ONNX_INT64, &constant, &data));
    memcpy(data, values, (size_t)shape_elements(shape) * sizeof *values);
    return result_set(importer, constant);
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
        return result_set(importer, constant);
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
    return result_set(importer, made);
}

static enum status fold_identity(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    return result_set(importer, constant_of(importer, 0));
}

static enum status fold_cast(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = constant_of(importer, 0);
    int64_t type;
    struct constant *made;
    void *data;
    TRY(attribute_int(importer, "to", 0, &type));
    if (type < ONNX_FLOAT || type > ONNX_BFLOAT16 || type == ONNX_STRING)
        return onnx_fail(importer, ERR_UNSUPPORTED, "a cast to type %lld is not supported",
                         (long long)type);
    TRY(constant_make(importer, &from->shape, (int32_t)type, &made, &data));
    int64_t n = constant_elements(from);
    for (int64_t i = 0; i < n; i++) {
        if (made->is_float) {
            ((float *)data)[i] = from->is_float ? from->floats[i] : (float)from->integers[i];
        } else if (!from->is_float) {
            ((int64_t *)data)[i] = from->integers[i];
        } else {
            float value = from->floats[i];
            ((int64_t *)data)[i] = value > -1e18F && value < 1e18F ? (int64_t)value : 0;
        }
    }
    return result_set(importer, made);
}

static enum status fold_reshape(struct onnx_importer *importer, int parameter)
{
    struct shape shape;
    enum status (*const rules[])(struct onnx_importer *, const struct shape *, struct shape *) = {
        reshape_shape, flatten_shape, squeeze_shape, unsqueeze_shape};
    TRY(rules[parameter](importer, &constant_of(importer, 0)->shape, &shape));
    return fold_shaped(importer, &shape);
}

/* Copies the elements whose place in `from` is given, one after the other. */
static enum status elements_take(struct onnx_importer *importer, const struct constant *from,
                                 const struct shape *shape, const int64_t *places)
{
    struct constant *made;
    void *data;
    TRY(constant_make(importer, shape, from->type, &made, &data));
    int64_t n = shape_elements(shape);
    for (int64_t i = 0; i < n; i++) {
        if (made->is_float)
            ((float *)data)[i] = from->floats[places[i]];
        else
            ((int64_t *)data)[i] = from->integers[places[i]];
    }
    return result_set(importer, made);
}

/* Places of the elements at first + step * i along each dimension d, moved by strides of `order`.
 */
static const int64_t *places_make(struct onnx_importer *importer, const struct shape *from,
                                  const struct shape *to, const int32_t *order,
                                  const struct slice_range *ranges)
{
    int64_t strides[MAX_RANK], stride = 1, n = shape_elements(to);
    for (int32_t d = from->rank - 1; d >= 0; d--) {
        strides[d] = stride;
        stride *= from->dims[d];
    }
    int64_t *places = ARENA_ARRAY(importer->arena, (size_t)n, int64_t);
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = i;
        for (int32_t d = to->rank - 1; d >= 0; d--) {
            int32_t source = order != NULL ? order[d] : d;
            int64_t index = rest % to->dims[d];
            rest /= to->dims[d];
            if (ranges != NULL)
                index = ranges[d].first + ranges[d].step * index;
            places[i] += index * strides[source];
        }
    }
    return places;
}

static enum status fold_transpose(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = constant_of(importer, 0);
    int32_t order[MAX_RANK];
    TRY(transpose_order(importer, from->shape.rank, order));
    struct shape shape = shape_ordered(&from->shape, order, from->shape.rank);
    TRY(elements_take(importer, from, &shape,
                      places_make(importer, &from->shape, &shape, order, NULL)));
    struct value *value = step_output(importer, 0);
    struct constant *moved = arena_copy(importer->arena, value->constant, sizeof *moved);
    moved->n_scales = from->n_scales;
    moved->scale = from->scale;
    for (int32_t d = 0; d < shape.rank; d++)
        if (order[d] == from->scale_axis)
            moved->scale_axis = d;
    return result_set(importer, moved);
}

static enum status fold_slice(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = constant_of(importer, 0);
    struct slice_range ranges[MAX_RANK];
    TRY(slice_ranges(importer, &from->shape, ranges));
    struct shape shape = from->shape;
    for (int32_t d = 0; d < shape.rank; d++)
        shape.dims[d] = (int32_t)ranges[d].count;
    return elements_take(importer, from, &shape,
                         places_make(importer, &from->shape, &shape, NULL, ranges));
}

/* Along dimension 0 of a list: what shapes need. */
static enum status fold_gather(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = constant_of(importer, 0), *indices = constant_of(importer, 1);
    int64_t axis;
    TRY(attribute_int(importer, "axis", 0, &axis));
    if (from->shape.rank != 1 || (axis != 0 && axis != -1) || indices->is_float ||
        indices->shape.rank > 1)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "only a list of constants can be gathered from; run the file through "
                         "onnxsim");
    int64_t n = constant_elements(indices);
    int64_t *places = ARENA_ARRAY(importer->arena, (size_t)n, int64_t);
    for (int64_t i = 0; i < n; i++) {
        int32_t place;
        TRY(axis_check(importer, indices->integers[i], from->shape.dims[0], &place));
        places[i] = place;
    }
    return elements_take(importer, from, &indices->shape, places);
}

static enum status concat_check(struct onnx_importer *importer, int32_t *n)
{
    const struct constant *first = constant_of(importer, 0);
    *n = 0;
    for (int32_t i = 0; i < importer->step->n_inputs; i++) {
        const struct constant *from = constant_of(importer, i);
        if (from == NULL || from->shape.rank != 1 || from->is_float != first->is_float)
            return onnx_fail(importer, ERR_UNSUPPORTED,
                             "only lists of constants can be joined; run the file through onnxsim");
        if (from->shape.dims[0] > INT32_MAX - *n)
            return onnx_fail(importer, ERR_INPUT, "the size overflows; the file is damaged");
        *n += from->shape.dims[0];
    }
    return OK;
}

static enum status fold_concat(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    int32_t n, at = 0;
    struct constant *made;
    void *data;
    TRY(concat_check(importer, &n));
    const struct shape shape = {.rank = 1, .dims = {n}};
    TRY(constant_make(importer, &shape, constant_of(importer, 0)->type, &made, &data));
    for (int32_t i = 0; i < importer->step->n_inputs; i++) {
        const struct constant *from = constant_of(importer, i);
        for (int32_t k = 0; k < from->shape.dims[0]; k++, at++) {
            if (made->is_float)
                ((float *)data)[at] = from->floats[k];
            else
                ((int64_t *)data)[at] = from->integers[k];
        }
    }
    return result_set(importer, made);
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
    return result_set(importer, made);
}

/* ---- arithmetic ---- */

static float float_compute(int operation, float a, float b)
{
    switch (operation) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    default:
        return a / b;
    }
}

/* Wraps around where it overflows; a division by 0 gives 0. */
static int64_t integer_compute(int operation, int64_t a, int64_t b)
{
    switch (operation) {
    case '+':
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case '-':
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case '*':
        return (int64_t)((uint64_t)a * (uint64_t)b);
    default:
        return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    }
}

/* Of as many elements, or one with many. */
static enum status fold_arithmetic(struct onnx_importer *importer, int operation)
{
    const struct constant *a = constant_of(importer, 0), *b = constant_of(importer, 1);
    int64_t n_a = constant_elements(a), n_b = constant_elements(b);
    if (a->is_float != b->is_float || n_a == 0 || n_b == 0 ||
        (!shape_equal(&a->shape, &b->shape) && n_a != 1 && n_b != 1))
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "constants of different shapes or types; run the file through onnxsim");
    struct constant *made;
    void *data;
    int larger_is_a = n_a > n_b || (n_a == n_b && a->shape.rank >= b->shape.rank);
    TRY(constant_make(importer, larger_is_a ? &a->shape : &b->shape, a->type, &made, &data));
    int64_t n = constant_elements(made);
    for (int64_t i = 0; i < n; i++) {
        int64_t at_a = n_a == 1 ? 0 : i, at_b = n_b == 1 ? 0 : i;
        if (made->is_float)
            ((float *)data)[i] = float_compute(operation, a->floats[at_a], b->floats[at_b]);
        else
            ((int64_t *)data)[i] = integer_compute(operation, a->integers[at_a], b->integers[at_b]);
    }
    return result_set(importer, made);
}

static enum status fold_floor(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = constant_of(importer, 0);
    struct constant *made;
    void *data;
    TRY(constant_make(importer, &from->shape, from->type, &made, &data));
    int64_t n = constant_elements(from);
    for (int64_t i = 0; i < n; i++) {
        if (made->is_float)
            ((float *)data)[i] = floorf(from->floats[i]);
        else
            ((int64_t *)data)[i] = from->integers[i];
    }
    return result_set(importer, made);
}

/* ---- quantization ---- */

/* The scale of element i. */
static int64_t scale_index(const struct quantizer *quantizer, const struct shape *shape, int64_t i)
{
    if (quantizer->n == 1)
        return 0;
    for (int32_t d = shape->rank - 1; d > quantizer->axis; d--)
        i /= shape->dims[d];
    return i % quantizer->n;
}

static enum status fold_quantize(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = constant_of(importer, 0);
    struct quantizer quantizer;
    struct constant *made;
    void *data;
    TRY(quantizer_read(importer, &from->shape, &quantizer));
    if (!from->is_float || (quantizer.type != ONNX_INT8 && quantizer.type != ONNX_UINT8))
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "only floats can be quantized, to int8 or uint8");
    int64_t n = constant_elements(from), low = quantizer.type == ONNX_INT8 ? -128 : 0;
    TRY(constant_make(importer, &from->shape, quantizer.type, &made, &data));
    for (int64_t i = 0; i < n; i++) {
        int64_t at = scale_index(&quantizer, &from->shape, i);
        double value = nearbyint((double)from->floats[i] / (double)quantizer.scale[at]) +
                       (quantizer.zero_point != NULL ? (double)quantizer.zero_point[at] : 0);
        value = value > (double)low ? value : (double)low;
        ((int64_t *)data)[i] = (int64_t)(value < (double)(low + 255) ? value : (double)(low + 255));
    }
    return result_set(importer, made);
}

static enum status fold_dequantize(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = constant_of(importer, 0);
    struct quantizer quantizer;
    struct constant *made;
    void *data;
    TRY(quantizer_read(importer, &from->shape, &quantizer));
    if (from->is_float)
        return onnx_fail(importer, ERR_INPUT, "only integers can be dequantized");
    TRY(constant_make(importer, &from->shape, ONNX_FLOAT, &made, &data));
    int64_t n = constant_elements(from);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = scale_index(&quantizer, &from->shape, i);
        double zero_point = quantizer.zero_point != NULL ? (double)quantizer.zero_point[at] : 0;
        ((float *)data)[i] =
            (float)(((double)from->integers[i] - zero_point) * (double)quantizer.scale[at]);
    }
    if (from->type == ONNX_INT8 || from->type == ONNX_UINT8) {
        made->n_scales = quantizer.n;
        made->scale_axis = quantizer.axis;
        made->scale = quantizer.scale;
    }
    return result_set(importer, made);
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
