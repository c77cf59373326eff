/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layers on RV32: all of them, without scratch memory. */
#ifndef DTMM_RV32_FULLY_CONNECTED_RULES_H
#define DTMM_RV32_FULLY_CONNECTED_RULES_H

#include "../dtmm.h"

static inline int dtmm_fully_connected_s8_rv32_accepts(const struct dtmm_fully_connected *p)
{
    (void)p;
    return 1;
}

static inline int32_t
dtmm_fully_connected_s8_rv32_scratch_bytes(const struct dtmm_fully_connected *p)
{
    (void)p;
    return 0;
}

#endif
