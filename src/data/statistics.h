/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to know about a dataset's numbers. */
#ifndef DTMM_DATA_STATISTICS_H
#define DTMM_DATA_STATISTICS_H

#include <stdint.h>

#include "base/arena.h"
#include "data/dataset.h"

/* In stored numbers. The channels are those of images (1xHxWxC, at most 16); other samples have
 * one. */
struct statistics {
    double low, high;
    int32_t n_channels;
    const double *mean, *deviation; /* n_channels; deviation as of a population */
    const int32_t *class_counts;    /* n_classes of the dataset */
};

struct statistics dataset_statistics(const struct dataset *dataset, struct arena *arena);

#endif
