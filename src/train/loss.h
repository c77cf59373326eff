/* SPDX-License-Identifier: Apache-2.0 */
/* Losses of one sample. Each returns its loss and adds `weight` times its gradient to `gradient`,
 * both in double precision inside. */
#ifndef DTMM_TRAIN_LOSS_H
#define DTMM_TRAIN_LOSS_H

#include <stdint.h>

/* Name on the command line, meaning. */
#define LOSS_LIST(X)                                                                               \
    X(CROSS_ENTROPY, "cross-entropy", "classes, from logits through softmax")                      \
    X(MSE, "mse", "target values, mean squared error")                                             \
    X(BINARY, "binary", "target values in 0 .. 1, from logits through a sigmoid each")             \
    X(YOLO, "yolo", "boxes on a grid")

enum loss_kind {
#define X(suffix, name, meaning) LOSS_##suffix,
    LOSS_LIST(X)
#undef X
        N_LOSSES
};

/* -sum target * log softmax(logits); `target` are `n` probabilities. */
double loss_cross_entropy(const float *logits, int32_t n, const float *target, double weight,
                          float *gradient);

/* Mean over `n` values of (value - target)^2. */
double loss_mse(const float *values, int32_t n, const float *target, double weight,
                float *gradient);

/* Mean over `n` logits of the binary cross-entropy of their sigmoid. */
double loss_binary(const float *logits, int32_t n, const float *target, double weight,
                   float *gradient);

/* temperature^2 * KL(softmax(teacher / temperature) || softmax(logits / temperature)); Hinton,
 * Vinyals, Dean 2015. */
double loss_distillation(const float *logits, const float *teacher, int32_t n, double temperature,
                         double weight, float *gradient);

/* A detector's output: a grid of cells, each with `n_anchors` boxes of 5 + n_classes values: x, y
 * (logits, in the cell), w, h (logarithms of the size in anchors), objectness (logit), logits of
 * the classes; NHWC. Redmon, Farhadi 2017, with binary cross-entropy for position and objectness.
 */
struct yolo_grid {
    int32_t height, width, n_anchors, n_classes;
    const float *anchors; /* n_anchors pairs of width and height, in parts of the image */
};

/* `boxes`: n_boxes times class, center x, center y, width, height in parts of the image; a negative
 * class ends the list. Each box belongs to the cell of its center and to the anchor that overlaps
 * it best. */
double loss_yolo(const struct yolo_grid *grid, const float *output, const float *boxes,
                 int32_t n_boxes, double weight, float *gradient);

/* 1 / (1 + exp(-x)) */
double sigmoid(double x);

#endif
