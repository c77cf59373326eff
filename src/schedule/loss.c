/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/loss.h"

#include <string.h>

#include "pass/unit_choice.h"

static double factor_of(const double *factors, int32_t node)
{
    return factors == NULL ? 1 : factors[node];
}

static const struct shape *weights_shape(const struct space *space, int32_t node)
{
    return &node_input(space->graph, &space->graph->nodes[node], 1)->shape;
}

/* Adds a layer's filters to the scores of their classes. */
static void add_filters(const struct space *space, int32_t node, double factor, double *classes)
{
    const struct shape *shape = weights_shape(space, node);
    double a_filter = (double)shape_elements(shape) / space->groups->n_filters[node];
    for (int64_t i = 0; i < shape_elements(shape); i++) {
        int32_t filter = filter_of_weight(space->graph->nodes[node].op, shape, i);
        int32_t class = space->groups->of[node][filter];
        if (class >= 0)
            classes[class] += factor * (double)space->importance[node][i] / a_filter;
    }
}

static void fill_filters(const struct space *space, const struct knob *knob, const double *classes,
                         double *losses)
{
    double sum = 0;
    int32_t n = 0;
    for (int32_t c = 1; c < knob->n_choices; c++) {
        for (; n < knob->choices[c].n_absent; n++)
            sum += classes[space->sets.classes[knob->of][n]];
        losses[c] = sum;
    }
}

static void fill_units(const struct space *space, const struct knob *knob, double factor,
                       double *losses)
{
    struct arena scratch = {0};
    int32_t node = knob->of, n_filters = space->groups->n_filters[node];
    const struct shape *shape = weights_shape(space, node);
    uint8_t *filters = ARENA_ARRAY(&scratch, (size_t)n_filters, uint8_t);
    uint8_t *inputs = ARENA_ARRAY(&scratch, (size_t)space->groups->n_inputs[node], uint8_t);
    uint8_t *kept = ARENA_ARRAY(&scratch, (size_t)shape_elements(shape), uint8_t);
    double a_filter = (double)shape_elements(shape) / n_filters;
    memset(filters, 1, (size_t)n_filters);
    memset(inputs, 1, (size_t)space->groups->n_inputs[node]);
    struct thin_layer layer = {space->graph->nodes[node].op, shape, space->importance[node],
                               filters, inputs};
    for (int32_t c = 1; c < knob->n_choices; c++)
        losses[c] = factor *
                    units_choose(&layer, &knob->choices[c].unit, knob->choices[c].share, kept) /
                    a_filter;
    arena_free(&scratch);
}

struct loss_table *loss_of_scores(const struct space *space, const double *factors,
                                  struct arena *arena)
{
    struct loss_table *table = ARENA_NEW(arena, struct loss_table);
    double *classes = ARENA_ARRAY(arena, (size_t)space->groups->n_groups + 1, double);
    table->n_knobs = space->n_knobs;
    table->of = ARENA_ARRAY(arena, (size_t)space->n_knobs + 1, double *);
    for (int32_t n = 0; n < space->graph->n_nodes; n++)
        if (space->importance[n] != NULL)
            add_filters(space, n, factor_of(factors, n), classes);
    for (int32_t k = 0; k < space->n_knobs; k++) {
        const struct knob *knob = &space->knobs[k];
        table->of[k] = ARENA_ARRAY(arena, MAX_CHOICES, double);
        if (knob->kind == KNOB_FILTERS)
            fill_filters(space, knob, classes, table->of[k]);
        else
            fill_units(space, knob, factor_of(factors, knob->node), table->of[k]);
    }
    return table;
}

double loss_of(const struct loss_table *table, const struct space *space, const uint8_t *candidate)
{
    double sum = 0;
    for (int32_t k = 0; k < space->n_knobs; k++)
        sum += table->of[k][candidate[k]];
    return sum;
}
