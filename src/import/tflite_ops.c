/* SPDX-License-Identifier: Apache-2.0 */
/* One function an op family: from the format's many ways of writing an op to the graph's one. */
#include <string.h>

#include "import/tflite_importer.h"
#include "import/tflite_slice.h"

enum { PADDING_SAME = 0, PADDING_VALID = 1, WEIGHTS_FORMAT_DEFAULT = 0 };

/* Numbers in the union of options; 0: the op has none, or none that are read. */
enum {
    OPTIONS_CONV_2D = 1,
    OPTIONS_DEPTHWISE_CONV_2D = 2,
    OPTIONS_POOL_2D = 5,
    OPTIONS_FULLY_CONNECTED = 8,
    OPTIONS_SOFTMAX = 9,
    OPTIONS_CONCATENATION = 10,
    OPTIONS_ADD = 11,
    OPTIONS_RESHAPE = 17,
    OPTIONS_MUL = 21,
    OPTIONS_REDUCER = 27,
    OPTIONS_SUB = 28,
    OPTIONS_STRIDED_SLICE = 32,
    OPTIONS_TRANSPOSE_CONV = 49,
    OPTIONS_RESIZE_NEAREST_NEIGHBOR = 74,
    OPTIONS_LEAKY_RELU = 75,
};

static const struct shape *shape_of(const struct importer *importer, int32_t id)
{
    return &importer->builder.graph->tensors[id].shape;
}

/* ---- adding nodes ---- */

/* The output of the operator at work, not yet in the graph. */
static enum status output_read(struct importer *importer, struct tensor *tensor)
{
    int32_t index = importer->op->outputs.data[0];
    TRY(tensor_read(importer, index, tensor));
    if (tensor->data != NULL || importer->ids[index] >= 0)
        return import_fail(importer, ERR_INPUT,
                           "tensor '%s' is produced twice, or is an input or a constant; the file "
                           "is damaged",
                           tensor->name);
    return OK;
}

/* Adds the node with the operator's output as its own. */
static enum status node_finish(struct importer *importer, struct node *node)
{
    struct tensor output;
    TRY(output_read(importer, &output));
    if (node->name == NULL)
        node->name = importer->node_name;
    node->output = graph_add_tensor(&importer->builder, &output);
    importer->ids[importer->op->outputs.data[0]] = node->output;
    graph_add_node(&importer->builder, node);
    return OK;
}

/* Adds a tensor like `like` with another shape, named after the node. */
static int32_t tensor_derive(struct importer *importer, const struct tensor *like,
                             const struct shape *shape, const char *role)
{
    struct tensor tensor = *like;
    tensor.name = arena_printf(importer->arena, "%s/%s", importer->node_name, role);
    tensor.shape = *shape;
    tensor.data = NULL;
    return graph_add_tensor(&importer->builder, &tensor);
}

/* Adds a node that computes `natural`, and a reshape to the operator's output where that has
 * another shape. */
static enum status node_finish_reshaped(struct importer *importer, struct node *node,
                                        const struct shape *natural)
{
    struct tensor output;
    TRY(output_read(importer, &output));
    if (shape_equal(&output.shape, natural))
        return node_finish(importer, node);
    node->name = importer->node_name;
    node->output = tensor_derive(importer, &output, natural, op_name(node->op));
    graph_add_node(&importer->builder, node);
    struct node reshape = {
        .name = arena_printf(importer->arena, "%s_reshape", importer->node_name),
        .op = OP_reshape,
        .n_inputs = 1,
        .inputs = {node->output},
    };
    return node_finish(importer, &reshape);
}

/* The tensor in another shape of as many elements, through a reshape where needed. */
static int32_t reshape_before(struct importer *importer, int32_t id, const struct shape *shape)
{
    if (shape_equal(shape_of(importer, id), shape))
        return id;
    int32_t output =
        tensor_derive(importer, &importer->builder.graph->tensors[id], shape, "flattened");
    struct node reshape = {
        .name = arena_printf(importer->arena, "%s_flatten", importer->node_name),
        .op = OP_reshape,
        .n_inputs = 1,
        .inputs = {id},
        .output = output,
    };
    graph_add_node(&importer->builder, &reshape);
    return output;
}

/* ---- what several ops have ---- */

