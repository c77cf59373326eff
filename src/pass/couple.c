/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pass/pass.h"
#include "pass/simplify.h"

/* Channels that are seen from outside stay, and with them their groups. */
static void mark_fixed(const struct channel_groups *channels, int32_t tensor, uint8_t *fixed)
{
    int32_t n = channel_count(&channels->graph->tensors[tensor]);
    for (int32_t c = 0; c < n; c++)
        fixed[channel_group(channels, tensor, c)] = 1;
}

/* Numbers the groups that have filters. */
static struct groups *number_classes(const struct channel_groups *channels, const uint8_t *fixed,
                                     int32_t *number, struct arena *arena)
{
    const struct graph *graph = channels->graph;
    struct groups *groups = ARENA_NEW(arena, struct groups);
    groups->n_nodes = graph->n_nodes;
    groups->n_filters = ARENA_ARRAY(arena, (size_t)graph->n_nodes, int32_t);
    groups->of = ARENA_ARRAY(arena, (size_t)graph->n_nodes, int32_t *);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (!has_weights(node->op))
            continue;
        int32_t n_filters = channel_count(node_output(graph, node));
        groups->n_filters[n] = n_filters;
        groups->of[n] = ARENA_ARRAY(arena, (size_t)n_filters, int32_t);
        for (int32_t o = 0; o < n_filters; o++) {
            int32_t group = channel_group(channels, node->output, o);
            if (number[group] < 0 && !fixed[group])
                number[group] = groups->n_groups++;
            groups->of[n][o] = number[group];
        }
    }
    return groups;
}

/* Which class each input channel of a layer leaves with. */
static void number_inputs(const struct channel_groups *channels, const int32_t *number,
                          struct arena *arena, struct groups *groups)
{
    const struct graph *graph = channels->graph;
    groups->n_inputs = ARENA_ARRAY(arena, (size_t)graph->n_nodes, int32_t);
    groups->inputs = ARENA_ARRAY(arena, (size_t)graph->n_nodes, int32_t *);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (!has_weights(node->op))
            continue;
        int32_t n_channels = channel_count(node_input(graph, node, 0)), n_columns = n_channels;
        if (node->op == OP_fully_connected)
            n_columns = node_input(graph, node, 1)->shape.dims[1];
        groups->n_inputs[n] = n_columns;
        groups->inputs[n] = ARENA_ARRAY(arena, (size_t)n_columns, int32_t);
        for (int32_t i = 0; i < n_columns; i++)
            groups->inputs[n][i] = number[channel_group(channels, node->inputs[0], i % n_channels)];
    }
}

/* Which class each channel of an activation leaves with. */
static void number_channels(const struct channel_groups *channels, const int32_t *number,
                            struct arena *arena, struct groups *groups)
{
    const struct graph *graph = channels->graph;
    groups->n_tensors = graph->n_tensors;
    groups->n_channels = ARENA_ARRAY(arena, (size_t)graph->n_tensors, int32_t);
    groups->channels = ARENA_ARRAY(arena, (size_t)graph->n_tensors, int32_t *);
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        int32_t n = groups->n_channels[t] = channel_count(&graph->tensors[t]);
        if (graph->tensors[t].data != NULL)
            continue;
        groups->channels[t] = ARENA_ARRAY(arena, (size_t)n, int32_t);
        for (int32_t c = 0; c < n; c++)
            groups->channels[t][c] = number[channel_group(channels, t, c)];
    }
}

enum status couple(const struct graph *graph, struct arena *arena, struct groups **groups,
                   struct diag *diag)
{
    (void)diag;
    struct arena scratch = {0};
    struct channel_groups channels = channel_groups_start(graph, &scratch);
    size_t n_channels = (size_t)channels.first[graph->n_tensors];
    uint8_t *fixed = ARENA_ARRAY(&scratch, n_channels, uint8_t);
    int32_t *number = ARENA_ARRAY(&scratch, n_channels, int32_t);
    memset(number, -1, n_channels * sizeof *number);
    for (int32_t n = 0; n < graph->n_nodes; n++)
        channel_groups_join(&channels, &graph->nodes[n]);
    for (int32_t i = 0; i < graph->n_inputs; i++)
        mark_fixed(&channels, graph->inputs[i], fixed);
    for (int32_t i = 0; i < graph->n_outputs; i++)
        mark_fixed(&channels, graph->outputs[i], fixed);
    *groups = number_classes(&channels, fixed, number, arena);
    number_inputs(&channels, number, arena, *groups);
    number_channels(&channels, number, arena, *groups);
    arena_free(&scratch);
    return OK;
}
