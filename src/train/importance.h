/* SPDX-License-Identifier: Apache-2.0 */
/* What each weight is worth, as far as gradients tell. */
#ifndef DTMM_TRAIN_IMPORTANCE_H
#define DTMM_TRAIN_IMPORTANCE_H

#include "product/scores.h"
#include "train/trainer.h"

/* Name on the command line, meaning. */
#define SCORE_LIST(X)                                                                              \
    X(MAGNITUDE, "magnitude", "L2 norm of the unit's weights")                                     \
    X(TAYLOR, "taylor", "sum of |gradient * weight|, batch by batch")                              \
    X(FISHER, "fisher", "sum of (gradient * weight)^2, batch by batch")                            \
    X(RECONSTRUCTION, "reconstruction", "error that the other weights, solved anew, cannot undo")  \
    X(RANDOM, "random", "for comparison only")

enum score_kind {
#define X(suffix, name, meaning) SCORE_##suffix,
    SCORE_LIST(X)
#undef X
        N_SCORE_KINDS
};

/* Measures TAYLOR or FISHER (Molchanov et al. 2019) on batches of the training data, or draws
 * RANDOM from the trainer's seed; for others *importance is NULL. Nothing is learned. */
enum status importance_measure(struct trainer *trainer, enum score_kind kind, int32_t n_batches,
                               struct arena *arena, struct importance **importance,
                               struct diag *diag);

#endif
