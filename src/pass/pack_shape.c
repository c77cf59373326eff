/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that only move elements. */
#include <assert.h>
#include <math.h>

#include "pass/pack_internal.h"

/* The product of the dimensions from `axis` on. */
static int32_t inner_size(const struct shape *shape, int32_t axis)
{
    int32_t size = 1;
    for (int32_t i = axis; i < shape->rank; i++)
        size *= shape->dims[i];
    return size;
}

enum status pack_concatenation(struct packing *packing)
{
    const struct node *node = packing->node;
    const struct tensor *output = node_output(packing->graph, node);
    int32_t axis = node->attrs.axis;
    int32_t output_stride = inner_size(&output->shape, axis);
    int32_t rows = (int32_t)(shape_elements(&output->shape) / output_stride);
    size_t offset = 0;
    for (int32_t i = 0; i < node->n_inputs; i++) {
        const struct tensor *input = node_input(packing->graph, node, i);
        struct packed_call *call = call_add(packing, "copy_s8", 1);
        int32_t row_bytes = inner_size(&input->shape, axis);
        call->inputs[0] = node->inputs[i];
        call->output_offset = offset;
        call->parameters.copy = (struct dtmm_copy){rows, row_bytes, row_bytes, output_stride};
        offset += (size_t)row_bytes;
        if (input->data != NULL)
            packing->facts->weight_bytes += tensor_bytes(input);
    }
    return OK;
}

/* A reshape whose input and output cannot share memory. */
enum status pack_copy(struct packing *packing)
{
    const struct tensor *input = node_input(packing->graph, packing->node, 0);
    struct packed_call *call = call_add(packing, "copy_s8", 1);
    size_t bytes = tensor_bytes(input);
    TRY(check_range(packing, "size in bytes", (int64_t)bytes, 1, INT32_MAX));
    int32_t n = (int32_t)bytes;
    call->parameters.copy = (struct dtmm_copy){1, n, n, n};
    if (input->data != NULL)
        packing->facts->weight_bytes += bytes;
    return OK;
}

enum status pack_pad(struct packing *packing)
{
    const struct tensor *input = node_input(packing->graph, packing->node, 0);
    struct packed_call *call = call_add(packing, "pad_s8", 1);
    struct dtmm_pad *pad = &call->parameters.pad;
    int missing = MAX_RANK - input->shape.rank;
    for (int i = 0; i < MAX_RANK; i++) {
        pad->dims[i] = extended_dim(&input->shape, i);
        pad->before[i] = i < missing ? 0 : packing->node->attrs.before[i - missing];
        pad->after[i] = i < missing ? 0 : packing->node->attrs.after[i - missing];
    }
    /* pad_common.cc: zero, in the output's quantization. */
    SET_S8(packing, pad, value, tensor_zero_point(node_output(packing->graph, packing->node)));
    return OK;
}

enum status pack_strided_slice(struct packing *packing)
{
    const struct shape *input = &node_input(packing->graph, packing->node, 0)->shape;
    const struct shape *output = &node_output(packing->graph, packing->node)->shape;
    struct packed_call *call = call_add(packing, "slice_s8", 1);
    struct dtmm_slice *slice = &call->parameters.slice;
    int missing = MAX_RANK - input->rank;
    int32_t stride = 1;
    for (int i = MAX_RANK - 1; i >= 0; i--) {
        int32_t begin = i < missing ? 0 : packing->node->attrs.begin[i - missing];
        int32_t step = i < missing ? 1 : packing->node->attrs.step[i - missing];
        slice->dims[i] = extended_dim(output, i);
        /* A step that is never taken may be any number. */
        slice->stride[i] = slice->dims[i] == 1 ? 0 : step * stride;
        slice->offset += begin * stride;
        stride *= extended_dim(input, i);
    }
    return OK;
}

/* GetNearestNeighbor in kernels/internal/reference/resize_nearest_neighbor.h, in float. */
static int32_t nearest(int32_t at, int32_t input_size, int32_t output_size,
                       const struct attrs *attrs)
{
    float scale = attrs->align_corners && output_size > 1
                      ? (float)(input_size - 1) / (float)(output_size - 1)
                      : (float)input_size / (float)output_size;
    float offset = attrs->half_pixel_centers ? 0.5F : 0.0F;
    float place = ((float)at + offset) * scale;
    int32_t result = (int32_t)(attrs->align_corners ? roundf(place) : floorf(place));
    if (result > input_size - 1)
        result = input_size - 1;
    return result < 0 ? 0 : result;
}

static const uint16_t *nearest_table(struct packing *packing, int32_t input_size,
                                     int32_t output_size)
{
    uint16_t *table = ARENA_ARRAY(packing->arena, (size_t)output_size, uint16_t);
    for (int32_t i = 0; i < output_size; i++)
        table[i] = (uint16_t)nearest(i, input_size, output_size, &packing->node->attrs);
    return table;
}

enum status pack_resize_nearest_neighbor(struct packing *packing)
{
    const struct tensor *input = node_input(packing->graph, packing->node, 0);
    const struct tensor *output = node_output(packing->graph, packing->node);
    struct packed_call *call = call_add(packing, "resize_nearest_s8", 1);
    struct dtmm_resize_nearest *resize = &call->parameters.resize_nearest;
    TRY(check_image(packing, input));
    TRY(check_range(packing, "input_h", input->shape.dims[1], 1, UINT16_MAX));
    SET_U16(packing, resize, input_w, input->shape.dims[2]);
    SET_U16(packing, resize, output_h, output->shape.dims[1]);
    SET_U16(packing, resize, output_w, output->shape.dims[2]);
    resize->channels = input->shape.dims[3];
    resize->row = nearest_table(packing, input->shape.dims[1], resize->output_h);
    resize->column = nearest_table(packing, input->shape.dims[2], resize->output_w);
    size_t *bytes = &packing->facts->quantization_bytes;
    call_array(call, (struct packed_array){"row", "uint16_t", resize->row, resize->output_h, 2},
               bytes);
    call_array(call,
               (struct packed_array){"column", "uint16_t", resize->column, resize->output_w, 2},
               bytes);
    return OK;
}
