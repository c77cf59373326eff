/* SPDX-License-Identifier: Apache-2.0 */
/* Concat, Pad and ReduceMean: ops that name dimensions. */
#include <string.h>

#include "import/onnx_importer.h"

/* The place of dimension `dim` in an order. */
static int32_t place_of(const int32_t *order, int32_t n, int32_t dim)
{
    for (int32_t i = 0; i < n; i++)
        if (order[i] == dim)
            return i;
    return 0;
}

/* ---- concatenation ---- */

/* A constant among the joined. */
static enum status part_constant(struct onnx_importer *importer, const struct value *value,
                                 const int32_t *order, int32_t n, int32_t *id)
{
    struct axis axes[MAX_RANK];
    if (!value->constant->is_float || constant_elements(value->constant) == 0)
        return onnx_fail(importer, ERR_UNSUPPORTED, "the constant '%s' must be floats",
                         onnx_name(importer->arena, value->name));
    for (int32_t i = 0; i < n; i++) {
        axes[i] = (struct axis){1, 0, NULL};
        if (order[i] < 0)
            continue;
        axes[i].n = value->shape.dims[order[i]];
        axes[i].stride = 1;
        for (int32_t d = order[i] + 1; d < value->shape.rank; d++)
            axes[i].stride *= value->shape.dims[d];
    }
    struct shape shape = shape_ordered(&value->shape, order, n);
    *id = constant_add(importer, "part", &shape,
                       floats_arrange(importer->arena, value->constant->floats, axes, n));
    return OK;
}

static enum status parts_read(struct onnx_importer *importer, struct value **parts, int32_t *axis,
                              struct shape *file)
{
    int32_t n = importer->step->n_inputs;
    int64_t given, dims[MAX_RANK];
    for (int32_t i = 0; i < n; i++) {
        parts[i] = step_input(importer, i);
        if (parts[i] == NULL || parts[i]->shape.rank != parts[0]->shape.rank)
            return onnx_fail(importer, ERR_INPUT,
                             "the inputs do not have as many dimensions; the file is damaged");
    }
    int32_t rank = parts[0]->shape.rank;
    if (attribute_find(importer, "axis") == NULL)
        return onnx_fail(importer, ERR_INPUT, "axis is missing; the file is damaged");
    TRY(attribute_int(importer, "axis", 1, &given));
    TRY(axis_check(importer, given, rank, axis));
    for (int32_t d = 0; d < rank; d++)
        dims[d] = d == *axis ? 0 : parts[0]->shape.dims[d];
    for (int32_t i = 0; i < n; i++) {
        for (int32_t d = 0; d < rank; d++)
            if (d != *axis && parts[i]->shape.dims[d] != dims[d])
                return onnx_fail(importer, ERR_INPUT, "the shapes do not match: %s and %s",
                                 shape_string(&parts[0]->shape, importer->arena),
                                 shape_string(&parts[i]->shape, importer->arena));
        dims[*axis] += parts[i]->shape.dims[*axis];
    }
    return shape_make(importer, dims, rank, file);
}

static enum status part_id(struct onnx_importer *importer, const struct value *part,
                           const int32_t *order, int32_t n, int32_t *id)
{
    if (part->constant != NULL)
        return part_constant(importer, part, order, n, id);
    for (int32_t d = 0; d < part->shape.rank; d++)
        TRY(value_need_ascending(importer, part, d));
    return value_ordered(importer, part, order, n, id);
}

enum status import_onnx_concat(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    int32_t n_parts = importer->step->n_inputs, axis, order[MAX_RANK], n;
    struct value *parts[MAX_INPUTS] = {NULL};
    struct shape file;
    if (n_parts > MAX_INPUTS)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "%d inputs, at most %d are supported; join in two steps", (int)n_parts,
                         MAX_INPUTS);
    TRY(parts_read(importer, parts, &axis, &file));
    int32_t computed = 0;
    while (computed < n_parts - 1 && parts[computed]->constant != NULL)
        computed++;
    if (!order_common(parts, n_parts, order, &n))
        return fail_transposed(importer, parts[computed]);
    struct node node = {.op = OP_concatenation, .n_inputs = n_parts};
    node.attrs.axis = place_of(order, n, axis);
    for (int32_t i = 0; i < n_parts; i++)
        TRY(part_id(importer, parts[i], order, n, &node.inputs[i]));
    return value_make_ordered(importer, &node, &file, order, n);
}

/* ---- pad ---- */

