/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

/* Whoever visits the edges of a node. */
struct joining {
    struct channel_groups *groups;
    const struct node *node;
};

static int32_t channels_of(const struct channel_groups *groups, int32_t tensor)
{
    return groups->first[tensor + 1] - groups->first[tensor];
}

int32_t channel_group(const struct channel_groups *groups, int32_t tensor, int32_t channel)
{
    int32_t *parent = groups->parent, i = groups->first[tensor] + channel;
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static void join(struct channel_groups *groups, int32_t tensor_a, int32_t a, int32_t tensor_b,
                 int32_t b)
{
    int32_t root_a = channel_group(groups, tensor_a, a);
    int32_t root_b = channel_group(groups, tensor_b, b);
    groups->parent[root_a > root_b ? root_a : root_b] = root_a > root_b ? root_b : root_a;
}

static void join_edge(void *context, const struct edge *edge)
{
    const struct joining *joining = context;
    const struct node *node = joining->node;
    struct channel_groups *groups = joining->groups;
    int32_t input = node->inputs[edge->input], output = node->output;
    int is_repeated = channels_of(groups, input) == 1 && channels_of(groups, output) > 1 &&
                      !moves_elements(node->op);
    if (!is_repeated)
        join(groups, input, edge->input_channel, output, edge->output_channel);
}

static void join_all(struct channel_groups *groups, int32_t tensor_a, int32_t tensor_b)
{
    for (int32_t a = 0; a < channels_of(groups, tensor_a); a++)
        join(groups, tensor_a, a, tensor_b, 0);
    for (int32_t b = 0; b < channels_of(groups, tensor_b); b++)
        join(groups, tensor_b, b, tensor_b, 0);
}

/* A row of a fully_connected layer may be several positions or a part of one: channels whose
 * elements fall into one column leave together. */
static void join_columns(struct channel_groups *groups, const struct node *node)
{
    const struct tensor *input = node_input(groups->graph, node, 0);
    int32_t n_inputs = channel_count(input), a = n_inputs;
    int32_t b = node_input(groups->graph, node, 1)->shape.dims[1];
    while (b != 0) {
        int32_t rest = a % b;
        a = b;
        b = rest;
    }
    for (int32_t i = a; i < n_inputs; i++)
        join(groups, node->inputs[0], i, node->inputs[0], i % a);
}

void channel_groups_join(struct channel_groups *groups, const struct node *node)
{
    const struct graph *graph = groups->graph;
    if (node->op == OP_depthwise_conv_2d) {
        int32_t n = channels_of(groups, node->output);
        int32_t multiplier = n / channels_of(groups, node->inputs[0]);
        for (int32_t o = 0; o < n; o++)
            join(groups, node->inputs[0], o / multiplier, node->output, o);
    } else if (node->op == OP_fully_connected) {
        join_columns(groups, node);
    } else if (!has_weights(node->op)) {
        edges_visit(graph, node, join_edge, &(struct joining){groups, node});
        if (mixes_channels(graph, node))
            join_all(groups, node->inputs[0], node->output);
    }
}

void channel_groups_reset(struct channel_groups *groups)
{
    for (int32_t i = 0; i < groups->first[groups->graph->n_tensors]; i++)
        groups->parent[i] = i;
}

struct channel_groups channel_groups_start(const struct graph *graph, struct arena *arena)
{
    struct channel_groups groups = {
        graph, ARENA_ARRAY(arena, (size_t)graph->n_tensors + 1, int32_t), NULL};
    for (int32_t t = 0; t < graph->n_tensors; t++)
        groups.first[t + 1] = groups.first[t] + channel_count(&graph->tensors[t]);
    groups.parent = ARENA_ARRAY(arena, (size_t)groups.first[graph->n_tensors], int32_t);
    channel_groups_reset(&groups);
    return groups;
}