static enum status activation_read(struct importer *importer, enum activation *activation)
{
    static const enum activation known[] = {ACTIVATION_NONE, ACTIVATION_RELU,
                                            ACTIVATION_RELU_N1_TO_1, ACTIVATION_RELU6};
    static const char *const others[] = {"tanh", "sign_bit"};
    uint32_t number = (uint32_t)importer->op->options.activation;
    if (number < 4) {
        *activation = known[number];
        return OK;
    }
    return import_fail(importer, ERR_UNSUPPORTED,
                       "the fused activation %s is not supported; use an op of its own",
                       number < 6 ? others[number - 4] : "of unknown number");
}

static enum status rank_check(struct importer *importer, int32_t id, int32_t rank)
{
    const struct tensor *tensor = &importer->builder.graph->tensors[id];
    if (tensor->shape.rank == rank)
        return OK;
    return import_fail(importer, ERR_INPUT,
                       "tensor '%s' has %d dimensions, it must have %d; reshape it before the "
                       "export",
                       tensor->name, (int)tensor->shape.rank, (int)rank);
}

/* The pads before and after along one dimension, by the formula of TensorFlow Lite
 * (kernels/padding.h): where the number is odd, the larger part comes after. */
static enum status pads_compute(struct importer *importer, int64_t size, int64_t extent,
                                int64_t stride, int32_t pads[2])
{
    int32_t padding = importer->op->options.padding;
    pads[0] = pads[1] = 0;
    if (padding == PADDING_VALID)
        return OK;
    if (padding != PADDING_SAME)
        return import_fail(importer, ERR_INPUT,
                           "padding %d is neither SAME nor VALID; the file is damaged",
                           (int)padding);
    int64_t positions = (size + stride - 1) / stride;
    int64_t total = (positions - 1) * stride + extent - size;
    if (total > INT32_MAX)
        return import_fail(importer, ERR_INPUT,
                           "a window of %lld on an input of %lld overflows; the file is damaged",
                           (long long)extent, (long long)size);
    if (total > 0) {
        pads[0] = (int32_t)(total / 2);
        pads[1] = (int32_t)(total - total / 2);
    }
    return OK;
}

/* Sets stride, dilation (for the extent; not stored) and pads of a window over an image. */
static enum status window_read(struct importer *importer, const struct shape *image,
                               const int32_t window[2], struct attrs *attrs)
{
    const struct tflite_options *options = &importer->op->options;
    const int32_t stride[2] = {options->stride_h, options->stride_w};
    const int32_t dilation[2] = {options->dilation_h, options->dilation_w};
    for (int i = 0; i < 2; i++) {
        if (stride[i] < 1 || dilation[i] < 1 || window[i] < 1)
            return import_fail(importer, ERR_INPUT,
                               "stride %dx%d, dilation %dx%d, window %dx%d: each must be at least "
                               "1; the file is damaged",
                               (int)stride[0], (int)stride[1], (int)dilation[0], (int)dilation[1],
                               (int)window[0], (int)window[1]);
        attrs->stride[i] = stride[i];
        int64_t extent = ((int64_t)window[i] - 1) * dilation[i] + 1;
        TRY(pads_compute(importer, image->dims[1 + i], extent, stride[i], &attrs->pads[2 * i]));
    }
    return OK;
}

/* Weights and bias of a node whose activation is its input 0. */
static enum status weights_read(struct importer *importer, uint32_t weights, uint32_t bias,
                                struct node *node)
{
    TRY(constant_id(importer, weights, "weights", &node->inputs[1]));
    node->n_inputs = 2;
    int32_t index;
    TRY(input_index(importer, bias, &index));
    if (index != TFLITE_ABSENT) {
        TRY(constant_id(importer, bias, "bias", &node->inputs[2]));
        node->n_inputs = 3;
    }
    const struct tensor *tensors = importer->builder.graph->tensors;
    const struct tensor *stored = &tensors[node->inputs[1]];
    /* Dynamic-range quantization: weights of 8 bits, computed with as floats. */
    if (tensors[node->inputs[0]].dtype == DTYPE_F32 && stored->dtype == DTYPE_S8 &&
        stored->quantization.n > 0)
        constant_dequantize(importer, node->inputs[1]);
    if (tensors[node->inputs[0]].dtype != tensors[node->inputs[1]].dtype)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "the input is %s but the weights are %s; convert with full integer "
                           "quantization to int8, or without quantization",
                           dtype_name(tensors[node->inputs[0]].dtype),
                           dtype_name(tensors[node->inputs[1]].dtype));
    return OK;
}

