/* SPDX-License-Identifier: Apache-2.0 */
#include "train/compensate.h"

#include <assert.h>

#include "graph/draft.h"
#include "train/filters.h"
#include "train/gram.h"
#include "train/repair.h"

enum { ROUNDS = 2 };

struct compensating {
    const struct graph *graph; /* dense */
    const struct compensation *request;
    struct draft draft;
    uint8_t *changed;      /* by tensor: is not what the dense graph makes */
    uint8_t *solved;       /* by node: its weights are new */
    int32_t n_fitted;      /* samples */
    const uint8_t *absent; /* by class of filters; NULL: none is */
    struct diag *diag;
};

static const uint8_t *kept_of(const struct compensating *c, int32_t node)
{
    return c->request->masks->kept[node];
}

/* ---- removal ---- */

static int64_t n_weights(const struct graph *graph, const struct node *node)
{
    return shape_elements(&node_input(graph, node, 1)->shape);
}

static void absent_remove(struct compensating *c)
{
    for (int32_t i = 0; i < c->graph->n_nodes; i++) {
        struct node *node = &c->draft.graph.nodes[i];
        const uint8_t *kept = kept_of(c, i);
        if (kept == NULL)
            continue;
        float *weights = draft_own_values(&c->draft, node, 1);
        for (int64_t k = 0; k < n_weights(c->graph, node); k++)
            weights[k] = kept[k] ? weights[k] : 0;
    }
}

/* Whether a layer lost weights, or reads what is not the dense graph's. */
static int is_changed(const struct compensating *c, int32_t index)
{
    const struct node *node = &c->graph->nodes[index];
    const uint8_t *kept = kept_of(c, index);
    for (int64_t k = 0; kept != NULL && k < n_weights(c->graph, node); k++)
        if (!kept[k])
            return 1;
    for (int32_t k = 0; k < node->n_inputs; k++)
        if (c->changed[node->inputs[k]])
            return 1;
    return c->request->scales != NULL && c->request->scales->nodes[index].weights.n > 0;
}

/* ---- a layer ---- */

/* One scale a filter; NULL: weights stay real. */
static const float *scales_of(const struct compensating *c, int32_t index, int64_t n_filters,
                              struct arena *arena)
{
    if (c->request->scales == NULL || c->request->scales->nodes[index].weights.n == 0)
        return NULL;
    const struct quantization *weights = &c->request->scales->nodes[index].weights;
    float *scale = ARENA_ARRAY(arena, (size_t)n_filters, float);
    for (int64_t f = 0; f < n_filters; f++)
        scale[f] = weights->scale[weights->n > 1 ? f : 0];
    return scale;
}

/* Rounding spreads errors over columns that are seldom read, unless they are held back. */
static double damping_of(const struct compensation *request)
{
    return request->damping > 0 ? request->damping : request->scales != NULL ? 1e-2 : 1e-3;
}

/* Channels that nobody is to read make nothing. */
static void absent_silence(struct compensating *c, int32_t index)
{
    const struct groups *groups = c->request->groups;
    struct node *node = &c->draft.graph.nodes[index];
    if (c->absent == NULL || groups->n_filters[index] == 0 || node->n_inputs < 3)
        return;
    float *bias = draft_own_values(&c->draft, node, 2);
    for (int32_t f = 0; f < groups->n_filters[index]; f++)
        if (groups->of[index][f] >= 0 && c->absent[groups->of[index][f]])
            bias[f] = 0;
}

static enum status layer_solve(struct compensating *c, int32_t index)
{
    struct arena scratch = {0};
    struct gram gram;
    struct gram_request request = {
        .dense = c->graph,
        .sparse = &c->draft.graph,
        .node = index,
        .sum = gram_sum(c->graph, index),
        .samples = c->request->samples,
        .n = c->n_fitted,
    };
    enum status status = gram_measure(&request, &scratch, &gram, c->diag);
    if (status == OK) {
        int64_t n_filters = (int64_t)gram.n_groups * gram.n_filters;
        struct filters_problem problem = {
            .gram = &gram,
            .kept = filters_kept(c->graph, index, kept_of(c, index), &scratch),
            .scale = scales_of(c, index, n_filters, &scratch),
            .damping = damping_of(c->request),
            .filters = filters_read(c->graph, index, &scratch),
        };
        filters_solve(&problem);
        for (int round = 0; round < ROUNDS && status == OK; round++) {
            status = gram_retarget(&request, problem.filters, &gram, c->diag);
            filters_solve(&problem);
        }
        filters_write(&c->draft, index, problem.filters);
    }
    arena_free(&scratch);
    return status;
}

/* ---- all layers ---- */

static enum status layers_solve(struct compensating *c)
{
    for (int32_t i = 0; i < c->graph->n_nodes; i++) {
        const struct node *node = &c->graph->nodes[i];
        layer_watch_tell(c->request->watch, i, c->graph->n_nodes);
        if (!is_changed(c, i))
            continue;
        c->changed[node->output] = 1;
        c->solved[i] = (uint8_t)gram_has(node);
        if (c->solved[i])
            TRY(layer_solve(c, i));
        absent_silence(c, i);
    }
    return OK;
}

static enum status layers_repair(struct compensating *c)
{
    const struct compensation *request = c->request;
    const struct tensor *input = &c->graph->tensors[c->graph->inputs[0]];
    struct repair repair = {
        .dense = c->graph,
        .layers = c->solved,
        .keeps_weights = request->scales != NULL,
        .samples = request->samples,
        .held_out = request->samples + c->n_fitted * shape_elements(&input->shape),
        .n_samples = c->n_fitted,
        .n_held_out = request->n_samples - c->n_fitted,
    };
    return repair_channels(&c->draft, &repair, c->diag);
}

enum status compensate(const struct graph *graph, const struct compensation *request,
                       struct arena *arena, struct graph **compensated, struct diag *diag)
{
    assert(request->masks->n_nodes == graph->n_nodes && request->n_samples > 0);
    struct arena scratch = {0};
    int32_t n_held_out = request->repair ? request->n_samples / 8 : 0;
    struct compensating c = {
        .graph = graph,
        .request = request,
        .draft = draft_start(graph, &scratch),
        .changed = ARENA_ARRAY(&scratch, (size_t)graph->n_tensors, uint8_t),
        .solved = ARENA_ARRAY(&scratch, (size_t)graph->n_nodes, uint8_t),
        .n_fitted = request->n_samples - n_held_out,
        .diag = diag,
    };
    if (request->groups != NULL)
        c.absent = groups_absent(request->groups, graph, request->masks, &scratch);
    absent_remove(&c);
    enum status status = layers_solve(&c);
    layer_watch_tell(request->watch, graph->n_nodes, graph->n_nodes);
    if (status == OK && n_held_out > 0)
        status = layers_repair(&c);
    for (int32_t i = 0; i < graph->n_nodes && n_held_out > 0; i++)
        if (c.solved[i])
            absent_silence(&c, i);
    if (status == OK)
        status = draft_finish(&c.draft, arena, compensated, diag);
    arena_free(&scratch);
    return status;
}
