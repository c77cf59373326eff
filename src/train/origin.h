/* SPDX-License-Identifier: Apache-2.0 */
/* What a training was started from, in short: enough to notice that it is gone on with from
 * something else. */
#ifndef DTMM_TRAIN_ORIGIN_H
#define DTMM_TRAIN_ORIGIN_H

#include <stdint.h>

#include "base/arena.h"
#include "data/dataset.h"
#include "graph/graph.h"

/* Each a text that is equal when what it is of is. */
struct origin {
    const char *dataset; /* number of samples, shape, classes; labels, targets, some samples */
    const char *teacher; /* its values; "none" */
    const char *zeros;   /* where the network's weights are to stay zero; "none" */
};

/* `teacher` and `kept` (see struct optimizer) may be NULL. */
struct origin origin_of(const struct dataset *dataset, const struct graph *teacher,
                        const uint8_t *kept, int64_t n_values, struct arena *arena);

#endif
