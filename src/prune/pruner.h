/* SPDX-License-Identifier: Apache-2.0 */
/* From a network and data to a pruned int8 network: remove, make good for it, train, in steps. */
#ifndef DTMM_PRUNE_PRUNER_H
#define DTMM_PRUNE_PRUNER_H

#include "driver/quantizer.h"
#include "train/importance.h"

/* Name on the command line, meaning: what units of all layers are ranked by. */
#define RANK_LIST(X)                                                                               \
    X(SCORE, "score", "score alone")                                                               \
    X(BYTES, "bytes", "score per byte that leaves")                                                \
    X(INSTRUCTIONS, "instructions", "score per instruction that leaves")                           \
    X(BOTH, "both", "score per sum of the two, as shares of the network's")

enum rank_kind {
#define X(suffix, name, meaning) RANK_##suffix,
    RANK_LIST(X)
#undef X
        N_RANK_KINDS
};

struct pruner_options {
    const char *recipe_path; /* JSON (product/recipe.h); NULL: `recipe` */
    const char *recipe;      /* the same as text; NULL too: unit and sparsity for all layers */
    int live_only;           /* shares are of what is left without the channels that are dead */
    const char *start_path;  /* a float checkpoint of what an earlier run left of the network, to go
                                on from; NULL: the network itself */
    struct unit unit;
    double sparsity;         /* share of the weights that is to be absent */
    int has_score, has_rank; /* otherwise: reconstruction and both where all units can be scored so,
                                else magnitude and score */
    enum score_kind score;
    enum rank_kind rank;
    const struct core *core; /* that executes the instructions */
    int32_t n_steps;         /* of removal */
    int32_t n_epochs; /* of training in float, all steps together; quantizer.n_qat_epochs follow */
    int compensate;   /* solve the weights that stay anew after each removal */
    int32_t batch_samples; /* 0: 128, or fewer when there are not many */
    double rate;           /* learning rate at the start of the first step */
    double weight_decay;
    double distill_share; /* of the dense network's outputs in the loss; 1: labels are not used */
    const char *labels_option; /* what makes the share 0, as the user gave it; for messages */
    double feature_weight;     /* of its features */
    int32_t n_features;
    const char *const *features; /* activations to be like the dense network's */
    int32_t n_threads;
    const char *float_path;             /* the trained float network: a checkpoint */
    const char *state_path;             /* a folder for what a run that was cut off goes on from */
    const char *settings;               /* a line that says what decides the outcome */
    int resume;                         /* go on from it */
    int keep_state;                     /* at the end too: the caller removes it */
    struct quantizer_options quantizer; /* model, data, samples, and how the result becomes int8 */
};

/* What is left of a network, as `dtmm compress` stores it on the host, and what it was. */
struct network_size {
    int64_t n_weights, n_weights_dense; /* not absent, of layers with weights */
    int64_t weight_bytes;               /* weights and index */
    int64_t macs, macs_dense;
};

struct pruner_result {
    const char *recipe;    /* as used */
    enum score_kind score; /* that units were chosen by */
    enum rank_kind rank;
    double validation_dense, validation_pruned; /* accuracy in float; NaN without classes */
    struct network_size size;                   /* as int8 */
    struct sample_scale scale;                  /* of the samples, as they were used */
    struct quantizer_result quantized;
};

/* import, then for each step: score, choose masks, prune or compensate, shrink, renormalize, train,
 * fold; then quantize. Writes float_path and the int8 file. After each epoch the state is saved;
 * ERR_USAGE when a signal ended the training, or when there is no state of these settings to go on
 * from. */
enum status pruner_run(const struct pruner_options *options, struct arena *arena,
                       struct pruner_result *result, struct diag *diag);

/* Reads the network and the recipe of these options, no data: ERR_INPUT says what is wrong with the
 * recipe before anything long begins. */
enum status pruner_check_recipe(const struct pruner_options *options, struct diag *diag);

/* What recipes cost before any training, `n_recipes` of them as text, each with a share for every
 * layer: how far the outputs of the float network on validation samples are from the dense one's,
 * once units are removed by their magnitude and the others are compensated: of classes the mean
 * divergence of the probabilities (Kullback and Leibler, in nats), of numbers the squared error in
 * parts of their variance. */
enum status pruner_probe(const struct pruner_options *options, int32_t n_recipes,
                         const char *const *recipes, double *losses, struct diag *diag);

#endif
