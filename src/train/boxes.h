/* SPDX-License-Identifier: Apache-2.0 */
/* From the output of a detector to boxes. */
#ifndef DTMM_TRAIN_BOXES_H
#define DTMM_TRAIN_BOXES_H

#include "data/metrics.h"
#include "train/loss.h"

/* How many boxes a grid can hold: one a class of each anchor in each cell. */
int64_t boxes_limit(const struct yolo_grid *grid);

/* Makes boxes, in parts of the image, of a grid's output (its meaning: struct yolo_grid): those
 * with a score, sigmoid(objectness) * softmax(classes), of at least `threshold`. Returns how many;
 * `boxes` has room for boxes_limit(). */
int64_t boxes_decode(const struct yolo_grid *grid, const float *output, int32_t image,
                     float threshold, struct box *boxes);

/* The boxes of one sample's targets: five values each (struct yolo_grid's loss), a negative class
 * ends them. Returns how many; at most n_targets / 5. */
int64_t boxes_of_targets(const float *targets, int32_t n_targets, int32_t image, struct box *boxes);

/* Non-maximum suppression in one image: from the highest score down, a box that overlaps one of its
 * class that stays by an IoU above `threshold` goes. Returns how many stay, in order of score. */
int64_t boxes_suppress(struct box *boxes, int64_t n, double threshold);

#endif
