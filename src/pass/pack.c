/* SPDX-License-Identifier: Apache-2.0 */
/* The pass `pack`: which node becomes which kernel calls. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pass/kernel_choice.h"
#include "pass/pack_internal.h"
#include "pass/pass.h"

enum status unsupported(struct packing *packing, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return fail(packing->diag, ERR_UNSUPPORTED, "%s '%s': %s", op_name(packing->node->op),
                packing->node->name, text);
}

static enum kernel kernel_find(const char *name)
{
    int i = 0;
    while (strcmp(kernel_facts((enum kernel)i)->name, name) != 0 ||
           strcmp(kernel_facts((enum kernel)i)->isa, "c") != 0) {
        i++;
        assert(i < N_KERNELS);
    }
    return (enum kernel)i;
}

struct packed_call *call_add(struct packing *packing, const char *kernel, int32_t n_inputs)
{
    struct packed *packed = packing->packed;
    if (packed->n_calls == packing->calls_size) {
        int32_t size = packing->calls_size == 0 ? 16 : 2 * packing->calls_size;
        struct packed_call *calls = ARENA_ARRAY(packing->arena, (size_t)size, struct packed_call);
        if (packed->n_calls != 0)
            memcpy(calls, packed->calls, (size_t)packed->n_calls * sizeof *calls);
        packed->calls = calls;
        packing->calls_size = size;
    }
    assert(n_inputs >= 1 && n_inputs <= 2);
    struct packed_call *call = &packed->calls[packed->n_calls++];
    call->node = packing->node_id;
    call->kernel = kernel_find(kernel);
    call->n_inputs = n_inputs;
    for (int32_t i = 0; i < n_inputs; i++)
        call->inputs[i] = packing->node->inputs[i];
    call->output = packing->node->output;
    return call;
}

void call_array(struct packed_call *call, struct packed_array array, size_t *total)
{
    assert(call->n_arrays < MAX_ARRAYS && array.n > 0);
    call->arrays[call->n_arrays++] = array;
    *total += array.n * array.element_bytes;
}

enum status check_range(struct packing *packing, const char *what, int64_t value, int64_t low,
                        int64_t high)
{
    if (value >= low && value <= high)
        return OK;
    return unsupported(packing,
                       "%s is %lld, the kernels take %lld to %lld; change the layer's size", what,
                       (long long)value, (long long)low, (long long)high);
}

enum status multiplier_make(struct packing *packing, const char *what, double real, int64_t largest,
                            struct fixed_point *multiplier)
{
    if (!isfinite(real))
        return unsupported(packing, "the %s of its scales is not finite; quantize the model anew",
                           what);
    *multiplier = fixed_point_from(real);
    int32_t shift = multiplier->shift;
    if (shift > 30 || (shift > 0 && largest > (int64_t)INT32_MAX >> shift))
        return unsupported(packing,
                           "the %s of its scales is %g, too large for 32-bit arithmetic; quantize "
                           "the model anew",
                           what, real);
    return OK;
}

float tensor_scale(const struct tensor *tensor)
{
    assert(tensor->quantization.n == 1);
    return tensor->quantization.scale[0];
}

int32_t tensor_zero_point(const struct tensor *tensor)
{
    assert(tensor->quantization.n == 1);
    return tensor->quantization.zero_point[0];
}

/* The quantized form of `real`, held inside [-2^30, 2^30] so that sums of a few cannot overflow;
 * beyond int8 the exact value does not matter. */
static int64_t quantized_bound(const struct tensor *tensor, float real)
{
    float steps = roundf(real / tensor_scale(tensor));
    if (steps > 1073741824.0F)
        steps = 1073741824.0F;
    if (steps < -1073741824.0F)
        steps = -1073741824.0F;
    return tensor_zero_point(tensor) + (int64_t)steps;
}

void activation_range(const struct packing *packing, int8_t *low, int8_t *high)
{
    const struct tensor *output = node_output(packing->graph, packing->node);
    int64_t least = INT8_MIN, most = INT8_MAX;
    switch (packing->node->attrs.activation) {
    case ACTIVATION_NONE:
        break;
    case ACTIVATION_RELU:
        least = quantized_bound(output, 0.0F);
        break;
    case ACTIVATION_RELU6:
        least = quantized_bound(output, 0.0F);
        most = quantized_bound(output, 6.0F);
        break;
    case ACTIVATION_RELU_N1_TO_1:
        least = quantized_bound(output, -1.0F);
        most = quantized_bound(output, 1.0F);
        break;
    }
    *low = (int8_t)(least < INT8_MIN ? INT8_MIN : least);
    *high = (int8_t)(most > INT8_MAX ? INT8_MAX : most);
}

int32_t extended_dim(const struct shape *shape, int i)
{
    int missing = MAX_RANK - shape->rank;
    return i < missing ? 1 : shape->dims[i - missing];
}

enum status check_image(struct packing *packing, const struct tensor *tensor)
{
    const struct shape *shape = &tensor->shape;
    if (shape->rank != 4)
        return unsupported(packing, "tensor '%s' has %d dimensions, 4 are needed (NHWC)",
                           tensor->name, (int)shape->rank);
    if (shape->dims[0] != 1)
        return unsupported(packing,
                           "the batch size is %d, only 1 is supported; export with batch size 1",
                           (int)shape->dims[0]);
    return OK;
}

