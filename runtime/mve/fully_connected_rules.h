/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of fully_connected; see rules.h. */
#ifndef DTMM_MVE_FULLY_CONNECTED_RULES_H
#define DTMM_MVE_FULLY_CONNECTED_RULES_H

#include "../dtmm.h"

static inline int dtmm_fully_connected_s8_mve_accepts(const struct dtmm_fully_connected *p)
{
    (void)p;
    return 1;
}

static inline int32_t
dtmm_fully_connected_s8_mve_scratch_bytes(const struct dtmm_fully_connected *p)
{
    (void)p;
    return 0;
}

#endif
