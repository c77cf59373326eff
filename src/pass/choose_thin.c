/* SPDX-License-Identifier: Apache-2.0 */
/* The masks of a recipe with shares of filters and of units. */
#include "pass/choose_thin.h"

#include <string.h>

#include "pass/filter_choice.h"
#include "pass/unit_choice.h"

/* By class: 1: it leaves. */
static uint8_t *classes_gone(const struct recipe *recipe, const struct filter_sets *sets,
                             int32_t n_classes, struct arena *arena)
{
    uint8_t *gone = ARENA_ARRAY(arena, (size_t)n_classes + 1, uint8_t);
    for (int32_t s = 0; s < sets->n_sets; s++) {
        double share = 0;
        for (int32_t n = 0; n < recipe->n_nodes; n++)
            if (sets->of_node[n] == s && recipe->layers[n].filters > share)
                share = recipe->layers[n].filters;
        for (int32_t i = 0; i < filters_absent(share, sets->n_classes[s]); i++)
            gone[sets->classes[s][i]] = 1;
    }
    return gone;
}

static uint8_t *flags_of(const int32_t *classes, int32_t n, const uint8_t *gone,
                         struct arena *arena)
{
    uint8_t *kept = ARENA_ARRAY(arena, (size_t)n + 1, uint8_t);
    for (int32_t i = 0; i < n; i++)
        kept[i] = classes[i] < 0 || !gone[classes[i]];
    return kept;
}

enum status choose_thin(const struct graph *graph, const struct scores *scores,
                        const struct recipe *recipe, const struct groups *groups,
                        struct arena *arena, struct masks **masks, struct diag *diag)
{
    TRY(recipe_check_filters(recipe, graph, diag));
    if (groups == NULL)
        return fail(diag, ERR_INPUT, "shares of \"filters\" need the network's coupling groups");
    struct arena scratch = {0};
    float **importance = ARENA_ARRAY(&scratch, (size_t)graph->n_nodes + 1, float *);
    for (int32_t n = 0; n < graph->n_nodes; n++)
        importance[n] = scores->nodes[n].weights;
    struct filter_sets sets = filter_sets_make(graph, groups, importance, &scratch);
    uint8_t *gone = classes_gone(recipe, &sets, groups->n_groups, &scratch);
    *masks = ARENA_NEW(arena, struct masks);
    (*masks)->n_nodes = graph->n_nodes;
    (*masks)->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, uint8_t *);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        if (importance[n] == NULL)
            continue;
        const struct shape *shape = &node_input(graph, &graph->nodes[n], 1)->shape;
        struct thin_layer layer = {
            .op = graph->nodes[n].op,
            .shape = shape,
            .importance = importance[n],
            .filters = flags_of(groups->of[n], groups->n_filters[n], gone, &scratch),
            .inputs = flags_of(groups->inputs[n], groups->n_inputs[n], gone, &scratch)};
        (*masks)->kept[n] = ARENA_ARRAY(arena, (size_t)shape_elements(shape), uint8_t);
        units_choose(&layer, &recipe->layers[n].unit, recipe->layers[n].sparsity,
                     (*masks)->kept[n]);
    }
    arena_free(&scratch);
    return OK;
}
