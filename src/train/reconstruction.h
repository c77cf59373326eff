/* SPDX-License-Identifier: Apache-2.0 */
/* Which filterlets a layer can do without, when those that stay make good for them. */
#ifndef DTMM_TRAIN_RECONSTRUCTION_H
#define DTMM_TRAIN_RECONSTRUCTION_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"
#include "product/scores.h"
#include "train/layer_watch.h"

/* Importance of every filterlet of the conv_2d and fully_connected layers (a row of weights) of an
 * f32 graph (with `block` other than 0: of every block of so many input channels of a filterlet,
 * the last one may be shorter), from some hundred inputs without labels: filter by filter, the
 * one whose removal adds least to the squared error of the output, once the others are solved anew,
 * goes first, then the next one (optimal brain compression for groups, Frantar and Alistarh 2022).
 * The score is what it adds, in parts of the variance of the layer's output and per byte of
 * weights, so that layers compare. The scores of a filter ascend in the order of removal: removing
 * those below a threshold keeps to it. Positions of `scores` are units, blocks of a filterlet one
 * after the other. `watch` may be NULL. */
enum status score_reconstruction(const struct graph *graph, const float *samples, int32_t n,
                                 int32_t block, const struct layer_watch *watch,
                                 struct arena *arena, struct scores **scores, struct diag *diag);

#endif
