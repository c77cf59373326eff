/* SPDX-License-Identifier: Apache-2.0 */
/* Which values the activations of a float graph take, measured on samples. */
#ifndef DTMM_TRAIN_CALIBRATE_H
#define DTMM_TRAIN_CALIBRATE_H

#include <stdint.h>

#include "base/arena.h"
#include "product/ranges.h"
#include "train/network.h"

/* How an interval is chosen: suffix of the enumerator, name. */
#define CALIBRATION_LIST(X)                                                                        \
    X(MINMAX, minmax)         /* from the smallest to the largest value */                         \
    X(PERCENTILE, percentile) /* without the same fraction of values at either end */              \
    X(MSE, mse)               /* the one with the least squared error of what int8 makes of it */

enum calibration_method {
#define X(suffix, name) CALIBRATION_##suffix,
    CALIBRATION_LIST(X)
#undef X
};

struct calibration {
    enum calibration_method method;
    double percentile; /* of the values are not above the interval, and as many not below; in
                          (50, 100] */
};

const char *calibration_method_name(enum calibration_method method);

/* The method with that name; -1 when there is none. */
int calibration_method_find(const char *name);

/* Intervals and means of all activations over `n` samples, back to back. `graph` is the network's.
 * The same for the same samples, whatever the number of threads. */
struct ranges *calibrate(struct network *network, const struct graph *graph,
                         const struct calibration *calibration, const float *samples, int32_t n,
                         struct arena *arena);

#endif
