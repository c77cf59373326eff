/* SPDX-License-Identifier: Apache-2.0 */
/* What the weights of a layer hold, seen as filters and filterlets. */
#ifndef DTMM_GRAPH_WEIGHTS_H
#define DTMM_GRAPH_WEIGHTS_H

#include "graph/graph.h"

/* Counts for one node; all zero for an op without weights.
 * conv_2d, transpose_conv: a filterlet is w[o][kh][kw][:]. depthwise_conv_2d: a filter is an output
 * channel, a filterlet one of its kernel positions. fully_connected: a filter is an output, its one
 * filterlet the whole row. Zero means that every weight in it is zero. */
struct weight_counts {
    int32_t n_filters, n_filters_zero;
    int32_t n_filterlets, n_filterlets_zero;
    int64_t n_weights, n_weights_live; /* live: in a filterlet that is not all zero */
    int64_t macs;                      /* dense multiply-accumulates of one inference */
};

struct weight_counts weight_counts(const struct graph *graph, const struct node *node);

#endif