/* ---- ops ---- */

static enum status import_conv(struct importer *importer, enum op op)
{
    struct node node = {.op = op};
    TRY(input_id(importer, 0, &node.inputs[0]));
    TRY(weights_read(importer, 1, 2, &node));
    TRY(rank_check(importer, node.inputs[0], 4));
    TRY(rank_check(importer, node.inputs[1], 4));
    TRY(activation_read(importer, &node.attrs.activation));
    TRY(window_read(importer, shape_of(importer, node.inputs[0]),
                    &shape_of(importer, node.inputs[1])->dims[1], &node.attrs));
    node.attrs.dilation[0] = importer->op->options.dilation_h;
    node.attrs.dilation[1] = importer->op->options.dilation_w;
    return node_finish(importer, &node);
}

/* Inputs: shape of the output, weights, activation, bias. The pads are those of the convolution
 * that would make the input from the output. */
static enum status import_transpose_conv(struct importer *importer, enum op op)
{
    struct node node = {.op = op};
    TRY(input_id(importer, 2, &node.inputs[0]));
    TRY(weights_read(importer, 1, 3, &node));
    TRY(rank_check(importer, node.inputs[1], 4));
    TRY(activation_read(importer, &node.attrs.activation));
    struct tensor output;
    TRY(output_read(importer, &output));
    int64_t given[MAX_RANK];
    int32_t rank;
    TRY(input_integers(importer, 0, "output shape", given, MAX_RANK, &rank));
    if (rank != 4 || output.shape.rank != 4 || given[1] != output.shape.dims[1] ||
        given[2] != output.shape.dims[2])
        return import_fail(importer, ERR_INPUT,
                           "its output shape differs from the shape %s of its output tensor; the "
                           "file is damaged",
                           shape_string(&output.shape, importer->arena));
    TRY(window_read(importer, &output.shape, &shape_of(importer, node.inputs[1])->dims[1],
                    &node.attrs));
    return node_finish(importer, &node);
}

static enum status import_pool(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 1};
    TRY(input_id(importer, 0, &node.inputs[0]));
    TRY(rank_check(importer, node.inputs[0], 4));
    TRY(activation_read(importer, &node.attrs.activation));
    node.attrs.window[0] = importer->op->options.filter_h;
    node.attrs.window[1] = importer->op->options.filter_w;
    TRY(window_read(importer, shape_of(importer, node.inputs[0]), node.attrs.window, &node.attrs));
    return node_finish(importer, &node);
}

static enum status import_fully_connected(struct importer *importer, enum op op)
{
    struct node node = {.op = op};
    if (importer->op->options.weights_format != WEIGHTS_FORMAT_DEFAULT)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "shuffled weights are not supported; export with the default weights "
                           "format");
    TRY(input_id(importer, 0, &node.inputs[0]));
    TRY(weights_read(importer, 1, 2, &node));
    TRY(rank_check(importer, node.inputs[1], 2));
    TRY(activation_read(importer, &node.attrs.activation));
    int32_t channels = shape_of(importer, node.inputs[1])->dims[1];
    int64_t elements = shape_elements(shape_of(importer, node.inputs[0]));
    if (elements % channels != 0)
        return import_fail(importer, ERR_INPUT,
                           "the input has %lld elements, no multiple of the %d that the weights "
                           "are for; the file is damaged",
                           (long long)elements, (int)channels);
    struct shape flat = {.rank = 2, .dims = {(int32_t)(elements / channels), channels}};
    node.inputs[0] = reshape_before(importer, node.inputs[0], &flat);
    flat.dims[1] = shape_of(importer, node.inputs[1])->dims[0];
    return node_finish_reshaped(importer, &node, &flat);
}

static enum status import_binary(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 2};
    TRY(input_id(importer, 0, &node.inputs[0]));
    TRY(input_id(importer, 1, &node.inputs[1]));
    TRY(activation_read(importer, &node.attrs.activation));
    return node_finish(importer, &node);
}

