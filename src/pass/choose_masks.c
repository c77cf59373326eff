/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pass/choose_thin.h"

/* One unit of one layer, or a class of filters that leave together. */
struct candidate {
    double score; /* of all its units; in the end per cost, if there are costs */
    double cost;
    int32_t node; /* of the first unit */
    int64_t unit;
    int64_t n_weights;
    int32_t group; /* -1: a unit alone */
};

struct chooser {
    const struct graph *graph;
    const struct scores *scores;
    const struct recipe *recipe;
    const struct groups *groups;
    uint8_t **gone; /* by node, by unit */
    int64_t *left;  /* by node: units that are still kept */
    int64_t *least; /* by node: units that it keeps */
    struct arena *scratch;
};

/* The lowest score first; equal ones in the order of the network, so that the choice never depends
 * on how the sort treats them. */
static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

static const struct tensor *weights_of(const struct chooser *chooser, int32_t node)
{
    return node_input(chooser->graph, &chooser->graph->nodes[node], 1);
}

/* Filters leave with their class; -1 where that is not asked for. */
static int32_t group_of(const struct chooser *chooser, int32_t node, int64_t unit)
{
    const struct node_scores *scores = &chooser->scores->nodes[node];
    int filters =
        scores->unit.kind == UNIT_FILTER || chooser->graph->nodes[node].op == OP_depthwise_conv_2d;
    return chooser->groups != NULL && filters ? chooser->groups->of[node][unit] : -1;
}

/* Whether a unit stays in any case: it makes a channel that the outputs have, all by itself, or it
 * is a channel of a depthwise convolution, with which far more would leave than what it is compared
 * to.
 */
static int is_fixed(const struct chooser *chooser, int32_t node, int64_t unit)
{
    const struct node_scores *scores = &chooser->scores->nodes[node];
    if (chooser->groups != NULL && chooser->graph->nodes[node].op == OP_depthwise_conv_2d &&
        scores->unit.kind != UNIT_FILTER && chooser->recipe->layers[node].sparsity < 0)
        return 1;
    return chooser->groups != NULL && scores->n_units == chooser->groups->n_filters[node] &&
           scores->unit.kind != UNIT_BLOCK && scores->unit.kind != UNIT_ELEMENT &&
           chooser->groups->of[node][unit] < 0;
}

static void weights_count(const struct chooser *chooser, int32_t node, int64_t *counts)
{
    const struct tensor *weights = weights_of(chooser, node);
    enum op op = chooser->graph->nodes[node].op;
    const struct unit *unit = &chooser->scores->nodes[node].unit;
    for (int64_t i = 0; i < shape_elements(&weights->shape); i++)
        counts[unit_of_weight(unit, op, &weights->shape, i)]++;
}

/* The candidates of one node; classes are added up over all nodes in `of_group`. */
static int64_t candidates_add(const struct chooser *chooser, int32_t node,
                              struct candidate *candidates, int64_t n, int64_t *of_group)
{
    const struct node_scores *scores = &chooser->scores->nodes[node];
    int64_t *counts = ARENA_ARRAY(chooser->scratch, (size_t)scores->n_units + 1, int64_t);
    weights_count(chooser, node, counts);
    for (int64_t u = 0; u < scores->n_units; u++) {
        int32_t group = group_of(chooser, node, u);
        if (is_fixed(chooser, node, u))
            continue;
        if (group >= 0 && of_group[group] > 0) {
            struct candidate *candidate = &candidates[of_group[group] - 1];
            candidate->score += (double)scores->of[u];
            candidate->cost += scores->cost * (double)counts[u];
            candidate->n_weights += counts[u];
            continue;
        }
        double cost = scores->cost * (double)counts[u];
        candidates[n++] =
            (struct candidate){(double)scores->of[u], cost, node, u, counts[u], group};
        if (group >= 0)
            of_group[group] = n;
    }
    return n;
}

/* Calls `visit` for every unit of a candidate. */
static int candidate_visit(const struct chooser *chooser, const struct candidate *candidate,
                           int (*visit)(const struct chooser *, int32_t node, int64_t unit))
{
    if (candidate->group < 0)
        return visit(chooser, candidate->node, candidate->unit);
    for (int32_t node = 0; node < chooser->graph->n_nodes; node++)
        for (int64_t u = 0; u < chooser->scores->nodes[node].n_units; u++)
            if (chooser->scores->nodes[node].of != NULL &&
                group_of(chooser, node, u) == candidate->group && !visit(chooser, node, u))
                return 0;
    return 1;
}

static int is_alive(const struct chooser *chooser, int32_t node, int64_t unit)
{
    (void)unit;
    return chooser->left[node] >= chooser->least[node];
}

static int regain(const struct chooser *chooser, int32_t node, int64_t unit)
{
    chooser->gone[node][unit] = 0;
    chooser->left[node]++;
    return 1;
}

static int lose(const struct chooser *chooser, int32_t node, int64_t unit)
{
    chooser->gone[node][unit] = 1;
    chooser->left[node]--;
    return 1;
}

static int is_gone(const struct chooser *chooser, const struct candidate *candidate)
{
    return chooser->gone[candidate->node][candidate->unit];
}

