/* SPDX-License-Identifier: Apache-2.0 */
/* The best weights for filters of which some weights are absent. */
#ifndef DTMM_TRAIN_LEAST_SQUARES_H
#define DTMM_TRAIN_LEAST_SQUARES_H

#include <stdint.h>

/* Filters that read the same columns; the last column is the one that a bias multiplies. */
struct least_squares {
    int32_t n_columns, n_filters;
    const double *xx;    /* [column][column]: means of x x^T */
    const double *xy;    /* [filter][column]: means of x y */
    const uint8_t *kept; /* [filter][column], 0: the weight is 0. The bias is always kept. */
    double damping;      /* see below; in parts of the mean square of the kept columns */
    const float *scale;  /* by filter: weights become multiples of it, at most 127; NULL: real */
    double *weights;     /* [filter][column]: in, those to depart from; out, the solution */
};

/* Minimizes, filter by filter, the mean of (w x - y)^2 + damping |w - w0|^2, where the w0 are the
 * weights given, over the kept weights and the bias, which is not damped: the optimal brain surgeon
 * (Hassibi and Stork 1993) in closed form, by the Cholesky decomposition of the kept part of xx.
 * Damping makes up for columns that depend on each other, and never makes the error larger than
 * that of the kept w0. With scales, weights are rounded one after another, those that read most
 * first, and those that are not yet take over what the rounding did to the output (optimal brain
 * compression, Frantar and Alistarh 2022; in the order of GPTQ, Frantar et al. 2023). Filters with
 * the same kept weights share a decomposition. Returns the number of filters that could not be
 * solved (sums that are not finite); they get the kept w0. */
int32_t least_squares_solve(const struct least_squares *problem);

#endif
