/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "graph/draft.h"
#include "pass/pass.h"
#include "pass/simplify.h"

static enum status check_float(const struct graph *graph, struct diag *diag)
{
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->dtype != DTYPE_F32)
            return fail(diag, ERR_UNSUPPORTED, "'%s' is quantized; shrink the float network",
                        tensor->name);
        if (tensor->initializer != INITIALIZER_NONE)
            return fail(diag, ERR_INPUT,
                        "'%s' has no trained values yet; train the network first (dtmm train)",
                        tensor->name);
    }
    return OK;
}

/* ---- masks ---- */

static size_t weight_count(const struct graph *graph, const struct node *node)
{
    return (size_t)shape_elements(&node_input(graph, node, 1)->shape);
}

/* A byte for each weight of every layer. Without masks, weights that are zero are absent. */
static struct masks *masks_complete(const struct graph *graph, const struct masks *masks,
                                    struct arena *arena)
{
    struct masks *complete = ARENA_NEW(arena, struct masks);
    complete->n_nodes = graph->n_nodes;
    complete->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes, uint8_t *);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (!has_weights(node->op))
            continue;
        size_t n_weights = weight_count(graph, node);
        complete->kept[n] = ARENA_ARRAY(arena, n_weights, uint8_t);
        for (size_t i = 0; i < n_weights; i++)
            complete->kept[n][i] = masks == NULL ? value_get(node_input(graph, node, 1), i) != 0
                                                 : masks->kept[n] == NULL || masks->kept[n][i];
    }
    return complete;
}

/* Layers that keep all get no mask. */
static void masks_reduce(const struct graph *graph, struct masks *masks)
{
    for (int32_t n = 0; n < graph->n_nodes; n++)
        if (masks->kept[n] && !memchr(masks->kept[n], 0, weight_count(graph, &graph->nodes[n])))
            masks->kept[n] = NULL;
}

/* The graph with zeros for the absent weights, in memory of the arena. */
static const struct graph *graph_masked(const struct graph *graph, const struct masks *masks,
                                        struct arena *arena)
{
    struct draft *draft = ARENA_NEW(arena, struct draft);
    *draft = draft_start(graph, arena);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        if (masks->kept[n] == NULL)
            continue;
        size_t n_weights = weight_count(graph, &graph->nodes[n]);
        float *weights = draft_own_values(draft, &draft->graph.nodes[n], 1);
        for (size_t i = 0; i < n_weights; i++)
            if (!masks->kept[n][i])
                weights[i] = 0;
    }
    return &draft->graph;
}

/* ---- what still depends on the input ---- */

struct liveness {
    const struct graph *graph;
    struct known known;
    uint8_t **live; /* by tensor, by channel: it may change with the inputs */
    const struct node *node;
};

static int any_live(const struct liveness *liveness, int32_t tensor)
{
    size_t n = (size_t)channel_count(&liveness->graph->tensors[tensor]);
    return memchr(liveness->live[tensor], 1, n) != NULL;
}

static int reads_live(const struct liveness *liveness, const struct node *node)
{
    for (int32_t k = 0; k < activation_input_count(node); k++)
        if (any_live(liveness, node->inputs[k]))
            return 1;
    return 0;
}

static void live_edge(void *context, const struct edge *edge)
{
    const struct liveness *liveness = context;
    const struct node *node = liveness->node;
    if (liveness->live[node->inputs[edge->input]][edge->input_channel])
        liveness->live[node->output][edge->output_channel] = 1;
}

/* Whether a column of output channel o reads a channel that is live. */
static int column_is_live(const struct liveness *liveness, const struct layer *layer, int32_t o,
                          int32_t column)
{
    const uint8_t *live = liveness->live[layer->node->inputs[0]];
    int32_t n_inputs = channel_count(layer->input);
    if (layer->node->op == OP_depthwise_conv_2d)
        return live[o / (layer->n_outputs / n_inputs)];
    int64_t n_elements = layer->node->op == OP_fully_connected
                             ? shape_elements(&layer->input->shape)
                             : layer->n_columns;
    for (int64_t element = column; element < n_elements; element += layer->n_columns)
        if (live[element % n_inputs])
            return 1;
    return 0;
}

