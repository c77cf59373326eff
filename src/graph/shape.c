/* SPDX-License-Identifier: Apache-2.0 */
/* One function an op family. Sizes are computed in 64 bits and checked once, in shape_infer(). */
#include <string.h>

#include "graph/facts.h"
#include "graph/graph.h"

/* What every function here needs, and where it puts the result. */
struct inference {
    const struct graph *graph;
    const struct node *node;
    const struct shape *input;  /* of the first input */
    const struct shape *output; /* of the output tensor, as the graph has it */
    int32_t rank;               /* of the result */
    int64_t dims[MAX_RANK];
    struct diag *diag;
};

#define FAIL(in, status, format, ...)                                                              \
    fail((in)->diag, status, "%s '%s': " format, op_name((in)->node->op), (in)->node->name,        \
         __VA_ARGS__)

static void result_set(struct inference *in, const struct shape *shape)
{
    in->rank = shape->rank;
    for (int32_t i = 0; i < shape->rank; i++)
        in->dims[i] = shape->dims[i];
}

static enum status need_image(struct inference *in)
{
    if (in->input->rank != 4)
        return FAIL(in, ERR_INPUT,
                    "the input has %d dimensions, it must have 4 (batch, height, width, channels)",
                    in->input->rank);
    if (in->input->dims[0] != 1)
        return FAIL(in, ERR_UNSUPPORTED,
                    "batch size %d is not supported; export the model with batch size 1",
                    in->input->dims[0]);
    return OK;
}

/* For ops that take their result from the output tensor. */
static enum status need_same_but_image(struct inference *in, int32_t channels)
{
    const struct shape *output = in->output;
    if (output->rank != 4 || output->dims[0] != 1 || output->dims[3] != channels)
        return FAIL(in, ERR_INPUT, "the output must have shape 1 x height x width x %d", channels);
    return OK;
}

static enum status need_positive(struct inference *in, const char *what, const int32_t values[2])
{
    if (values[0] < 1 || values[1] < 1)
        return FAIL(in, ERR_INPUT, "%s %dx%d: both must be at least 1", what, values[0], values[1]);
    return OK;
}

static enum status need_pads(struct inference *in)
{
    const int32_t *pads = in->node->attrs.pads;
    for (int i = 0; i < 4; i++)
        if (pads[i] < 0)
            return FAIL(in, ERR_INPUT, "pads %d %d %d %d: a pad cannot be negative", pads[0],
                        pads[1], pads[2], pads[3]);
    return OK;
}

/* Positions that a window of size `extent` takes along `size`; 0 when it does not fit. */
static int64_t window_positions(int64_t size, int64_t extent, int64_t stride)
{
    return size < extent ? 0 : (size - extent) / stride + 1;
}

/* Sets height and width of the result: those of a window of `window` positions, `dilation` apart,
 * that moves over the padded input. */
static enum status window_apply(struct inference *in, const int32_t window[2],
                                const int32_t dilation[2])
{
    const struct attrs *attrs = &in->node->attrs;
    TRY(need_positive(in, "stride", attrs->stride));
    TRY(need_positive(in, "dilation", dilation));
    TRY(need_positive(in, "window", window));
    TRY(need_pads(in));
    in->rank = 4;
    in->dims[0] = in->input->dims[0];
    for (int i = 0; i < 2; i++) {
        int64_t pads = (int64_t)attrs->pads[2 * i] + attrs->pads[2 * i + 1];
        int64_t size = in->input->dims[1 + i] + pads;
        int64_t extent = ((int64_t)window[i] - 1) * dilation[i] + 1;
        in->dims[1 + i] = window_positions(size, extent, attrs->stride[i]);
        if (in->dims[1 + i] == 0)
            return FAIL(in, ERR_INPUT, "a window of %s %lld does not fit into %lld (pads included)",
                        i == 0 ? "height" : "width", (long long)extent, (long long)size);
    }
    return OK;
}

