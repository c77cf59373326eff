/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of add and sub; see rules.h. */
#ifndef DTMM_ARMV6M_ADD_RULES_H
#define DTMM_ARMV6M_ADD_RULES_H

#include "../dtmm.h"

static inline int dtmm_add_s8_armv6m_accepts(const struct dtmm_add *p)
{
    return p->shift_output < 0 && p->shift_a > -31 && p->shift_b > -31;
}

static inline int dtmm_sub_s8_armv6m_accepts(const struct dtmm_add *p)
{
    return dtmm_add_s8_armv6m_accepts(p);
}

#endif
