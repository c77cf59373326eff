/* SPDX-License-Identifier: Apache-2.0 */
#include "train/compensate.h"

#include <assert.h>

#include "graph/draft.h"
#include "graph/facts.h"
#include "train/gram.h"
#include "train/least_squares.h"

/* Of OpenBLAS: products are the same bits with one thread, whatever the number of cores. Declared
 * here because cblas.h may be another library's. */
extern void openblas_set_num_threads(int n);

struct compensating {
    const struct graph *graph; /* dense */
    const struct compensation *request;
    struct draft draft;
    uint8_t *changed; /* by tensor: is not what the dense graph makes */
    int32_t n_fitted; /* samples */
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

/* ---- a layer as a problem ---- */

/* Where the weight of a filter's column stands. */
static int64_t weight_at(const struct node *node, const struct gram *gram, int64_t filter,
                         int64_t column)
{
    return node->op == OP_depthwise_conv_2d ? column * gram->n_groups + filter
                                            : filter * (gram->n_columns - 1) + column;
}

/* Dense weights, and which of them are kept, with the bias behind each filter's. */
static void columns_read(const struct compensating *c, int32_t index, const struct gram *gram,
                         double *weights, uint8_t *kept)
{
    const struct node *node = &c->graph->nodes[index];
    const struct tensor *bias = node_input(c->graph, node, 2);
    const float *dense = node_input(c->graph, node, 1)->data;
    int64_t n = gram->n_columns, filters = (int64_t)gram->n_groups * gram->n_filters;
    for (int64_t f = 0; f < filters; f++) {
        for (int64_t i = 0; i < n - 1; i++) {
            int64_t at = weight_at(node, gram, f, i);
            weights[f * n + i] = (double)dense[at];
            kept[f * n + i] = kept_of(c, index) == NULL || kept_of(c, index)[at];
        }
        weights[f * n + n - 1] = bias != NULL ? (double)((const float *)bias->data)[f] : 0;
        kept[f * n + n - 1] = 1;
    }
}

static void columns_write(struct compensating *c, int32_t index, const struct gram *gram,
                          const double *weights)
{
    struct node *node = &c->draft.graph.nodes[index];
    int64_t n = gram->n_columns, filters = (int64_t)gram->n_groups * gram->n_filters;
    if (node->n_inputs == 2) {
        struct tensor bias = {
            .name = arena_printf(c->draft.arena, "%s/bias", node->name),
            .dtype = DTYPE_F32,
            .shape = {.rank = 1, .dims = {(int32_t)filters}},
            .data = ARENA_ARRAY(c->draft.arena, (size_t)filters, float),
        };
        node->inputs[node->n_inputs++] = draft_add_tensor(&c->draft, &bias);
    }
    float *to = draft_own_values(&c->draft, node, 1), *bias = draft_own_values(&c->draft, node, 2);
    for (int64_t f = 0; f < filters; f++) {
        for (int64_t i = 0; i < n - 1; i++)
            to[weight_at(node, gram, f, i)] = (float)weights[f * n + i];
        bias[f] = (float)weights[f * n + n - 1];
    }
}

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
        size_t filters = (size_t)gram.n_groups * (size_t)gram.n_filters;
        size_t n = filters * (size_t)gram.n_columns;
        double *weights = ARENA_ARRAY(&scratch, n, double);
        uint8_t *kept = ARENA_ARRAY(&scratch, n, uint8_t);
        const float *scale = scales_of(c, index, (int64_t)filters, &scratch);
        columns_read(c, index, &gram, weights, kept);
        for (int32_t g = 0; g < gram.n_groups; g++) {
            int64_t columns = gram.n_columns, first = (int64_t)g * gram.n_filters;
            struct least_squares problem = {
                .n_columns = gram.n_columns,
                .n_filters = gram.n_filters,
                .xx = gram.xx + g * columns * columns,
                .xy = gram.xy + first * columns,
                .kept = kept + first * columns,
                .damping = c->request->damping > 0 ? c->request->damping : 1e-3,
                .scale = scale != NULL ? scale + first : NULL,
                .weights = weights + first * columns,
            };
            least_squares_solve(&problem);
        }
        columns_write(c, index, &gram, weights);
    }
    arena_free(&scratch);
    return status;
}

/* ---- all layers ---- */

static enum status layers_solve(struct compensating *c)
{
    for (int32_t i = 0; i < c->graph->n_nodes; i++) {
        const struct node *node = &c->graph->nodes[i];
        if (!is_changed(c, i))
            continue;
        c->changed[node->output] = 1;
        if (gram_has(node))
            TRY(layer_solve(c, i));
    }
    return OK;
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
        .n_fitted = request->n_samples - n_held_out,
        .diag = diag,
    };
    openblas_set_num_threads(1);
    absent_remove(&c);
    enum status status = layers_solve(&c);
    if (status == OK)
        status = draft_finish(&c.draft, arena, compensated, diag);
    arena_free(&scratch);
    return status;
}