static enum status import_concatenation(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = (int32_t)importer->op->inputs.n};
    for (uint32_t i = 0; i < importer->op->inputs.n; i++)
        TRY(input_id(importer, i, &node.inputs[i]));
    TRY(activation_read(importer, &node.attrs.activation));
    node.attrs.axis = importer->op->options.axis;
    if (node.attrs.axis < 0 && node.attrs.axis >= -MAX_RANK)
        node.attrs.axis += shape_of(importer, node.inputs[0])->rank;
    return node_finish(importer, &node);
}

static enum status import_pad(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 1};
    TRY(input_id(importer, 0, &node.inputs[0]));
    int64_t pads[2 * MAX_RANK];
    int32_t n, rank = shape_of(importer, node.inputs[0])->rank;
    TRY(input_integers(importer, 1, "paddings", pads, 2 * MAX_RANK, &n));
    if (n != 2 * rank)
        return import_fail(importer, ERR_INPUT,
                           "it has %d paddings for %d dimensions; the file is damaged", (int)n,
                           (int)rank);
    for (int32_t i = 0; i < n; i++) {
        if (pads[i] < 0 || pads[i] > INT32_MAX)
            return import_fail(importer, ERR_INPUT,
                               "padding %lld is out of range; the file is damaged",
                               (long long)pads[i]);
        (i % 2 == 0 ? node.attrs.before : node.attrs.after)[i / 2] = (int32_t)pads[i];
    }
    return node_finish(importer, &node);
}

static enum status import_mean(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 1};
    TRY(input_id(importer, 0, &node.inputs[0]));
    struct shape kept = *shape_of(importer, node.inputs[0]);
    int64_t axes[MAX_RANK];
    int32_t n;
    TRY(input_integers(importer, 1, "axes", axes, MAX_RANK, &n));
    for (int32_t i = 0; i < n; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + kept.rank : axes[i];
        if (axis < 0 || axis >= kept.rank)
            return import_fail(importer, ERR_INPUT,
                               "axis %lld is not one of %d dimensions; the file is damaged",
                               (long long)axes[i], (int)kept.rank);
        node.attrs.axes |= 1 << axis;
        kept.dims[axis] = 1;
    }
    return node_finish_reshaped(importer, &node, &kept);
}

/* Whether the wanted shape, with at most one -1 for what is left over, describes `shape`. */
static int shape_matches(const struct shape *shape, const int64_t *wanted, int32_t n)
{
    if (n != shape->rank)
        return 0;
    for (int32_t i = 0; i < n; i++)
        if (wanted[i] != -1 && wanted[i] != shape->dims[i])
            return 0;
    return 1;
}

static enum status import_reshape(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 1};
    TRY(input_id(importer, 0, &node.inputs[0]));
    int32_t index;
    TRY(input_index(importer, 1, &index));
    if (index != TFLITE_ABSENT) {
        int64_t wanted[MAX_RANK];
        int32_t n;
        struct tensor output;
        TRY(output_read(importer, &output));
        TRY(input_integers(importer, 1, "new shape", wanted, MAX_RANK, &n));
        if (!shape_matches(&output.shape, wanted, n))
            return import_fail(importer, ERR_INPUT,
                               "its new shape differs from the shape %s of its output tensor; the "
                               "file is damaged",
                               shape_string(&output.shape, importer->arena));
    }
    return node_finish(importer, &node);
}

/* Squeeze and expand_dims: the output tensor has the shape. */
static enum status import_dimensions(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 1};
    TRY(input_id(importer, 0, &node.inputs[0]));
    return node_finish(importer, &node);
}

static enum status import_unary(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 1};
    TRY(input_id(importer, 0, &node.inputs[0]));
    if (op == OP_softmax)
        node.attrs.beta = importer->op->options.beta;
    if (op == OP_leaky_relu)
        node.attrs.alpha = importer->op->options.alpha;
    return node_finish(importer, &node);
}

