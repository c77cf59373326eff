/* SPDX-License-Identifier: Apache-2.0 */
/* Importance of every removable unit. */
#ifndef DTMM_PRODUCT_SCORES_H
#define DTMM_PRODUCT_SCORES_H

#include <stdint.h>

#include "product/units.h"

/* What each weight alone is worth; by node, a number for each weight. A unit is worth the sum. */
struct importance {
    int32_t n_nodes;
    float **of; /* NULL: the node has no weights */
};

struct node_scores {
    struct unit unit;
    int64_t n_units;
    float *of;      /* by unit (units.h); NULL: nothing can be removed from the node */
    float *weights; /* what each weight alone is worth, in parts of the layer's mean; NULL: the
                       recipe has no shares of filters, or the node no weights */
    double cost; /* of one of its weights, in bytes or instructions: units are ranked by score per
                    cost; 0: by score alone */
};

struct scores {
    int32_t n_nodes; /* as in the graph */
    struct node_scores *nodes;
};

#endif
