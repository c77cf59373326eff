/* SPDX-License-Identifier: Apache-2.0 */
/* Addition and subtraction on RV32: all of them. */
#ifndef DTMM_RV32_ADD_RULES_H
#define DTMM_RV32_ADD_RULES_H

#include "../dtmm.h"

static inline int dtmm_rv32_add_is_fast(const struct dtmm_add *p)
{
    return p->shift_output <= -2;
}

static inline int dtmm_add_s8_rv32_accepts(const struct dtmm_add *p)
{
    (void)p;
    return 1;
}

static inline int dtmm_sub_s8_rv32_accepts(const struct dtmm_add *p)
{
    (void)p;
    return 1;
}

#endif
