/* SPDX-License-Identifier: Apache-2.0 */
/* From a float network and data to a pruned int8 network: remove, train, in steps. */
#ifndef DTMM_PRUNER_H
#define DTMM_PRUNER_H

#include "quantizer.h"
#include "train/importance.h"

struct pruner_options {
    const char *recipe_path; /* JSON (product/recipe.h); NULL: unit and sparsity for all layers */
    struct unit unit;
    double sparsity; /* share of the weights that is to be absent */
    enum score_kind score;
    int32_t n_steps, n_epochs; /* of removal; of training, all steps together */
    double rate;               /* learning rate at the start of each step */
    double distill_share;      /* of the dense network's outputs in the loss */
    int32_t n_threads;
    const char *float_path;             /* the trained float network: a checkpoint */
    struct quantizer_options quantizer; /* model, data, samples, and how the result becomes int8 */
};

/* Sizes of a network as `dtmm compress` stores it on the host. */
struct network_size {
    int64_t n_weights, n_kept; /* of layers with weights */
    int64_t weight_bytes;      /* weights and index */
    int64_t macs;
};

struct pruner_result {
    const char *recipe;                         /* as used */
    double validation_dense, validation_pruned; /* accuracy in float; NaN without classes */
    struct network_size pruned;                 /* as int8 */
    struct quantizer_result quantized;
};

/* import, renormalize, then for each step: score, choose masks, prune, train; then quantize. Writes
 * float_path and the int8 file. ERR_USAGE when a signal ended the training. */
enum status pruner_run(const struct pruner_options *options, struct arena *arena,
                       struct pruner_result *result, struct diag *diag);

#endif
