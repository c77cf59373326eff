/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/unit_choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The layer without what is absent. Units are numbered filter by filter, position by position,
 * column by column; a column is what a unit spans of the input channels. */
struct thin {
    const struct thin_layer *layer;
    int32_t n_inputs;             /* input channels of the weights as stored */
    int64_t positions;            /* of a filter */
    int32_t *place;               /* by input channel: its number among those that stay */
    int32_t *filter_place;        /* likewise by filter */
    int32_t column;               /* channels of a column */
    int64_t n_filters, n_columns; /* that stay */
    int64_t n_units;
};

struct scored {
    double score;
    int64_t unit;
};

static int scored_compare(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

/* Numbers what stays; returns how much that is. */
static int32_t number_kept(const uint8_t *kept, int32_t n, int32_t *place)
{
    int32_t count = 0;
    for (int32_t i = 0; i < n; i++) {
        place[i] = count;
        count += kept[i];
    }
    return count;
}

static struct thin thin_make(const struct thin_layer *layer, const struct unit *unit,
                             struct arena *scratch)
{
    const struct shape *shape = layer->shape;
    int32_t n_filters = filter_count(layer->op, shape);
    struct thin thin = {.layer = layer, .n_inputs = shape->dims[shape->rank - 1]};
    thin.positions = shape_elements(shape) / n_filters / thin.n_inputs;
    thin.place = ARENA_ARRAY(scratch, (size_t)thin.n_inputs, int32_t);
    thin.filter_place = ARENA_ARRAY(scratch, (size_t)n_filters, int32_t);
    int32_t channels = number_kept(layer->inputs, thin.n_inputs, thin.place);
    thin.n_filters = number_kept(layer->filters, n_filters, thin.filter_place);
    thin.column = unit->kind == UNIT_BLOCK     ? unit->block
                  : unit->kind == UNIT_ELEMENT ? 1
                                               : channels;
    thin.n_columns = channels == 0 ? 0 : (channels - 1) / thin.column + 1;
    thin.n_units = thin.n_filters * thin.positions * thin.n_columns;
    return thin;
}

/* The unit that weight `i` belongs to, or -1 when its filter or input channel is absent. */
static int64_t unit_at(const struct thin *thin, int64_t i)
{
    int64_t channel = i % thin->n_inputs, filterlet = i / thin->n_inputs;
    int64_t filter = filterlet / thin->positions, position = filterlet % thin->positions;
    if (!thin->layer->inputs[channel] || !thin->layer->filters[filter])
        return -1;
    return (thin->filter_place[filter] * thin->positions + position) * thin->n_columns +
           thin->place[channel] / thin->column;
}

/* Marks the best unit of each filter and of each column; `units` ascend. */
static void protect(const struct thin *thin, const struct scored *units, uint8_t *is_protected,
                    struct arena *scratch)
{
    uint8_t *filter_done = ARENA_ARRAY(scratch, (size_t)thin->n_filters, uint8_t);
    uint8_t *column_done = ARENA_ARRAY(scratch, (size_t)thin->n_columns, uint8_t);
    for (int64_t i = thin->n_units - 1; i >= 0; i--) {
        int64_t unit = units[i].unit, column = unit % thin->n_columns;
        int64_t filter = unit / thin->n_columns / thin->positions;
        is_protected[unit] = !filter_done[filter] || !column_done[column];
        filter_done[filter] = column_done[column] = 1;
    }
}

/* Marks the lowest in `gone`; returns their importance. */
static double remove_lowest(const struct thin *thin, double share, uint8_t *gone,
                            struct arena *scratch)
{
    size_t n = (size_t)thin->n_units;
    struct scored *units = ARENA_ARRAY(scratch, n + 1, struct scored);
    uint8_t *is_protected = ARENA_ARRAY(scratch, n + 1, uint8_t);
    double sum = 0;
    for (size_t u = 0; u < n; u++)
        units[u].unit = (int64_t)u;
    for (int64_t i = 0; i < shape_elements(thin->layer->shape); i++) {
        int64_t unit = unit_at(thin, i);
        if (unit >= 0)
            units[unit].score += (double)thin->layer->importance[i];
    }
    qsort(units, n, sizeof *units, scored_compare);
    protect(thin, units, is_protected, scratch);
    int64_t left = llround(share * (double)n);
    for (size_t i = 0; i < n && left > 0; i++) {
        if (is_protected[units[i].unit])
            continue;
        gone[units[i].unit] = 1;
        sum += units[i].score;
        left--;
    }
    return sum;
}

static void keep_channels(const struct thin_layer *layer, uint8_t *kept)
{
    for (int64_t i = 0; i < shape_elements(layer->shape); i++)
        kept[i] = layer->filters[filter_of_weight(layer->op, layer->shape, i)];
}

double units_choose(const struct thin_layer *layer, const struct unit *unit, double share,
                    uint8_t *kept)
{
    struct arena scratch = {0};
    double sum = 0;
    if (layer->op == OP_depthwise_conv_2d) {
        keep_channels(layer, kept);
        return 0;
    }
    struct thin thin = thin_make(layer, unit, &scratch);
    uint8_t *gone = ARENA_ARRAY(&scratch, (size_t)thin.n_units + 1, uint8_t);
    if (share > 0 && unit->kind != UNIT_FILTER)
        sum = remove_lowest(&thin, share, gone, &scratch);
    for (int64_t i = 0; i < shape_elements(layer->shape); i++) {
        int64_t at = unit_at(&thin, i);
        kept[i] = at >= 0 && !gone[at];
    }
    arena_free(&scratch);
    return sum;
}
