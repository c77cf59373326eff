/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_ARMV7M_FULLY_CONNECTED_RULES_H
#define DTMM_ARMV7M_FULLY_CONNECTED_RULES_H

#include "../scalar/fully_connected.h"

static inline int dtmm_fully_connected_s8_armv7m_accepts(const struct dtmm_fully_connected *p)
{
    return dtmm_scalar_fully_connected_accepts(p);
}

static inline int32_t
dtmm_fully_connected_s8_armv7m_scratch_bytes(const struct dtmm_fully_connected *p)
{
    (void)p;
    return 0;
}

#endif
