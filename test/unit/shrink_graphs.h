/* SPDX-License-Identifier: Apache-2.0 */
/* Random float graphs with random masks, and the graphs that masks mean. */
#ifndef DTMM_TEST_UNIT_SHRINK_GRAPHS_H
#define DTMM_TEST_UNIT_SHRINK_GRAPHS_H

/* test/train/cases.h has a function of the name that test/unit/float_graph.h gives its own. */
#define random_real float_graph_random_real
#include "test/unit/float_graph.h"
#undef random_real
#include "product/masks.h"
#include "test/train/reference.h"
#include "test/unit/random_graph.h"

/* ---- masks ---- */

static inline size_t n_weights(const struct graph *graph, int32_t n)
{
    return (size_t)shape_elements(&node_input(graph, &graph->nodes[n], 1)->shape);
}

static inline int32_t n_filters(const struct graph *graph, int32_t n)
{
    const struct shape *shape = &node_output(graph, &graph->nodes[n])->shape;
    return shape->dims[shape->rank - 1];
}

/* The filter that a weight belongs to. */
static inline int32_t filter_of(const struct graph *graph, int32_t n, size_t weight)
{
    size_t filters = (size_t)n_filters(graph, n);
    if (graph->nodes[n].op == OP_depthwise_conv_2d)
        return (int32_t)(weight % filters);
    return (int32_t)(weight / (n_weights(graph, n) / filters));
}

static inline void mask_filter(const struct graph *graph, int32_t n, int32_t filter, uint8_t *kept)
{
    for (size_t i = 0; i < n_weights(graph, n); i++)
        if (filter_of(graph, n, i) == filter)
            kept[i] = 0;
}

static inline void mask_layer(const struct graph *graph, int32_t n, uint8_t *kept)
{
    memset(kept, 0, n_weights(graph, n));
}

/* Everything is kept, with a byte for each weight. */
static inline struct masks *masks_of_ones(const struct graph *graph, struct arena *arena)
{
    struct masks *masks = ARENA_NEW(arena, struct masks);
    masks->n_nodes = graph->n_nodes;
    masks->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes, uint8_t *);
    for (int32_t n = 0; n < graph->n_nodes; n++)
        if (op_has_weights(graph->nodes[n].op)) {
            masks->kept[n] = ARENA_ARRAY(arena, n_weights(graph, n), uint8_t);
            memset(masks->kept[n], 1, n_weights(graph, n));
        }
    return masks;
}

/* Masks of one layer: nothing, filters, filterlets, elements, nearly all, or all of it. */
static inline void mask_randomly(const struct graph *graph, int32_t n, struct random *random,
                                 uint8_t *kept)
{
    const struct shape *shape = &node_input(graph, &graph->nodes[n], 1)->shape;
    size_t columns = (size_t)shape->dims[shape->rank - 1];
    int kind = random_range(random, 0, 29), percent = random_range(random, 10, 80);
    int32_t spared = random_range(random, 0, n_filters(graph, n) - 1);
    if (graph->nodes[n].op == OP_depthwise_conv_2d)
        columns = 1;
    for (int32_t o = 0; o < n_filters(graph, n) && kind < 14; o++)
        if (kind > 8 ? o != spared : random_range(random, 1, 100) <= percent)
            mask_filter(graph, n, o, kept);
    for (size_t i = 0; i < n_weights(graph, n) && kind >= 8 && kind < 28; i += columns)
        if (random_range(random, 1, 100) <= percent)
            memset(kept + i, 0, columns);
    for (size_t i = 0; i < n_weights(graph, n) && kind >= 20 && kind < 28; i++)
        if (random_range(random, 1, 100) <= percent)
            kept[i] = 0;
    if (kind == 28)
        mask_layer(graph, n, kept);
}

/* Of so many percent of the layers something is absent. */
static inline struct masks *random_masks(const struct graph *graph, struct random *random,
                                         int percent, struct arena *arena)
{
    struct masks *masks = masks_of_ones(graph, arena);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        if (masks->kept[n] == NULL)
            continue;
        if (random_range(random, 1, 100) > percent)
            masks->kept[n] = NULL; /* keeps all */
        else
            mask_randomly(graph, n, random, masks->kept[n]);
    }
    return masks;
}

/* Half of the filters of every layer but the last are absent. */
static inline struct masks *sparse_masks(const struct graph *graph, struct random *random,
                                         struct arena *arena)
{
    struct masks *masks = masks_of_ones(graph, arena);
    int32_t last = graph->n_nodes - 1;
    while (last > 0 && masks->kept[last] == NULL)
        last--;
    for (int32_t n = 0; n < last; n++)
        for (int32_t o = 1; masks->kept[n] && o < n_filters(graph, n); o++)
            if (random_range(random, 0, 1) == 0)
                mask_filter(graph, n, o, masks->kept[n]);
    return masks;
}

