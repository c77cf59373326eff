/* SPDX-License-Identifier: Apache-2.0 */
/* One function an op family: from the graph's one form of an op to the format's. Versions are those
 * that TensorFlow Lite's converter writes (tensorflow/lite/tools/versioning/op_version.cc). */
#include <string.h>

#include "emit/tflite_emitter.h"

enum { PADDING_SAME = 0, PADDING_VALID = 1 };

/* Numbers of operators and of their options in the format; 0: no options. */
enum { BUILTIN_PAD = 34, BUILTIN_STRIDED_SLICE = 45 };
enum {
    OPTIONS_NONE = 0,
    OPTIONS_CONV_2D = 1,
    OPTIONS_DEPTHWISE_CONV_2D = 2,
    OPTIONS_POOL_2D = 5,
    OPTIONS_FULLY_CONNECTED = 8,
    OPTIONS_SOFTMAX = 9,
    OPTIONS_CONCATENATION = 10,
    OPTIONS_ADD = 11,
    OPTIONS_RESHAPE = 17,
    OPTIONS_MUL = 21,
    OPTIONS_PAD = 22,
    OPTIONS_REDUCER = 27,
    OPTIONS_SUB = 28,
    OPTIONS_STRIDED_SLICE = 32,
    OPTIONS_DEQUANTIZE = 38,
    OPTIONS_TRANSPOSE_CONV = 49,
    OPTIONS_RESIZE_NEAREST_NEIGHBOR = 74,
    OPTIONS_LEAKY_RELU = 75,
    OPTIONS_QUANTIZE = 89,
    OPTIONS_HARD_SWISH = 91,
};

static const struct tensor *input_of(const struct emitter *emitter, int index)
{
    return node_input(emitter->graph, emitter->node, index);
}

static const struct tensor *output_of(const struct emitter *emitter)
{
    return node_output(emitter->graph, emitter->node);
}

static int is_s8(const struct emitter *emitter)
{
    return input_of(emitter, 0)->dtype == DTYPE_S8;
}

static int32_t activation_number(enum activation activation)
{
    static const int32_t numbers[] = {[ACTIVATION_NONE] = 0,
                                      [ACTIVATION_RELU] = 1,
                                      [ACTIVATION_RELU_N1_TO_1] = 2,
                                      [ACTIVATION_RELU6] = 3};
    return numbers[activation];
}

/* ---- windows and their padding ---- */

/* Along one dimension: what padding the positions of a window have. */
struct window {
    int64_t size, positions; /* of the image that it moves over, and of what it makes */
    int64_t extent, stride;
    int64_t before, after; /* pads */
};

static struct window window_of(const struct emitter *emitter, const struct shape *image,
                               const struct shape *made, const int32_t extent[2], int i)
{
    const struct attrs *attrs = &emitter->node->attrs;
    return (struct window){image->dims[1 + i], made->dims[1 + i],  extent[i],
                           attrs->stride[i],   attrs->pads[2 * i], attrs->pads[2 * i + 1]};
}

/* SAME makes size / stride positions, rounded up, and puts the smaller half of what they need
 * before the image (tensorflow/lite/kernels/padding.h). What stands behind the last position does
 * not matter. */
static int window_is_same(const struct window *window)
{
    int64_t positions = (window->size + window->stride - 1) / window->stride;
    int64_t needed = (positions - 1) * window->stride + window->extent - window->size;
    return window->positions == positions && window->before == (needed > 0 ? needed / 2 : 0);
}

static int window_is_valid(const struct window *window)
{
    return window->before == 0 && window->size >= window->extent &&
           window->positions == (window->size - window->extent) / window->stride + 1;
}

/* SAME or VALID when the windows of both dimensions are so, otherwise -1. */
static int32_t padding_of(const struct emitter *emitter, const struct shape *image,
                          const struct shape *made, const int32_t extent[2])
{
    int same = 1, valid = 1;
    for (int i = 0; i < 2; i++) {
        struct window window = window_of(emitter, image, made, extent, i);
        same &= window_is_same(&window);
        valid &= window_is_valid(&window);
    }
    return valid ? PADDING_VALID : same ? PADDING_SAME : -1;
}