/* Checks the rank of the weights and that the bias has one value per output channel. */
static enum status need_weights(struct inference *in, int32_t rank, int32_t channel_axis,
                                const struct shape **weights)
{
    const struct tensor *tensor = node_input(in->graph, in->node, 1);
    if (tensor == NULL)
        return FAIL(in, ERR_INPUT, "%s", "the weights are missing");
    *weights = &tensor->shape;
    if (tensor->shape.rank != rank)
        return FAIL(in, ERR_INPUT, "the weights '%s' have %d dimensions, they must have %d",
                    tensor->name, tensor->shape.rank, rank);
    const struct tensor *bias = node_input(in->graph, in->node, 2);
    int32_t channels = tensor->shape.dims[channel_axis];
    if (bias != NULL && (bias->shape.rank != 1 || bias->shape.dims[0] != channels))
        return FAIL(in, ERR_INPUT, "the bias '%s' must have one dimension of size %d", bias->name,
                    channels);
    return OK;
}

static enum status need_channels(struct inference *in, int32_t weights_channels)
{
    int32_t channels = in->input->dims[3];
    if (weights_channels == channels)
        return OK;
    if (weights_channels >= 1 && channels % weights_channels == 0)
        return FAIL(in, ERR_UNSUPPORTED,
                    "grouped convolution (%d channels in groups of %d) is not supported; split it "
                    "into one convolution a group",
                    channels, weights_channels);
    return FAIL(in, ERR_INPUT, "the weights are for %d input channels, the input has %d",
                weights_channels, channels);
}

static enum status infer_conv_2d(struct inference *in)
{
    const struct shape *weights;
    TRY(need_image(in));
    TRY(need_weights(in, 4, 0, &weights));
    TRY(need_channels(in, weights->dims[3]));
    TRY(window_apply(in, &weights->dims[1], in->node->attrs.dilation));
    in->dims[3] = weights->dims[0];
    return OK;
}

static enum status infer_depthwise_conv_2d(struct inference *in)
{
    const struct shape *weights;
    TRY(need_image(in));
    TRY(need_weights(in, 4, 3, &weights));
    if (weights->dims[0] != 1)
        return FAIL(in, ERR_INPUT, "dimension 0 of the weights is %d, it must be 1",
                    weights->dims[0]);
    if (weights->dims[3] % in->input->dims[3] != 0)
        return FAIL(in, ERR_INPUT, "%d output channels are no multiple of the %d input channels",
                    weights->dims[3], in->input->dims[3]);
    TRY(window_apply(in, &weights->dims[1], in->node->attrs.dilation));
    in->dims[3] = weights->dims[3];
    return OK;
}

/* A transposed convolution is the backward step of a convolution, so its output is any image from
 * which a convolution with the same attributes would make an image of the input's size. */
static enum status infer_transpose_conv(struct inference *in)
{
    const struct attrs *attrs = &in->node->attrs;
    const struct shape *weights;
    TRY(need_image(in));
    TRY(need_weights(in, 4, 0, &weights));
    TRY(need_channels(in, weights->dims[3]));
    TRY(need_same_but_image(in, weights->dims[0]));
    TRY(need_positive(in, "stride", attrs->stride));
    TRY(need_pads(in));
    for (int i = 0; i < 2; i++) {
        int64_t pads = (int64_t)attrs->pads[2 * i] + attrs->pads[2 * i + 1];
        int64_t positions = window_positions(in->output->dims[1 + i] + pads, weights->dims[1 + i],
                                             attrs->stride[i]);
        if (positions != in->input->dims[1 + i])
            return FAIL(in, ERR_INPUT,
                        "%s %d of the output belongs to an input of %lld, but the input has %d",
                        i == 0 ? "height" : "width", in->output->dims[1 + i], (long long)positions,
                        in->input->dims[1 + i]);
    }
    result_set(in, in->output);
    return OK;
}

static enum status infer_fully_connected(struct inference *in)
{
    const struct shape *weights;
    TRY(need_weights(in, 2, 0, &weights));
    int64_t elements = shape_elements(in->input);
    int32_t channels = weights->dims[1];
    if (in->input->rank < 1 || channels < 1 || elements % channels != 0)
        return FAIL(in, ERR_INPUT,
                    "the input has %lld elements, the weights are for a multiple of %d",
                    (long long)elements, channels);
    int32_t last = in->input->rank - 1;
    if (in->output->rank == in->input->rank && in->input->dims[last] == channels) {
        result_set(in, in->input);
        in->dims[last] = weights->dims[0];
        return OK;
    }
    in->rank = 2;
    in->dims[0] = elements / channels;
    in->dims[1] = weights->dims[0];
    return OK;
}

