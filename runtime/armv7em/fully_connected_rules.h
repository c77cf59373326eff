/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of fully_connected; see rules.h. */
#ifndef DTMM_ARMV7EM_FULLY_CONNECTED_RULES_H
#define DTMM_ARMV7EM_FULLY_CONNECTED_RULES_H

#include "../dtmm.h"
#include "sums.h"

/* Where no sum reaches 2^30: no network has others. */
static inline int dtmm_fully_connected_s8_armv7em_accepts(const struct dtmm_fully_connected *p)
{
    return dtmm_dsp_sums_are_small(p->bias, p->output_channels, p->input_channels);
}

/* A row of the input as int16, without its last input_channels % 4 elements. */
static inline int32_t
dtmm_fully_connected_s8_armv7em_scratch_bytes(const struct dtmm_fully_connected *p)
{
    return p->input_channels / 4 * 8;
}

#endif
