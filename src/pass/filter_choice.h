/* SPDX-License-Identifier: Apache-2.0 */
/* Which filters leave first, where those of coupled layers leave together. */
#ifndef DTMM_PASS_FILTER_CHOICE_H
#define DTMM_PASS_FILTER_CHOICE_H

#include "product/groups.h"
#include "product/units.h"

/* Layers that have classes of filters in common lose the same share of them: a set. */
struct filter_sets {
    int32_t n_sets;
    int32_t *of_node;   /* by node: its set; -1: it has no filters that can leave */
    int32_t *of_class;  /* by class */
    int32_t *n_classes; /* by set */
    int32_t **classes;  /* by set: its classes, the least important first */
    double *scores;     /* by class: the sum over its filters of their importance in parts of the
                           mean filter's of their layer */
};

/* Finds the sets and ranks their classes. `importance` has a number for each weight of each node
 * (NULL where it has none). Everything belongs to the arena. */
struct filter_sets filter_sets_make(const struct graph *graph, const struct groups *groups,
                                    float *const *importance, struct arena *arena);

/* How many of a set's classes are absent at this share: the nearest number that leaves one. */
int32_t filters_absent(double share, int32_t n_classes);

#endif