static enum status import_resize(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 1};
    TRY(input_id(importer, 0, &node.inputs[0]));
    struct tensor output;
    TRY(output_read(importer, &output));
    int64_t size[2];
    int32_t n;
    TRY(input_integers(importer, 1, "size", size, 2, &n));
    if (n != 2 || output.shape.rank != 4 || size[0] != output.shape.dims[1] ||
        size[1] != output.shape.dims[2])
        return import_fail(importer, ERR_INPUT,
                           "its size differs from the shape %s of its output tensor; the file is "
                           "damaged",
                           shape_string(&output.shape, importer->arena));
    node.attrs.align_corners = importer->op->options.align_corners;
    node.attrs.half_pixel_centers = importer->op->options.half_pixel_centers;
    return node_finish(importer, &node);
}

static enum status import_strided_slice(struct importer *importer, enum op op)
{
    struct node node = {.op = op, .n_inputs = 1};
    TRY(input_id(importer, 0, &node.inputs[0]));
    const struct tflite_options *options = &importer->op->options;
    struct slice_spec spec = {
        .input = *shape_of(importer, node.inputs[0]),
        .begin_mask = (uint32_t)options->begin_mask,
        .end_mask = (uint32_t)options->end_mask,
        .ellipsis_mask = (uint32_t)options->ellipsis_mask,
        .new_axis_mask = (uint32_t)options->new_axis_mask,
        .shrink_axis_mask = (uint32_t)options->shrink_axis_mask,
        .end_is_offset = options->end_is_offset,
    };
    int32_t n_end, n_step;
    TRY(input_integers(importer, 1, "begin", spec.begin, SLICE_MAX_ENTRIES, &spec.n));
    TRY(input_integers(importer, 2, "end", spec.end, SLICE_MAX_ENTRIES, &n_end));
    TRY(input_integers(importer, 3, "strides", spec.step, SLICE_MAX_ENTRIES, &n_step));
    if (n_end != spec.n || n_step != spec.n)
        return import_fail(importer, ERR_INPUT,
                           "begin, end and strides have %d, %d and %d elements, they must have as "
                           "many; the file is damaged",
                           (int)spec.n, (int)n_end, (int)n_step);
    struct slice slice;
    const char *wrong = slice_resolve(&spec, &slice);
    struct tensor output;
    TRY(output_read(importer, &output));
    if (wrong == NULL && !shape_equal(&slice.result, &output.shape))
        wrong = "what it takes differs from the shape of its output tensor";
    if (wrong != NULL)
        return import_fail(importer, ERR_INPUT, "%s; the file is damaged", wrong);
    memcpy(node.attrs.begin, slice.begin, sizeof slice.begin);
    memcpy(node.attrs.step, slice.step, sizeof slice.step);
    return node_finish_reshaped(importer, &node, &slice.kept);
}

/* A sparse constant as a dense one: constants are dense already when they are read. */
static enum status import_densify(struct importer *importer, enum op op)
{
    (void)op;
    struct tensor output;
    TRY(output_read(importer, &output));
    int32_t id;
    TRY(constant_id(importer, 0, "weights", &id));
    const struct tensor *input = &importer->builder.graph->tensors[id];
    if (input->dtype != output.dtype || !shape_equal(&input->shape, &output.shape))
        return import_fail(importer, ERR_INPUT,
                           "type or shape of its input and output differ; the file is damaged");
    importer->ids[importer->op->outputs.data[0]] = id;
    return OK;
}

/* ---- the list ---- */

/* How an operator of the format is imported. Versions above the one that is known may change the
 * meaning of what is read here. */
struct rule {
    int32_t builtin;
    int32_t max_version;
    int32_t options;
    uint32_t min_inputs, max_inputs;
    enum op op;
    enum status (*import)(struct importer *importer, enum op op);
};

