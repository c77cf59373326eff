/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of fully_connected; see rules.h. */
#ifndef DTMM_ARMV6M_FULLY_CONNECTED_RULES_H
#define DTMM_ARMV6M_FULLY_CONNECTED_RULES_H

#include "../dtmm.h"

/* Where no sum reaches 2^30: no network has others. */
static inline int dtmm_fully_connected_s8_armv6m_accepts(const struct dtmm_fully_connected *p)
{
    if (p->input_channels >= 1 << 15)
        return 0;
    for (int32_t o = 0; o < p->output_channels; o++)
        if (p->bias[o] <= -(1 << 29) || p->bias[o] >= 1 << 29)
            return 0;
    return 1;
}

static inline int32_t
dtmm_fully_connected_s8_armv6m_scratch_bytes(const struct dtmm_fully_connected *p)
{
    (void)p;
    return 0;
}

#endif
