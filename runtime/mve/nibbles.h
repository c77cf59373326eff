/* SPDX-License-Identifier: Apache-2.0 */
/* Which bits of 4 are set, first to last, and how many. */
#ifndef DTMM_MVE_NIBBLES_H
#define DTMM_MVE_NIBBLES_H

#include <stdint.h>

struct nibbles {
    uint8_t set[16][4], n[16];
};

static const struct nibbles dtmm_mve_nibbles = {{{0},
                                                 {0},
                                                 {1},
                                                 {0, 1},
                                                 {2},
                                                 {0, 2},
                                                 {1, 2},
                                                 {0, 1, 2},
                                                 {3},
                                                 {0, 3},
                                                 {1, 3},
                                                 {0, 1, 3},
                                                 {2, 3},
                                                 {0, 2, 3},
                                                 {1, 2, 3},
                                                 {0, 1, 2, 3}},
                                                {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4}};

#endif