static int filter_is_live(const struct liveness *liveness, const struct layer *layer, int32_t o)
{
    for (int32_t column = 0; column < layer->n_columns; column++) {
        if (!column_is_live(liveness, layer, o, column))
            continue;
        for (int32_t tap = 0; tap < layer->kernel_h * layer->kernel_w; tap++)
            if (layer_weight(layer, o, tap, column) != 0)
                return 1;
    }
    return 0;
}

static void find_live(struct liveness *liveness, const struct node *node, struct arena *arena)
{
    const struct graph *graph = liveness->graph;
    int32_t n_channels = channel_count(node_output(graph, node));
    uint8_t *live = liveness->live[node->output];
    liveness->node = node;
    if (has_weights(node->op)) {
        struct layer layer = layer_of(graph, node, arena);
        for (int32_t o = 0; o < n_channels; o++)
            live[o] = (uint8_t)filter_is_live(liveness, &layer, o);
    } else {
        edges_visit(graph, node, live_edge, liveness);
    }
    for (int32_t c = 0; c < n_channels; c++)
        if (liveness->known.image[node->output][c])
            live[c] = 0;
}

static struct liveness liveness_of(const struct graph *graph, struct arena *arena)
{
    struct liveness liveness = {graph, known_find(graph, DTYPE_F32, arena),
                                ARENA_ARRAY(arena, (size_t)graph->n_tensors, uint8_t *), NULL};
    for (int32_t t = 0; t < graph->n_tensors; t++)
        liveness.live[t] = ARENA_ARRAY(arena, (size_t)channel_count(&graph->tensors[t]), uint8_t);
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        int32_t id = graph->inputs[i];
        memset(liveness.live[id], 1, (size_t)channel_count(&graph->tensors[id]));
    }
    for (int32_t n = 0; n < graph->n_nodes; n++)
        find_live(&liveness, &graph->nodes[n], arena);
    return liveness;
}

/* Where the last path to a dead output breaks: a node that makes nothing of what is live. Layers
 * with weights come before others, and those near the input before those near the output. */
static const struct node *find_break(const struct liveness *liveness, int32_t output,
                                     struct arena *arena)
{
    const struct graph *graph = liveness->graph;
    const struct node *found = NULL;
    uint8_t *suspect = ARENA_ARRAY(arena, (size_t)graph->n_tensors, uint8_t);
    suspect[output] = 1;
    for (int32_t n = graph->n_nodes - 1; n >= 0; n--) {
        const struct node *node = &graph->nodes[n];
        if (!suspect[node->output])
            continue;
        if (reads_live(liveness, node) && (!found || has_weights(node->op)))
            found = node;
        for (int32_t k = 0; k < activation_input_count(node); k++)
            suspect[node->inputs[k]] |= !any_live(liveness, node->inputs[k]);
    }
    return found;
}

static enum status check_alive(const struct graph *graph, struct diag *diag)
{
    struct arena scratch = {0};
    struct liveness liveness = liveness_of(graph, &scratch);
    enum status status = OK;
    for (int32_t i = 0; i < graph->n_outputs && status == OK; i++) {
        int32_t output = graph->outputs[i];
        if (any_live(&liveness, output))
            continue;
        const struct node *node = find_break(&liveness, output, &scratch);
        status = node ? fail(diag, ERR_INPUT, "%s '%s' keeps no filter; prune less of it",
                             op_name(node->op), node->name)
                      : fail(diag, ERR_INPUT, "output '%s' does not depend on the inputs",
                             graph->tensors[output].name);
    }
    arena_free(&scratch);
    return status;
}

/* ---- */

enum status shrink(const struct graph *graph, const struct masks *masks, struct arena *arena,
                   struct graph **shrunk, struct masks **masks_of_shrunk, struct diag *diag)
{
    assert(masks == NULL || masks->n_nodes == graph->n_nodes);
    TRY(check_float(graph, diag));
    struct arena scratch = {0};
    const struct masks *complete = masks_complete(graph, masks, &scratch);
    const struct graph *masked = graph_masked(graph, complete, &scratch);
    enum status status = check_alive(masked, diag);
    if (status == OK) {
        struct simplified simplified = simplify_rounds(masked, DTYPE_F32, complete, arena);
        masks_reduce(simplified.graph, simplified.masks);
        *shrunk = simplified.graph;
        if (masks_of_shrunk)
            *masks_of_shrunk = simplified.masks;
        status = graph_verify(*shrunk, diag);
    }
    arena_free(&scratch);
    return status;
}