static enum status infer_batch_normalization(struct inference *in)
{
    if (in->input->rank < 1)
        return FAIL(in, ERR_INPUT, "%s", "the input is a scalar");
    int32_t channels = in->input->dims[in->input->rank - 1];
    for (int i = 1; i < 5; i++) {
        const struct tensor *parameter = node_input(in->graph, in->node, i);
        if (parameter->shape.rank != 1 || parameter->shape.dims[0] != channels)
            return FAIL(in, ERR_INPUT, "'%s' must have one dimension of size %d", parameter->name,
                        channels);
    }
    result_set(in, in->input);
    return OK;
}

/* Dimension `i` counted from the last; 1 where the shape has none. */
static int32_t dim_from_end(const struct shape *shape, int32_t i)
{
    return i < shape->rank ? shape->dims[shape->rank - 1 - i] : 1;
}

static enum status infer_binary(struct inference *in)
{
    const struct shape *a = in->input, *b = &node_input(in->graph, in->node, 1)->shape;
    in->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int32_t i = 0; i < in->rank; i++) {
        int32_t size_a = dim_from_end(a, i), size_b = dim_from_end(b, i);
        if (size_a != size_b && size_a != 1 && size_b != 1)
            return FAIL(in, ERR_INPUT, "dimension %d of the inputs is %d and %d: not compatible",
                        in->rank - 1 - i, size_a, size_b);
        in->dims[in->rank - 1 - i] = size_a != 1 ? size_a : size_b;
    }
    if (in->rank > 4 && !shape_equal(a, b))
        return FAIL(in, ERR_UNSUPPORTED,
                    "broadcasting in %d dimensions is not supported; reshape to at most 4",
                    in->rank);
    return OK;
}

static enum status infer_concatenation(struct inference *in)
{
    int32_t axis = in->node->attrs.axis;
    if (axis < 0 || axis >= in->input->rank)
        return FAIL(in, ERR_INPUT, "axis %d is not one of the %d dimensions", axis,
                    in->input->rank);
    result_set(in, in->input);
    for (int32_t i = 1; i < in->node->n_inputs; i++) {
        const struct tensor *other = node_input(in->graph, in->node, i);
        struct shape aligned = other->shape;
        if (aligned.rank == in->input->rank)
            aligned.dims[axis] = in->input->dims[axis];
        if (!shape_equal(&aligned, in->input))
            return FAIL(in, ERR_INPUT,
                        "input '%s' does not have the shape of the first, axis %d apart",
                        other->name, axis);
        in->dims[axis] += other->shape.dims[axis];
    }
    return OK;
}

static enum status infer_pad(struct inference *in)
{
    const struct attrs *attrs = &in->node->attrs;
    result_set(in, in->input);
    for (int32_t i = 0; i < in->rank; i++) {
        if (attrs->before[i] < 0 || attrs->after[i] < 0)
            return FAIL(in, ERR_INPUT, "dimension %d: a pad cannot be negative", i);
        in->dims[i] += (int64_t)attrs->before[i] + attrs->after[i];
    }
    return OK;
}

static enum status infer_mean(struct inference *in)
{
    int32_t axes = in->node->attrs.axes;
    if (axes <= 0 || axes >= 1 << in->input->rank)
        return FAIL(in, ERR_INPUT, "axes %d must name at least one of the %d dimensions, no others",
                    axes, in->input->rank);
    result_set(in, in->input);
    for (int32_t i = 0; i < in->rank; i++)
        if (axes & (1 << i))
            in->dims[i] = 1;
    return OK;
}

static enum status infer_pool_2d(struct inference *in)
{
    static const int32_t dense[2] = {1, 1};
    const struct attrs *attrs = &in->node->attrs;
    TRY(need_image(in));
    TRY(window_apply(in, attrs->window, dense));
    for (int i = 0; i < 4; i++)
        if (attrs->pads[i] >= attrs->window[i / 2])
            return FAIL(in, ERR_INPUT, "a pad of %d leaves a window of %d without any input",
                        attrs->pads[i], attrs->window[i / 2]);
    in->dims[3] = in->input->dims[3];
    return OK;
}

