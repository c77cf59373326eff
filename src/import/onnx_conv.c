/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "import/onnx_quantized.h"
#include "import/onnx_window.h"

/* A convolution at work. Dimensions of the weights in the file: `outer` x `inner` x kernel. */
struct convolution {
    const struct value *input;
    const struct constant *weights, *bias; /* bias: NULL when there is none */
    int32_t outer, inner;
    int32_t channels; /* of the input */
    int64_t groups;
    struct window window;
};

static enum status bias_read(struct onnx_importer *importer, int32_t channels,
                             const struct constant **bias)
{
    *bias = NULL;
    if (step_input(importer, 2) == NULL)
        return OK;
    TRY(input_floats(importer, 2, "bias", bias));
    if (constant_elements(*bias) != channels)
        return onnx_fail(importer, ERR_INPUT, "the bias has %lld elements, it must have %d",
                         (long long)constant_elements(*bias), (int)channels);
    return OK;
}

static enum status convolution_read(struct onnx_importer *importer, struct convolution *conv)
{
    struct value *input;
    TRY(step_computed(importer, 0, &input));
    TRY(input_floats(importer, 1, "weights", &conv->weights));
    const struct shape *shape = &conv->weights->shape;
    if (shape->rank != input->shape.rank || shape->rank < 3 || shape->rank > 4)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "an input of %d and weights of %d dimensions; images (4) and sequences "
                         "(3) are supported",
                         (int)input->shape.rank, (int)shape->rank);
    conv->input = input;
    conv->outer = shape->dims[0];
    conv->inner = shape->dims[1];
    conv->channels = input->shape.dims[1];
    const int32_t size[2] = {shape->rank == 4 ? shape->dims[2] : 1, shape->dims[shape->rank - 1]};
    TRY(window_read(importer, &input->shape, size, &conv->window));
    TRY(attribute_int(importer, "group", 1, &conv->groups));
    if (conv->groups < 1 || conv->groups > conv->channels || conv->channels % conv->groups != 0)
        return onnx_fail(importer, ERR_INPUT, "%d channels cannot make %lld groups",
                         (int)conv->channels, (long long)conv->groups);
    return OK;
}

static struct attrs attrs_of(const struct window *window)
{
    struct attrs attrs = {.activation = ACTIVATION_NONE};
    memcpy(attrs.stride, window->stride, sizeof attrs.stride);
    memcpy(attrs.dilation, window->dilation, sizeof attrs.dilation);
    memcpy(attrs.pads, window->pads, sizeof attrs.pads);
    return attrs;
}

/* Weights of filters first .. first + n - 1 as O KH KW I. */
static int32_t weights_add(struct onnx_importer *importer, const struct convolution *conv,
                           int32_t first, int32_t n, const int32_t *input_channels)
{
    const int32_t *size = conv->window.size;
    int64_t taps = (int64_t)size[0] * size[1], filter = taps * conv->inner;
    const struct axis axes[4] = {{n, filter, NULL},
                                 {size[0], size[1], NULL},
                                 {size[1], 1, NULL},
                                 {conv->inner, taps, input_channels}};
    struct shape shape = {4, {n, size[0], size[1], conv->inner}};
    const float *data = conv->weights->floats + first * filter;
    int32_t id =
        constant_add(importer, "weights", &shape, floats_arrange(importer->arena, data, axes, 4));
    weights_annotate(importer, id, conv->weights, 0, first, n, NULL, 1);
    return id;
}

/* Elements first .. first + n - 1 of the bias, in the order of `indices`. */
static void bias_add(struct onnx_importer *importer, const struct constant *bias, int32_t first,
                     int32_t n, const int32_t *indices, struct node *node)
{
    if (bias == NULL)
        return;
    const struct axis axis = {n, 1, indices};
    const struct shape shape = {1, {n}};
    const float *data = floats_arrange(importer->arena, bias->floats + first, &axis, 1);
    node->inputs[2] = constant_add(importer, "bias", &shape, data);
    node->n_inputs = 3;
}

