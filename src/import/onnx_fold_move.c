/* SPDX-License-Identifier: Apache-2.0 */
#include "import/onnx_fold.h"

/* The first input with another shape of as many elements. */
static enum status fold_shaped(struct onnx_importer *importer, const struct shape *shape)
{
    struct constant *constant =
        arena_copy(importer->arena, fold_input(importer, 0), sizeof *constant);
    constant->shape = *shape;
    if (constant->n_scales > 1)
        constant->n_scales = 0;
    return fold_result(importer, constant);
}

enum status fold_reshape(struct onnx_importer *importer, int parameter)
{
    struct shape shape;
    enum status (*const rules[])(struct onnx_importer *, const struct shape *, struct shape *) = {
        reshape_shape, flatten_shape, squeeze_shape, unsqueeze_shape};
    TRY(rules[parameter](importer, &fold_input(importer, 0)->shape, &shape));
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
    return fold_result(importer, made);
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

enum status fold_transpose(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = fold_input(importer, 0);
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
    return fold_result(importer, moved);
}

enum status fold_slice(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = fold_input(importer, 0);
    struct slice_range ranges[MAX_RANK];
    TRY(slice_ranges(importer, &from->shape, ranges));
    struct shape shape = from->shape;
    for (int32_t d = 0; d < shape.rank; d++)
        shape.dims[d] = (int32_t)ranges[d].count;
    return elements_take(importer, from, &shape,
                         places_make(importer, &from->shape, &shape, NULL, ranges));
}

/* Along dimension 0 of a list: what shapes need. */
enum status fold_gather(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    const struct constant *from = fold_input(importer, 0), *indices = fold_input(importer, 1);
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
    const struct constant *first = fold_input(importer, 0);
    *n = 0;
    for (int32_t i = 0; i < importer->step->n_inputs; i++) {
        const struct constant *from = fold_input(importer, i);
        if (from == NULL || from->shape.rank != 1 || from->is_float != first->is_float)
            return onnx_fail(importer, ERR_UNSUPPORTED,
                             "only lists of constants can be joined; run the file through onnxsim");
        if (from->shape.dims[0] > INT32_MAX - *n)
            return onnx_fail(importer, ERR_INPUT, "the size overflows; the file is damaged");
        *n += from->shape.dims[0];
    }
    return OK;
}

enum status fold_concat(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    int32_t n, at = 0;
    struct constant *made;
    void *data;
    TRY(concat_check(importer, &n));
    const struct shape shape = {.rank = 1, .dims = {n}};
    TRY(constant_make(importer, &shape, fold_input(importer, 0)->type, &made, &data));
    for (int32_t i = 0; i < importer->step->n_inputs; i++) {
        const struct constant *from = fold_input(importer, i);
        for (int32_t k = 0; k < from->shape.dims[0]; k++, at++) {
            if (made->is_float)
                ((float *)data)[at] = from->floats[k];
            else
                ((int64_t *)data)[at] = from->integers[k];
        }
    }
    return fold_result(importer, made);
}
