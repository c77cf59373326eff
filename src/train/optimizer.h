/* SPDX-License-Identifier: Apache-2.0 */
/* How gradients change the values. */
#ifndef DTMM_TRAIN_OPTIMIZER_H
#define DTMM_TRAIN_OPTIMIZER_H

#include <stdint.h>

#include "train/network.h"

/* Name on the command line, meaning. */
#define OPTIMIZER_LIST(X)                                                                          \
    X(SGD, "sgd", "stochastic gradient descent with Nesterov momentum 0.9")                        \
    X(ADAM, "adam", "AdamW: Adam with decoupled weight decay (Loshchilov, Hutter 2019)")

enum optimizer_kind {
#define X(suffix, name, meaning) OPTIMIZER_##suffix,
    OPTIMIZER_LIST(X)
#undef X
        N_OPTIMIZERS
};

struct optimizer {
    enum optimizer_kind kind;
    float weight_decay;
    int64_t n_values;
    float *momentum;     /* n_values */
    float *square;       /* n_values; NULL for SGD */
    double clip;         /* adaptive gradient clipping: the norm of a tensor's gradient is at most
                            so many times that of its values (Brock et al. 2021); 0: no limit */
    int64_t n_steps;     /* done */
    const uint8_t *kept; /* n_values: 0 holds a value, its momentum and its square at exactly zero;
                            NULL: all are kept */
};

/* Memory of the optimizer in the arena; everything zero. */
void optimizer_start(struct optimizer *optimizer, enum optimizer_kind kind, float weight_decay,
                     int64_t n_values, struct arena *arena);

/* One step with the sum of the gradients over a batch that were each divided by its size.
 * Statistics of batch normalizations become 0.9 times themselves and 0.1 times the mean over
 * `n_shards` shards. */
void optimizer_step(struct optimizer *optimizer, const struct parameters *parameters, double rate,
                    int32_t n_shards);

#endif
