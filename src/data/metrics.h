/* SPDX-License-Identifier: Apache-2.0 */
/* How good predictions are: classification, ranking, regression, detection. */
#ifndef DTMM_DATA_METRICS_H
#define DTMM_DATA_METRICS_H

#include <stdint.h>

#include "base/arena.h"

/* ---- classification.c: of several classes, one is right ---- */

enum { TOP_K_MAX = 5 };

struct classification {
    int32_t n_classes;
    int64_t n_samples;
    int64_t top[TOP_K_MAX]; /* samples whose label is among the first k + 1 */
    int64_t *confusion;     /* at [label * n_classes + prediction] */
};

/* How well one class is told. A ratio of nothing to nothing is 0. */
struct class_quality {
    int64_t n_labels, n_predictions;
    double precision; /* of the samples predicted as the class, those that are */
    double recall;    /* of the samples of the class, those that are predicted */
    double f1;        /* harmonic mean of the two */
};

/* The index of the largest score; of equal ones the first. NaN is below all numbers. */
int32_t scores_argmax(const float *scores, int32_t n);

struct classification classification_start(int32_t n_classes, struct arena *arena);

/* Counts a sample: `scores` of all classes, `label` in [0, n_classes). The label's rank counts the
 * larger scores and the equal ones of lower index, so that top-1 is scores_argmax(). */
void classification_add(struct classification *classification, const float *scores, int32_t label);

/* The fraction of samples whose label is among the first k (1 .. TOP_K_MAX); NaN without samples.
 */
double classification_top(const struct classification *classification, int32_t k);

struct class_quality classification_class(const struct classification *classification,
                                          int32_t label);

/* The mean F1 of the classes that occur as a label or as a prediction; NaN without samples. */
double classification_macro_f1(const struct classification *classification);

/* ---- ranking.c: one score that is to be higher for positives ---- */

/* The area under the ROC curve: the probability that a positive (label other than 0) has a higher
 * score than a negative, ties counted as one half. NaN when either kind is missing or a score is
 * NaN. */
double roc_auc(const float *scores, const int32_t *labels, int64_t n);

/* ---- regression.c: numbers ---- */

struct regression {
    int64_t n;
    double absolute, squared; /* sums of errors */
};

/* Counts `n` predicted numbers. Start with `{0}`. */
void regression_add(struct regression *regression, const float *predicted, const float *target,
                    int64_t n);

/* Mean absolute and mean squared error; NaN without numbers. */
double regression_mae(const struct regression *regression);
double regression_mse(const struct regression *regression);

/* ---- detection.c: boxes in images ---- */

/* Edges in any unit, low <= high; the score of a true box is of no meaning. */
struct box {
    int32_t image, label;
    float score;
    float x_low, y_low, x_high, y_high;
};

/* Intersection over union; 0 for boxes without area. */
double box_iou(const struct box *a, const struct box *b);

/* The average precision of one class at an IoU threshold. Predictions from the highest score down
 * (equal ones in the order given) each take the true box of their image that they overlap most of
 * those not yet taken, if by the threshold or more; the others are false. The area under precision
 * over recall is exact, precision made to fall (all-point interpolation). NaN when the class has no
 * true box. */
double average_precision(const struct box *predicted, int64_t n_predicted, const struct box *truth,
                         int64_t n_truth, int32_t label, double threshold);

/* The mean over the classes that have true boxes (mAP; 0.5 is the usual threshold); NaN without
 * any. */
double mean_average_precision(const struct box *predicted, int64_t n_predicted,
                              const struct box *truth, int64_t n_truth, int32_t n_classes,
                              double threshold);

#endif
