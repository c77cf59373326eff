/* SPDX-License-Identifier: Apache-2.0 */
/* From the outside in: counts and ids first, so that everything after may follow them. */
#include <math.h>
#include <string.h>

#include "graph/facts.h"
#include "graph/graph.h"
#include "graph/name_set.h"

/* What the parameter structures of the runtime hold. */
enum { MAX_IMAGE_SIZE = 65535, MAX_WINDOW = 255, MAX_POOL_WINDOW = 65535, MAX_STRIDE = 255 };

enum { MAKER_NONE = -1, MAKER_INPUT = -2, MAKER_CONSTANT = -3 };

struct verifier {
    const struct graph *graph;
    struct arena *scratch;
    struct diag *diag;
    int32_t *maker; /* by tensor: the node that makes it, or a MAKER_ */
};

#define TENSOR_FAIL(verifier, tensor, status, format, ...)                                         \
    fail((verifier)->diag, status, "tensor '%s': " format, (tensor)->name, __VA_ARGS__)
#define NODE_FAIL(verifier, node, status, format, ...)                                             \
    fail((verifier)->diag, status, "%s '%s': " format, op_name((node)->op), (node)->name,          \
         __VA_ARGS__)

/* ---- tensors ---- */

static enum status verify_shape(struct verifier *v, const struct tensor *tensor)
{
    const struct shape *shape = &tensor->shape;
    if (shape->rank < 0 || shape->rank > MAX_RANK)
        return TENSOR_FAIL(v, tensor, ERR_UNSUPPORTED, "%d dimensions, at most %d are supported",
                           shape->rank, MAX_RANK);
    for (int32_t i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 1)
            return TENSOR_FAIL(v, tensor, ERR_INPUT, "dimension %d is %d, it must be at least 1", i,
                               shape->dims[i]);
    if (shape_elements(shape) > INT32_MAX / (int64_t)dtype_bytes(tensor->dtype))
        return TENSOR_FAIL(v, tensor, ERR_UNSUPPORTED, "shape %s takes more than %d bytes",
                           shape_string(shape, v->scratch), INT32_MAX);
    return OK;
}

static enum status verify_scales(struct verifier *v, const struct tensor *tensor)
{
    const struct quantization *q = &tensor->quantization;
    for (int32_t i = 0; i < q->n; i++) {
        if (!isfinite(q->scale[i]) || q->scale[i] <= 0)
            return TENSOR_FAIL(v, tensor, ERR_INPUT,
                               "scale %d is %.9g, it must be finite and positive", i,
                               (double)q->scale[i]);
        if (q->zero_point[i] != 0 && (q->n > 1 || tensor->dtype != DTYPE_S8))
            return TENSOR_FAIL(v, tensor, ERR_INPUT, "zero point %d is %d, it must be 0 for %s", i,
                               q->zero_point[i], q->n > 1 ? "a scale per channel" : "s32");
        if (q->zero_point[i] < INT8_MIN || q->zero_point[i] > INT8_MAX)
            return TENSOR_FAIL(v, tensor, ERR_INPUT, "zero point %d is outside of -128 .. 127",
                               q->zero_point[i]);
    }
    return OK;
}

static enum status verify_quantization(struct verifier *v, const struct tensor *tensor)
{
    const struct quantization *q = &tensor->quantization;
    if (tensor->dtype == DTYPE_F32 && q->n != 0)
        return TENSOR_FAIL(v, tensor, ERR_INPUT, "%s", "f32 cannot be quantized");
    if (tensor->dtype == DTYPE_S8 && q->n == 0)
        return TENSOR_FAIL(v, tensor, ERR_INPUT, "%s",
                           "s8 needs a scale and a zero point; quantize the model");
    if (q->n < 0 || (q->n > 0 && (q->scale == NULL || q->zero_point == NULL)))
        return TENSOR_FAIL(v, tensor, ERR_INPUT, "%s", "incomplete quantization");
    if (q->n > 1 &&
        (q->axis < 0 || q->axis >= tensor->shape.rank || tensor->shape.dims[q->axis] != q->n))
        return TENSOR_FAIL(v, tensor, ERR_INPUT, "%d scales do not match dimension %d of shape %s",
                           q->n, q->axis, shape_string(&tensor->shape, v->scratch));
    if (q->n > 1 && tensor->data == NULL)
        return TENSOR_FAIL(
            v, tensor, ERR_UNSUPPORTED, "%s",
            "only constants can have a scale per channel; requantize the activations "
            "per tensor");
    return verify_scales(v, tensor);
}

