/* SPDX-License-Identifier: Apache-2.0 */
/* The DTMM paper's formulas of flash, SRAM and latency, for test/tool/paper_policy.c, which tells
 * what of them is corrected. */
#ifndef DTMM_TEST_TOOL_PAPER_FORMULAS_H
#define DTMM_TEST_TOOL_PAPER_FORMULAS_H

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "schedule/node_costs.h"

enum { GRID = 16 }; /* of shares of filterlets whose costs are looked up */

static struct diag diag;

static inline void check(enum status status)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", diag.message);
    exit(1);
}

/* A layer with weights, in the order of execution. */
struct layer {
    int32_t node;
    enum op op;
    int32_t set;       /* of filters that leave together; -1: no filter of it leaves */
    int64_t positions; /* of a filter: filterlets */
    int32_t n_filters, n_inputs;
    double flops;
    int may_lose;       /* filters; the paper's "prune" */
    int has_filterlets; /* that may leave too */
    double alpha_limit, beta_limit;
};

/* A network by the paper's formulas, and what is wanted of it. */
struct policy {
    struct arena *arena;
    const struct graph *graph;
    struct space *space;
    const struct groups *groups;
    int32_t n_layers;
    struct layer *layers;
    double flops;      /* of all convolutions */
    int32_t *rank;     /* by class: how many of its set leave before it */
    int32_t *last_use; /* by tensor: the last node that reads it, as a pool or such may too; -1 */
    int32_t *made;     /* by tensor: the node that makes it; -1 */
    uint8_t *takes;    /* by tensor: 1: it takes SRAM */
    struct node_costs *costs;
    uint8_t *candidate; /* scratch, by knob */
    double *relative;   /* what filterlets that leave make of a layer's latency, by layer, choice of
                           filters, choice of units; 0: not asked for yet */
    double flash, sram; /* budgets */
    struct random random;
};

/* What is removed: shares as the paper has them, of all filterlets and filters of a layer. */
struct shares {
    double *alpha, *beta; /* by layer */
};

/* The same in whole filters and filterlets. */
struct counts {
    int32_t *absent;  /* by set: classes */
    int64_t *filters; /* by layer: that stay */
    int64_t *inputs;  /* by layer: channels that stay */
    int64_t *removed; /* by layer: filterlets of the filters that stay */
};

/* ---- the network ---- */

static inline int is_convolution(enum op op)
{
    return op == OP_conv_2d || op == OP_depthwise_conv_2d;
}

static inline int is_sum(const struct graph *graph, const struct node *node)
{
    return (node->op == OP_add || node->op == OP_sub || node->op == OP_mul) &&
           graph->tensors[node->inputs[0]].data == NULL &&
           graph->tensors[node->inputs[1]].data == NULL;
}

static inline const struct shape *weights_of(const struct policy *policy, const struct layer *layer)
{
    return &node_input(policy->graph, &policy->graph->nodes[layer->node], 1)->shape;
}

/* Sets of which a layer is not a convolution keep all filters. */
static inline int set_may_lose(const struct policy *policy, int32_t set)
{
    const struct space *space = policy->space;
    for (int32_t n = 0; n < policy->graph->n_nodes; n++)
        if (space->sets.of_node[n] == set && !is_convolution(policy->graph->nodes[n].op))
            return 0;
    return set >= 0 && space->knobs[space->filters_knob[set]].n_choices > 1;
}

static inline void layer_add(struct policy *policy, int32_t n)
{
    const struct node *node = &policy->graph->nodes[n];
    struct layer *layer = &policy->layers[policy->n_layers++];
    *layer = (struct layer){.node = n, .op = node->op, .set = policy->space->sets.of_node[n]};
    const struct shape *shape = weights_of(policy, layer);
    const struct shape *output = &node_output(policy->graph, node)->shape;
    layer->n_filters = policy->groups->n_filters[n];
    layer->n_inputs = node->op == OP_depthwise_conv_2d ? 1 : policy->groups->n_inputs[n];
    layer->positions = shape_elements(shape) / layer->n_filters / layer->n_inputs;
    layer->may_lose = set_may_lose(policy, layer->set);
    layer->has_filterlets = layer->may_lose && node->op == OP_conv_2d && layer->positions > 1 &&
                            policy->space->units_knob[n] >= 0;
    if (!is_convolution(node->op))
        return;
    layer->flops = 2.0 * (double)shape_elements(shape) * output->dims[1] * output->dims[2];
    policy->flops += layer->flops;
}

