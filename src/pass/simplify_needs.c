/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

#include <string.h>

/* The analysis at work. */
struct search {
    const struct graph *graph;
    const struct known *known;
    struct needs needs;
    uint8_t *is_output; /* by tensor */
    int32_t *forced;    /* by tensor: a channel that stays lest the tensor be empty, or -1 */
    struct channel_groups groups;
    uint8_t *group_kept; /* by group */
    const struct node *node;
    struct arena *arena;
};

/* ---- what influences the outputs ---- */

static int32_t channels_of(const struct search *search, int32_t tensor)
{
    return search->groups.first[tensor + 1] - search->groups.first[tensor];
}

static int any_needed(const struct search *search, int32_t tensor)
{
    return memchr(search->needs.needed[tensor], 1, (size_t)channels_of(search, tensor)) != NULL;
}

/* Whether an output channel is known though the input channel is not: it does not depend on it. Of
 * int8 graphs nothing is made of that. */
static int is_cut(const struct search *search, const struct edge *edge)
{
    const struct known *known = search->known;
    int32_t input = search->node->inputs[edge->input], output = search->node->output;
    return known->dtype == DTYPE_F32 && known->image[output][edge->output_channel] &&
           !known->image[input][edge->input_channel];
}

static void need_edge(void *context, const struct edge *edge)
{
    struct search *search = context;
    struct needs *needs = &search->needs;
    if (needs->needed[search->node->output][edge->output_channel] && !is_cut(search, edge))
        needs->needed[search->node->inputs[edge->input]][edge->input_channel] = 1;
}

/* Marks the input channels that a column of output channel o reads. */
static void need_column(struct search *search, const struct layer *layer, int32_t o, int32_t column)
{
    uint8_t *needed = search->needs.needed[layer->node->inputs[0]];
    int32_t n_inputs = channel_count(layer->input);
    if (layer->node->op == OP_depthwise_conv_2d) {
        needed[o / (layer->n_outputs / n_inputs)] = 1;
        return;
    }
    int64_t n_elements = layer->node->op == OP_fully_connected
                             ? shape_elements(&layer->input->shape)
                             : layer->n_columns;
    for (int64_t element = column; element < n_elements; element += layer->n_columns)
        needed[element % n_inputs] = 1;
}

static void need_layer_inputs(struct search *search, const struct node *node)
{
    struct layer layer = layer_of(search->graph, node, search->arena);
    uint8_t *folded = ARENA_ARRAY(search->arena, (size_t)layer.n_columns, uint8_t);
    for (int32_t o = 0; o < layer.n_outputs; o++) {
        if (!search->needs.needed[node->output][o])
            continue;
        layer_fold(&layer, search->known, o, folded);
        for (int32_t column = 0; column < layer.n_columns; column++)
            if (!folded[column])
                need_column(search, &layer, o, column);
    }
}

/* Whether a node may read this input from a constant of one position: it is an operand that is
 * repeated, and another gives the output its shape. */
static int accepts_constant(const struct search *search, const struct node *node, int32_t tensor)
{
    if (node->op != OP_add && node->op != OP_sub && node->op != OP_mul)
        return 0;
    int32_t other = node->inputs[node->inputs[0] == tensor];
    const struct graph *graph = search->graph;
    if (graph->tensors[tensor].shape.rank > 4) /* repeating works in four dimensions */
        return 0;
    return other != tensor && !graph->tensors[other].data && !search->needs.constant[other] &&
           shape_equal(&graph->tensors[other].shape, &node_output(graph, node)->shape);
}

/* Whether every channel that matters is known and uniform, and all readers take a constant. */
static int becomes_constant(const struct search *search, int32_t tensor)
{
    const struct graph *graph = search->graph;
    if (search->is_output[tensor])
        return 0;
    for (int32_t c = 0; c < channels_of(search, tensor); c++)
        if (search->needs.needed[tensor][c] && !known_uniform(search->known, tensor, c))
            return 0;
    for (int32_t n = 0; n < graph->n_nodes; n++)
        for (int32_t k = 0; k < graph->nodes[n].n_inputs && search->needs.alive[n]; k++)
            if (graph->nodes[n].inputs[k] == tensor &&
                !accepts_constant(search, &graph->nodes[n], tensor))
                return 0;
    return 1;
}

/* Backward over the nodes; when a node's turn comes, all readers of its output have had theirs. */
static void find_needed(struct search *search)
{
    const struct graph *graph = search->graph;
    struct needs *needs = &search->needs;
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        memset(needs->needed[t], search->is_output[t], (size_t)channels_of(search, t));
        if (search->forced[t] >= 0)
            needs->needed[t][search->forced[t]] = 1;
        needs->constant[t] = 0;
    }
    memset(needs->alive, 0, (size_t)graph->n_nodes);
    for (int32_t n = graph->n_nodes - 1; n >= 0; n--) {
        const struct node *node = &graph->nodes[n];
        if (!any_needed(search, node->output))
            continue;
        needs->constant[node->output] = (uint8_t)becomes_constant(search, node->output);
        needs->alive[n] = !needs->constant[node->output];
        search->node = node;
        if (needs->alive[n] && has_weights(node->op))
            need_layer_inputs(search, node);
        else if (needs->alive[n])
            edges_visit(graph, node, need_edge, search);
    }
}

/* ---- what has to stay with it ---- */

/* TensorFlow Lite computes the factors of a fully_connected layer differently when it has a single
 * output, so a layer with a scale per output keeps two. */
