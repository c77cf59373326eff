/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/space.h"

#include <math.h>
#include <string.h>

#include "pass/pass.h"

struct space_options space_options_initial(void)
{
    static const double shares[] = {0.25, 0.375, 0.5, 0.625, 0.75};
    static const struct unit units[] = {
        {UNIT_FILTERLET, 0}, {UNIT_BLOCK, 4}, {UNIT_BLOCK, 8}, {UNIT_BLOCK, 16}};
    return (struct space_options){.n_filter_steps = 8,
                                  .most_filters = 0.875,
                                  .unit_shares = shares,
                                  .n_unit_shares = sizeof shares / sizeof shares[0],
                                  .units = units,
                                  .n_units = sizeof units / sizeof units[0]};
}

/* ---- importance ---- */

/* Of each weight, in parts of the layer's mean: score() does that for a recipe with filters. */
static enum status importance_take(const struct importance *importance, struct arena *arena,
                                   struct space *space, struct diag *diag)
{
    struct arena scratch = {0};
    const struct graph *graph = space->graph;
    struct unit filter = {UNIT_FILTER, 0};
    struct recipe *recipe = recipe_uniform(graph, filter, 0, &scratch);
    struct scores *scores;
    if (graph->n_nodes > 0)
        recipe->layers[0].filters = 0.5;
    enum status status = score(graph, recipe, importance, arena, &scores, diag);
    space->importance = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, float *);
    for (int32_t n = 0; status == OK && n < graph->n_nodes; n++)
        space->importance[n] = scores->nodes[n].weights;
    arena_free(&scratch);
    return status;
}

/* ---- knobs ---- */

static int counts_channels(const struct graph *graph, const struct node *node)
{
    int32_t last = node_input(graph, node, 0)->shape.rank - 1;
    if (node->op == OP_pad)
        return node->attrs.before[last] != 0 || node->attrs.after[last] != 0;
    return node->op == OP_strided_slice &&
           !(node->attrs.begin[last] == 0 && node->attrs.step[last] == 1 &&
             node_output(graph, node)->shape.dims[last] ==
                 node_input(graph, node, 0)->shape.dims[last]);
}

/* Marks the sets of a tensor's channels. */
static void mark_sets(const struct space *space, int32_t tensor, uint8_t *fixed)
{
    const int32_t *classes = space->groups->channels[tensor];
    for (int32_t c = 0; classes != NULL && c < space->groups->n_channels[tensor]; c++)
        if (classes[c] >= 0)
            fixed[space->sets.of_class[classes[c]]] = 1;
}

static uint8_t *fixed_sets(const struct space *space, struct arena *arena)
{
    const struct graph *graph = space->graph;
    uint8_t *fixed = ARENA_ARRAY(arena, (size_t)space->sets.n_sets + 1, uint8_t);
    for (int32_t n = 0; n < graph->n_nodes; n++)
        if (counts_channels(graph, &graph->nodes[n])) {
            mark_sets(space, graph->nodes[n].inputs[0], fixed);
            mark_sets(space, graph->nodes[n].output, fixed);
        }
    return fixed;
}

static void add_filters_knob(struct space *space, int32_t set, int is_fixed,
                             const struct space_options *options)
{
    struct knob *knob = &space->knobs[space->n_knobs];
    int32_t n_classes = space->sets.n_classes[set];
    *knob = (struct knob){.kind = KNOB_FILTERS, .of = set, .n_choices = 1};
    while (space->sets.of_node[knob->node] != set)
        knob->node++;
    knob->choices[0].unit.kind = UNIT_FILTER;
    for (int32_t i = 1; !is_fixed && i < options->n_filter_steps; i++) {
        double share = (double)i / options->n_filter_steps;
        int32_t n_absent = filters_absent(share, n_classes);
        if (share > options->most_filters || knob->n_choices == MAX_CHOICES)
            break;
        if (n_absent > knob->choices[knob->n_choices - 1].n_absent)
            knob->choices[knob->n_choices++] =
                (struct choice){{UNIT_FILTER, 0}, (double)n_absent / n_classes, n_absent};
    }
    space->filters_knob[set] = space->n_knobs++;
}

/* Whether units of this kind differ from filters and from one another. */
static int has_units(const struct space *space, int32_t node, const struct unit *unit)
{
    const struct node *layer = &space->graph->nodes[node];
    const struct shape *shape = &node_input(space->graph, layer, 1)->shape;
    int32_t channels = shape->dims[shape->rank - 1];
    if (layer->op != OP_conv_2d && layer->op != OP_fully_connected)
        return 0;
    if (unit->kind == UNIT_FILTERLET) /* of more than a weight */
        return channels > 1 && shape_elements(shape) > (int64_t)shape->dims[0] * channels;
    return unit->kind == UNIT_BLOCK && unit->block < channels;
}

static void add_units_knob(struct space *space, int32_t node, const struct space_options *options)
{
    struct knob *knob = &space->knobs[space->n_knobs];
    *knob = (struct knob){.kind = KNOB_UNITS, .of = node, .node = node, .n_choices = 1};
    for (int32_t u = 0; u < options->n_units; u++)
        for (int32_t i = 0; i < options->n_unit_shares && knob->n_choices < MAX_CHOICES; i++)
            if (has_units(space, node, &options->units[u]))
                knob->choices[knob->n_choices++] =
                    (struct choice){options->units[u], options->unit_shares[i], 0};
    space->units_knob[node] = knob->n_choices > 1 ? space->n_knobs++ : -1;
}