/* Adds a pad operator with the node's pads before an image; returns its output. */
static int32_t pad_before(struct emitter *emitter, int32_t image)
{
    const struct tensor *input = input_of(emitter, 0);
    const int32_t *pads = emitter->node->attrs.pads;
    const int32_t paddings[8] = {0, 0, pads[0], pads[1], pads[2], pads[3], 0, 0};
    static const int32_t dims[2] = {4, 2};
    struct shape padded = input->shape;
    padded.dims[1] += pads[0] + pads[1];
    padded.dims[2] += pads[2] + pads[3];
    struct tflite_new_operator op = {.n_inputs = 2, .inputs = {image}, .options.type = OPTIONS_PAD};
    op.inputs[1] = emitter_integers(emitter, "paddings", paddings, 2, dims);
    op.output = emitter_derive(emitter, input, &padded, "pad/Pad");
    emitter_operator(emitter, BUILTIN_PAD, is_s8(emitter) ? 2 : 1, &op);
    return op.output;
}

/* ---- layers with weights ---- */

/* TensorFlow Lite wants every int32 bias to have the scale of its sums. */
static int32_t bias_emit(struct emitter *emitter)
{
    int32_t index = emitter_input(emitter, 2);
    struct tflite_new_tensor *bias = &emitter->tensors[index];
    const struct tensor *weights = input_of(emitter, 1);
    const struct quantization *q = &weights->quantization;
    if (!is_s8(emitter) || bias->n_scales != 0)
        return index;
    float *scale = ARENA_ARRAY(emitter->arena, (size_t)q->n, float);
    for (int32_t i = 0; i < q->n; i++)
        scale[i] = input_of(emitter, 0)->quantization.scale[0] * q->scale[i];
    bias->n_scales = q->n;
    bias->scale = scale;
    bias->zero_point = ARENA_ARRAY(emitter->arena, (size_t)q->n, int32_t);
    bias->axis = 0;
    return index;
}

static void weights_emit(struct emitter *emitter, struct tflite_new_operator *op)
{
    op->inputs[op->n_inputs++] = emitter_input(emitter, 1);
    if (emitter->node->n_inputs > 2)
        op->inputs[op->n_inputs++] = bias_emit(emitter);
}

static enum status emit_conv(struct emitter *emitter, struct tflite_new_operator *op)
{
    const struct attrs *attrs = &emitter->node->attrs;
    const struct shape *weights = &input_of(emitter, 1)->shape;
    const struct shape *image = &input_of(emitter, 0)->shape;
    int32_t extent[2];
    for (int i = 0; i < 2; i++)
        extent[i] = (weights->dims[1 + i] - 1) * attrs->dilation[i] + 1;
    op->options.padding = padding_of(emitter, image, &output_of(emitter)->shape, extent);
    if (op->options.padding < 0) {
        op->options.padding = PADDING_VALID;
        op->inputs[0] = pad_before(emitter, op->inputs[0]);
    }
    op->options.depth_multiplier = weights->dims[3] / image->dims[3];
    weights_emit(emitter, op);
    return OK;
}

static int32_t version_depthwise_conv_2d(const struct emitter *emitter)
{
    const int32_t *dilation = emitter->node->attrs.dilation;
    return is_s8(emitter) ? 3 : dilation[0] != 1 || dilation[1] != 1 ? 2 : 1;
}

/* Cuts the node's pads off an image that has them; returns what makes `output` of it. */
static int32_t slice_behind(struct emitter *emitter, int32_t output,
                            struct tflite_new_operator *slice)
{
    const int32_t *pads = emitter->node->attrs.pads;
    struct shape padded = output_of(emitter)->shape;
    const int32_t begin[4] = {0, pads[0], pads[2], 0}, step[4] = {1, 1, 1, 1}, dims[1] = {4};
    int32_t end[4];
    for (int i = 0; i < 4; i++)
        end[i] = begin[i] + padded.dims[i];
    padded.dims[1] += pads[0] + pads[1];
    padded.dims[2] += pads[2] + pads[3];
    *slice = (struct tflite_new_operator){
        .n_inputs = 4, .output = output, .options.type = OPTIONS_STRIDED_SLICE};
    slice->inputs[0] =
        emitter_derive(emitter, output_of(emitter), &padded, "transposed/conv2d_transpose");
    slice->inputs[1] = emitter_integers(emitter, "begin", begin, 1, dims);
    slice->inputs[2] = emitter_integers(emitter, "end", end, 1, dims);
    slice->inputs[3] = emitter_integers(emitter, "strides", step, 1, dims);
    return slice->inputs[0];
}

