/* SPDX-License-Identifier: Apache-2.0 */
/* What the weights that stay can do for those that are absent, without training. */
#ifndef DTMM_TRAIN_COMPENSATE_H
#define DTMM_TRAIN_COMPENSATE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"
#include "product/fake_quantization.h"
#include "product/groups.h"
#include "product/masks.h"
#include "train/layer_watch.h"

struct compensation {
    const struct masks *masks;
    const struct groups *groups; /* filters of a class that keeps no weight make zeros then, not the
                                    mean of what they made; NULL: none do */
    const struct fake_quantization *scales; /* weights are made multiples of these; NULL: real */
    const float *samples;                   /* some hundred inputs, back to back */
    int32_t n_samples;
    double damping;                  /* of least_squares_solve(); 0: 0.001, with scales 0.01 */
    int repair;                      /* repair_channels() behind it, on an eighth of the samples */
    const struct layer_watch *watch; /* of the solving; or NULL */
};

/* The f32 graph without the weights that are absent, those that stay solved anew, layer by layer in
 * the order of execution: the output of each conv_2d, depthwise_conv_2d and fully_connected,
 * computed from what the layers before it now make, becomes as near to the dense graph's as least
 * squares can make it on the samples (layer-wise reconstruction: He, Zhang and Sun 2017; the sum,
 * where a residual add alone reads it, so that a layer makes good for both branches). Layers that
 * keep all and read what they read before stay as they are; new biases stand behind. transpose_conv
 * loses weights, but is not compensated. The same samples give the same bits. The graph has one
 * input; batch normalizations are best folded before. */
enum status compensate(const struct graph *graph, const struct compensation *request,
                       struct arena *arena, struct graph **compensated, struct diag *diag);

#endif