/* Removes the lowest of the candidates until `share` of `n_weights` is absent. */
static void remove_lowest(const struct chooser *chooser, struct candidate *candidates, int64_t n,
                          double share, int64_t n_weights)
{
    int64_t removed = 0;
    for (int64_t i = 0; i < n; i++)
        if (candidates[i].cost > 0)
            candidates[i].score /= candidates[i].cost;
    qsort(candidates, (size_t)n, sizeof *candidates, candidate_compare);
    /* A hair less, so that a product just above a whole number does not take one too many. */
    int64_t target = (int64_t)ceil(share * (double)n_weights - 1e-6);
    for (int64_t i = 0; i < n; i++) /* with a class that another layer's share has taken */
        if (is_gone(chooser, &candidates[i]))
            removed += candidates[i].n_weights;
    for (int64_t i = 0; i < n && removed < target; i++) {
        if (is_gone(chooser, &candidates[i]))
            continue;
        candidate_visit(chooser, &candidates[i], lose);
        if (candidate_visit(chooser, &candidates[i], is_alive))
            removed += candidates[i].n_weights;
        else /* a layer keeps its best unit */
            candidate_visit(chooser, &candidates[i], regain);
    }
}

static void chooser_start(struct chooser *chooser)
{
    size_t n_nodes = (size_t)chooser->graph->n_nodes;
    chooser->gone = ARENA_ARRAY(chooser->scratch, n_nodes + 1, uint8_t *);
    chooser->left = ARENA_ARRAY(chooser->scratch, n_nodes + 1, int64_t);
    chooser->least = ARENA_ARRAY(chooser->scratch, n_nodes + 1, int64_t);
    for (size_t node = 0; node < n_nodes; node++) {
        const struct node_scores *scores = &chooser->scores->nodes[node];
        chooser->left[node] = scores->of != NULL ? scores->n_units : 0;
        chooser->least[node] = chooser->recipe->layers[node].sparsity < 0 && chooser->groups != NULL
                                   ? (scores->n_units + 19) / 20
                                   : 1;
        chooser->gone[node] = ARENA_ARRAY(chooser->scratch, (size_t)scores->n_units + 1, uint8_t);
    }
}

static struct masks *masks_make(const struct chooser *chooser, struct arena *arena)
{
    const struct graph *graph = chooser->graph;
    struct masks *masks = ARENA_NEW(arena, struct masks);
    masks->n_nodes = graph->n_nodes;
    masks->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, uint8_t *);
    for (int32_t node = 0; node < graph->n_nodes; node++) {
        const struct node_scores *scores = &chooser->scores->nodes[node];
        if (scores->of == NULL)
            continue;
        const struct shape *shape = &weights_of(chooser, node)->shape;
        masks->kept[node] = ARENA_ARRAY(arena, (size_t)shape_elements(shape), uint8_t);
        for (int64_t i = 0; i < shape_elements(shape); i++)
            masks->kept[node][i] =
                !chooser
                     ->gone[node][unit_of_weight(&scores->unit, graph->nodes[node].op, shape, i)];
    }
    return masks;
}

static void choose(const struct chooser *chooser)
{
    const struct graph *graph = chooser->graph;
    int64_t n_all = 0, n = 0;
    for (int32_t node = 0; node < graph->n_nodes; node++)
        n_all += chooser->scores->nodes[node].n_units;
    struct candidate *candidates =
        ARENA_ARRAY(chooser->scratch, (size_t)n_all + 1, struct candidate);
    size_t n_groups = chooser->groups != NULL ? (size_t)chooser->groups->n_groups : 0;
    int64_t *of_group = ARENA_ARRAY(chooser->scratch, n_groups + 1, int64_t);
    int64_t n_weights = 0;
    for (int32_t node = 0; node < graph->n_nodes; node++) {
        if (!op_is_layer(graph->nodes[node].op) || chooser->recipe->layers[node].sparsity >= 0)
            continue;
        n_weights += shape_elements(&weights_of(chooser, node)->shape);
        if (chooser->scores->nodes[node].of != NULL)
            n = candidates_add(chooser, node, candidates, n, of_group);
    }
    remove_lowest(chooser, candidates, n, chooser->recipe->sparsity, n_weights);
    for (int32_t node = 0; node < graph->n_nodes; node++) {
        if (chooser->scores->nodes[node].of == NULL || chooser->recipe->layers[node].sparsity < 0)
            continue;
        memset(of_group, 0, (n_groups + 1) * sizeof *of_group);
        n = candidates_add(chooser, node, candidates, 0, of_group);
        remove_lowest(chooser, candidates, n, chooser->recipe->layers[node].sparsity,
                      shape_elements(&weights_of(chooser, node)->shape));
    }
}

enum status choose_masks(const struct graph *graph, const struct scores *scores,
                         const struct recipe *recipe, const struct groups *groups,
                         struct arena *arena, struct masks **masks, struct diag *diag)
{
    if (!(recipe->sparsity >= 0 && recipe->sparsity < 1))
        return fail(diag, ERR_USAGE,
                    "sparsity %g is not in 0 <= sparsity < 1; it is the fraction to remove",
                    recipe->sparsity);
    if (recipe_has_filters(recipe))
        return choose_thin(graph, scores, recipe, groups, arena, masks, diag);
    struct arena scratch = {0};
    struct chooser chooser = {
        .graph = graph, .scores = scores, .recipe = recipe, .groups = groups, .scratch = &scratch};
    chooser_start(&chooser);
    choose(&chooser);
    *masks = masks_make(&chooser, arena);
    arena_free(&scratch);
    return OK;
}