static enum status infer_reshape(struct inference *in)
{
    int64_t from = shape_elements(in->input), to = shape_elements(in->output);
    if (from != to)
        return FAIL(in, ERR_INPUT, "the input has %lld elements, the output %lld", (long long)from,
                    (long long)to);
    result_set(in, in->output);
    return OK;
}

static enum status infer_softmax(struct inference *in)
{
    if (in->input->rank < 1)
        return FAIL(in, ERR_INPUT, "%s", "the input is a scalar");
    result_set(in, in->input);
    return OK;
}

static enum status infer_resize(struct inference *in)
{
    TRY(need_image(in));
    TRY(need_same_but_image(in, in->input->dims[3]));
    result_set(in, in->output);
    return OK;
}

static enum status infer_strided_slice(struct inference *in)
{
    const struct attrs *attrs = &in->node->attrs;
    if (in->output->rank != in->input->rank)
        return FAIL(in, ERR_INPUT,
                    "the output has %d dimensions, the input %d; drop dimensions with a reshape",
                    in->output->rank, in->input->rank);
    for (int32_t i = 0; i < in->input->rank; i++) {
        int64_t first = attrs->begin[i];
        int64_t last = first + ((int64_t)in->output->dims[i] - 1) * attrs->step[i];
        int32_t size = in->input->dims[i];
        if (attrs->step[i] == 0)
            return FAIL(in, ERR_INPUT, "dimension %d: a step cannot be 0", i);
        if (first < 0 || first >= size || last < 0 || last >= size)
            return FAIL(in, ERR_INPUT,
                        "dimension %d: takes indices %lld to %lld, but its size is %d", i,
                        (long long)first, (long long)last, size);
    }
    result_set(in, in->output);
    return OK;
}

static enum status infer_elementwise(struct inference *in)
{
    result_set(in, in->input);
    return OK;
}

static enum status infer(struct inference *in)
{
    switch (in->node->op) {
    case OP_conv_2d:
        return infer_conv_2d(in);
    case OP_depthwise_conv_2d:
        return infer_depthwise_conv_2d(in);
    case OP_transpose_conv:
        return infer_transpose_conv(in);
    case OP_fully_connected:
        return infer_fully_connected(in);
    case OP_batch_normalization:
        return infer_batch_normalization(in);
    case OP_add:
    case OP_sub:
    case OP_mul:
        return infer_binary(in);
    case OP_concatenation:
        return infer_concatenation(in);
    case OP_pad:
        return infer_pad(in);
    case OP_mean:
        return infer_mean(in);
    case OP_average_pool_2d:
    case OP_max_pool_2d:
        return infer_pool_2d(in);
    case OP_reshape:
        return infer_reshape(in);
    case OP_softmax:
        return infer_softmax(in);
    case OP_resize_nearest_neighbor:
        return infer_resize(in);
    case OP_strided_slice:
        return infer_strided_slice(in);
    case OP_logistic:
    case OP_tanh:
    case OP_relu:
    case OP_relu6:
    case OP_leaky_relu:
    case OP_hard_swish:
    case OP_quantize:
    case OP_dequantize:
        return infer_elementwise(in);
    case N_OPS:
        break;
    }
    return FAIL(in, ERR_INPUT, "%s", "no such op");
}

enum status shape_infer(const struct graph *graph, const struct node *node, struct shape *shape,
                        struct diag *diag)
{
    struct inference in = {
        .graph = graph,
        .node = node,
        .input = &node_input(graph, node, 0)->shape,
        .output = &node_output(graph, node)->shape,
        .diag = diag,
    };
    TRY(infer(&in));
    struct shape result = {.rank = in.rank};
    for (int32_t i = 0; i < in.rank; i++) {
        if (in.dims[i] < 1 || in.dims[i] > INT32_MAX)
            return FAIL(&in, ERR_INPUT, "dimension %d of the output would be %lld", i,
                        (long long)in.dims[i]);
        result.dims[i] = (int32_t)in.dims[i];
    }
    if (shape_elements(&result) > INT32_MAX)
        return FAIL(&in, ERR_UNSUPPORTED, "the output would have more than %d elements", INT32_MAX);
    *shape = result;
    return OK;
}
