/* SPDX-License-Identifier: Apache-2.0 */
#include "import/onnx_quantized.h"

#include <math.h>
#include <string.h>

/* One conversion: tensors of the float graph and what they became. */
struct conversion {
    struct onnx_importer *importer;
    const struct graph *from;
    struct graph_builder builder;
    int32_t *map; /* tensor of the s8 graph, -1: not there yet */
};

static const struct annotation *noted(const struct conversion *conversion, int32_t tensor)
{
    static const struct annotation none = {0, NULL, 0};
    return tensor < conversion->importer->annotations_size
               ? &conversion->importer->annotations[tensor]
               : &none;
}

#define FAIL(conversion, node, format, ...)                                                        \
    fail((conversion)->importer->diag, ERR_UNSUPPORTED, "%s '%s': " format, op_name((node)->op),   \
         (node)->name, __VA_ARGS__)

static const struct tensor *tensor_at(const struct conversion *conversion, int32_t id)
{
    return &conversion->builder.graph->tensors[id];
}

/* ---- activations ---- */

static int32_t activation_add(struct conversion *conversion, const struct tensor *like,
                              const char *name, float scale, int32_t zero_point)
{
    struct tensor tensor = {
        .name = name,
        .dtype = DTYPE_S8,
        .shape = like->shape,
        .quantization = {.n = 1, .scale = &scale, .zero_point = &zero_point},
    };
    return graph_add_tensor(&conversion->builder, &tensor);
}

static int quantization_is(const struct tensor *tensor, float scale, int32_t zero_point)
{
    return tensor->quantization.zero_point[0] == zero_point &&
           fabsf(tensor->quantization.scale[0] - scale) <= 1e-6F * scale;
}

/* The tensor with another scale and zero point, through a quantize node. */
static int32_t requantized(struct conversion *conversion, int32_t id, const char *name, float scale,
                           int32_t zero_point)
{
    if (quantization_is(tensor_at(conversion, id), scale, zero_point))
        return id;
    const struct tensor like = *tensor_at(conversion, id);
    struct node node = {.name = name, .op = OP_quantize, .n_inputs = 1, .inputs = {id}};
    node.output = activation_add(conversion, &like, name, scale, zero_point);
    graph_add_node(&conversion->builder, &node);
    return node.output;
}

/* ---- constants ---- */

static int32_t clamp(double value, double low, double high)
{
    return (int32_t)(value < low ? low : value > high ? high : value);
}

/* Weights: as noted, one scale or one a filter of dimension `axis`. */
static enum status weights_convert(struct conversion *conversion, const struct node *node,
                                   int32_t *id)
{
    const struct tensor *from = &conversion->from->tensors[node->inputs[1]];
    const struct annotation *annotation = noted(conversion, node->inputs[1]);
    if (annotation->n == 0)
        return FAIL(conversion, node,
                    "the weights '%s' are not quantized, but activations are; quantize all of the "
                    "network (weights along their first dimension), or nothing",
                    from->name);
    int32_t axis = node->op == OP_depthwise_conv_2d ? from->shape.rank - 1 : 0;
    int64_t n = shape_elements(&from->shape);
    int64_t each = axis == 0 ? n / from->shape.dims[0] : 1;
    int8_t *data = ARENA_ARRAY(conversion->importer->arena, (size_t)n, int8_t);
    for (int64_t i = 0; i < n; i++) {
        int64_t filter = annotation->n == 1 ? 0 : i / each % annotation->n;
        double value = (double)((const float *)from->data)[i] / (double)annotation->scale[filter];
        if (!(value >= -128.4 && value <= 127.4))
            return FAIL(conversion, node,
                        "the weights '%s' are not in the range of int8 around 0; quantize them "
                        "symmetrically, with zero point 0 (of uint8, 128)",
                        from->name);
        data[i] = (int8_t)lround(value);
    }
    struct tensor tensor = *from;
    tensor.dtype = DTYPE_S8;
    tensor.data = data;
    tensor.quantization.n = annotation->n;
    tensor.quantization.axis = annotation->n > 1 ? axis : 0;
    tensor.quantization.scale = annotation->scale;
    tensor.quantization.zero_point =
        ARENA_ARRAY(conversion->importer->arena, (size_t)annotation->n, int32_t);
    *id = graph_add_tensor(&conversion->builder, &tensor);
    return OK;
}

