/* SPDX-License-Identifier: Apache-2.0 */
/* Exact minimization of a sum of functions of a few discrete variables each, by eliminating one
 * variable after another (Bertele and Brioschi 1972). Knows no networks. */
#ifndef DTMM_SCHEDULE_ELIMINATION_H
#define DTMM_SCHEDULE_ELIMINATION_H

#include <stdint.h>

#include "base/arena.h"

/* A function of some variables: a value for each combination, the last variable counts fastest. */
struct factor {
    int32_t n_vars;
    int32_t *vars; /* ascending */
    double *values;
};

/* Combinations of a factor's variables. */
int64_t factor_size(const struct factor *factor, const int32_t *n_values);

/* An order of elimination for factors with these variables, made once and solved often. */
struct elimination;

/* NULL when a table on the way would have more than `most` entries. Variable v has n_values[v]
 * values. The factors' values may change from solution to solution. */
struct elimination *elimination_make(int32_t n_vars, const int32_t *n_values,
                                     const struct factor *factors, int32_t n_factors, int64_t most,
                                     struct arena *arena);

/* The least sum, and values of the variables that have it; INFINITY when no combination is finite.
 */
double elimination_solve(struct elimination *elimination, uint8_t *values);

#endif
