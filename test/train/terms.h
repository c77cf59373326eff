/* SPDX-License-Identifier: Apache-2.0 */
/* Every op that is linear in each of its inputs, written as the sum of products that it is. */
#ifndef DTMM_TEST_TRAIN_TERMS_H
#define DTMM_TEST_TRAIN_TERMS_H

#include <stdint.h>

#include "graph/graph.h"

/* output[out] += factor * input[in] * weights[weight], where `input` is that input of the node and
 * `weights` its second one; without the last factor when `weight` is NO_WEIGHT. */
struct term {
    int64_t out;
    double factor;
    int32_t input;
    int64_t in;
    int64_t weight;
};
enum { NO_WEIGHT = -1 };

typedef void term_visitor(void *context, const struct term *term);

/* Whether an op is a sum of terms; max_pool_2d is one, of terms that its input chooses. */
int op_has_terms(enum op op);

/* Shows all terms of one sample to the visitor. `x` are the values of the first input. */
void node_visit_terms(const struct graph *graph, const struct node *node, const double *x,
                      term_visitor *visitor, void *context);

#endif
