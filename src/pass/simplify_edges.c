/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

#include <assert.h>

int32_t channel_count(const struct tensor *tensor)
{
    return tensor->shape.rank > 0 ? tensor->shape.dims[tensor->shape.rank - 1] : 1;
}

int32_t position_count(const struct tensor *tensor)
{
    return (int32_t)(shape_elements(&tensor->shape) / channel_count(tensor));
}

int has_weights(enum op op)
{
    return op == OP_conv_2d || op == OP_depthwise_conv_2d || op == OP_transpose_conv ||
           op == OP_fully_connected;
}

int32_t activation_input_count(const struct node *node)
{
    return has_weights(node->op) ? 1 : node->n_inputs;
}

int moves_elements(enum op op)
{
    return op == OP_reshape || op == OP_concatenation || op == OP_pad || op == OP_strided_slice;
}

int mixes_channels(const struct graph *graph, const struct node *node)
{
    const struct tensor *input = node_input(graph, node, 0);
    int32_t last = input->shape.rank - 1;
    switch (node->op) {
    case OP_softmax:
        return 1;
    case OP_mean:
        return last < 0 || node->attrs.axes & (1 << last);
    case OP_strided_slice:
        return last >= 0 && node->attrs.step[last] != 1;
    default:
        return 0;
    }
}

static void split_index(const struct shape *shape, int64_t element, int32_t index[MAX_RANK])
{
    for (int32_t d = shape->rank - 1; d >= 0; d--) {
        index[d] = (int32_t)(element % shape->dims[d]);
        element /= shape->dims[d];
    }
}

static int64_t join_index(const struct shape *shape, const int32_t index[MAX_RANK])
{
    int64_t element = 0;
    for (int32_t d = 0; d < shape->rank; d++)
        element = element * shape->dims[d] + index[d];
    return element;
}

/* Replaces the index along the joined dimension by the index in the input it falls into. */
static int32_t find_joined_input(const struct graph *graph, const struct node *node, int32_t *index)
{
    int32_t k = 0;
    for (;; k++) {
        assert(k < node->n_inputs);
        int32_t size = node_input(graph, node, k)->shape.dims[node->attrs.axis];
        if (*index < size)
            return k;
        *index -= size;
    }
}

int moved_from(const struct graph *graph, const struct node *node, int64_t output_element,
               int32_t *input, int64_t *input_element)
{
    const struct attrs *attrs = &node->attrs;
    int32_t index[MAX_RANK];
    *input = 0;
    if (node->op == OP_reshape) {
        *input_element = output_element;
        return 1;
    }
    split_index(&node_output(graph, node)->shape, output_element, index);
    if (node->op == OP_concatenation)
        *input = find_joined_input(graph, node, &index[attrs->axis]);
    const struct shape *source = &node_input(graph, node, *input)->shape;
    for (int32_t d = 0; d < source->rank; d++) {
        if (node->op == OP_pad)
            index[d] -= attrs->before[d];
        if (node->op == OP_strided_slice)
            index[d] = attrs->begin[d] + index[d] * attrs->step[d];
        if (index[d] < 0 || index[d] >= source->dims[d])
            return 0;
    }
    *input_element = join_index(source, index);
    return 1;
}

static void visit_moves(const struct graph *graph, const struct node *node,
                        void (*visit)(void *context, const struct edge *edge), void *context)
{
    const struct tensor *output = node_output(graph, node);
    int64_t n_elements = shape_elements(&output->shape);
    for (int64_t element = 0; element < n_elements; element++) {
        struct edge edge;
        int64_t source;
        if (!moved_from(graph, node, element, &edge.input, &source))
            continue;
        edge.input_channel = (int32_t)(source % channel_count(node_input(graph, node, edge.input)));
        edge.output_channel = (int32_t)(element % channel_count(output));
        visit(context, &edge);
    }
}

void edges_visit(const struct graph *graph, const struct node *node,
                 void (*visit)(void *context, const struct edge *edge), void *context)
{
    int32_t n_outputs = channel_count(node_output(graph, node));
    if (moves_elements(node->op)) {
        visit_moves(graph, node, visit, context);
        return;
    }
    for (int32_t k = 0; k < node->n_inputs; k++) {
        int32_t n = channel_count(node_input(graph, node, k));
        for (int32_t o = 0; o < n_outputs; o++) {
            if (mixes_channels(graph, node))
                for (int32_t i = 0; i < n; i++)
                    visit(context, &(struct edge){k, i, o});
            else
                visit(context, &(struct edge){k, n == 1 ? 0 : o, o});
        }
    }
}