static enum status conv_dense(struct onnx_importer *importer, const struct convolution *conv)
{
    const struct window *window = &conv->window;
    struct node node = {.op = OP_conv_2d, .n_inputs = 2, .attrs = attrs_of(window)};
    const int64_t size[2] = {window_positions(window, 0), window_positions(window, 1)};
    TRY(image_input(importer, conv->input, &node.inputs[0]));
    node.inputs[1] =
        weights_add(importer, conv, 0, conv->outer,
                    layout_indices(&conv->input->layout, 1, conv->channels, importer->arena));
    bias_add(importer, conv->bias, 0, conv->outer, NULL, &node);
    return image_output(importer, &node, window->rank, size, conv->outer, NULL, 1);
}

/* Each channel on its own: weights 1 KH KW O, the channels as they come in memory. */
static enum status conv_depthwise(struct onnx_importer *importer, const struct convolution *conv)
{
    const struct window *window = &conv->window;
    struct node node = {.op = OP_depthwise_conv_2d, .n_inputs = 2, .attrs = attrs_of(window)};
    const int64_t size[2] = {window_positions(window, 0), window_positions(window, 1)};
    int32_t multiplier = conv->outer / conv->channels, *channels = NULL;
    TRY(image_input(importer, conv->input, &node.inputs[0]));
    const int32_t *inputs =
        layout_indices(&conv->input->layout, 1, conv->channels, importer->arena);
    if (inputs != NULL) {
        channels = ARENA_ARRAY(importer->arena, (size_t)conv->outer, int32_t);
        for (int32_t i = 0; i < conv->outer; i++)
            channels[i] = inputs[i / multiplier] * multiplier + i % multiplier;
    }
    int64_t taps = (int64_t)window->size[0] * window->size[1];
    const struct axis axes[3] = {{window->size[0], window->size[1], NULL},
                                 {window->size[1], 1, NULL},
                                 {conv->outer, taps, channels}};
    struct shape shape = {4, {1, window->size[0], window->size[1], conv->outer}};
    node.inputs[1] = constant_add(importer, "weights", &shape,
                                  floats_arrange(importer->arena, conv->weights->floats, axes, 3));
    weights_annotate(importer, node.inputs[1], conv->weights, 0, 0, conv->outer, channels, 1);
    bias_add(importer, conv->bias, 0, conv->outer, channels, &node);
    return image_output(importer, &node, window->rank, size, conv->outer, conv->input, multiplier);
}

/* One group: a slice of the channels and its convolution. */
static enum status conv_group(struct onnx_importer *importer, const struct convolution *conv,
                              int32_t input, int32_t group, int32_t *output)
{
    const struct window *window = &conv->window;
    int32_t filters = conv->outer / (int32_t)conv->groups;
    struct node slice = {
        .op = OP_strided_slice,
        .n_inputs = 1,
        .inputs = {input},
        .attrs = {.begin = {0, 0, 0, group * conv->inner}, .step = {1, 1, 1, 1}},
    };
    struct shape shape = {4, {1, window->input[0], window->input[1], conv->inner}};
    struct node node = {.op = OP_conv_2d, .n_inputs = 2, .attrs = attrs_of(window)};
    node.inputs[0] =
        node_add(importer, &slice, arena_printf(importer->arena, "slice_%d", group), &shape);
    node.inputs[1] = weights_add(importer, conv, group * filters, filters, NULL);
    bias_add(importer, conv->bias, group * filters, filters, NULL, &node);
    const int64_t dims[4] = {1, window_positions(window, 0), window_positions(window, 1), filters};
    TRY(shape_make(importer, dims, 4, &shape));
    *output = node_add(importer, &node, arena_printf(importer->arena, "group_%d", group), &shape);
    return OK;
}

static enum status conv_grouped(struct onnx_importer *importer, const struct convolution *conv)
{
    const struct window *window = &conv->window;
    struct node node = {.op = OP_concatenation, .attrs = {.axis = 3}};
    int32_t input;
    if (conv->groups > MAX_INPUTS)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "%lld groups of several channels, at most %d are supported; use fewer "
                         "groups, or one a channel",
                         (long long)conv->groups, MAX_INPUTS);
    TRY(value_need_ascending(importer, conv->input, 1));
    TRY(image_input(importer, conv->input, &input));
    node.n_inputs = (int32_t)conv->groups;
    for (int32_t group = 0; group < node.n_inputs; group++)
        TRY(conv_group(importer, conv, input, group, &node.inputs[group]));
    const int64_t size[2] = {window_positions(window, 0), window_positions(window, 1)};
    return image_output(importer, &node, window->rank, size, conv->outer, NULL, 1);
}

