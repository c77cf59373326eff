/* SPDX-License-Identifier: Apache-2.0 */
/* A float graph made ready to run on batches of samples, and to learn from them. */
#ifndef DTMM_TRAIN_NETWORK_H
#define DTMM_TRAIN_NETWORK_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"

struct rounding;

struct network_options {
    int32_t n_threads;     /* 0: workers_default(). Results do not depend on it. */
    int32_t shard_samples; /* a batch is computed in shards of so many samples, each by one thread;
                              0: 16. Batch statistics are those of a shard. */
    int32_t n_heads;       /* 0: the outputs of the graph */
    const int32_t *heads;  /* activations that are wanted; other nodes than those they need are not
                              computed */
    int training;          /* gradients will be asked for */
    const struct rounding *rounding; /* compute as if in int8 (rounding.h); NULL: exactly. The graph
                                        is the one that its scales were chosen for */
};

struct network;

/* Prepares an f32 graph with one input; its tensors describe one sample, a batch is many of them
 * back to back. ERR_UNSUPPORTED names a node that cannot be run. Release with network_free(). The
 * graph must outlive it. */
enum status network_make(const struct graph *graph, const struct network_options *options,
                         struct network **network, struct diag *diag);
void network_free(struct network *network);

/* Runs `n` samples with the statistics that the graph has; outputs[i] gets those of head i, or is
 * NULL. */
void network_infer(struct network *network, const float *inputs, int32_t n, float *const *outputs);

/* The same for at most a shard's samples, by the calling thread as the given worker; no two threads
 * as the same. Head `i` is then at network_head(), until the worker's next run. */
void network_infer_shard(struct network *network, int32_t worker, const float *inputs, int32_t n);
const float *network_head(const struct network *network, int32_t worker, int32_t i);

/* Sees the values of every activation (`n` samples back to back), the input's first, in the order
 * of execution. Called on the caller's thread. */
typedef void network_observer(void *context, int32_t tensor, const float *values, int32_t n);

/* network_infer(), with every activation shown to the observer. */
void network_observe(struct network *network, const float *inputs, int32_t n,
                     network_observer *observer, void *context);

/* The current values of a constant that nodes compute with (weights, bias, parameters of a batch
 * normalization, a constant operand); NULL for other tensors. May be written between calls. */
float *network_values(struct network *network, int32_t tensor);

/* To be called when values were written by way of network_parameters(), except right after
 * network_step(). */
void network_changed(struct network *network);

/* The graph with the current values, in an arena of the caller's; nothing in it is still to be
 * trained. */
struct graph *network_graph(const struct network *network, struct arena *arena);

/* ---- training ---- */

/* What a constant is to training. */
enum parameter_role {
    PARAMETER_WEIGHTS,  /* learned, weight decay applies */
    PARAMETER_OFFSET,   /* learned, without decay: bias, gamma, beta */
    PARAMETER_MEAN,     /* of a batch normalization: follows the batches */
    PARAMETER_VARIANCE, /* the same */
    PARAMETER_FIXED     /* operands of add, sub, mul, concatenation */
};

struct parameter {
    int32_t tensor;
    enum parameter_role role;
    int64_t first, n; /* where its values are */
};

/* All constants; values and gradients of all of them stand in one array each. */
struct parameters {
    int32_t n;
    const struct parameter *list;
    int64_t n_values;
    float *values;
    float *gradients; /* what the last network_step() summed up; for a mean and a variance the sum
                         over shards of the mean and of the mean square of x */
};
struct parameters network_parameters(struct network *network);

/* Whether a tensor's gradient is computed: it is learned, or depends on what is. */
int network_learns(const struct network *network, int32_t tensor);

/* One batch, in shards. The functions are called on any worker's thread, `worker` tells which. */
struct network_batch {
    void *context;
    int32_t n_shards;
    /* Writes the inputs of a shard's samples. */
    void (*fill)(void *context, int32_t worker, int32_t shard, float *inputs);
    /* Reads the heads' values and writes the gradient of the loss for each. */
    void (*loss)(void *context, int32_t worker, int32_t shard, const float *const *heads,
                 float *const *gradients);
    /* NULL, or called on the caller's thread when the gradients of values first .. first + n - 1
     * are summed up, while others are still being computed. Ranges come in descending order. */
    void (*ready)(void *context, int64_t first, int64_t n);
};

/* Forward and backward of one batch with batch statistics: fills the gradients, the same bits for
 * any number of threads. Values stay as they are. */
enum status network_step(struct network *network, const struct network_batch *batch,
                         struct diag *diag);

/* The first node, in order of execution, whose output is not finite after the last step; -1 when
 * there is none. For the message when a loss is not finite. */
int32_t network_not_finite(const struct network *network);

/* Samples in a shard; number of workers. */
int32_t network_shard_samples(const struct network *network);
int32_t network_n_workers(const struct network *network);

#endif