static const struct rule rules[] = {
    {0, 5, OPTIONS_ADD, 2, 2, OP_add, import_binary},
    {1, 3, OPTIONS_POOL_2D, 1, 1, OP_average_pool_2d, import_pool},
    {2, 4, OPTIONS_CONCATENATION, 1, MAX_INPUTS, OP_concatenation, import_concatenation},
    {3, 8, OPTIONS_CONV_2D, 2, 3, OP_conv_2d, import_conv},
    {4, 7, OPTIONS_DEPTHWISE_CONV_2D, 2, 3, OP_depthwise_conv_2d, import_conv},
    {6, 6, 0, 1, 1, OP_dequantize, import_unary},
    {9, 13, OPTIONS_FULLY_CONNECTED, 2, 3, OP_fully_connected, import_fully_connected},
    {14, 3, 0, 1, 1, OP_logistic, import_unary},
    {17, 3, OPTIONS_POOL_2D, 1, 1, OP_max_pool_2d, import_pool},
    {18, 7, OPTIONS_MUL, 2, 2, OP_mul, import_binary},
    {19, 3, 0, 1, 1, OP_relu, import_unary},
    {21, 3, 0, 1, 1, OP_relu6, import_unary},
    {22, 1, OPTIONS_RESHAPE, 1, 2, OP_reshape, import_reshape},
    {25, 3, OPTIONS_SOFTMAX, 1, 1, OP_softmax, import_unary},
    {28, 3, 0, 1, 1, OP_tanh, import_unary},
    {34, 4, 0, 2, 2, OP_pad, import_pad},
    {40, 3, OPTIONS_REDUCER, 2, 2, OP_mean, import_mean},
    {41, 5, OPTIONS_SUB, 2, 2, OP_sub, import_binary},
    {43, 2, 0, 1, 1, OP_reshape, import_dimensions},
    {45, 8, OPTIONS_STRIDED_SLICE, 4, 4, OP_strided_slice, import_strided_slice},
    {67, 5, OPTIONS_TRANSPOSE_CONV, 3, 4, OP_transpose_conv, import_transpose_conv},
    {70, 1, 0, 2, 2, OP_reshape, import_dimensions},
    {97, 4, OPTIONS_RESIZE_NEAREST_NEIGHBOR, 2, 2, OP_resize_nearest_neighbor, import_resize},
    {98, 2, OPTIONS_LEAKY_RELU, 1, 1, OP_leaky_relu, import_unary},
    {114, 3, 0, 1, 1, OP_quantize, import_unary},
    {117, 1, 0, 1, 1, OP_hard_swish, import_unary},
    {124, 1, 0, 1, 1, N_OPS, import_densify},
};

/* The ops that have a rule: those of the graph and what becomes one of them. */
static const char *rules_list(struct arena *arena)
{
    struct text text = text_start(arena);
    for (int op = 0; op < N_OPS; op++)
        if (op_runs_on_s8((enum op)op)) /* the format has no batch_normalization */
            text_printf(&text, "%s, ", op_name((enum op)op));
    text_printf(&text, "squeeze, expand_dims and densify");
    return text.data;
}

enum status operator_import(struct importer *importer, const struct tflite_code *code)
{
    const struct rule *rule = NULL;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && rule == NULL; i++)
        if (rules[i].builtin == code->builtin)
            rule = &rules[i];
    if (rule == NULL)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "this op is not supported; rewrite the network with %s",
                           rules_list(importer->arena));
    if (code->version > rule->max_version)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "version %d of this op is not supported, at most %d is; convert the "
                           "network with an older converter",
                           (int)code->version, (int)rule->max_version);
    const struct tflite_operator *op = importer->op;
    if (op->inputs.n > rule->max_inputs && rule->op == OP_concatenation)
        return import_fail(importer, ERR_UNSUPPORTED,
                           "%u inputs, at most %u are supported; join in two steps",
                           (unsigned)op->inputs.n, (unsigned)rule->max_inputs);
    if (op->inputs.n < rule->min_inputs || op->inputs.n > rule->max_inputs || op->outputs.n != 1)
        return import_fail(importer, ERR_INPUT,
                           "%u inputs and %u outputs, it must have %u to %u and 1; the file is "
                           "damaged",
                           (unsigned)op->inputs.n, (unsigned)op->outputs.n,
                           (unsigned)rule->min_inputs, (unsigned)rule->max_inputs);
    int32_t output = op->outputs.data[0];
    if (output < 0 || (uint32_t)output >= importer->model->subgraph.n_tensors)
        return import_fail(importer, ERR_INPUT,
                           "its output is tensor %d, but the model has %u; the file is damaged",
                           (int)output, (unsigned)importer->model->subgraph.n_tensors);
    if (rule->options != 0 && op->options.type != 0 && op->options.type != rule->options)
        return import_fail(importer, ERR_INPUT,
                           "it has the options of another op (number %d); the file is damaged",
                           (int)op->options.type);
    return rule->import(importer, rule->op);
}
