/* SPDX-License-Identifier: Apache-2.0 */
/* What the assembly of convolution in lanes reads; it knows the offsets. See lanes.h. */
#ifndef DTMM_SCALAR_LANES_FILTER_H
#define DTMM_SCALAR_LANES_FILTER_H

#include "lanes_rules.h"

/* One filter on the groups of lanes of a window. */
struct dtmm_lanes_filter {
    const uint32_t *places; /* of each group: the first word, the outputs from the last lane on */
    uint32_t zeros[8];      /* the sums at the start */
    const int8_t *weights;
    const uint32_t *items;
    int32_t bias;
    int32_t channel, zero_point, multiplier, shift; /* shift to the right */
    const uint32_t *places_end;
    int32_t is_clamped, min, max;
    int32_t sums[DTMM_LANES_MAX]; /* while interrupted */
    int32_t rounding[2];          /* constants of the requantization on Armv6-M */
};

/* Units of the same size, and how to list them. */
struct dtmm_lanes_units {
    const int32_t *offsets, *offsets_end; /* of each unit in the window, in bytes */
    uint32_t *items;                      /* the list's first piece */
    int32_t bytes;                        /* of a unit in the window */
    uint32_t piece, interrupt;            /* code of a unit's first piece, and of an interruption */
    int32_t most_bytes; /* of a list before 8 more units may need an interruption */
    int32_t n_interrupts;
};

#endif
