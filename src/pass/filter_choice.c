/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/filter_choice.h"

#include <math.h>
#include <stdlib.h>

int32_t filters_absent(double share, int32_t n_classes)
{
    int32_t absent = (int32_t)lround(share * n_classes);
    return absent < n_classes ? absent : n_classes - 1;
}

static int32_t root_of(const int32_t *parent, int32_t i)
{
    while (parent[i] != i)
        i = parent[i];
    return i;
}

/* Joins the nodes that have a class in common. */
static int32_t *join_nodes(const struct groups *groups, struct arena *arena)
{
    int32_t *parent = ARENA_ARRAY(arena, (size_t)groups->n_nodes + 1, int32_t);
    int32_t *first = ARENA_ARRAY(arena, (size_t)groups->n_groups + 1, int32_t);
    for (int32_t n = 0; n < groups->n_nodes; n++)
        parent[n] = n;
    for (int32_t n = 0; n < groups->n_nodes; n++)
        for (int32_t o = 0; o < groups->n_filters[n]; o++) {
            int32_t class = groups->of[n][o];
            if (class < 0)
                continue;
            if (first[class] == 0)
                first[class] = n + 1;
            int32_t a = root_of(parent, first[class] - 1), b = root_of(parent, n);
            parent[a > b ? a : b] = a > b ? b : a;
        }
    return parent;
}

static void number_sets(const struct groups *groups, const int32_t *parent, struct arena *arena,
                        struct filter_sets *sets)
{
    size_t n_groups = (size_t)groups->n_groups;
    sets->of_node = ARENA_ARRAY(arena, (size_t)groups->n_nodes + 1, int32_t);
    sets->of_class = ARENA_ARRAY(arena, n_groups + 1, int32_t);
    for (int32_t n = 0; n < groups->n_nodes; n++)
        sets->of_node[n] = -1;
    for (int32_t n = 0; n < groups->n_nodes; n++)
        for (int32_t o = 0; o < groups->n_filters[n]; o++) {
            int32_t class = groups->of[n][o], root = root_of(parent, n);
            if (class < 0)
                continue;
            if (sets->of_node[root] < 0)
                sets->of_node[root] = sets->n_sets++;
            sets->of_node[n] = sets->of_node[root];
            sets->of_class[class] = sets->of_node[n];
        }
}

static void score_classes(const struct graph *graph, const struct groups *groups,
                          float *const *importance, double *scores)
{
    for (int32_t n = 0; n < groups->n_nodes; n++) {
        if (groups->n_filters[n] == 0 || importance[n] == NULL)
            continue;
        enum op op = graph->nodes[n].op;
        const struct shape *shape = &node_input(graph, &graph->nodes[n], 1)->shape;
        double total = 0;
        for (int64_t i = 0; i < shape_elements(shape); i++)
            total += (double)importance[n][i];
        for (int64_t i = 0; i < shape_elements(shape) && total > 0; i++) {
            int32_t class = groups->of[n][filter_of_weight(op, shape, i)];
            if (class >= 0)
                scores[class] += (double)importance[n][i] * groups->n_filters[n] / total;
        }
    }
}

struct ranked {
    double score;
    int32_t class;
};

static int ranked_compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->class > y->class) - (x->class < y->class);
}

struct filter_sets filter_sets_make(const struct graph *graph, const struct groups *groups,
                                    float *const *importance, struct arena *arena)
{
    struct arena scratch = {0};
    struct filter_sets sets = {0};
    size_t n_groups = (size_t)groups->n_groups;
    number_sets(groups, join_nodes(groups, &scratch), arena, &sets);
    sets.scores = ARENA_ARRAY(arena, n_groups + 1, double);
    score_classes(graph, groups, importance, sets.scores);
    struct ranked *ranked = ARENA_ARRAY(&scratch, n_groups + 1, struct ranked);
    for (int32_t c = 0; c < groups->n_groups; c++)
        ranked[c] = (struct ranked){sets.scores[c], c};
    qsort(ranked, n_groups, sizeof *ranked, ranked_compare);
    sets.n_classes = ARENA_ARRAY(arena, (size_t)sets.n_sets + 1, int32_t);
    sets.classes = ARENA_ARRAY(arena, (size_t)sets.n_sets + 1, int32_t *);
    for (int32_t s = 0; s < sets.n_sets; s++)
        sets.classes[s] = ARENA_ARRAY(arena, n_groups, int32_t);
    for (size_t i = 0; i < n_groups; i++) {
        int32_t set = sets.of_class[ranked[i].class];
        sets.classes[set][sets.n_classes[set]++] = ranked[i].class;
    }
    arena_free(&scratch);
    return sets;
}
