/* SPDX-License-Identifier: Apache-2.0 */
/* Float graphs executed and differentiated from the definitions of their ops, in double precision,
 * one element at a time: what the training engine must equal. */
#ifndef DTMM_TEST_TRAIN_REFERENCE_H
#define DTMM_TEST_TRAIN_REFERENCE_H

#include <stdint.h>

#include "base/arena.h"
#include "graph/graph.h"

/* How batch_normalization takes its mean and variance: those it has, or those of the batch (over
 * all samples and positions of a channel; the variance divided by their number). */
enum reference_mode { REFERENCE_INFERENCE, REFERENCE_TRAINING };

/* A graph with the values of a batch. Every tensor of the graph describes one sample. */
struct reference {
    const struct graph *graph;
    int32_t n_samples;
    enum reference_mode mode; /* of the last reference_forward() */
    double **values;    /* by tensor: the samples back to back; of a constant its values, once */
    double **gradients; /* by tensor, as many as values; of the last reference_backward() */
};

/* Makes room for a batch. Constants have the values of the graph, inputs are 0; the caller may
 * write both. The graph is verified, f32, without quantize and dequantize, and outlives this. */
struct reference reference_make(const struct graph *graph, int32_t n_samples, struct arena *arena);

/* Number of values (and of gradients) of a tensor. */
int64_t reference_size(const struct reference *reference, int32_t tensor);

/* Computes the values of all tensors that nodes make. */
void reference_forward(struct reference *reference, enum reference_mode mode);

/* Computes the gradients of all tensors, constants included, after reference_forward().
 * output_gradients[i] are those of graph output i. Where a function has a kink, the slope is that
 * of the constant side (0 for relu at 0; alpha for leaky_relu), and of equal maxima in a pooling
 * window the first has the gradient. */
void reference_backward(struct reference *reference, const double *const *output_gradients);

/* Mean and variance (divided by the number of values) of every channel that a batch_normalization
 * reads, over the whole batch. */
void reference_statistics(const struct reference *reference, const struct node *node, double *mean,
                          double *variance);

#endif
