/* SPDX-License-Identifier: Apache-2.0 */
/* Channels that have the mean and the variance that they had. */
#ifndef DTMM_TRAIN_REPAIR_H
#define DTMM_TRAIN_REPAIR_H

#include <stdint.h>

#include "base/status.h"
#include "graph/draft.h"

struct repair {
    const struct graph *dense; /* what the draft was made of */
    const uint8_t *layers;     /* by node: may be changed */
    int keeps_weights;         /* the weights are rounded: means alone are repaired */
    const float *samples, *held_out;
    int32_t n_samples, n_held_out;
};

/* Gives the channels of each layer, before its activation, the mean and the variance that they have
 * in the dense graph on the samples, by a gain and an offset that go into weights and bias; least
 * squares leaves too little variance. It is kept where that brings the outputs nearer to those of
 * the dense graph on the samples held out; otherwise, with the offset alone, tried again (the means
 * as in Nagel et al. 2019; the variance as in REPAIR, Jordan et al. 2023). */
enum status repair_channels(struct draft *draft, const struct repair *repair, struct diag *diag);

#endif