enum status import_onnx_conv(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct convolution conv;
    TRY(convolution_read(importer, &conv));
    if (conv.inner != conv.channels / conv.groups || conv.outer % conv.groups != 0)
        return onnx_fail(importer, ERR_INPUT,
                         "weights %s do not suit %d channels in %lld groups; the file is damaged",
                         shape_string(&conv.weights->shape, importer->arena), (int)conv.channels,
                         (long long)conv.groups);
    TRY(bias_read(importer, conv.outer, &conv.bias));
    window_pad(&conv.window);
    window_trim(&conv.window);
    if (conv.groups == 1)
        return conv_dense(importer, &conv);
    if (conv.groups == conv.channels)
        return conv_depthwise(importer, &conv);
    return conv_grouped(importer, &conv);
}

/* ---- transposed ---- */

/* The size of the output along dimension i, and its pads where the file gives the size. */
static enum status transposed_size(struct onnx_importer *importer, struct window *window, int i,
                                   int64_t *size)
{
    int64_t extra[2] = {0, 0}, wanted[2];
    int32_t n, spatial = window->rank - 2, at = i - (2 - spatial);
    int64_t full = ((int64_t)window->input[i] - 1) * window->stride[i] + window->size[i];
    TRY(attribute_ints(importer, "output_padding", extra, 2, &n));
    int64_t more = at >= 0 && at < n ? extra[at] : 0;
    TRY(attribute_ints(importer, "output_shape", wanted, 2, &n));
    if (more < 0 || more >= window->stride[i])
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "output_padding %lld must be smaller than the stride %d", (long long)more,
                         (int)window->stride[i]);
    int64_t target = -1;
    if (at >= 0 && at < n)
        target = wanted[at];
    else if (window->same_upper || window->same_lower)
        target = (int64_t)window->input[i] * window->stride[i];
    if (target >= 0) {
        int64_t total = full + more - target;
        if (target < 1 || total < 0 || total > UINT16_MAX)
            return onnx_fail(importer, ERR_UNSUPPORTED, "an output of size %lld is not supported",
                             (long long)target);
        int64_t before = window->same_upper ? total / 2 : total - total / 2;
        window->pads[2 * i] = (int32_t)before;
        window->pads[2 * i + 1] = (int32_t)(total - before);
    }
    *size = full + more - window->pads[2 * i] - window->pads[2 * i + 1];
    return OK;
}

enum status import_onnx_conv_transpose(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct convolution conv;
    int64_t size[2];
    TRY(convolution_read(importer, &conv));
    struct window *window = &conv.window;
    if (conv.groups != 1)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "%lld groups are not supported; use one group, or Resize and Conv",
                         (long long)conv.groups);
    if (window->dilation[0] != 1 || window->dilation[1] != 1)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "dilation %dx%d is not supported; use dilation 1",
                         (int)window->dilation[0], (int)window->dilation[1]);
    if (conv.outer != conv.channels)
        return onnx_fail(importer, ERR_INPUT, "the weights are for %d channels, the input has %d",
                         (int)conv.outer, (int)conv.channels);
    TRY(bias_read(importer, conv.inner, &conv.bias));
    for (int i = 0; i < 2; i++)
        TRY(transposed_size(importer, window, i, &size[i]));
    struct node node = {.op = OP_transpose_conv, .n_inputs = 2, .attrs = attrs_of(window)};
    memset(node.attrs.dilation, 0, sizeof node.attrs.dilation);
    TRY(image_input(importer, conv.input, &node.inputs[0]));
    int64_t taps = (int64_t)window->size[0] * window->size[1];
    const struct axis axes[4] = {
        {conv.inner, taps, NULL},
        {window->size[0], window->size[1], NULL},
        {window->size[1], 1, NULL},
        {conv.outer, taps * conv.inner,
         layout_indices(&conv.input->layout, 1, conv.channels, importer->arena)}};
    struct shape shape = {4, {conv.inner, window->size[0], window->size[1], conv.outer}};
    node.inputs[1] = constant_add(importer, "weights", &shape,
                                  floats_arrange(importer->arena, conv.weights->floats, axes, 4));
    weights_annotate(importer, node.inputs[1], conv.weights, 1, 0, conv.inner, NULL, 1);
    bias_add(importer, conv.bias, 0, conv.inner, NULL, &node);
    return image_output(importer, &node, window->rank, size, conv.inner, NULL, 1);
}
