/* SPDX-License-Identifier: Apache-2.0 */
/* Training that feels int8: values are rounded to what int8 represents on the way forward;
 * gradients pass as if they were not (the straight-through estimator, Bengio et al. 2013), but for
 * activations that were clipped. */
#ifndef DTMM_TRAIN_ROUNDING_H
#define DTMM_TRAIN_ROUNDING_H

#include <stdint.h>

#include "graph/graph.h"
#include "product/fake_quantization.h"

/* What a network is to be rounded to. Activations have the scales of `scales`; those of weights are
 * chosen anew whenever the weights have changed, as the final int8 network's will be. */
struct rounding {
    const struct fake_quantization *scales;
    struct weight_rounding weights;
};

/* Rounds the weights of a node, and its constant operands; `values` and `rounded` are those of all
 * constants, tensor t's from offset[t] on. */
void round_constants(const struct rounding *rounding, const struct graph *graph,
                     const struct node *node, const int64_t *offset, const float *values,
                     float *rounded);

/* The open interval in which an activation function that clips lets values, and gradients, pass
 * unchanged. */
struct pass_band {
    float low, high;
};

/* Of the node's activation or, for relu and relu6, of the node; infinite where there is none. */
struct pass_band pass_band_of(const struct node *node);

/* Rounds activations in place to nearest, halves to even; `inside[i]` becomes 0 where a value was
 * clipped, here or by the activation function before. Its slope must be taken from that: a rounded
 * value no longer tells. `inside` may be NULL. */
void round_activations(const struct quantization *quantization, struct pass_band band,
                       float *values, int64_t n, uint8_t *inside);

/* Takes the gradient away where a value was clipped. */
void round_backward(float *gradient, int64_t n, const uint8_t *inside);

#endif
