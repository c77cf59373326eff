/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that move nothing: they give a value another shape, or another order of its dimensions. */
#include <string.h>

#include "import/onnx_importer.h"

enum status reshape_shape(struct onnx_importer *importer, const struct shape *from,
                          struct shape *to)
{
    int64_t dims[MAX_RANK], allow_zero, known = 1;
    int32_t n, open = -1;
    TRY(input_integer_list(importer, 1, "shape", dims, MAX_RANK, &n));
    TRY(attribute_int(importer, "allowzero", 0, &allow_zero));
    for (int32_t i = 0; i < n; i++) {
        if (dims[i] == 0 && !allow_zero)
            dims[i] = i < from->rank ? from->dims[i] : 0;
        if (dims[i] == -1 && open < 0) {
            open = i;
            continue;
        }
        if (dims[i] < 1 || dims[i] > INT32_MAX || (known *= dims[i]) > INT32_MAX)
            return onnx_fail(importer, ERR_INPUT, "dimension %d of the new shape is %lld", (int)i,
                             (long long)dims[i]);
    }
    int64_t elements = shape_elements(from);
    if (open >= 0) {
        dims[open] = elements / known;
        known *= dims[open];
    }
    if (known != elements)
        return onnx_fail(importer, ERR_INPUT,
                         "the new shape does not have the %lld elements of %s; export with batch "
                         "size 1",
                         (long long)elements, shape_string(from, importer->arena));
    return shape_make(importer, dims, n, to);
}

enum status flatten_shape(struct onnx_importer *importer, const struct shape *from,
                          struct shape *to)
{
    int64_t axis, dims[2] = {1, 1};
    TRY(attribute_int(importer, "axis", 1, &axis));
    axis = axis < 0 ? axis + from->rank : axis;
    if (axis < 0 || axis > from->rank)
        return onnx_fail(importer, ERR_INPUT, "axis %lld is not one of %d dimensions",
                         (long long)axis, (int)from->rank);
    for (int32_t d = 0; d < from->rank; d++)
        dims[d >= axis] *= from->dims[d];
    return shape_make(importer, dims, 2, to);
}

enum status squeeze_shape(struct onnx_importer *importer, const struct shape *from,
                          struct shape *to)
{
    uint32_t mask;
    int given;
    TRY(axes_read(importer, 1, from->rank, &mask, &given));
    *to = (struct shape){.rank = 0};
    for (int32_t d = 0; d < from->rank; d++) {
        int drop = given ? (int)(mask >> d & 1) : from->dims[d] == 1;
        if (drop && from->dims[d] != 1)
            return onnx_fail(importer, ERR_INPUT, "dimension %d is %d, only 1 can be left out",
                             (int)d, (int)from->dims[d]);
        if (!drop)
            to->dims[to->rank++] = from->dims[d];
    }
    return OK;
}

enum status unsqueeze_shape(struct onnx_importer *importer, const struct shape *from,
                            struct shape *to)
{
    int64_t axes[MAX_RANK];
    int32_t n;
    uint32_t mask = 0;
    TRY(list_read(importer, "axes", 1, axes, MAX_RANK, &n));
    n = n < 0 ? 0 : n;
    if (from->rank + n > MAX_RANK)
        return onnx_fail(importer, ERR_UNSUPPORTED, "%d dimensions, at most %d are supported",
                         (int)(from->rank + n), MAX_RANK);
    for (int32_t i = 0; i < n; i++) {
        int32_t axis = 0;
        TRY(axis_check(importer, axes[i], from->rank + n, &axis));
        if (mask >> axis & 1)
            return onnx_fail(importer, ERR_INPUT, "axis %d is given twice", (int)axis);
        mask |= 1U << axis;
    }
    *to = (struct shape){.rank = from->rank + n};
    for (int32_t d = 0, k = 0; d < to->rank; d++)
        to->dims[d] = mask >> d & 1 ? 1 : from->dims[k++];
    return OK;
}

enum status transpose_order(struct onnx_importer *importer, int32_t rank, int32_t order[MAX_RANK])
{
    int64_t perm[MAX_RANK];
    int32_t n;
    uint32_t seen = 0;
    TRY(attribute_ints(importer, "perm", perm, MAX_RANK, &n));
    for (int32_t d = 0; d < rank && attribute_find(importer, "perm") == NULL; d++)
        perm[n++] = rank - 1 - d;
    for (int32_t d = 0; d < n; d++) {
        if (n != rank || perm[d] < 0 || perm[d] >= rank || seen >> perm[d] & 1)
            return onnx_fail(importer, ERR_INPUT, "perm is no order of the %d dimensions",
                             (int)rank);
        seen |= 1U << perm[d];
        order[d] = (int32_t)perm[d];
    }
    return n == rank
               ? OK
               : onnx_fail(importer, ERR_INPUT, "perm has %d of %d dimensions", (int)n, (int)rank);
}

/* ---- of computed values ---- */

enum status import_onnx_identity(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *from;
    TRY(step_computed(importer, 0, &from));
    return value_view(importer, from, &from->shape, &from->layout);
}

static enum status import_shape(struct onnx_importer *importer,
                                enum status (*rule)(struct onnx_importer *, const struct shape *,
                                                    struct shape *))
{
    struct value *from;
    struct shape shape;
    struct layout layout;
    TRY(step_computed(importer, 0, &from));
    TRY(rule(importer, &from->shape, &shape));
    if (!layout_reshape(&from->layout, &shape, &layout))
        return fail_transposed(importer, from);
    return value_view(importer, from, &shape, &layout);
}

enum status import_onnx_reshape(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    return import_shape(importer, reshape_shape);
}

enum status import_onnx_flatten(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    return import_shape(importer, flatten_shape);
}

enum status import_onnx_squeeze(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    return import_shape(importer, squeeze_shape);
}

enum status import_onnx_unsqueeze(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    return import_shape(importer, unsqueeze_shape);
}

enum status import_onnx_transpose(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *from;
    int32_t order[MAX_RANK];
    TRY(step_computed(importer, 0, &from));
    TRY(transpose_order(importer, from->shape.rank, order));
    struct shape shape = shape_ordered(&from->shape, order, from->shape.rank);
    struct layout layout = layout_transpose(&from->layout, order, from->shape.rank);
    return value_view(importer, from, &shape, &layout);
}
