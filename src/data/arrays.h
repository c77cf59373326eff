/* SPDX-License-Identifier: Apache-2.0 */
/* Which .npy files are a dataset. Private to src/data. */
#ifndef DTMM_DATA_ARRAYS_H
#define DTMM_DATA_ARRAYS_H

#include <stdint.h>

#include "data/reader.h"

/* One part of a dataset, or all of it. */
struct arrays {
    const char *x, *y;    /* y: NULL when unlabeled */
    const char *y_train;  /* with test data: the training labels, which tell the classes; or NULL */
    int32_t label_column; /* -1: y has one column */
    int32_t test_column;  /* -1: no column tells the part */
    double test_low, test_high;
};

enum status arrays_read(struct reader *reader, const struct arrays *arrays,
                        struct dataset *dataset);

#endif
