/* SPDX-License-Identifier: Apache-2.0 */
/* Float graphs with one input that the training engine is held to: every op with all its
 * attributes, odd sizes, and small networks. */
#ifndef DTMM_TEST_TRAIN_CASES_H
#define DTMM_TEST_TRAIN_CASES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/random.h"
#include "graph/graph.h"

struct train_case {
    const char *name, *text;
};

/* Ends with an empty one. */
extern const struct train_case train_cases[];

/* A number in [low, high). */
double random_real(struct random *random, double low, double high);

/* The graph of a text, verified (a mistake in it ends the program), with constants drawn at random:
 * weights that keep the size of the activations, variances and factors around 1, none of them near
 * 0. No initializers are left. */
struct graph *train_case_graph(const char *text, struct random *random, struct arena *arena);

/* Inputs for all samples, in [-4, 4) and half of them close to 0: on both sides of every kink. */
float *train_case_inputs(const struct graph *graph, int32_t n_samples, struct random *random,
                         struct arena *arena);

/* The text of a case with a fully connected layer, over the last dimension, between the input "x0"
 * and the tensor that was the input. */
const char *train_case_behind_layer(const char *text, struct arena *arena);

/* The text of a random network with one or two outputs: convolutions, batch normalizations, gates,
 * residual additions, concatenations and tensors that several nodes read. */
const char *train_random_network(struct random *random, struct arena *arena);

#endif
