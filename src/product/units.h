/* SPDX-License-Identifier: Apache-2.0 */
/* What is removed as one. */
#ifndef DTMM_PRODUCT_UNITS_H
#define DTMM_PRODUCT_UNITS_H

#include <stdint.h>

#include "base/arena.h"
#include "graph/graph.h"

/* Name on the command line, meaning. */
#define UNIT_LIST(X)                                                                               \
    X(FILTERLET, "filterlet", "all input channels at one kernel position of one filter")           \
    X(FILTER, "filter", "all that makes one output channel")                                       \
    X(BLOCK, "block", "so many neighboring input channels of a filterlet")                         \
    X(ELEMENT, "element", "a single weight; for comparison only")

enum unit_kind {
#define X(suffix, name, meaning) UNIT_##suffix,
    UNIT_LIST(X)
#undef X
        N_UNIT_KINDS
};

struct unit {
    enum unit_kind kind;
    int32_t block; /* input channels of a block: 4, 8 or 16; otherwise 0 */
};

/* Reads "filterlet", "filter", "element" or "block:N". ERR_USAGE names what there is. */
enum status unit_parse(const char *text, struct unit *unit, struct diag *diag);
const char *unit_name(const struct unit *unit, struct arena *arena);

/* Units of a layer, and the one that weight `i` belongs to. The filters of a depthwise convolution
 * are its only units; a fully_connected layer's filterlets are its filters. */
int64_t unit_count(const struct unit *unit, enum op op, const struct shape *weights);
int64_t unit_of_weight(const struct unit *unit, enum op op, const struct shape *weights, int64_t i);

/* The filter (output channel) that weight `i` belongs to, and how many there are. */
int32_t filter_of_weight(enum op op, const struct shape *weights, int64_t i);
int32_t filter_count(enum op op, const struct shape *weights);

/* Whether weights of the op can be removed: it is one of the four layers. */
int op_is_layer(enum op op);

#endif