/* Inputs of the format: shape of the output, weights, activation, bias. */
static enum status emit_transpose_conv(struct emitter *emitter, struct tflite_new_operator *op)
{
    struct tflite_new_operator slice = {.n_inputs = 0};
    op->options.padding =
        padding_of(emitter, &output_of(emitter)->shape, &input_of(emitter, 0)->shape,
                   &input_of(emitter, 1)->shape.dims[1]);
    if (op->options.padding < 0) {
        op->options.padding = PADDING_VALID;
        op->output = slice_behind(emitter, op->output, &slice);
    }
    static const int32_t dims[1] = {4};
    int32_t data = op->inputs[0];
    op->inputs[0] =
        emitter_integers(emitter, "output_shape", emitter->tensors[op->output].dims, 1, dims);
    op->n_inputs = 1;
    op->inputs[op->n_inputs++] = emitter_input(emitter, 1);
    op->inputs[op->n_inputs++] = data;
    if (emitter->node->n_inputs > 2)
        op->inputs[op->n_inputs++] = bias_emit(emitter);
    int32_t version = is_s8(emitter) ? 2 : 1;
    if (emitter->node->n_inputs > 2)
        version = 3;
    if (op->options.activation != 0)
        version = 4;
    emitter_operator(emitter, 67, version, op);
    if (slice.n_inputs > 0)
        emitter_operator(emitter, BUILTIN_STRIDED_SLICE, is_s8(emitter) ? 2 : 1, &slice);
    return OK;
}

static enum status emit_fully_connected(struct emitter *emitter, struct tflite_new_operator *op)
{
    op->options.keep_num_dims = output_of(emitter)->shape.rank != 2;
    weights_emit(emitter, op);
    return OK;
}

static int32_t version_fully_connected(const struct emitter *emitter)
{
    if (emitter->node->n_inputs == 2)
        return 6;
    if (output_of(emitter)->shape.rank != 2)
        return 5;
    return is_s8(emitter) ? 4 : 1;
}

/* ---- other ops ---- */

/* Whether what is computed into a tensor of the graph is never below zero. */
static int never_negative(const struct graph *graph, int32_t id)
{
    const struct tensor *tensor = &graph->tensors[id];
    if (tensor->dtype == DTYPE_S8)
        return tensor->quantization.zero_point[0] == INT8_MIN;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        if (node->output == id)
            return node->op == OP_relu || node->op == OP_relu6 ||
                   node->attrs.activation == ACTIVATION_RELU ||
                   node->attrs.activation == ACTIVATION_RELU6;
    }
    return 0;
}

static enum status emit_pool(struct emitter *emitter, struct tflite_new_operator *op)
{
    const struct node *node = emitter->node;
    const int32_t *pads = node->attrs.pads;
    memcpy(op->options.filter, node->attrs.window, sizeof op->options.filter);
    op->options.padding = padding_of(emitter, &input_of(emitter, 0)->shape,
                                     &output_of(emitter)->shape, node->attrs.window);
    if (op->options.padding >= 0)
        return OK;
    /* Zeros never win over what is not negative. */
    if (node->op != OP_max_pool_2d || !never_negative(emitter->graph, node->inputs[0]))
        return fail(emitter->diag, ERR_UNSUPPORTED,
                    "%s '%s': a .tflite file has the paddings SAME and VALID only, not %d %d %d "
                    "%d; change the pooling to one of them%s",
                    op_name(node->op), node->name, pads[0], pads[1], pads[2], pads[3],
                    node->op == OP_max_pool_2d ? ", or put a relu before it" : "");
    op->options.padding = PADDING_VALID;
    op->inputs[0] = pad_before(emitter, op->inputs[0]);
    return OK;
}

static enum status emit_plain(struct emitter *emitter, struct tflite_new_operator *op)
{
    for (int32_t i = 1; i < emitter->node->n_inputs; i++)
        op->inputs[op->n_inputs++] = emitter_input(emitter, i);
    op->options.axis = emitter->node->attrs.axis;
    op->options.beta = emitter->node->attrs.beta;
    op->options.alpha = emitter->node->attrs.alpha;
    return OK;
}

