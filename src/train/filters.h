/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of a layer as filters that start with the weights, each in the order of the columns
 * of its Gram matrix, and end with the bias. */
#ifndef DTMM_TRAIN_FILTERS_H
#define DTMM_TRAIN_FILTERS_H

#include "graph/draft.h"
#include "train/gram.h"

/* All filters of a layer with equations (gram_has()), [filter][column]. The bias of a layer that
 * has none is 0. */
double *filters_read(const struct graph *graph, int32_t node, struct arena *arena);

/* A byte a weight of the layer in the order of filters_read(), 1 for the bias; `kept` is a byte a
 * weight in the layer's order, NULL: all 1. */
uint8_t *filters_kept(const struct graph *graph, int32_t node, const uint8_t *kept,
                      struct arena *arena);

/* Gives the layer these filters; one without a bias gets one. */
void filters_write(struct draft *draft, int32_t node, const double *filters);

/* Solves the filters of all groups (least_squares_solve()). */
struct filters_problem {
    const struct gram *gram;
    const uint8_t *kept; /* [filter][column] */
    const float *scale;  /* by filter, or NULL */
    double damping;
    double *filters; /* in and out */
};
void filters_solve(const struct filters_problem *problem);

#endif
