/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of a network: the loss of one sample against its labels and a teacher. */
#ifndef DTMM_TRAIN_TASK_H
#define DTMM_TRAIN_TASK_H

#include "data/dataset.h"
#include "train/trainer.h"

/* The activation that the loss is computed from: the graph's output, or the input of the softmax or
 * logistic that makes it, where the loss contains that. */
int32_t task_head(const struct graph *graph, enum loss_kind loss);

/* ERR_INPUT unless the loss can be computed from the head and the dataset. */
enum status task_check(const struct train_settings *settings, const struct graph *graph,
                       const struct dataset *dataset, struct diag *diag);

/* Sets loss and share of the teacher for a network that is to stay what it is: of classes, when the
 * dataset has as many as the network answers (`share` of the loss is the teacher's then, the rest
 * the labels'), or of numbers; the teacher's outputs alone then, whatever the labels are of, and
 * the start is kept where training only leads away from the teacher. */
void task_like_teacher(struct train_settings *settings, const struct graph *graph,
                       const struct dataset *dataset, double share);

struct task {
    const struct train_settings *settings;
    const struct dataset *dataset;
    const struct shape *head;
};

/* A sample as the loss sees it: it may be mixed of two, the first with the given share. */
struct task_sample {
    int32_t first, second;
    float share;
    const float *inputs; /* what the network sees: the target of an autoencoder */
};

/* Returns the loss of the head's values from labels or targets, and adds `weight` times its
 * gradient to `gradient`. */
double task_loss(const struct task *task, const struct task_sample *sample, const float *values,
                 double weight, float *gradient);

/* Whether the largest score is the (first) sample's class; 0 without classes. */
int task_is_right(const struct task *task, const struct task_sample *sample, const float *values);

#endif
