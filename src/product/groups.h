/* SPDX-License-Identifier: Apache-2.0 */
/* Filters that can only leave the network together. */
#ifndef DTMM_PRODUCT_GROUPS_H
#define DTMM_PRODUCT_GROUPS_H

#include <stdint.h>

#include "base/arena.h"
#include "graph/graph.h"
#include "product/masks.h"

/* The filters (output channels of layers with weights) of a graph, in classes: all filters of a
 * class must be absent for the channels that they make to leave. */
struct groups {
    int32_t n_nodes;
    int32_t *n_filters; /* by node; 0: it has no weights */
    int32_t **of;       /* by node, by filter: the number of its class; -1: it can never leave (an
                           output of the graph depends on the number of channels) */
    int32_t *n_inputs;  /* by node: input channels of its weights (columns of a fully_connected
                           layer); 0: it has no weights */
    int32_t **inputs;   /* by node, by input channel: the class that it leaves with, or -1 */
    int32_t n_tensors;
    int32_t *n_channels; /* by tensor: its last dimension */
    int32_t **channels;  /* by tensor, by channel: the class that it leaves with, or -1; NULL:
                            constants */
    int32_t n_groups;
};

/* A byte a class: 1 when no filter of it keeps a weight. */
uint8_t *groups_absent(const struct groups *groups, const struct graph *graph,
                       const struct masks *masks, struct arena *arena);

#endif