static enum status verify_initializer(struct verifier *v, const struct tensor *tensor)
{
    if (!initializer_is(tensor->initializer))
        return TENSOR_FAIL(v, tensor, ERR_INPUT, "unknown initializer %d",
                           (int)tensor->initializer);
    if (tensor->initializer != INITIALIZER_NONE &&
        (tensor->dtype != DTYPE_F32 || tensor->data == NULL))
        return TENSOR_FAIL(v, tensor, ERR_INPUT, "%s", "only an f32 constant has an initializer");
    return OK;
}

static enum status verify_data(struct verifier *v, const struct tensor *tensor)
{
    TRY(verify_initializer(v, tensor));
    if (tensor->dtype == DTYPE_S32 && tensor->data == NULL)
        return TENSOR_FAIL(v, tensor, ERR_UNSUPPORTED, "%s",
                           "s32 is supported for constant biases only");
    if (tensor->dtype != DTYPE_F32 || tensor->data == NULL)
        return OK;
    const float *data = tensor->data;
    int64_t n = shape_elements(&tensor->shape);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(data[i]))
            return TENSOR_FAIL(v, tensor, ERR_INPUT,
                               "element %lld is %f; train again, the training has diverged",
                               (long long)i, (double)data[i]);
    return OK;
}

static enum status verify_tensors(struct verifier *v)
{
    struct name_set *names = name_set_start(v->scratch);
    for (int32_t i = 0; i < v->graph->n_tensors; i++) {
        const struct tensor *tensor = &v->graph->tensors[i];
        if (tensor->name == NULL)
            return fail(v->diag, ERR_INPUT, "tensor %d has no name", i);
        if (name_set_find(names, tensor->name) >= 0)
            return TENSOR_FAIL(v, tensor, ERR_INPUT, "%s", "two tensors have this name");
        name_set_add(names, tensor->name, i);
        if (!dtype_is(tensor->dtype))
            return TENSOR_FAIL(v, tensor, ERR_INPUT, "unknown element type %d", (int)tensor->dtype);
        TRY(verify_shape(v, tensor));
        TRY(verify_quantization(v, tensor));
        TRY(verify_data(v, tensor));
    }
    return OK;
}

/* ---- who makes what ---- */

static enum status verify_inputs(struct verifier *v)
{
    const struct graph *graph = v->graph;
    for (int32_t i = 0; i < graph->n_tensors; i++)
        v->maker[i] = graph->tensors[i].data != NULL ? MAKER_CONSTANT : MAKER_NONE;
    if (graph->n_inputs < 1)
        return fail(v->diag, ERR_INPUT, "the graph has no inputs");
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        int32_t id = graph->inputs[i];
        if (id < 0 || id >= graph->n_tensors)
            return fail(v->diag, ERR_INPUT, "graph input %d is tensor %d of %d", i, id,
                        graph->n_tensors);
        if (v->maker[id] != MAKER_NONE)
            return TENSOR_FAIL(v, &graph->tensors[id], ERR_INPUT, "%s",
                               v->maker[id] == MAKER_INPUT ? "twice an input of the graph"
                                                           : "a constant is an input of the graph");
        v->maker[id] = MAKER_INPUT;
    }
    return OK;
}

static enum status verify_outputs(struct verifier *v)
{
    const struct graph *graph = v->graph;
    char *seen = arena_alloc(v->scratch, (size_t)graph->n_tensors, 1);
    if (graph->n_outputs < 1)
        return fail(v->diag, ERR_INPUT, "the graph has no outputs");
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        int32_t id = graph->outputs[i];
        if (id < 0 || id >= graph->n_tensors)
            return fail(v->diag, ERR_INPUT, "graph output %d is tensor %d of %d", i, id,
                        graph->n_tensors);
        if (v->maker[id] < 0)
            return TENSOR_FAIL(v, &graph->tensors[id], ERR_INPUT, "%s",
                               "an output of the graph that no node makes");
        if (seen[id])
            return TENSOR_FAIL(v, &graph->tensors[id], ERR_INPUT, "%s",
                               "twice an output of the graph");
        seen[id] = 1;
    }
    return OK;
}