static enum status emit_pad(struct emitter *emitter, struct tflite_new_operator *op)
{
    const struct attrs *attrs = &emitter->node->attrs;
    int32_t rank = input_of(emitter, 0)->shape.rank, paddings[2 * MAX_RANK];
    for (int32_t i = 0; i < rank; i++) {
        paddings[2 * i] = attrs->before[i];
        paddings[2 * i + 1] = attrs->after[i];
    }
    const int32_t dims[2] = {rank, 2};
    op->inputs[op->n_inputs++] = emitter_integers(emitter, "paddings", paddings, 2, dims);
    return OK;
}

static enum status emit_mean(struct emitter *emitter, struct tflite_new_operator *op)
{
    int32_t axes[MAX_RANK], n = 0;
    for (int32_t i = 0; i < MAX_RANK; i++)
        if (emitter->node->attrs.axes >> i & 1)
            axes[n++] = i;
    op->inputs[op->n_inputs++] = emitter_integers(emitter, "axes", axes, 1, &n);
    op->options.keep_dims = 1;
    return OK;
}

static enum status emit_reshape(struct emitter *emitter, struct tflite_new_operator *op)
{
    const struct shape *shape = &output_of(emitter)->shape;
    op->inputs[op->n_inputs++] = emitter_integers(emitter, "shape", shape->dims, 1, &shape->rank);
    op->options.rank = shape->rank;
    op->options.new_shape = shape->dims;
    return OK;
}

static enum status emit_resize(struct emitter *emitter, struct tflite_new_operator *op)
{
    static const int32_t two = 2;
    op->inputs[op->n_inputs++] =
        emitter_integers(emitter, "size", &output_of(emitter)->shape.dims[1], 1, &two);
    op->options.align_corners = emitter->node->attrs.align_corners;
    op->options.half_pixel_centers = emitter->node->attrs.half_pixel_centers;
    return OK;
}

/* `end` is the index behind the last, as the step goes; -1 would count from the end and is masked.
 */
static enum status emit_strided_slice(struct emitter *emitter, struct tflite_new_operator *op)
{
    const struct attrs *attrs = &emitter->node->attrs;
    const struct shape *shape = &output_of(emitter)->shape;
    int32_t end[MAX_RANK];
    for (int32_t i = 0; i < shape->rank; i++) {
        int64_t last = attrs->begin[i] + (shape->dims[i] - (int64_t)1) * attrs->step[i];
        end[i] = (int32_t)last + (attrs->step[i] > 0 ? 1 : -1);
        if (end[i] < 0) {
            op->options.end_mask |= 1 << i;
            end[i] = 0;
        }
    }
    op->inputs[op->n_inputs++] = emitter_integers(emitter, "begin", attrs->begin, 1, &shape->rank);
    op->inputs[op->n_inputs++] = emitter_integers(emitter, "end", end, 1, &shape->rank);
    op->inputs[op->n_inputs++] = emitter_integers(emitter, "strides", attrs->step, 1, &shape->rank);
    return OK;
}

/* ---- versions that depend on more than the element type ---- */

static int32_t version_mul(const struct emitter *emitter)
{
    if (!is_s8(emitter))
        return 1;
    float product =
        input_of(emitter, 0)->quantization.scale[0] * input_of(emitter, 1)->quantization.scale[0];
    return product / output_of(emitter)->quantization.scale[0] >= 1 ? 3 : 2;
}

static int32_t version_pad(const struct emitter *emitter)
{
    return input_of(emitter, 0)->shape.rank > 4 ? 4 : is_s8(emitter) ? 2 : 1;
}

static int32_t version_strided_slice(const struct emitter *emitter)
{
    return version_pad(emitter);
}

static int32_t version_resize(const struct emitter *emitter)
{
    const struct attrs *attrs = &emitter->node->attrs;
    return attrs->align_corners || attrs->half_pixel_centers ? 3 : is_s8(emitter) ? 2 : 1;
}

/* ---- the list ---- */

