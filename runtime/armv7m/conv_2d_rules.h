/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_ARMV7M_CONV_2D_RULES_H
#define DTMM_ARMV7M_CONV_2D_RULES_H

#include "../scalar/conv_2d.h"

static inline int dtmm_conv_2d_s8_armv7m_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_scalar_conv_accepts(p);
}

static inline int32_t dtmm_conv_2d_s8_armv7m_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_scalar_conv_scratch_bytes(p);
}

static inline int dtmm_conv_2d_fwcs_s8_armv7m_accepts(const struct dtmm_conv_2d *p)
{
    return dtmm_scalar_conv_accepts(p);
}

static inline int32_t dtmm_conv_2d_fwcs_s8_armv7m_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_scalar_conv_scratch_bytes(p);
}

static inline int dtmm_conv_2d_fwcs_list_s8_armv7m_accepts(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 1;
}

static inline int32_t dtmm_conv_2d_fwcs_list_s8_armv7m_scratch_bytes(const struct dtmm_conv_2d *p)
{
    (void)p;
    return 0;
}

#endif