static enum status verify_node_ids(struct verifier *v, const struct node *node)
{
    const struct op_facts *facts = op_facts(node->op);
    if (node->n_inputs < facts->min_inputs || node->n_inputs > facts->max_inputs)
        return NODE_FAIL(v, node, ERR_INPUT, "%d inputs, must be %d to %d", node->n_inputs,
                         facts->min_inputs, facts->max_inputs);
    for (int32_t i = 0; i < node->n_inputs; i++)
        if (node->inputs[i] < 0 || node->inputs[i] >= v->graph->n_tensors)
            return NODE_FAIL(v, node, ERR_INPUT, "input %d is tensor %d of %d", i, node->inputs[i],
                             v->graph->n_tensors);
    if (node->output < 0 || node->output >= v->graph->n_tensors)
        return NODE_FAIL(v, node, ERR_INPUT, "the output is tensor %d of %d", node->output,
                         v->graph->n_tensors);
    return OK;
}

/* Notes which node makes what; a second maker is an error. */
static enum status verify_makers(struct verifier *v)
{
    const struct graph *graph = v->graph;
    struct name_set *names = name_set_start(v->scratch);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        if ((unsigned)node->op >= N_OPS)
            return fail(v->diag, ERR_INPUT, "node %d has unknown op %d", i, (int)node->op);
        if (node->name == NULL || !identifier_is(node->name))
            return fail(v->diag, ERR_INPUT, "%s '%s': the name of node %d is not a C identifier",
                        op_name(node->op), node->name == NULL ? "" : node->name, i);
        if (name_set_find(names, node->name) >= 0)
            return NODE_FAIL(v, node, ERR_INPUT, "%s", "two nodes have this name");
        name_set_add(names, node->name, i);
        TRY(verify_node_ids(v, node));
        const struct tensor *output = node_output(graph, node);
        int32_t maker = v->maker[node->output];
        if (maker >= 0)
            return NODE_FAIL(v, node, ERR_INPUT, "makes '%s', which '%s' makes already",
                             output->name, graph->nodes[maker].name);
        if (maker != MAKER_NONE)
            return NODE_FAIL(v, node, ERR_INPUT, "makes '%s', which is %s", output->name,
                             maker == MAKER_INPUT ? "an input of the graph" : "a constant");
        v->maker[node->output] = i;
    }
    for (int32_t i = 0; i < graph->n_tensors; i++)
        if (v->maker[i] == MAKER_NONE)
            return TENSOR_FAIL(v, &graph->tensors[i], ERR_INPUT, "%s",
                               "neither constant, nor an input of the graph, nor made by a node");
    return OK;
}

/* Every input is there before its node runs. */
static enum status verify_order(struct verifier *v)
{
    for (int32_t i = 0; i < v->graph->n_nodes; i++) {
        const struct node *node = &v->graph->nodes[i];
        for (int32_t k = 0; k < node->n_inputs; k++)
            if (v->maker[node->inputs[k]] >= i)
                return NODE_FAIL(v, node, ERR_INPUT,
                                 "reads '%s' before '%s' makes it: a cycle, or nodes that are not "
                                 "in execution order",
                                 node_input(v->graph, node, k)->name,
                                 v->graph->nodes[v->maker[node->inputs[k]]].name);
    }
    return OK;
}

/* ---- one node ---- */

static enum status verify_attributes(struct verifier *v, const struct node *node)
{
    int32_t rank = node_input(v->graph, node, 0)->shape.rank;
    for (int a = 0; a < N_ATTRS; a++) {
        const struct attr_facts *facts = attr_facts((enum attr_index)a);
        int used = op_facts(node->op)->attributes & (1 << a);
        for (int32_t i = 0; i < facts->n_members; i++) {
            union attr_value value = attr_get(&node->attrs, facts, i);
            if (!(used && i < attr_count(facts, rank))) {
                if (value.bits != 0)
                    return NODE_FAIL(v, node, ERR_INPUT, "%s[%d] has no meaning here, must be 0",
                                     facts->name, i);
            } else if (facts->type == ATTR_TYPE_activation && !activation_is(value.activation)) {
                return NODE_FAIL(v, node, ERR_INPUT, "unknown activation %d", value.i32);
            } else if (facts->type == ATTR_TYPE_f32 && !isfinite(value.f32)) {
                return NODE_FAIL(v, node, ERR_INPUT, "%s is %f, it must be finite", facts->name,
                                 (double)value.f32);
            }
        }
    }
    return OK;
}

