/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "import/onnx_importer.h"
#include "import/onnx_window.h"

/* With ceil_mode, one more position where part of the window is on the (padded) image and it does
 * not start in the pads behind: pads that do not count make room for it. */
static void ceil_pad(struct window *window)
{
    for (int i = 0; i < 2; i++) {
        int64_t before = window->pads[2 * i];
        int64_t size = before + window->input[i] + window->pads[2 * i + 1];
        int64_t start = window_positions(window, i) * window->stride[i];
        if (size > (int64_t)window->size[i] && start < before + window->input[i] &&
            (size - window->size[i]) % window->stride[i] != 0)
            window->pads[2 * i + 1] += (int32_t)(start + window->size[i] - size);
    }
}

/* Pads that count as zeros: a pad node in front. */
static void pad_before(struct onnx_importer *importer, struct window *window, int32_t *id)
{
    const int32_t *pads = window->pads;
    struct node node = {
        .op = OP_pad,
        .n_inputs = 1,
        .inputs = {*id},
        .attrs = {.before = {0, pads[0], pads[2], 0}, .after = {0, pads[1], pads[3], 0}},
    };
    struct shape shape = importer->builder.graph->tensors[*id].shape;
    for (int i = 0; i < 2; i++) {
        window->input[i] += pads[2 * i] + pads[2 * i + 1];
        shape.dims[1 + i] = window->input[i];
    }
    *id = node_add(importer, &node, "pad", &shape);
    memset(window->pads, 0, sizeof window->pads);
}

/* Where the pads count: those that the file gives become zeros in front, those that ceil_mode adds
 * stay with the pool, which does not count them. */
static void pads_count(struct onnx_importer *importer, const struct window *given, int32_t *id,
                       struct window *window)
{
    int64_t positions[2] = {window_positions(window, 0), window_positions(window, 1)};
    *window = *given;
    pad_before(importer, window, id);
    for (int i = 0; i < 2; i++) {
        int64_t end = (positions[i] - 1) * window->stride[i] + window->size[i];
        window->pads[2 * i + 1] = end > window->input[i] ? (int32_t)(end - window->input[i]) : 0;
    }
}

enum status import_onnx_pool(struct onnx_importer *importer, int op)
{
    struct value *input;
    struct window window;
    int64_t ceil_mode, count_pads;
    TRY(step_computed(importer, 0, &input));
    TRY(window_read(importer, &input->shape, NULL, &window));
    TRY(attribute_int(importer, "ceil_mode", 0, &ceil_mode));
    TRY(attribute_int(importer, "count_include_pad", 0, &count_pads));
    if (window.dilation[0] != 1 || window.dilation[1] != 1)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "dilation %dx%d is not supported; use dilation 1", (int)window.dilation[0],
                         (int)window.dilation[1]);
    struct node node = {.op = (enum op)op, .n_inputs = 1};
    TRY(image_input(importer, input, &node.inputs[0]));
    window_pad(&window);
    struct window given = window;
    if (ceil_mode && window.pads_given)
        ceil_pad(&window);
    window_trim(&window);
    if (op == OP_average_pool_2d && count_pads &&
        window.pads[0] + window.pads[1] + window.pads[2] + window.pads[3] > 0)
        pads_count(importer, &given, &node.inputs[0], &window);
    memcpy(node.attrs.window, window.size, sizeof window.size);
    memcpy(node.attrs.stride, window.stride, sizeof window.stride);
    memcpy(node.attrs.pads, window.pads, sizeof window.pads);
    const int64_t size[2] = {window_positions(&window, 0), window_positions(&window, 1)};
    return image_output(importer, &node, window.rank, size, input->shape.dims[1], input, 1);
}

enum status import_onnx_global_pool(struct onnx_importer *importer, int op)
{
    struct value *input;
    TRY(step_computed(importer, 0, &input));
    struct node node = {.op = (enum op)op, .n_inputs = 1};
    TRY(image_input(importer, input, &node.inputs[0]));
    const struct shape *shape = &importer->builder.graph->tensors[node.inputs[0]].shape;
    if (op == OP_mean) {
        node.attrs.axes = 1 << 1 | 1 << 2;
    } else {
        memcpy(node.attrs.window, &shape->dims[1], sizeof node.attrs.window);
        node.attrs.stride[0] = node.attrs.stride[1] = 1;
    }
    const int64_t one[2] = {1, 1};
    return image_output(importer, &node, input->shape.rank, one, input->shape.dims[1], input, 1);
}
