/* SPDX-License-Identifier: Apache-2.0 */
/* One node as one worker computes it: where its tensors are. */
#ifndef DTMM_TRAIN_STEP_H
#define DTMM_TRAIN_STEP_H

#include <stdint.h>

#include "graph/graph.h"

/* An activation holds `n` samples back to back, a constant its own elements. Gradients are
 * overwritten, not added to. The "gradients" of a batch normalization's mean and variance are the
 * mean and the mean square of the batch. */
struct step {
    const struct graph *graph;
    const struct node *node;
    int32_t n; /* samples */
    const float *input[MAX_INPUTS];
    float *input_gradient[MAX_INPUTS]; /* NULL: nobody asks for it */
    float *output;
    float *output_gradient; /* NULL: no backward pass; backward may change it */
};

/* Elements of the node's input, all samples together. */
static inline int64_t step_input_elements(const struct step *step, int index)
{
    const struct tensor *tensor = node_input(step->graph, step->node, index);
    return shape_elements(&tensor->shape) * (tensor->data != NULL ? 1 : step->n);
}

static inline int64_t step_output_elements(const struct step *step)
{
    return shape_elements(&node_output(step->graph, step->node)->shape) * step->n;
}

/* Whether oneDNN computes the node; if not, only its fused activation. */
int step_on_library(const struct graph *graph, const struct node *node);

/* Which input of add, sub or mul has the output's elements, the other being broadcast; -1: neither,
 * or one that would have to be subtracted from. */
int step_whole_input(const struct graph *graph, const struct node *node);

#endif