static enum status verify_output_shape(struct verifier *v, const struct node *node)
{
    struct shape shape;
    const struct tensor *output = node_output(v->graph, node);
    TRY(shape_infer(v->graph, node, &shape, v->diag));
    if (!shape_equal(&shape, &output->shape))
        return NODE_FAIL(v, node, ERR_INPUT, "the output '%s' has shape %s, it must be %s",
                         output->name, shape_string(&output->shape, v->scratch),
                         shape_string(&shape, v->scratch));
    return OK;
}

static enum status verify_image_limits(struct verifier *v, const struct node *node)
{
    const struct shape *input = &node_input(v->graph, node, 0)->shape;
    const struct shape *output = &node_output(v->graph, node)->shape;
    for (int i = 1; i <= 2; i++)
        if (input->dims[i] > MAX_IMAGE_SIZE || output->dims[i] > MAX_IMAGE_SIZE)
            return NODE_FAIL(v, node, ERR_UNSUPPORTED, "an image higher or wider than %d",
                             MAX_IMAGE_SIZE);
    return OK;
}

static enum status verify_window_limits(struct verifier *v, const struct node *node,
                                        const int32_t window[2], int32_t limit)
{
    const struct attrs *attrs = &node->attrs;
    for (int i = 0; i < 2; i++) {
        if (window[i] > limit)
            return NODE_FAIL(v, node, ERR_UNSUPPORTED, "a window of %d, at most %d is supported",
                             window[i], limit);
        if (attrs->pads[2 * i] > limit || attrs->pads[2 * i + 1] > limit)
            return NODE_FAIL(v, node, ERR_UNSUPPORTED,
                             "a pad of more than %d; use a pad node before it", limit);
        if (attrs->stride[i] > MAX_STRIDE || attrs->dilation[i] > MAX_STRIDE)
            return NODE_FAIL(v, node, ERR_UNSUPPORTED, "a stride or dilation of more than %d",
                             MAX_STRIDE);
    }
    return OK;
}

/* Sizes that the runtime's parameters cannot hold. */
static enum status verify_limits(struct verifier *v, const struct node *node)
{
    switch (node->op) {
    case OP_resize_nearest_neighbor:
        return verify_image_limits(v, node);
    case OP_average_pool_2d:
    case OP_max_pool_2d:
        TRY(verify_image_limits(v, node));
        return verify_window_limits(v, node, node->attrs.window, MAX_POOL_WINDOW);
    case OP_conv_2d:
    case OP_depthwise_conv_2d:
    case OP_transpose_conv:
        TRY(verify_image_limits(v, node));
        return verify_window_limits(v, node, &node_input(v->graph, node, 1)->shape.dims[1],
                                    MAX_WINDOW);
    default:
        return OK;
    }
}

/* Inputs that are data (all but weights and bias): at least one of them is computed. */
static int32_t n_data_inputs(const struct node *node)
{
    return op_has_weights(node->op) || node->op == OP_batch_normalization ? 1 : node->n_inputs;
}

static enum status verify_constants(struct verifier *v, const struct node *node)
{
    int computed = 0;
    for (int32_t i = 0; i < n_data_inputs(node); i++)
        computed = computed || node_input(v->graph, node, i)->data == NULL;
    if (!computed)
        return NODE_FAIL(v, node, ERR_UNSUPPORTED, "%s",
                         "all inputs are constant; replace the output by a constant");
    for (int32_t i = n_data_inputs(node); i < node->n_inputs; i++)
        if (node_input(v->graph, node, i)->data == NULL)
            return NODE_FAIL(v, node, ERR_UNSUPPORTED, "the %s '%s' must be constant",
                             !op_has_weights(node->op) ? "parameter"
                             : i == 1                  ? "weights"
                                                       : "bias",
                             node_input(v->graph, node, i)->name);
    return OK;
}

static enum status need_dtype(struct verifier *v, const struct node *node,
                              const struct tensor *tensor, enum dtype dtype)
{
    if (tensor->dtype != dtype)
        return NODE_FAIL(v, node, ERR_INPUT, "'%s' is %s, it must be %s", tensor->name,
                         dtype_name(tensor->dtype), dtype_name(dtype));
    return OK;
}