static void knobs_make(struct space *space, const struct space_options *options,
                       struct arena *arena)
{
    int32_t n_sets = space->sets.n_sets, n_nodes = space->graph->n_nodes;
    uint8_t *fixed = fixed_sets(space, arena);
    space->knobs = ARENA_ARRAY(arena, (size_t)(n_sets + n_nodes) + 1, struct knob);
    space->filters_knob = ARENA_ARRAY(arena, (size_t)n_sets + 1, int32_t);
    space->units_knob = ARENA_ARRAY(arena, (size_t)n_nodes + 1, int32_t);
    for (int32_t s = 0; s < n_sets; s++)
        add_filters_knob(space, s, fixed[s], options);
    for (int32_t n = 0; n < n_nodes; n++) {
        space->units_knob[n] = -1;
        if (space->importance[n] != NULL)
            add_units_knob(space, n, options);
    }
}

enum status space_make(const struct graph *graph, const struct importance *importance,
                       const struct space_options *options, struct arena *arena,
                       struct space **space, struct diag *diag)
{
    struct space *result = ARENA_NEW(arena, struct space);
    result->graph = graph;
    for (int32_t n = 0; n < graph->n_nodes; n++)
        if (op_is_layer(graph->nodes[n].op) &&
            node_input(graph, &graph->nodes[n], 1)->dtype != DTYPE_S8)
            return fail(diag, ERR_UNSUPPORTED, "%s: what it costs is known of int8 layers only",
                        graph->nodes[n].name);
    TRY(importance_take(importance, arena, result, diag));
    TRY(couple(graph, arena, &result->groups, diag));
    result->sets = filter_sets_make(graph, result->groups, result->importance, arena);
    knobs_make(result, options, arena);
    *space = result;
    return OK;
}

/* ---- candidates and recipes ---- */

struct recipe *space_recipe(const struct space *space, const uint8_t *candidate,
                            struct arena *arena)
{
    struct unit filterlet = {UNIT_FILTERLET, 0};
    struct recipe *recipe = recipe_uniform(space->graph, filterlet, 0, arena);
    for (int32_t n = 0; n < recipe->n_nodes; n++) {
        struct recipe_layer *layer = &recipe->layers[n];
        int32_t set = space->sets.of_node[n], units = space->units_knob[n];
        layer->sparsity = layer->filters = 0;
        if (set >= 0) {
            int32_t filters = space->filters_knob[set];
            layer->filters = space->knobs[filters].choices[candidate[filters]].share;
        }
        if (units >= 0 && candidate[units] > 0) {
            layer->unit = space->knobs[units].choices[candidate[units]].unit;
            layer->sparsity = space->knobs[units].choices[candidate[units]].share;
        }
    }
    return recipe;
}

static int same_unit(const struct unit *a, const struct unit *b)
{
    return a->kind == b->kind && a->block == b->block;
}

/* The choice with the nearest share; with `unit`, choice 0 or one of that unit. */
static uint8_t nearest(const struct knob *knob, const struct unit *unit, double share)
{
    int32_t best = 0;
    double distance = share;
    for (int32_t i = 1; i < knob->n_choices; i++) {
        const struct choice *choice = &knob->choices[i];
        if (unit != NULL && !same_unit(unit, &choice->unit))
            continue;
        if (fabs(choice->share - share) < distance) {
            distance = fabs(choice->share - share);
            best = i;
        }
    }
    return (uint8_t)best;
}

enum status space_candidate(const struct space *space, const struct recipe *recipe,
                            uint8_t *candidate, struct diag *diag)
{
    if (recipe->sparsity > 0)
        return fail(diag, ERR_INPUT,
                    "the recipe ranks layers together; give each layer a \"sparsity\"");
    memset(candidate, 0, (size_t)space->n_knobs);
    for (int32_t k = 0; k < space->n_knobs; k++) {
        const struct knob *knob = &space->knobs[k];
        double share = 0;
        if (knob->kind == KNOB_UNITS && recipe->layers[knob->of].sparsity > 0)
            candidate[k] =
                nearest(knob, &recipe->layers[knob->of].unit, recipe->layers[knob->of].sparsity);
        for (int32_t n = 0; knob->kind == KNOB_FILTERS && n < recipe->n_nodes; n++)
            if (space->sets.of_node[n] == knob->of && recipe->layers[n].filters > share)
                share = recipe->layers[n].filters;
        if (share > 0)
            candidate[k] = nearest(knob, NULL, share);
    }
    return OK;
}

void space_gone(const struct space *space, const uint8_t *candidate, uint8_t *gone)
{
    memset(gone, 0, (size_t)space->groups->n_groups);
    for (int32_t s = 0; s < space->sets.n_sets; s++) {
        int32_t k = space->filters_knob[s];
        for (int32_t i = 0; i < space->knobs[k].choices[candidate[k]].n_absent; i++)
            gone[space->sets.classes[s][i]] = 1;
    }
}