/* Has the scale of the input times that of the weights. */
static void bias_convert(struct conversion *conversion, const struct node *node, struct node *to)
{
    const struct tensor *from = &conversion->from->tensors[node->inputs[2]];
    const struct tensor *input = tensor_at(conversion, to->inputs[0]);
    const struct quantization *weights = &tensor_at(conversion, to->inputs[1])->quantization;
    struct arena *arena = conversion->importer->arena;
    int64_t n = shape_elements(&from->shape);
    int32_t *data = ARENA_ARRAY(arena, (size_t)n, int32_t);
    float *scale = ARENA_ARRAY(arena, (size_t)weights->n, float);
    for (int32_t i = 0; i < weights->n; i++)
        scale[i] = input->quantization.scale[0] * weights->scale[i];
    for (int64_t i = 0; i < n; i++) {
        double product =
            (double)input->quantization.scale[0] * (double)weights->scale[weights->n == 1 ? 0 : i];
        data[i] =
            clamp(round((double)((const float *)from->data)[i] / product), INT32_MIN, INT32_MAX);
    }
    struct tensor tensor = *from;
    tensor.dtype = DTYPE_S32;
    tensor.data = data;
    tensor.quantization = (struct quantization){
        .n = weights->n,
        .scale = scale,
        .zero_point = ARENA_ARRAY(arena, (size_t)weights->n, int32_t),
    };
    to->inputs[2] = graph_add_tensor(&conversion->builder, &tensor);
}

/* An operand of add, sub, mul or concatenation: symmetric, by its largest magnitude. */
static int32_t operand_convert(struct conversion *conversion, int32_t operand)
{
    const struct tensor *from = &conversion->from->tensors[operand];
    const float *values = from->data;
    int64_t n = shape_elements(&from->shape);
    float largest = 0;
    for (int64_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(values[i]));
    float scale = largest / 127 > 0 ? largest / 127 : 1;
    int32_t zero = 0;
    int8_t *data = ARENA_ARRAY(conversion->importer->arena, (size_t)n, int8_t);
    for (int64_t i = 0; i < n; i++)
        data[i] = (int8_t)clamp(round((double)values[i] / (double)scale), -127, 127);
    struct tensor tensor = *from;
    tensor.dtype = DTYPE_S8;
    tensor.data = data;
    tensor.quantization = (struct quantization){.n = 1, .scale = &scale, .zero_point = &zero};
    return graph_add_tensor(&conversion->builder, &tensor);
}

/* ---- nodes ---- */

static int has_weights(enum op op)
{
    return op == OP_conv_2d || op == OP_depthwise_conv_2d || op == OP_transpose_conv ||
           op == OP_fully_connected;
}

static enum status inputs_convert(struct conversion *conversion, const struct node *node,
                                  struct node *to)
{
    for (int32_t i = 0; i < node->n_inputs; i++) {
        int32_t input = node->inputs[i];
        if (has_weights(node->op) && i == 1)
            TRY(weights_convert(conversion, node, &to->inputs[1]));
        else if (has_weights(node->op) && i == 2)
            bias_convert(conversion, node, to);
        else if (conversion->from->tensors[input].data != NULL)
            to->inputs[i] = operand_convert(conversion, input);
        else
            to->inputs[i] = conversion->map[input];
    }
    return OK;
}