static enum status verify_dtypes(struct verifier *v, const struct node *node)
{
    const struct tensor *output = node_output(v->graph, node);
    enum dtype dtype = node_input(v->graph, node, 0)->dtype;
    if (dtype == DTYPE_S32)
        return NODE_FAIL(v, node, ERR_INPUT, "'%s' is s32, it must be s8 or f32",
                         node_input(v->graph, node, 0)->name);
    if (node->op == OP_quantize)
        return need_dtype(v, node, output, DTYPE_S8);
    if (node->op == OP_dequantize) {
        TRY(need_dtype(v, node, node_input(v->graph, node, 0), DTYPE_S8));
        return need_dtype(v, node, output, DTYPE_F32);
    }
    for (int32_t i = 0; i < node->n_inputs; i++) {
        int bias = op_has_weights(node->op) && i == 2;
        TRY(need_dtype(v, node, node_input(v->graph, node, i),
                       bias && dtype == DTYPE_S8 ? DTYPE_S32 : dtype));
    }
    return need_dtype(v, node, output, dtype);
}

/* ---- the rules of TFLite's 8-bit quantization specification ---- */

/* TFLite demands equal scales for some of these ops, for others a distance below 1e-6; the values
 * are copied in any case, so a difference in the last digits harms nobody. */
static int scale_near(double a, double b)
{
    return fabs(a - b) <= 1e-4 * fmax(a, b);
}

static enum status need_same(struct verifier *v, const struct node *node)
{
    const struct tensor *output = node_output(v->graph, node);
    for (int32_t i = 0; i < node->n_inputs; i++) {
        const struct tensor *input = node_input(v->graph, node, i);
        const struct quantization *from = &input->quantization, *to = &output->quantization;
        if (!scale_near(from->scale[0], to->scale[0]) || from->zero_point[0] != to->zero_point[0])
            return NODE_FAIL(
                v, node, ERR_INPUT,
                "'%s' has scale %.9g and zero point %d, '%s' %.9g and %d: they must be "
                "equal; put a quantize node before it",
                input->name, (double)from->scale[0], from->zero_point[0], output->name,
                (double)to->scale[0], to->zero_point[0]);
    }
    return OK;
}

static enum status need_fixed(struct verifier *v, const struct node *node, float scale,
                              int32_t zero_point)
{
    const struct tensor *output = node_output(v->graph, node);
    const struct quantization *q = &output->quantization;
    if (q->scale[0] != scale || q->zero_point[0] != zero_point)
        return NODE_FAIL(
            v, node, ERR_INPUT, "'%s' has scale %.9g and zero point %d, they must be %.9g and %d",
            output->name, (double)q->scale[0], q->zero_point[0], (double)scale, zero_point);
    return OK;
}

/* The three-step requantization scales the sum by 2 * max / (2^20 * output), which must be less
 * than 1: TFLite's QuantizeMultiplierSmallerThanOneExp. */
static enum status need_add_range(struct verifier *v, const struct node *node)
{
    double a = node_input(v->graph, node, 0)->quantization.scale[0];
    double b = node_input(v->graph, node, 1)->quantization.scale[0];
    double output = node_output(v->graph, node)->quantization.scale[0];
    if (2 * fmax(a, b) >= output * (1 << 20))
        return NODE_FAIL(v, node, ERR_UNSUPPORTED,
                         "the output's scale %.9g is too small for inputs of scale %.9g and %.9g",
                         output, a, b);
    return OK;
}

static enum status verify_weights_scale(struct verifier *v, const struct node *node)
{
    const struct tensor *weights = node_input(v->graph, node, 1);
    const struct tensor *bias = node_input(v->graph, node, 2);
    const struct quantization *q = &weights->quantization;
    int32_t axis = node->op == OP_depthwise_conv_2d ? 3 : 0;
    int32_t channels = weights->shape.dims[axis];
    if (q->n > 1 && q->axis != axis)
        return NODE_FAIL(v, node, ERR_INPUT, "the weights '%s' have scales along axis %d, not %d",
                         weights->name, q->axis, axis);
    if (q->n == 1 && q->zero_point[0] != 0)
        return NODE_FAIL(v, node, ERR_UNSUPPORTED,
                         "the weights '%s' have zero point %d; quantize them symmetrically",
                         weights->name, q->zero_point[0]);
    if (bias == NULL || bias->quantization.n == 0)
        return OK;
    double input_scale = node_input(v->graph, node, 0)->quantization.scale[0];
    double output_scale = node_output(v->graph, node)->quantization.scale[0];
    for (int32_t i = 0; i < channels; i++) {
        double product = input_scale * q->scale[q->n > 1 ? i : 0];
        double scale = bias->quantization.scale[bias->quantization.n > 1 ? i : 0];
        /* TFLite's own tolerance. */
        if (fabs(product - scale) > 0.02 * output_scale)
            return NODE_FAIL(
                v, node, ERR_INPUT,
                "scale %d of the bias '%s' is %.9g, it must be that of the input times "
                "that of the weights, %.9g",
                i, bias->name, scale, product);
    }
    return OK;
}

