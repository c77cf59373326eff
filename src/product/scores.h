/* SPDX-License-Identifier: Apache-2.0 */
/* Importance of every removable unit. */
#ifndef DTMM_PRODUCT_SCORES_H
#define DTMM_PRODUCT_SCORES_H

#include <stdint.h>

struct node_scores {
    int32_t n_filters;
    int32_t n_positions; /* filterlets per filter: kernel_h * kernel_w */
    float *filterlet;    /* [filter][position]; NULL: the node has no removable filterlets */
};

struct scores {
    int32_t n_nodes; /* as in the graph */
    struct node_scores *nodes;
};

#endif
