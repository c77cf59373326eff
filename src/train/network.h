/* SPDX-License-Identifier: Apache-2.0 */
/* A float graph made ready to run on batches of samples, and to learn from them. */
#ifndef DTMM_TRAIN_NETWORK_H
#define DTMM_TRAIN_NETWORK_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

struct network_options {
    int32_t n_threads;     /* workers; 0: one a core. Results do not depend on it. */
    int32_t shard_samples; /* a batch is computed in shards of so many samples, each by one thread;
                              0: 16. Batch statistics are those of a shard. */
    int training;          /* gradients will be asked for */
};

struct network;

/* Prepares an f32 graph with one input; its first dimension becomes the batch. ERR_UNSUPPORTED
 * names a node that mixes samples or cannot be run. Release with network_free(). The graph must
 * outlive it. */
enum status network_make(const struct graph *graph, const struct network_options *options,
                         struct network **network, struct diag *diag);
void network_free(struct network *network);

/* Runs `n` samples (each the elements of the graph's input, back to back) with the statistics that
 * the graph has; outputs[i] gets those of graph output i, or is NULL. */
void network_infer(struct network *network, const float *inputs, int32_t n, float *const *outputs);

/* Sees the values of every activation (`n` samples back to back), the input's first, in the order
 * of execution. Called on one thread. */
typedef void network_observer(void *context, int32_t tensor, const float *values, int32_t n);

/* network_infer(), with every activation shown to the observer. */
void network_observe(struct network *network, const float *inputs, int32_t n,
                     network_observer *observer, void *context);

/* The current values of a constant of the graph that nodes compute with (weights, bias, parameters
 * of a batch normalization, a constant operand). May be written between calls. */
float *network_values(struct network *network, int32_t tensor);

/* The graph with the current values, in an arena of the caller's. */
struct graph *network_graph(const struct network *network, struct arena *arena);

#endif