/* Pads of each dimension: before, after. */
static enum status pads_read(struct onnx_importer *importer, int32_t rank, int64_t before[MAX_RANK],
                             int64_t after[MAX_RANK])
{
    int64_t pads[2 * MAX_RANK], axes[MAX_RANK] = {0, 1, 2, 3, 4};
    int32_t n, n_axes = -1;
    TRY(list_read(importer, "pads", 1, pads, 2 * MAX_RANK, &n));
    if (step_input(importer, 3) != NULL)
        TRY(input_integer_list(importer, 3, "axes", axes, MAX_RANK, &n_axes));
    n_axes = n_axes < 0 ? rank : n_axes;
    if (n != 2 * n_axes)
        return onnx_fail(importer, ERR_INPUT, "it has %d pads for %d dimensions", (int)n,
                         (int)n_axes);
    memset(before, 0, MAX_RANK * sizeof *before);
    memset(after, 0, MAX_RANK * sizeof *after);
    for (int32_t i = 0; i < n_axes; i++) {
        int32_t axis = 0;
        TRY(axis_check(importer, axes[i], rank, &axis));
        before[axis] = pads[i];
        after[axis] = pads[n_axes + i];
        if (pads[i] < 0 || pads[i] > INT16_MAX || pads[n_axes + i] < 0 ||
            pads[n_axes + i] > INT16_MAX)
            return onnx_fail(importer, ERR_UNSUPPORTED,
                             "pads of %lld and %lld are not supported; they must not be negative",
                             (long long)pads[i], (long long)pads[n_axes + i]);
    }
    return OK;
}

static enum status pad_value_check(struct onnx_importer *importer)
{
    const char *mode;
    float value;
    const struct constant *constant;
    TRY(attribute_string(importer, "mode", "constant", &mode));
    TRY(attribute_float(importer, "value", 0, &value));
    if (step_input(importer, 2) != NULL) {
        TRY(input_floats(importer, 2, "value", &constant));
        value = constant->floats[0];
    }
    if (strcmp(mode, "constant") != 0 || value < 0 || value > 0)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "mode '%s' with value %g is not supported; pad with zeros",
                         onnx_name(importer->arena, mode), (double)value);
    return OK;
}

enum status import_onnx_pad(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    int64_t before[MAX_RANK], after[MAX_RANK], dims[MAX_RANK], total = 0;
    int32_t order[MAX_RANK], n;
    TRY(step_computed(importer, 0, &input));
    TRY(pad_value_check(importer));
    TRY(pads_read(importer, input->shape.rank, before, after));
    if (!order_common(&input, 1, order, &n))
        return fail_transposed(importer, input);
    for (int32_t d = 0; d < input->shape.rank; d++) {
        dims[d] = input->shape.dims[d] + before[d] + after[d];
        total += before[d] + after[d];
        if (total > 0)
            TRY(value_need_ascending(importer, input, d));
    }
    if (total == 0)
        return value_view(importer, input, &input->shape, &input->layout);
    struct node node = {.op = OP_pad, .n_inputs = 1};
    struct shape file;
    TRY(shape_make(importer, dims, input->shape.rank, &file));
    TRY(value_ordered(importer, input, order, n, &node.inputs[0]));
    for (int32_t i = 0; i < n; i++) {
        node.attrs.before[i] = order[i] < 0 ? 0 : (int32_t)before[order[i]];
        node.attrs.after[i] = order[i] < 0 ? 0 : (int32_t)after[order[i]];
    }
    for (int32_t d = 0; d < input->shape.rank; d++)
        TRY(value_need_ascending(importer, input, d));
    return value_make_ordered(importer, &node, &file, order, n);
}

/* ---- mean ---- */

enum status import_onnx_mean(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    uint32_t mask;
    int given;
    int64_t keep, no_axes;
    int32_t order[MAX_RANK], n, n_kept = 0, kept_dims[MAX_RANK];
    TRY(step_computed(importer, 0, &input));
    int32_t rank = input->shape.rank;
    TRY(axes_read(importer, 1, rank, &mask, &given));
    TRY(attribute_int(importer, "keepdims", 1, &keep));
    TRY(attribute_int(importer, "noop_with_empty_axes", 0, &no_axes));
    if (!given && no_axes)
        return value_view(importer, input, &input->shape, &input->layout);
    mask = given ? mask : (1U << rank) - 1;
    if (!order_common(&input, 1, order, &n))
        return fail_transposed(importer, input);
    struct node node = {.op = OP_mean, .n_inputs = 1};
    TRY(value_ordered(importer, input, order, n, &node.inputs[0]));
    struct shape shape = shape_ordered(&input->shape, order, n), file = input->shape;
    for (int32_t i = 0; i < n; i++)
        if (order[i] >= 0 && mask >> order[i] & 1) {
            node.attrs.axes |= 1 << i;
            shape.dims[i] = 1;
        }
    struct layout layout = layout_without(&input->layout, mask, 0);
    for (int32_t d = 0; d < rank; d++) {
        file.dims[d] = mask >> d & 1 ? 1 : file.dims[d];
        if (keep || !(mask >> d & 1))
            kept_dims[n_kept++] = d;
    }
    file = shape_ordered(&file, kept_dims, n_kept);
    layout = layout_transpose(&layout, kept_dims, n_kept);
    return value_make(importer, step_output(importer, 0), &node, &shape, &file, &layout);
}