/* Ops that may touch float tensors, and the element types of an int8 graph everywhere else. */
static enum status check_types(struct packing *packing)
{
    const struct node *node = packing->node;
    if (node->op == OP_quantize || node->op == OP_dequantize || node->op == OP_reshape)
        return OK;
    const struct tensor *input = node_input(packing->graph, node, 0);
    const struct tensor *output = node_output(packing->graph, node);
    if (input->dtype == DTYPE_S8 && output->dtype == DTYPE_S8)
        return OK;
    return unsupported(packing,
                       "works on %s, only s8 is supported; quantize the model to int8 "
                       "first",
                       dtype_name(input->dtype == DTYPE_S8 ? output->dtype : input->dtype));
}

static enum status pack_op(struct packing *packing)
{
    switch (packing->node->op) {
    case OP_conv_2d:
        return pack_conv_2d(packing);
    case OP_depthwise_conv_2d:
        return pack_depthwise_conv_2d(packing);
    case OP_transpose_conv:
        return pack_transpose_conv(packing);
    case OP_fully_connected:
        return pack_fully_connected(packing);
    case OP_batch_normalization:
        return unsupported(packing, "%s", "works on f32 only; quantize the model to int8 first");
    case OP_add:
    case OP_sub:
        return pack_add_or_sub(packing);
    case OP_mul:
        return pack_mul(packing);
    case OP_concatenation:
        return pack_concatenation(packing);
    case OP_pad:
        return pack_pad(packing);
    case OP_mean:
        return pack_mean(packing);
    case OP_average_pool_2d:
    case OP_max_pool_2d:
        return pack_pool_2d(packing);
    case OP_reshape:
        return pack_copy(packing);
    case OP_softmax:
        return pack_softmax(packing);
    case OP_logistic:
    case OP_tanh:
    case OP_relu:
    case OP_relu6:
    case OP_leaky_relu:
    case OP_hard_swish:
        return pack_lookup(packing);
    case OP_quantize:
    case OP_dequantize:
        return pack_quantize(packing);
    case OP_resize_nearest_neighbor:
        return pack_resize_nearest_neighbor(packing);
    case OP_strided_slice:
        return pack_strided_slice(packing);
    case N_OPS:
        break;
    }
    assert(0);
    return ERR_UNSUPPORTED;
}

/* Tensors that share memory because reshapes without a call lie between them. Of each class at most
 * one tensor has a fixed place: a graph input, a constant or a graph output. */
struct classes {
    int32_t *parent; /* by tensor */
    int32_t *fixed;  /* by root: how many tensors of the class have a fixed place */
};

static int32_t class_of(const struct classes *classes, int32_t tensor)
{
    while (classes->parent[tensor] != tensor)
        tensor = classes->parent[tensor];
    return tensor;
}

static struct classes classes_start(const struct graph *graph, struct arena *arena)
{
    struct classes classes = {ARENA_ARRAY(arena, (size_t)graph->n_tensors + 1, int32_t),
                              ARENA_ARRAY(arena, (size_t)graph->n_tensors + 1, int32_t)};
    for (int32_t i = 0; i < graph->n_tensors; i++) {
        classes.parent[i] = i;
        classes.fixed[i] = graph->tensors[i].data != NULL;
    }
    for (int32_t i = 0; i < graph->n_inputs; i++)
        classes.fixed[graph->inputs[i]]++;
    for (int32_t i = 0; i < graph->n_outputs; i++)
        classes.fixed[graph->outputs[i]]++;
    return classes;
}

/* Whether a reshape needs no call; if so its input and output become one class. */
static int share_memory(struct classes *classes, const struct node *node)
{
    int32_t input = class_of(classes, node->inputs[0]);
    int32_t output = class_of(classes, node->output);
    if (classes->fixed[input] + classes->fixed[output] > 1)
        return 0;
    classes->parent[output] = input;
    classes->fixed[input] += classes->fixed[output];
    return 1;
}

enum status pack(const struct graph *graph, const struct pack_request *request, struct arena *arena,
                 struct packed **packed, struct diag *diag)
{
    struct packed *result = ARENA_NEW(arena, struct packed);
    result->n_nodes = graph->n_nodes;
    result->nodes = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, struct packed_node);
    struct packing packing = {
        .graph = graph, .request = request, .arena = arena, .diag = diag, .packed = result};
    struct classes classes = classes_start(graph, arena);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        packing.node = &graph->nodes[i];
        packing.node_id = i;
        packing.facts = &result->nodes[i];
        packing.facts->first_call = result->n_calls;
        TRY(check_types(&packing));
        if (packing.node->op != OP_reshape || !share_memory(&classes, packing.node))
            TRY(pack_op(&packing));
        packing.facts->n_calls = result->n_calls - packing.facts->first_call;
    }
    TRY(kernels_choose(graph, request, arena, result, diag));
    *packed = result;
    return OK;
}