static enum status verify_s8(struct verifier *v, const struct node *node)
{
    for (int32_t i = 0; i < n_data_inputs(node); i++)
        if (node_input(v->graph, node, i)->quantization.n != 1)
            return NODE_FAIL(v, node, ERR_INPUT, "'%s' must have one scale for the whole tensor",
                             node_input(v->graph, node, i)->name);
    switch (node->op) {
    case OP_conv_2d:
    case OP_depthwise_conv_2d:
    case OP_transpose_conv:
    case OP_fully_connected:
        return verify_weights_scale(v, node);
    case OP_add:
    case OP_sub:
        return need_add_range(v, node);
    case OP_concatenation:
    case OP_pad:
    case OP_average_pool_2d:
    case OP_max_pool_2d:
    case OP_reshape:
    case OP_resize_nearest_neighbor:
    case OP_strided_slice:
        return need_same(v, node);
    case OP_softmax:
    case OP_logistic:
        return need_fixed(v, node, 1.0f / 256, -128);
    case OP_tanh:
        return need_fixed(v, node, 1.0f / 128, 0);
    case OP_batch_normalization:
        return NODE_FAIL(v, node, ERR_UNSUPPORTED, "%s",
                         "needs f32; fold it into the layer before it");
    case OP_mul:
    case OP_mean:
    case OP_relu:
    case OP_relu6:
    case OP_leaky_relu:
    case OP_hard_swish:
    case OP_quantize:
    case OP_dequantize:
    case N_OPS:
        break;
    }
    return OK;
}

static enum status verify_batch_normalization(struct verifier *v, const struct node *node)
{
    double epsilon = node->attrs.epsilon;
    const struct tensor *variance = node_input(v->graph, node, 4);
    if (variance->dtype != DTYPE_F32)
        return OK; /* refused later */
    if (epsilon < 0)
        return NODE_FAIL(v, node, ERR_INPUT, "epsilon %.9g must not be negative", epsilon);
    for (int32_t i = 0; i < variance->shape.dims[0]; i++) {
        double value = ((const float *)variance->data)[i];
        if (variance->initializer == INITIALIZER_NONE && (value < 0 || value + epsilon <= 0))
            return NODE_FAIL(v, node, ERR_INPUT, "variance %d is %.9g, it must be positive", i,
                             value);
    }
    return OK;
}

static enum status verify_node(struct verifier *v, const struct node *node)
{
    TRY(verify_attributes(v, node));
    TRY(verify_output_shape(v, node));
    TRY(verify_limits(v, node));
    TRY(verify_constants(v, node));
    TRY(verify_dtypes(v, node));
    if (node->op == OP_softmax && node->attrs.beta <= 0)
        return NODE_FAIL(v, node, ERR_INPUT, "beta %.9g must be positive",
                         (double)node->attrs.beta);
    if (node->op == OP_batch_normalization)
        TRY(verify_batch_normalization(v, node));
    if (node_input(v->graph, node, 0)->dtype == DTYPE_S8)
        return verify_s8(v, node);
    return OK;
}

static enum status verify(struct verifier *v)
{
    if (v->graph->name == NULL || !identifier_is(v->graph->name))
        return fail(v->diag, ERR_INPUT, "the name of the graph is not a C identifier: '%s'",
                    v->graph->name == NULL ? "" : v->graph->name);
    TRY(verify_tensors(v));
    v->maker = ARENA_ARRAY(v->scratch, (size_t)v->graph->n_tensors, int32_t);
    TRY(verify_inputs(v));
    TRY(verify_makers(v));
    TRY(verify_order(v));
    TRY(verify_outputs(v));
    for (int32_t i = 0; i < v->graph->n_nodes; i++)
        TRY(verify_node(v, &v->graph->nodes[i]));
    return OK;
}

enum status graph_verify(const struct graph *graph, struct diag *diag)
{
    struct arena scratch = {0};
    struct verifier verifier = {.graph = graph, .scratch = &scratch, .diag = diag};
    enum status status = verify(&verifier);
    arena_free(&scratch);
    return status;
}
