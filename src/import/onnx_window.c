/* SPDX-License-Identifier: Apache-2.0 */
#include "import/onnx_window.h"

#include <string.h>

/* One number a dimension of the image. */
static enum status pair_read(struct onnx_importer *importer, const char *name, int32_t rank,
                             int32_t pair[2])
{
    int64_t values[2];
    int32_t n;
    TRY(attribute_ints(importer, name, values, 2, &n));
    if (n != 0 && n != rank - 2)
        return onnx_fail(importer, ERR_INPUT, "%s has %d elements for %d dimensions", name, (int)n,
                         (int)(rank - 2));
    for (int32_t i = 0; i < n; i++) {
        if (values[i] < 1 || values[i] > UINT16_MAX)
            return onnx_fail(importer, ERR_INPUT, "%s %lld is out of range", name,
                             (long long)values[i]);
        pair[2 - n + i] = (int32_t)values[i];
    }
    return OK;
}

static enum status pads_read(struct onnx_importer *importer, struct window *window)
{
    int64_t values[4];
    const char *automatic;
    int32_t n, spatial = window->rank - 2;
    TRY(attribute_string(importer, "auto_pad", "NOTSET", &automatic));
    window->same_upper = strcmp(automatic, "SAME_UPPER") == 0;
    window->same_lower = strcmp(automatic, "SAME_LOWER") == 0;
    if (window->same_upper || window->same_lower || strcmp(automatic, "VALID") == 0)
        return OK;
    if (strcmp(automatic, "NOTSET") != 0 && *automatic != '\0')
        return onnx_fail(importer, ERR_INPUT, "auto_pad '%s' is unknown",
                         onnx_name(importer->arena, automatic));
    window->pads_given = 1;
    TRY(attribute_ints(importer, "pads", values, 4, &n));
    if (n != 0 && n != 2 * spatial)
        return onnx_fail(importer, ERR_INPUT, "pads has %d elements, it must have %d", (int)n,
                         (int)(2 * spatial));
    for (int32_t i = 0; i < n; i++) {
        if (values[i] < 0 || values[i] > UINT16_MAX)
            return onnx_fail(importer, ERR_UNSUPPORTED, "a pad of %lld is not supported",
                             (long long)values[i]);
        int32_t dim = 2 - spatial + i % spatial;
        window->pads[2 * dim + i / spatial] = (int32_t)values[i];
    }
    return OK;
}

enum status window_read(struct onnx_importer *importer, const struct shape *input,
                        const int32_t *size, struct window *window)
{
    *window = (struct window){
        .rank = input->rank,
        .input = {1, 1},
        .size = {1, 1},
        .stride = {1, 1},
        .dilation = {1, 1},
    };
    if (input->rank != 3 && input->rank != 4)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "an input of %d dimensions; images (4) and sequences (3) are supported",
                         (int)input->rank);
    for (int32_t d = 2; d < input->rank; d++)
        window->input[d + 2 - input->rank] = input->dims[d];
    if (window->input[0] > UINT16_MAX || window->input[1] > UINT16_MAX)
        return onnx_fail(importer, ERR_UNSUPPORTED, "an image higher or wider than %d", UINT16_MAX);
    TRY(pair_read(importer, "kernel_shape", input->rank, window->size));
    if (size == NULL && attribute_find(importer, "kernel_shape") == NULL)
        return onnx_fail(importer, ERR_INPUT, "kernel_shape is missing; the file is damaged");
    for (int i = 0; i < 2 && size != NULL; i++)
        window->size[i] = size[i];
    TRY(pair_read(importer, "strides", input->rank, window->stride));
    TRY(pair_read(importer, "dilations", input->rank, window->dilation));
    return pads_read(importer, window);
}

static int64_t window_extent(const struct window *window, int i)
{
    return ((int64_t)window->size[i] - 1) * window->dilation[i] + 1;
}

void window_pad(struct window *window)
{
    for (int i = 0; i < 2 && (window->same_upper || window->same_lower); i++) {
        int64_t positions = (window->input[i] + window->stride[i] - 1) / window->stride[i];
        int64_t total =
            (positions - 1) * window->stride[i] + window_extent(window, i) - window->input[i];
        total = total < 0 ? 0 : total;
        int64_t before = window->same_upper ? total / 2 : total - total / 2;
        window->pads[2 * i] = (int32_t)(before & INT32_MAX);
        window->pads[2 * i + 1] = (int32_t)((total - before) & INT32_MAX);
    }
}

int64_t window_positions(const struct window *window, int i)
{
    int64_t size = (int64_t)window->input[i] + window->pads[2 * i] + window->pads[2 * i + 1];
    int64_t extent = window_extent(window, i);
    return size < extent ? 0 : (size - extent) / window->stride[i] + 1;
}

void window_trim(struct window *window)
{
    for (int i = 0; i < 2; i++) {
        int64_t used = (window_positions(window, i) - 1) * window->stride[i] +
                       window_extent(window, i) - window->input[i] - window->pads[2 * i];
        if (used >= 0 && used < window->pads[2 * i + 1])
            window->pads[2 * i + 1] = (int32_t)used;
        else if (used < 0)
            window->pads[2 * i + 1] = 0;
    }
}

enum status image_input(struct onnx_importer *importer, const struct value *value, int32_t *id)
{
    int32_t order[MAX_RANK];
    if (value->shape.rank != 3 && value->shape.rank != 4)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "an input of %d dimensions; images (4) and sequences (3) are supported",
                         (int)value->shape.rank);
    int32_t n = channels_last(value->shape.rank, order);
    return value_ordered(importer, value, order, n, id);
}

enum status image_output(struct onnx_importer *importer, struct node *node, int32_t rank,
                         const int64_t size[2], int64_t channels, const struct value *from,
                         int32_t multiplier)
{
    int64_t dims[4] = {1, channels, size[0], size[1]};
    int32_t order[MAX_RANK], n = channels_last(rank, order);
    struct shape file;
    if (rank == 3)
        dims[2] = size[1];
    TRY(shape_make(importer, dims, rank, &file));
    struct layout layout = layout_of_order(&file, order, n);
    if (from != NULL)
        layout = layout_channels(&layout, 1, &from->layout, multiplier);
    struct shape shape = shape_ordered(&file, order, n);
    return value_make(importer, step_output(importer, 0), node, &shape, &file, &layout);
}
