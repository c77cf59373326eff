/* SPDX-License-Identifier: Apache-2.0 */
#include "train/filters.h"

#include "train/least_squares.h"

/* How the weights of a layer stand in memory. */
struct view {
    int64_t n_filters, n_weights; /* weights of a filter */
    int64_t filter_step, weight_step;
};

static struct view view_of(const struct graph *graph, const struct node *node)
{
    const struct shape *shape = &node_input(graph, node, 1)->shape;
    int depthwise = node->op == OP_depthwise_conv_2d;
    int64_t filters = shape->dims[depthwise ? 3 : 0], n = shape_elements(shape) / filters;
    return depthwise ? (struct view){filters, n, 1, filters} : (struct view){filters, n, n, 1};
}

double *filters_read(const struct graph *graph, int32_t node, struct arena *arena)
{
    struct view view = view_of(graph, &graph->nodes[node]);
    const float *weights = node_input(graph, &graph->nodes[node], 1)->data;
    const struct tensor *bias = node_input(graph, &graph->nodes[node], 2);
    double *filters =
               ARENA_ARRAY(arena, (size_t)view.n_filters * (size_t)(view.n_weights + 1), double),
           *to = filters;
    for (int64_t f = 0; f < view.n_filters; f++) {
        for (int64_t i = 0; i < view.n_weights; i++)
            *to++ = (double)weights[f * view.filter_step + i * view.weight_step];
        *to++ = bias != NULL ? (double)((const float *)bias->data)[f] : 0;
    }
    return filters;
}

uint8_t *filters_kept(const struct graph *graph, int32_t node, const uint8_t *kept,
                      struct arena *arena)
{
    struct view view = view_of(graph, &graph->nodes[node]);
    uint8_t *by_column =
                ARENA_ARRAY(arena, (size_t)view.n_filters * (size_t)(view.n_weights + 1), uint8_t),
            *to = by_column;
    for (int64_t f = 0; f < view.n_filters; f++) {
        for (int64_t i = 0; i < view.n_weights; i++)
            *to++ = kept == NULL || kept[f * view.filter_step + i * view.weight_step] != 0;
        *to++ = 1;
    }
    return by_column;
}

void filters_write(struct draft *draft, int32_t node, const double *filters)
{
    struct node *layer = &draft->graph.nodes[node];
    struct view view = view_of(&draft->graph, layer);
    if (layer->n_inputs == 2) {
        struct tensor bias = {
            .name = arena_printf(draft->arena, "%s/bias", layer->name),
            .dtype = DTYPE_F32,
            .shape = {.rank = 1, .dims = {(int32_t)view.n_filters}},
            .data = ARENA_ARRAY(draft->arena, (size_t)view.n_filters, float),
        };
        layer->inputs[layer->n_inputs++] = draft_add_tensor(draft, &bias);
    }
    float *weights = draft_own_values(draft, layer, 1), *bias = draft_own_values(draft, layer, 2);
    for (int64_t f = 0; f < view.n_filters; f++) {
        for (int64_t i = 0; i < view.n_weights; i++)
            weights[f * view.filter_step + i * view.weight_step] = (float)*filters++;
        bias[f] = (float)*filters++;
    }
}

void filters_solve(const struct filters_problem *problem)
{
    const struct gram *gram = problem->gram;
    int64_t columns = gram->n_columns;
    for (int32_t g = 0; g < gram->n_groups; g++) {
        int64_t first = (int64_t)g * gram->n_filters;
        struct least_squares of_group = {
            .n_columns = gram->n_columns,
            .n_filters = gram->n_filters,
            .xx = gram->xx + g * columns * columns,
            .xy = gram->xy + first * columns,
            .kept = problem->kept + first * columns,
            .damping = problem->damping,
            .scale = problem->scale != NULL ? problem->scale + first : NULL,
            .weights = problem->filters + first * columns,
        };
        least_squares_solve(&of_group);
    }
}