/* How an op is emitted: its number, its options, the version for f32 and for int8 or the function
 * that tells, and what adds the other inputs and options (a null one: there are none). */
struct rule {
    int32_t builtin, options;
    int32_t version_f32, version_s8;
    int32_t (*version)(const struct emitter *emitter);
    enum status (*emit)(struct emitter *emitter, struct tflite_new_operator *op);
};

static const struct rule rules[N_OPS] = {
    [OP_conv_2d] = {3, OPTIONS_CONV_2D, 1, 3, NULL, emit_conv},
    [OP_depthwise_conv_2d] = {4, OPTIONS_DEPTHWISE_CONV_2D, 0, 0, version_depthwise_conv_2d,
                              emit_conv},
    [OP_fully_connected] = {9, OPTIONS_FULLY_CONNECTED, 0, 0, version_fully_connected,
                            emit_fully_connected},
    [OP_add] = {0, OPTIONS_ADD, 1, 2, NULL, emit_plain},
    [OP_sub] = {41, OPTIONS_SUB, 1, 2, NULL, emit_plain},
    [OP_mul] = {18, OPTIONS_MUL, 0, 0, version_mul, emit_plain},
    [OP_concatenation] = {2, OPTIONS_CONCATENATION, 1, 2, NULL, emit_plain},
    [OP_pad] = {BUILTIN_PAD, OPTIONS_PAD, 0, 0, version_pad, emit_pad},
    [OP_mean] = {40, OPTIONS_REDUCER, 1, 2, NULL, emit_mean},
    [OP_average_pool_2d] = {1, OPTIONS_POOL_2D, 1, 2, NULL, emit_pool},
    [OP_max_pool_2d] = {17, OPTIONS_POOL_2D, 1, 2, NULL, emit_pool},
    [OP_reshape] = {22, OPTIONS_RESHAPE, 1, 1, NULL, emit_reshape},
    [OP_softmax] = {25, OPTIONS_SOFTMAX, 1, 2, NULL, emit_plain},
    [OP_logistic] = {14, OPTIONS_NONE, 1, 2, NULL, emit_plain},
    [OP_tanh] = {28, OPTIONS_NONE, 1, 2, NULL, emit_plain},
    [OP_relu] = {19, OPTIONS_NONE, 1, 2, NULL, emit_plain},
    [OP_relu6] = {21, OPTIONS_NONE, 1, 2, NULL, emit_plain},
    [OP_leaky_relu] = {98, OPTIONS_LEAKY_RELU, 1, 1, NULL, emit_plain},
    [OP_hard_swish] = {117, OPTIONS_HARD_SWISH, 1, 1, NULL, emit_plain},
    [OP_quantize] = {114, OPTIONS_QUANTIZE, 1, 1, NULL, emit_plain},
    [OP_dequantize] = {6, OPTIONS_DEQUANTIZE, 1, 2, NULL, emit_plain},
    [OP_resize_nearest_neighbor] = {97, OPTIONS_RESIZE_NEAREST_NEIGHBOR, 0, 0, version_resize,
                                    emit_resize},
    [OP_strided_slice] = {BUILTIN_STRIDED_SLICE, OPTIONS_STRIDED_SLICE, 0, 0, version_strided_slice,
                          emit_strided_slice},
};

enum status emitter_node(struct emitter *emitter, int32_t output)
{
    const struct attrs *attrs = &emitter->node->attrs;
    const struct rule *rule = &rules[emitter->node->op];
    struct tflite_new_operator op = {
        .n_inputs = 1,
        .inputs = {emitter_input(emitter, 0)},
        .output = output,
        .options = {.type = rule->options,
                    .stride = {attrs->stride[0], attrs->stride[1]},
                    .dilation = {attrs->dilation[0], attrs->dilation[1]},
                    .activation = activation_number(attrs->activation)},
    };
    if (emitter->node->op == OP_transpose_conv) {
        op.options.type = OPTIONS_TRANSPOSE_CONV;
        return emit_transpose_conv(emitter, &op);
    }
    TRY(rule->emit(emitter, &op));
    int32_t version = is_s8(emitter) ? rule->version_s8 : rule->version_f32;
    if (rule->version != NULL)
        version = rule->version(emitter);
    emitter_operator(emitter, rule->builtin, version, &op);
    return OK;
}
