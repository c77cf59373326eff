/* SPDX-License-Identifier: Apache-2.0 */
/* The normal equations of a layer's weights: what its outputs should be, as a linear function of
 * what it reads. */
#ifndef DTMM_TRAIN_GRAM_H
#define DTMM_TRAIN_GRAM_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

/* Means over rows. A row is what one output position reads, x (the input at each weight of a
 * filter, in the order of the weights, zeros in the pads, and a last column of ones, for the bias),
 * and what it should make of it, y. A group is a set of filters that read the same: all of a layer,
 * or each channel of a depthwise_conv_2d. */
struct gram {
    int32_t n_groups, n_filters, n_columns; /* filters of a group; columns: weights and the one */
    int64_t n_rows;
    double *xx; /* [group][column][column]: the Gram matrix */
    double *xy; /* [group][filter][column] */
    double *yy; /* [group][filter] */
};

/* Whose equations, and on which samples. */
struct gram_request {
    const struct graph *dense;  /* makes the outputs that are wanted */
    const struct graph *sparse; /* makes the inputs; the same nodes and tensors, new ones behind */
    int32_t node;
    int32_t sum;          /* the add whose sum is wanted, see gram_sum(); -1: the layer's output */
    const float *samples; /* back to back */
    int32_t n;
    int32_t max_rows; /* of more, some are chosen at random, the same each time; 0: 65536 */
};

/* Whether a node is one of those that have equations: conv_2d, depthwise_conv_2d, fully_connected.
 */
int gram_has(const struct node *node);

/* The add that alone reads the layer's output, when its other input is computed before the layer:
 * the layer can then make good for what that input lacks. -1 when there is none. */
int32_t gram_sum(const struct graph *graph, int32_t node);

/* Measures the equations of one f32 layer, before its activation. Sums are in double and in a fixed
 * order: the same samples give the same bits. Both graphs have one input. */
enum status gram_measure(const struct gram_request *request, struct arena *arena, struct gram *gram,
                         struct diag *diag);

/* Measures xy and yy again for targets that know of the activation that follows, relu or relu6:
 * where it makes the same of what the filters ([group][filter][column], the bias last) make of a
 * row and of what is wanted, what they make is right already; where what is wanted lies beyond its
 * limits, the limit is wanted. Solving for these targets and measuring again never makes what is
 * behind the activation worse where the dense graph's is cut off (majorization; Zhang et al. 2015
 * for the nonlinear reconstruction). Returns without change when no such activation follows. */
enum status gram_retarget(const struct gram_request *request, const double *filters,
                          struct gram *gram, struct diag *diag);

/* The mean squared error of a filter with these weights (its bias last). */
double gram_error(const struct gram *gram, int32_t group, int32_t filter, const double *weights);

#endif
