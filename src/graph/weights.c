/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/weights.h"

#include <string.h>

/* The weights as [filter][filterlet][element], whatever their storage order. */
struct weight_view {
    int32_t n_filters, n_filterlets,
        n_elements;                          /* filterlets of a filter, elements of a filterlet */
    int64_t filter_stride, filterlet_stride; /* in elements */
};

static struct weight_view view_of(const struct node *node, const struct tensor *weights)
{
    const int32_t *dims = weights->shape.dims;
    if (node->op == OP_fully_connected)
        return (struct weight_view){dims[0], 1, dims[1], dims[1], dims[1]};
    if (node->op == OP_depthwise_conv_2d)
        return (struct weight_view){dims[3], dims[1] * dims[2], 1, 1, dims[3]};
    return (struct weight_view){dims[0], dims[1] * dims[2], dims[3],
                                (int64_t)dims[1] * dims[2] * dims[3], dims[3]};
}

static int is_zero(const struct tensor *weights, int64_t first, int32_t n)
{
    for (int64_t i = first; i < first + n; i++) {
        if (weights->dtype == DTYPE_F32 ? ((const float *)weights->data)[i] != 0.0f
                                        : ((const int8_t *)weights->data)[i] != 0)
            return 0;
    }
    return 1;
}

static int64_t positions(const struct graph *graph, const struct node *node)
{
    const struct shape *shape = &node_output(graph, node)->shape;
    if (node->op == OP_transpose_conv)
        shape = &node_input(graph, node, 0)->shape;
    return shape_elements(shape) / shape->dims[shape->rank - 1];
}

struct weight_counts weight_counts(const struct graph *graph, const struct node *node)
{
    struct weight_counts counts = {0};
    if (node->op != OP_conv_2d && node->op != OP_depthwise_conv_2d &&
        node->op != OP_transpose_conv && node->op != OP_fully_connected)
        return counts;
    const struct tensor *weights = node_input(graph, node, 1);
    struct weight_view view = view_of(node, weights);
    counts.n_filters = view.n_filters;
    counts.n_filterlets = view.n_filters * view.n_filterlets;
    counts.n_weights = shape_elements(&weights->shape);
    counts.macs = positions(graph, node) * counts.n_weights;
    for (int32_t o = 0; o < view.n_filters; o++) {
        int32_t n_zero = 0;
        for (int32_t j = 0; j < view.n_filterlets; j++)
            n_zero += is_zero(weights, o * view.filter_stride + j * view.filterlet_stride,
                              view.n_elements);
        counts.n_filterlets_zero += n_zero;
        counts.n_filters_zero += n_zero == view.n_filterlets;
    }
    counts.n_weights_live = counts.n_weights - (int64_t)counts.n_filterlets_zero * view.n_elements;
    return counts;
}
