/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates what is known of an int8 node with the kernels that devices run, so that there is one
 * arithmetic: the node is put into a graph of its own, over the known channels alone, packed, and
 * its calls are run. */
#include "pass/simplify.h"

#include <assert.h>

#include "pass/pass.h"

/* The channels of a node's output that are known, and the operands they come from. */
struct selection {
    const struct graph *graph;
    const struct node *node;
    const struct known *known;
    int32_t n;
    int32_t *channels;
    struct arena *arena;
};

const double *operand_image(const struct graph *graph, const struct node *node,
                            const struct known *known, int32_t k, int32_t channel)
{
    int32_t n = channel_count(node_input(graph, node, k));
    return known->image[node->inputs[k]][n == 1 ? 0 : channel];
}

/* Whether an operand of a mul is zero everywhere, so that the other one does not matter. */
static int operand_is_zero(const struct graph *graph, const struct node *node,
                           const struct known *known, int32_t k, int32_t channel)
{
    int32_t n = channel_count(node_input(graph, node, k)), c = n == 1 ? 0 : channel;
    return known_uniform(known, node->inputs[k], c) &&
           known->image[node->inputs[k]][c][0] == value_zero(node_input(graph, node, k));
}

/* Whether a batch_normalization makes a constant of whatever it reads. */
static int is_cut_off(const struct graph *graph, const struct node *node, int32_t channel)
{
    return node->op == OP_batch_normalization &&
           value_get(node_input(graph, node, 1), (size_t)channel) == 0;
}

static int channel_is_known(const struct graph *graph, const struct node *node,
                            const struct known *known, int32_t channel)
{
    int all = 1;
    if (is_cut_off(graph, node, channel))
        return 1;
    for (int32_t k = 0; k < node->n_inputs; k++) {
        if (node->op == OP_mul && operand_is_zero(graph, node, known, k, channel))
            return 1;
        all = all && operand_image(graph, node, known, k, channel);
    }
    return all;
}

int64_t broadcast_position(const struct shape *output, const struct shape *operand,
                           int64_t position)
{
    int64_t result = 0, stride = 1;
    for (int32_t d = output->rank - 2, e = operand->rank - 2; d >= 0 && e >= 0; d--, e--) {
        int64_t index = position % output->dims[d];
        position /= output->dims[d];
        if (operand->dims[e] > 1)
            result += index * stride;
        stride *= operand->dims[e];
    }
    return result;
}

static int is_binary(enum op op)
{
    return op == OP_add || op == OP_sub || op == OP_mul;
}

/* Operand `k` over the selected channels; operands of binary ops get the output's shape. */
static int32_t add_operand(struct graph_builder *builder, const struct selection *selection,
                           int32_t k)
{
    const struct tensor *source = node_input(selection->graph, selection->node, k);
    const struct shape *output = &node_output(selection->graph, selection->node)->shape;
    struct tensor tensor = *source;
    if (is_binary(selection->node->op))
        tensor.shape = *output;
    tensor.shape.dims[tensor.shape.rank - 1] = selection->n;
    int32_t n_positions = position_count(&tensor);
    int8_t *data = ARENA_ARRAY(selection->arena, tensor_bytes(&tensor), int8_t);
    for (int32_t c = 0; c < selection->n; c++) {
        const double *image = operand_image(selection->graph, selection->node, selection->known, k,
                                            selection->channels[c]);
        for (int32_t p = 0; p < n_positions; p++) {
            int64_t from =
                is_binary(selection->node->op) ? broadcast_position(output, &source->shape, p) : p;
            /* A value that does not matter is the zero point. */
            data[(int64_t)p * selection->n + c] =
                (int8_t)(image ? image[from] : value_zero(source));
        }
    }
    tensor.data = data;
    return graph_add_tensor(builder, &tensor);
}

#define RUN_unary(call, function) function(parameters, inputs[0], target)
#define RUN_scratch(call, function) function(parameters, inputs[0], target, scratch)
#define RUN_binary(call, function) function(parameters, inputs[0], inputs[1], target)

static void run_call(const struct packed_call *call, const void *const inputs[2], int8_t *target,
                     void *scratch)
{
    switch (call->kernel) {
#define KERNEL(name, isa, type, form, reference)                                                   \
    ONLY_##isa(case KERNEL_##name##_##isa                                                          \
               : {                                                                                 \
                   const struct dtmm_##type *parameters = &call->parameters.type;                  \
                   (void)scratch;                                                                  \
                   RUN_##form(call, dtmm_##name##_##isa);                                          \
                   break;                                                                          \
               })
#include "../../runtime/kernels.inc"
#undef KERNEL
    default:
        assert(0 && "packed for the host");
        break;
    }
}

/* Runs the one node; NULL when it cannot be packed. */
static const int8_t *run_alone(const struct graph *graph, struct arena *arena)
{
    struct packed *packed;
    struct diag ignored;
    if (pack(graph, NULL, arena, &packed, &ignored) != OK)
        return NULL;
    int8_t *output = ARENA_ARRAY(arena, tensor_bytes(&graph->tensors[graph->outputs[0]]), int8_t);
    for (int32_t c = 0; c < packed->n_calls; c++) {
        const struct packed_call *call = &packed->calls[c];
        const void *inputs[2] = {NULL, NULL};
        for (int32_t k = 0; k < call->n_inputs; k++)
            inputs[k] = graph->tensors[call->inputs[k]].data;
        run_call(call, inputs, output + call->output_offset,
                 arena_alloc(arena, call->scratch_bytes + 1, 1));
    }
    return output;
}

static const int8_t *evaluate_selection(const struct selection *selection)
{
    struct graph_builder builder = graph_start(selection->arena, selection->graph->name);
    struct node node = *selection->node;
    struct tensor output = *node_output(selection->graph, selection->node);
    for (int32_t k = 0; k < node.n_inputs; k++)
        node.inputs[k] = add_operand(&builder, selection, k);
    output.shape.dims[output.shape.rank - 1] = selection->n;
    node.output = graph_add_tensor(&builder, &output);
    graph_add_node(&builder, &node);
    graph_set_outputs(&builder, &node.output, 1);
    return run_alone(builder.graph, selection->arena);
}

void evaluate(const struct graph *graph, const struct node *node, const struct known *known,
              const double **image, struct arena *arena)
{
    const struct tensor *output = node_output(graph, node);
    int32_t n_channels = channel_count(output), n_positions = position_count(output);
    struct selection selection = {graph, node, known, 0, NULL, arena};
    selection.channels = ARENA_ARRAY(arena, (size_t)n_channels, int32_t);
    for (int32_t c = 0; c < n_channels; c++)
        if (channel_is_known(graph, node, known, c))
            selection.channels[selection.n++] = c;
    if (selection.n == 0 || mixes_channels(graph, node) || output->shape.rank == 0)
        return;
    if (known->dtype == DTYPE_F32) {
        for (int32_t i = 0; i < selection.n; i++) {
            int32_t c = selection.channels[i];
            image[c] = evaluate_f32(graph, node, known, c, arena);
        }
        return;
    }
    const int8_t *values = evaluate_selection(&selection);
    for (int32_t c = 0; c < selection.n && values; c++) {
        double *of_channel = ARENA_ARRAY(arena, (size_t)n_positions, double);
        for (int32_t p = 0; p < n_positions; p++)
            of_channel[p] = values[(int64_t)p * selection.n + c];
        image[selection.channels[c]] = of_channel;
    }
}
