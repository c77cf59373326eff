/* SPDX-License-Identifier: Apache-2.0 */
/* How far the outputs of a changed network are from those that it had. */
#ifndef DTMM_TRAIN_OUTPUTS_H
#define DTMM_TRAIN_OUTPUTS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

/* A network's answers to some samples: of each output its values, of a softmax what it reads, for
 * there errors count alike wherever they are. */
struct outputs {
    const struct graph *graph;
    const float *samples;
    int32_t n_samples, n_heads;
    int32_t *heads;   /* tensors */
    float **values;   /* by head */
    double *variance; /* by head: the sum of squared differences from each element's mean */
};

/* Runs the f32 graph, which has one input. */
enum status outputs_make(const struct graph *graph, const float *samples, int32_t n,
                         struct arena *arena, struct outputs *outputs, struct diag *diag);

/* The squared error of another graph's outputs (the same tensors, new ones behind), in parts of the
 * variance, the mean over the outputs. */
enum status outputs_error(const struct outputs *outputs, const struct graph *graph, double *error,
                          struct diag *diag);

#endif