static inline void layers_make(struct policy *policy)
{
    const struct graph *graph = policy->graph;
    const struct filter_sets *sets = &policy->space->sets;
    policy->layers = ARENA_ARRAY(policy->arena, (size_t)graph->n_nodes + 1, struct layer);
    policy->rank = ARENA_ARRAY(policy->arena, (size_t)policy->groups->n_groups + 1, int32_t);
    for (int32_t s = 0; s < sets->n_sets; s++)
        for (int32_t i = 0; i < sets->n_classes[s]; i++)
            policy->rank[sets->classes[s][i]] = i;
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (node->op == OP_transpose_conv) {
            fprintf(stderr, "%s: the paper's formulas know no transpose_conv\n", node->name);
            exit(1);
        }
        if (op_is_layer(node->op))
            layer_add(policy, n);
    }
}

/* Which tensors take SRAM, and until when: images, and what convolutions and sums make. All others
 * are a part of what they read. */
static inline void lives_make(struct policy *policy)
{
    const struct graph *graph = policy->graph;
    size_t n = (size_t)graph->n_tensors;
    uint8_t *stands_for = ARENA_ARRAY(policy->arena, n * n + 1, uint8_t);
    policy->last_use = ARENA_ARRAY(policy->arena, n + 1, int32_t);
    policy->made = ARENA_ARRAY(policy->arena, n + 1, int32_t);
    policy->takes = ARENA_ARRAY(policy->arena, n + 1, uint8_t);
    for (size_t t = 0; t < n; t++)
        policy->last_use[t] = policy->made[t] = -1;
    for (int32_t i = 0; i < graph->n_inputs; i++)
        policy->takes[graph->inputs[i]] = 1;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        size_t output = (size_t)node->output;
        int computes = op_is_layer(node->op) || is_sum(graph, node);
        policy->made[output] = i;
        policy->takes[output] = computes && node->op != OP_fully_connected;
        for (int32_t j = 0; j < node->n_inputs; j++)
            for (size_t t = 0; node->inputs[j] >= 0 && t < n; t++) {
                size_t input = (size_t)node->inputs[j];
                if (!(policy->takes[input] ? t == input : stands_for[input * n + t]))
                    continue;
                if (computes)
                    policy->last_use[t] = i;
                else
                    stands_for[output * n + t] = 1;
            }
    }
}

/* ---- what stays ---- */

static inline int64_t alive(const struct policy *policy, const struct counts *counts,
                            const int32_t *classes, int32_t n)
{
    int64_t n_alive = 0;
    for (int32_t i = 0; i < n; i++)
        n_alive += classes[i] < 0 || policy->rank[classes[i]] >=
                                         counts->absent[policy->space->sets.of_class[classes[i]]];
    return n_alive;
}

static inline void counts_take(const struct policy *policy, const struct shares *shares,
                               struct counts *counts)
{
    const struct groups *groups = policy->groups;
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        if (layer->set < 0)
            continue;
        int32_t n = policy->space->sets.n_classes[layer->set];
        int32_t stay = (int32_t)(n * (1 - shares->beta[l]));
        counts->absent[layer->set] = layer->may_lose ? n - (stay > 1 ? stay : 1) : 0;
    }
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        int32_t n = layer->node;
        counts->filters[l] = alive(policy, counts, groups->of[n], layer->n_filters);
        counts->inputs[l] = layer->op == OP_depthwise_conv_2d
                                ? 1
                                : alive(policy, counts, groups->inputs[n], groups->n_inputs[n]);
        int64_t most = counts->filters[l] * (layer->positions - 1);
        int64_t wanted =
            (int64_t)(shares->alpha[l] * (double)(layer->positions * layer->n_filters));
        counts->removed[l] = wanted < most ? wanted : most;
    }
}

/* ---- the paper's formulas ---- */

/* A weight takes a byte; in FWCS a filterlet two more and a filter two. */
static inline double flash_of(const struct policy *policy, const struct counts *counts)
{
    double bytes = 0;
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        int64_t filters = counts->filters[l];
        int64_t filterlets = filters * layer->positions - counts->removed[l];
        bytes += (double)(filterlets * counts->inputs[l]);
        if (layer->op == OP_fully_connected)
            bytes += (double)filters;
        else if (counts->removed[l] > 0)
            bytes += (double)(2 * filterlets + 2 * filters);
    }
    return bytes;
}

