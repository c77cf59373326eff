/* SPDX-License-Identifier: Apache-2.0 */
/* Slice and Split. */
#include <string.h>

#include "import/onnx_importer.h"

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* What begin, end and step take of a dimension of `size`; negative indices count from the end. */
static struct slice_range range_resolve(int64_t begin, int64_t end, int64_t step, int64_t size)
{
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    begin = clamp(begin < 0 ? clamp(begin, -size - 1, 0) + size : begin, low, high);
    end = clamp(end < 0 ? clamp(end, -size - 1, 0) + size : end, low, high);
    int64_t distance = step > 0 ? end - begin : begin - end, magnitude = step > 0 ? step : -step;
    return (struct slice_range){begin, step,
                                distance <= 0 ? 0 : (distance + magnitude - 1) / magnitude};
}

enum status slice_ranges(struct onnx_importer *importer, const struct shape *shape,
                         struct slice_range ranges[MAX_RANK])
{
    int64_t begin[MAX_RANK], end[MAX_RANK], axes[MAX_RANK], step[MAX_RANK];
    int32_t n, n_end, n_axes, n_step = -1;
    TRY(list_read(importer, "starts", 1, begin, MAX_RANK, &n));
    TRY(list_read(importer, "ends", 2, end, MAX_RANK, &n_end));
    TRY(list_read(importer, "axes", 3, axes, MAX_RANK, &n_axes));
    if (step_input(importer, 4) != NULL)
        TRY(input_integer_list(importer, 4, "steps", step, MAX_RANK, &n_step));
    if (n < 0 || n_end != n || (n_axes >= 0 && n_axes != n) || (n_step >= 0 && n_step != n) ||
        (n_axes < 0 && n > shape->rank))
        return onnx_fail(importer, ERR_INPUT,
                         "starts, ends, axes and steps do not have as many elements; the file is "
                         "damaged");
    for (int32_t d = 0; d < shape->rank; d++)
        ranges[d] = (struct slice_range){0, 1, shape->dims[d]};
    for (int32_t i = 0; i < n; i++) {
        int32_t axis = 0;
        int64_t by = n_step < 0 ? 1 : step[i];
        TRY(axis_check(importer, n_axes < 0 ? i : axes[i], shape->rank, &axis));
        if (by == 0 || by < -INT32_MAX || by > INT32_MAX)
            return onnx_fail(importer, ERR_INPUT, "a step of %lld is not possible", (long long)by);
        ranges[axis] = range_resolve(begin[i], end[i], by, shape->dims[axis]);
    }
    return OK;
}

/* Makes one output of the ranges of a computed value. */
static enum status slice_make(struct onnx_importer *importer, struct value *input,
                              const struct slice_range *ranges, struct value *output)
{
    int32_t order[MAX_RANK], n;
    int64_t dims[MAX_RANK];
    struct shape file;
    struct node node = {.op = OP_strided_slice, .n_inputs = 1};
    if (!order_common(&input, 1, order, &n))
        return fail_transposed(importer, input);
    for (int32_t d = 0; d < input->shape.rank; d++) {
        TRY(value_need_ascending(importer, input, d));
        dims[d] = ranges[d].count;
    }
    TRY(shape_make(importer, dims, input->shape.rank, &file));
    TRY(value_ordered(importer, input, order, n, &node.inputs[0]));
    for (int32_t i = 0; i < n; i++) {
        node.attrs.step[i] = 1;
        if (order[i] < 0)
            continue;
        node.attrs.begin[i] = (int32_t)ranges[order[i]].first;
        /* A step that is not taken may be larger than the image. */
        node.attrs.step[i] = dims[order[i]] == 1 ? 1 : (int32_t)ranges[order[i]].step;
    }
    struct shape shape = shape_ordered(&file, order, n);
    struct layout layout = layout_of_order(&file, order, n);
    return value_make(importer, output, &node, &shape, &file, &layout);
}

enum status import_onnx_slice(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    struct slice_range ranges[MAX_RANK];
    TRY(step_computed(importer, 0, &input));
    TRY(slice_ranges(importer, &input->shape, ranges));
    int whole = 1;
    for (int32_t d = 0; d < input->shape.rank; d++)
        whole = whole && ranges[d].count == input->shape.dims[d] && ranges[d].step == 1;
    if (whole)
        return value_view(importer, input, &input->shape, &input->layout);
    return slice_make(importer, input, ranges, step_output(importer, 0));
}

/* Sizes of the parts: given, or equal (the last may be smaller). */
static enum status parts_read(struct onnx_importer *importer, int32_t size, int32_t n_parts,
                              int64_t parts[MAX_INPUTS])
{
    int32_t n;
    int64_t total = 0;
    TRY(list_read(importer, "split", 1, parts, MAX_INPUTS, &n));
    int64_t each = (size + n_parts - 1) / n_parts;
    for (int32_t i = 0; n < 0 && i < n_parts; i++)
        parts[i] = clamp(size - i * each, 0, each);
    for (int32_t i = 0; i < n_parts; i++) {
        if ((n >= 0 && n != n_parts) || parts[i] < 1 || parts[i] > size)
            return onnx_fail(importer, ERR_INPUT, "its parts do not suit its %d outputs",
                             (int)n_parts);
        total += parts[i];
    }
    return total == size ? OK
                         : onnx_fail(importer, ERR_INPUT, "the parts make %lld, not %d",
                                     (long long)total, (int)size);
}

enum status import_onnx_split(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    struct slice_range ranges[MAX_RANK];
    int64_t given, parts[MAX_INPUTS], first = 0;
    int32_t axis, n_parts = importer->step->n_outputs;
    TRY(step_computed(importer, 0, &input));
    TRY(attribute_int(importer, "axis", 0, &given));
    TRY(axis_check(importer, given, input->shape.rank, &axis));
    if (n_parts > MAX_INPUTS)
        return onnx_fail(importer, ERR_UNSUPPORTED, "%d outputs, at most %d are supported",
                         (int)n_parts, MAX_INPUTS);
    TRY(parts_read(importer, input->shape.dims[axis], n_parts, parts));
    for (int32_t d = 0; d < input->shape.rank; d++)
        ranges[d] = (struct slice_range){0, 1, input->shape.dims[d]};
    for (int32_t i = 0; i < n_parts; i++) {
        ranges[axis].first = first;
        ranges[axis].count = parts[i];
        first += parts[i];
        struct value *output = step_output(importer, i);
        if (output != NULL && output->n_readers > 0)
            TRY(slice_make(importer, input, ranges, output));
    }
    return OK;
}
