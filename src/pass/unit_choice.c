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
    int32_t *column_of;           /* by input channel that stays */
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

static struct thin thin_make(const struct thin_layer *layer, const struct unit *unit,
                             struct arena *scratch)
{
    const struct shape *shape = layer->shape;
    int32_t n_filters = filter_count(layer->op, shape), channels = 0;
    struct thin thin = {.layer = layer, .n_inputs = shape->dims[shape->rank - 1]};
    thin.positions = shape_elements(shape) / n_filters / thin.n_inputs;
    thin.column_of = ARENA_ARRAY(scratch, (size_t)thin.n_inputs, int32_t);
    for (int32_t i = 0; i < thin.n_inputs; i++) {
        thin.column_of[i] = unit->kind == UNIT_BLOCK     ? channels / unit->block
                            : unit->kind == UNIT_ELEMENT ? channels
                                                         : 0;
        channels += layer->inputs[i];
        if (layer->inputs[i])
            thin.n_columns = thin.column_of[i] + 1;
    }
    for (int32_t o = 0; o < n_filters; o++)
        thin.n_filters += layer->filters[o];
    thin.n_units = thin.n_filters * thin.positions * thin.n_columns;
    return thin;
}

/* Calls `take` for each filterlet of the filters that stay: its first weight, its first unit. */
static void filterlets_visit(const struct thin *thin,
                             void (*take)(const struct thin *, int64_t weight, int64_t unit,
                                          void *context),
                             void *context)
{
    int32_t n_filters = filter_count(thin->layer->op, thin->layer->shape);
    int64_t unit = 0;
    for (int32_t filter = 0; filter < n_filters; filter++)
        for (int64_t position = 0; thin->layer->filters[filter] && position < thin->positions;
             position++, unit += thin->n_columns)
            take(thin, (filter * thin->positions + position) * thin->n_inputs, unit, context);
}

static void add_scores(const struct thin *thin, int64_t weight, int64_t unit, void *context)
{
    struct scored *units = context;
    const float *importance = thin->layer->importance + weight;
    for (int32_t i = 0; i < thin->n_inputs; i++)
        if (thin->layer->inputs[i])
            units[unit + thin->column_of[i]].score += (double)importance[i];
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

struct unit_ranking {
    struct thin thin;
    struct scored *units; /* ascending */
    uint8_t *is_protected;
};

struct unit_ranking *units_rank(const struct thin_layer *layer, const struct unit *unit,
                                struct arena *arena)
{
    struct unit_ranking *ranking = ARENA_NEW(arena, struct unit_ranking);
    struct arena scratch = {0};
    ranking->thin.layer = layer;
    if (layer->op == OP_depthwise_conv_2d)
        return ranking;
    ranking->thin = thin_make(layer, unit, arena);
    size_t n = (size_t)ranking->thin.n_units;
    if (unit->kind == UNIT_FILTER)
        return ranking;
    ranking->units = ARENA_ARRAY(arena, n + 1, struct scored);
    ranking->is_protected = ARENA_ARRAY(arena, n + 1, uint8_t);
    for (size_t u = 0; u < n; u++)
        ranking->units[u].unit = (int64_t)u;
    filterlets_visit(&ranking->thin, add_scores, ranking->units);
    qsort(ranking->units, n, sizeof *ranking->units, scored_compare);
    protect(&ranking->thin, ranking->units, ranking->is_protected, &scratch);
    arena_free(&scratch);
    return ranking;
}

/* Marks the lowest in `gone`; returns their importance. */
static double remove_lowest(const struct unit_ranking *ranking, double share, uint8_t *gone)
{
    int64_t n = ranking->thin.n_units, left = llround(share * (double)n);
    double sum = 0;
    for (int64_t i = 0; i < n && left > 0; i++) {
        const struct scored *scored = &ranking->units[i];
        if (ranking->is_protected[scored->unit])
            continue;
        gone[scored->unit] = 1;
        sum += scored->score;
        left--;
    }
    return sum;
}

/* What keep_units() writes, and from what. */
struct keeping {
    const uint8_t *gone;
    uint8_t *kept;
};

static void keep_units(const struct thin *thin, int64_t weight, int64_t unit, void *context)
{
    const struct keeping *keeping = context;
    for (int32_t i = 0; i < thin->n_inputs; i++)
        keeping->kept[weight + i] =
            thin->layer->inputs[i] && !keeping->gone[unit + thin->column_of[i]];
}

static void keep_channels(const struct thin_layer *layer, uint8_t *kept)
{
    int32_t n = filter_count(layer->op, layer->shape);
    int64_t positions = shape_elements(layer->shape) / n;
    for (int64_t position = 0; position < positions; position++)
        memcpy(kept + position * n, layer->filters, (size_t)n);
}

double units_take(const struct unit_ranking *ranking, double share, uint8_t *kept)
{
    struct arena scratch = {0};
    const struct thin_layer *layer = ranking->thin.layer;
    double sum = 0;
    if (layer->op == OP_depthwise_conv_2d) {
        keep_channels(layer, kept);
        return 0;
    }
    uint8_t *gone = ARENA_ARRAY(&scratch, (size_t)ranking->thin.n_units + 1, uint8_t);
    if (share > 0 && ranking->units != NULL)
        sum = remove_lowest(ranking, share, gone);
    memset(kept, 0, (size_t)shape_elements(layer->shape));
    filterlets_visit(&ranking->thin, keep_units, &(struct keeping){gone, kept});
    arena_free(&scratch);
    return sum;
}

double units_choose(const struct thin_layer *layer, const struct unit *unit, double share,
                    uint8_t *kept)
{
    struct arena scratch = {0};
    struct unit filter = {UNIT_FILTER, 0};
    double sum = units_take(units_rank(layer, share > 0 ? unit : &filter, &scratch), share, kept);
    arena_free(&scratch);
    return sum;
}