/* The graph with zeros for what is absent. */
static inline struct graph *masked_graph(const struct graph *graph, const struct masks *masks,
                                         struct arena *arena)
{
    struct draft draft = draft_start(graph, arena);
    struct graph *masked;
    struct diag diag;
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        if (masks->kept[n] == NULL)
            continue;
        float *weights = draft_own_values(&draft, &draft.graph.nodes[n], 1);
        for (size_t i = 0; i < n_weights(graph, n); i++)
            weights[i] = masks->kept[n][i] ? weights[i] : 0;
    }
    if (draft_finish(&draft, arena, &masked, &diag) != OK) {
        fprintf(stderr, "failed: %s\n", diag.message);
        exit(1);
    }
    return masked;
}

/* ---- graphs ---- */

/* A decorated random graph; some normalizations have factors that are zero. */
static inline struct graph *random_float_graph(uint64_t seed, struct arena *arena)
{
    struct graph *graph;
    struct diag diag;
    struct random random = {seed + 1};
    const char *text = random_graph(seed, arena);
    if (graph_parse(text, strlen(text), arena, &graph, &diag) != OK) {
        fprintf(stderr, "failed: %s\n", diag.message);
        exit(1);
    }
    graph = float_of(graph, seed, 1, arena);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (node->op != OP_batch_normalization)
            continue;
        struct tensor *gamma = &graph->tensors[node->inputs[1]];
        float *values = arena_copy(arena, gamma->data, tensor_bytes(gamma));
        for (int64_t c = 0; c < shape_elements(&gamma->shape); c++)
            values[c] = random_range(&random, 0, 4) == 0 ? 0 : values[c];
        gamma->data = values;
    }
    return graph;
}

/* Biases, offsets and means become zero, so that empty filters make zeros. */
static inline void silence(struct graph *graph)
{
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        for (int32_t k = 2; k < node->n_inputs && k < 4; k++) {
            struct tensor *tensor = &graph->tensors[node->inputs[k]];
            if (op_has_weights(node->op) || node->op == OP_batch_normalization)
                memset((void *)(uintptr_t)tensor->data, 0, tensor_bytes(tensor));
        }
    }
}

/* ---- outputs ---- */

static inline struct reference reference_run(const struct graph *graph, int32_t n, uint64_t seed,
                                             struct arena *arena)
{
    struct reference reference = reference_make(graph, n, arena);
    struct random random = {seed};
    for (int32_t i = 0; i < graph->n_inputs; i++)
        for (int64_t e = 0; e < reference_size(&reference, graph->inputs[i]); e++)
            reference.values[graph->inputs[i]][e] = (double)float_graph_random_real(&random, -3, 3);
    reference_forward(&reference, REFERENCE_INFERENCE);
    return reference;
}

/* Whether an output is the same for all samples. */
static inline int has_constant_output(const struct graph *graph, int32_t n, uint64_t seed)
{
    struct arena arena = {0};
    struct reference reference = reference_run(graph, n, seed, &arena);
    int found = 0;
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        const double *values = reference.values[graph->outputs[i]];
        int64_t n_values = reference_size(&reference, graph->outputs[i]) / n;
        int same = 1;
        for (int64_t e = 0; e < n_values * n; e++)
            same &= fabs(values[e] - values[e % n_values]) <= 1e-9 * fabs(values[e]);
        found |= same;
    }
    arena_free(&arena);
    return found;
}

/* The largest difference of the outputs of two graphs, in double precision. */
struct difference {
    double of_output;     /* in units of the output's largest value */
    double of_activation; /* in units of the first graph's largest value */
};

/* The largest value of an activation. */
static inline double largest_value(const struct reference *reference)
{
    const struct graph *graph = reference->graph;
    double largest = 0;
    for (int32_t n = 0; n < graph->n_nodes; n++)
        for (int64_t e = 0; e < reference_size(reference, graph->nodes[n].output); e++)
            largest = fmax(largest, fabs(reference->values[graph->nodes[n].output][e]));
    return largest;
}

static inline struct difference reference_difference(const struct graph *a, const struct graph *b,
                                                     int32_t n, uint64_t seed)
{
    struct arena arena = {0};
    struct reference of_a = reference_run(a, n, seed, &arena);
    struct reference of_b = reference_run(b, n, seed, &arena);
    struct difference worst = {0, 0};
    double largest_of_all = fmax(largest_value(&of_a), 1e-6);
    for (int32_t i = 0; i < a->n_outputs; i++) {
        double largest = 1e-6, difference = 0;
        for (int64_t e = 0; e < reference_size(&of_a, a->outputs[i]); e++) {
            double x = of_a.values[a->outputs[i]][e], y = of_b.values[b->outputs[i]][e];
            largest = fmax(largest, fabs(x));
            difference = fmax(difference, fabs(x - y));
        }
        worst.of_output = fmax(worst.of_output, difference / largest);
        worst.of_activation = fmax(worst.of_activation, difference / largest_of_all);
    }
    arena_free(&arena);
    return worst;
}

#endif