static void keep_two_outputs(struct search *search, const struct node *node)
{
    const struct tensor *weights = node_input(search->graph, node, 1);
    int32_t n = channels_of(search, node->output), n_kept = 0;
    if (node->op != OP_fully_connected || weights->quantization.n < 2)
        return;
    for (int32_t o = 0; o < n; o++)
        n_kept += search->group_kept[channel_group(&search->groups, node->output, o)];
    for (int32_t o = 0; o < n && n_kept == 1; o++) {
        uint8_t *kept = &search->group_kept[channel_group(&search->groups, node->output, o)];
        n_kept += !*kept;
        *kept = 1;
    }
}

static void find_kept(struct search *search)
{
    const struct graph *graph = search->graph;
    channel_groups_reset(&search->groups);
    memset(search->group_kept, 0, (size_t)search->groups.first[graph->n_tensors]);
    for (int32_t n = 0; n < graph->n_nodes; n++)
        if (search->needs.alive[n])
            channel_groups_join(&search->groups, &graph->nodes[n]);
    for (int32_t i = 0; i < graph->n_inputs; i++)
        memset(search->needs.needed[graph->inputs[i]], 1,
               (size_t)channels_of(search, graph->inputs[i]));
    for (int32_t t = 0; t < graph->n_tensors; t++)
        for (int32_t c = 0; c < channels_of(search, t); c++)
            if (search->needs.needed[t][c])
                search->group_kept[channel_group(&search->groups, t, c)] = 1;
    for (int32_t n = 0; n < graph->n_nodes; n++)
        if (search->needs.alive[n])
            keep_two_outputs(search, &graph->nodes[n]);
    for (int32_t t = 0; t < graph->n_tensors; t++)
        for (int32_t c = 0; c < channels_of(search, t); c++)
            search->needs.kept[t][c] = search->group_kept[channel_group(&search->groups, t, c)];
}

/* ---- no tensor may be empty ---- */

/* The channel that costs least to keep: its producer needs nothing to compute it. */
static int32_t cheapest_channel(const struct search *search, int32_t tensor)
{
    for (int32_t c = 0; c < channels_of(search, tensor); c++)
        if (known_uniform(search->known, tensor, c))
            return c;
    return 0;
}

/* Whether a tensor that an alive node reads would have no channels or nobody to compute it. */
static int is_missing(const struct search *search, const struct node *node, int32_t tensor)
{
    const struct graph *graph = search->graph;
    int n_kept = memchr(search->needs.kept[tensor], 1, (size_t)channels_of(search, tensor)) != NULL;
    if (!n_kept)
        return node->op != OP_concatenation;
    if (graph->tensors[tensor].data || search->needs.constant[tensor])
        return 0;
    for (int32_t n = 0; n < graph->n_nodes; n++)
        if (graph->nodes[n].output == tensor)
            return !search->needs.alive[n];
    return 0;
}

/* Whether all inputs of a concatenation that are left are constants. */
static int lacks_computed_input(const struct search *search, const struct node *node)
{
    for (int32_t k = 0; k < node->n_inputs; k++) {
        int32_t tensor = node->inputs[k];
        if (!search->graph->tensors[tensor].data &&
            memchr(search->needs.kept[tensor], 1, (size_t)channels_of(search, tensor)))
            return 0;
    }
    return node->op == OP_concatenation;
}

/* Forces a channel of each missing input of an alive node; returns how many. */
static int force_inputs(struct search *search, const struct node *node)
{
    int n_forced = 0, lacks_computed = lacks_computed_input(search, node);
    for (int32_t k = 0; k < activation_input_count(node); k++) {
        int32_t tensor = node->inputs[k];
        int wanted = lacks_computed && !search->graph->tensors[tensor].data;
        if (search->forced[tensor] >= 0 || !(wanted || is_missing(search, node, tensor)))
            continue;
        search->forced[tensor] = cheapest_channel(search, tensor);
        lacks_computed = 0;
        n_forced++;
    }
    return n_forced;
}

static struct search search_start(const struct graph *graph, const struct known *known,
                                  struct arena *arena)
{
    size_t n_tensors = (size_t)graph->n_tensors;
    struct search search = {.graph = graph,
                            .known = known,
                            .is_output = ARENA_ARRAY(arena, n_tensors, uint8_t),
                            .forced = ARENA_ARRAY(arena, n_tensors, int32_t),
                            .groups = channel_groups_start(graph, arena),
                            .arena = arena};
    search.needs = (struct needs){ARENA_ARRAY(arena, n_tensors, uint8_t *),
                                  ARENA_ARRAY(arena, n_tensors, uint8_t *),
                                  ARENA_ARRAY(arena, n_tensors, uint8_t),
                                  ARENA_ARRAY(arena, (size_t)graph->n_nodes, uint8_t)};
    for (size_t t = 0; t < n_tensors; t++) {
        int32_t n = channel_count(&graph->tensors[t]);
        search.forced[t] = -1;
        search.needs.needed[t] = ARENA_ARRAY(arena, (size_t)n, uint8_t);
        search.needs.kept[t] = ARENA_ARRAY(arena, (size_t)n, uint8_t);
    }
    for (int32_t i = 0; i < graph->n_outputs; i++)
        search.is_output[graph->outputs[i]] = 1;
    search.group_kept = ARENA_ARRAY(arena, (size_t)search.groups.first[n_tensors], uint8_t);
    return search;
}

struct needs needs_find(const struct graph *graph, const struct known *known, struct arena *arena)
{
    struct search search = search_start(graph, known, arena);
    int n_forced;
    do {
        n_forced = 0;
        find_needed(&search);
        find_kept(&search);
        for (int32_t n = 0; n < graph->n_nodes; n++)
            if (search.needs.alive[n])
                n_forced += force_inputs(&search, &graph->nodes[n]);
    } while (n_forced > 0);
    return search.needs;
}
