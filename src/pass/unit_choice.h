/* SPDX-License-Identifier: Apache-2.0 */
/* Which units of a layer leave when some of its filters and input channels have left already. */
#ifndef DTMM_PASS_UNIT_CHOICE_H
#define DTMM_PASS_UNIT_CHOICE_H

#include "product/units.h"

/* A layer with weights, and what is left of it. */
struct thin_layer {
    enum op op;
    const struct shape *shape; /* of the weights */
    const float *importance;   /* by weight */
    const uint8_t *filters;    /* by filter: 1: it stays */
    const uint8_t *inputs;     /* by input channel, of a fully_connected layer by column: 1: it
                                  stays; not read for depthwise_conv_2d */
};

/* Sets kept[weight] to 0 for the weights of absent filters and input channels and of the units of
 * the lowest importance, to 1 for all others. Units are those of the layer without what is absent:
 * a block is made of neighbors among the channels that stay. The number of absent units is the one
 * nearest to `share` of them, but each filter that stays keeps its best unit, and so does each
 * block of channels over all filters, so that no channel dies unasked. Depthwise layers and the
 * unit `filter` lose no units. Returns the importance of the absent units. */
double units_choose(const struct thin_layer *layer, const struct unit *unit, double share,
                    uint8_t *kept);

/* The same in two steps, for several shares: units_take() of a layer's ranking. The layer and its
 * arrays must outlive the ranking. */
struct unit_ranking *units_rank(const struct thin_layer *layer, const struct unit *unit,
                                struct arena *arena);
double units_take(const struct unit_ranking *ranking, double share, uint8_t *kept);

#endif
