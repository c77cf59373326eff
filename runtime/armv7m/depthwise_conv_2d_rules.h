/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_ARMV7M_DEPTHWISE_CONV_2D_RULES_H
#define DTMM_ARMV7M_DEPTHWISE_CONV_2D_RULES_H

#include "../scalar/depthwise_conv_2d.h"

static inline int dtmm_depthwise_conv_2d_s8_armv7m_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_scalar_depthwise_accepts(p);
}

static inline int32_t
dtmm_depthwise_conv_2d_s8_armv7m_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_scalar_depthwise_scratch_bytes(p);
}

#endif