/* Scale and zero point that the op itself gives its output. */
static enum status natural_quantization(struct conversion *conversion, const struct node *node,
                                        const struct node *to, float *scale, int32_t *zero_point)
{
    const struct quantization *input = &tensor_at(conversion, to->inputs[0])->quantization;
    const struct annotation *annotation = noted(conversion, node->output);
    switch (node->op) {
    case OP_softmax:
    case OP_logistic:
        *scale = 1.0F / 256;
        *zero_point = -128;
        return OK;
    case OP_tanh:
        *scale = 1.0F / 128;
        *zero_point = 0;
        return OK;
    case OP_reshape:
    case OP_pad:
    case OP_strided_slice:
    case OP_resize_nearest_neighbor:
    case OP_average_pool_2d:
    case OP_max_pool_2d:
        *scale = input->scale[0];
        *zero_point = input->zero_point[0];
        return OK;
    case OP_concatenation:
        *scale = input->scale[0];
        *zero_point = input->zero_point[0];
        break;
    case OP_batch_normalization:
        return FAIL(conversion, node, "%s",
                    "there is no int8 form of it; fuse it into the convolution before quantizing");
    default:
        if (annotation->n == 0 &&
            (node->op == OP_relu6 || node->attrs.activation == ACTIVATION_RELU6)) {
            *scale = 6.0F / 255;
            *zero_point = -128;
            return OK;
        }
        if (annotation->n == 0)
            return FAIL(conversion, node,
                        "its output '%s' is not quantized, but other activations are; quantize "
                        "all of the network, or export it in float",
                        conversion->from->tensors[node->output].name);
    }
    if (annotation->n != 0) {
        *scale = annotation->scale[0];
        *zero_point = annotation->zero_point;
    }
    return OK;
}

static enum status node_convert(struct conversion *conversion, const struct node *node)
{
    const struct tensor *output = &conversion->from->tensors[node->output];
    const struct annotation *annotation = noted(conversion, node->output);
    struct arena *arena = conversion->importer->arena;
    struct node to = *node;
    float scale = 1;
    int32_t zero_point = 0;
    TRY(inputs_convert(conversion, node, &to));
    TRY(natural_quantization(conversion, node, &to, &scale, &zero_point));
    for (int32_t i = 0; i < node->n_inputs && node->op == OP_concatenation; i++)
        to.inputs[i] =
            requantized(conversion, to.inputs[i],
                        arena_printf(arena, "%s_input_%d", node->name, (int)i), scale, zero_point);
    to.output = activation_add(conversion, output, output->name, scale, zero_point);
    graph_add_node(&conversion->builder, &to);
    conversion->map[node->output] = to.output;
    if (annotation->n != 0)
        conversion->map[node->output] =
            requantized(conversion, to.output, arena_printf(arena, "%s_quantize", node->name),
                        annotation->scale[0], annotation->zero_point);
    return OK;
}

static enum status inputs_start(struct conversion *conversion)
{
    const struct graph *from = conversion->from;
    int32_t *ids = ARENA_ARRAY(conversion->importer->arena, (size_t)from->n_inputs, int32_t);
    for (int32_t i = 0; i < from->n_inputs; i++) {
        const struct annotation *annotation = noted(conversion, from->inputs[i]);
        const struct tensor *tensor = &from->tensors[from->inputs[i]];
        if (annotation->n == 0)
            return fail(conversion->importer->diag, ERR_UNSUPPORTED,
                        "the input '%s' is not quantized, but other activations are; quantize all "
                        "of the network, or export it in float",
                        tensor->name);
        ids[i] = activation_add(conversion, tensor, tensor->name, annotation->scale[0],
                                annotation->zero_point);
        conversion->map[from->inputs[i]] = ids[i];
    }
    graph_set_inputs(&conversion->builder, ids, from->n_inputs);
    return OK;
}

enum status graph_quantized(struct onnx_importer *importer, struct graph **graph)
{
    const struct graph *from = *graph;
    if (importer->n_quantized == 0)
        return OK;
    TRY(graph_verify(from, importer->diag));
    struct conversion conversion = {
        .importer = importer,
        .from = from,
        .builder = graph_start(importer->arena, from->name),
        .map = ARENA_ARRAY(importer->arena, (size_t)from->n_tensors, int32_t),
    };
    TRY(inputs_start(&conversion));
    for (int32_t i = 0; i < from->n_nodes; i++)
        TRY(node_convert(&conversion, &from->nodes[i]));
    int32_t *ids = ARENA_ARRAY(importer->arena, (size_t)from->n_outputs, int32_t);
    for (int32_t i = 0; i < from->n_outputs; i++)
        ids[i] = conversion.map[from->outputs[i]];
    graph_set_outputs(&conversion.builder, ids, from->n_outputs);
    *graph = conversion.builder.graph;
    return OK;
}