static inline double tensor_takes(const struct policy *policy, const struct counts *counts,
                                  int32_t tensor)
{
    int32_t n = policy->groups->n_channels[tensor];
    double each = (double)shape_elements(&policy->graph->tensors[tensor].shape) / n;
    const int32_t *classes = policy->groups->channels[tensor];
    return each * (double)(classes == NULL ? n : alive(policy, counts, classes, n));
}

static inline int is_alive_at(const struct policy *policy, int32_t tensor, int32_t n)
{
    int32_t made = policy->made[tensor];
    return policy->takes[tensor] && (made == n || (made < n && policy->last_use[tensor] >= n));
}

/* Tensors that are alive while a layer or sum works; *peak gets the node with the most. */
static inline double sram_of(const struct policy *policy, const struct counts *counts,
                             int32_t *peak)
{
    const struct graph *graph = policy->graph;
    double most = 0;
    *peak = 0;
    double *takes = calloc((size_t)graph->n_tensors + 1, sizeof *takes);
    if (takes == NULL)
        exit(2);
    for (int32_t t = 0; t < graph->n_tensors; t++)
        takes[t] = policy->takes[t] ? tensor_takes(policy, counts, t) : 0;
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        double sum = 0;
        if (!op_is_layer(node->op) && !is_sum(graph, node))
            continue;
        for (int32_t t = 0; t < graph->n_tensors; t++)
            sum += takes[t] > 0 && is_alive_at(policy, t, n) ? takes[t] : 0;
        if (sum > most) {
            most = sum;
            *peak = n;
        }
    }
    free(takes);
    return most;
}

static inline double instructions_of(struct policy *policy, int32_t node)
{
    const struct node_cost *cost;
    double sum = 0;
    check(node_cost_get(policy->costs, node, policy->candidate, &cost, &diag));
    for (int32_t c = 0; c < cost->n_calls; c++) {
        if (cost->calls[c].least_instructions < 0) {
            fprintf(stderr, "what instructions cost on this core is not known\n");
            exit(1);
        }
        sum += cost->calls[c].least_instructions;
    }
    return sum;
}

/* A layer with this choice of filters and units, in parts of the one with all its units. */
static inline double relative_of(struct policy *policy, int32_t l, int32_t filters, int32_t units)
{
    const struct layer *layer = &policy->layers[l];
    const struct space *space = policy->space;
    double *known = &policy->relative[(l * GRID + filters) * GRID + units];
    if (units == 0)
        return 1;
    if (*known > 0)
        return *known;
    policy->candidate[space->filters_knob[layer->set]] = (uint8_t)filters;
    double whole = instructions_of(policy, layer->node);
    policy->candidate[space->units_knob[layer->node]] = (uint8_t)units;
    *known = whole > 0 ? instructions_of(policy, layer->node) / whole : 1;
    policy->candidate[space->units_knob[layer->node]] = 0;
    policy->candidate[space->filters_knob[layer->set]] = 0;
    return *known;
}

/* In place of the paper's predictor: at the nearest number of filters, between shares of units. */
static inline double predict(struct policy *policy, int32_t l, const struct counts *counts)
{
    const struct layer *layer = &policy->layers[l];
    const struct knob *knob = &policy->space->knobs[policy->space->filters_knob[layer->set]];
    int32_t filters = 0, absent = counts->absent[layer->set];
    for (int32_t c = 1; c < knob->n_choices; c++)
        if (abs(knob->choices[c].n_absent - absent) < abs(knob->choices[filters].n_absent - absent))
            filters = c;
    double share = (double)counts->removed[l] / (double)(counts->filters[l] * layer->positions);
    int32_t below = (int32_t)(share * GRID);
    int32_t above = below + 1 < GRID ? below + 1 : GRID - 1;
    double between = share * GRID - below;
    return (1 - between) * relative_of(policy, l, filters, below) +
           between * relative_of(policy, l, filters, above);
}

/* FLOPs that are left, in parts of all, times what filterlets that leave make of a layer. */
static inline double latency_of(struct policy *policy, const struct counts *counts)
{
    double sum = 0;
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        if (!layer->may_lose)
            continue;
        double part = layer->flops / policy->flops * (double)counts->filters[l] / layer->n_filters *
                      (double)counts->inputs[l] / layer->n_inputs;
        sum += counts->removed[l] > 0 ? part * predict(policy, l, counts) : part;
    }
    return sum;
}

#endif
