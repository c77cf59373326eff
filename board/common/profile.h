/* SPDX-License-Identifier: Apache-2.0 */
/* Included before the generated model when instructions are counted per layer. */
#ifndef DTMM_BOARD_PROFILE_H
#define DTMM_BOARD_PROFILE_H

#include <stdint.h>

/* Adds the time since the previous call to layer `index`. */
void harness_layer_done(int32_t index);

#define DTMM_LAYER_DONE(index) harness_layer_done(index)

#endif
