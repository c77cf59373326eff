/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_ARMV7M_ADD_RULES_H
#define DTMM_ARMV7M_ADD_RULES_H

#include "../scalar/add.h"

static inline int dtmm_add_s8_armv7m_accepts(const struct dtmm_add *p)
{
    return dtmm_scalar_add_accepts(p);
}

static inline int dtmm_sub_s8_armv7m_accepts(const struct dtmm_add *p)
{
    return dtmm_scalar_add_accepts(p);
}

#endif
