/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that move data or broadcast, forward and backward: what oneDNN does not have. */
#ifndef DTMM_TRAIN_PLAIN_H
#define DTMM_TRAIN_PLAIN_H

#include "train/step.h"

/* The node without its fused activation. For every op that step_on_library() does not take. */
void plain_forward(const struct step *step);

/* The gradients of the inputs that are asked for; also for add, sub and mul that oneDNN computes
 * forward. */
void plain_backward(const struct step *step);

/* Whether plain_backward() is to be used for the op. */
int plain_differentiates(enum op op);

#endif
