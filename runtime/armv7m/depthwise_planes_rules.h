/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the depthwise convolutions channel by channel; see rules.h. */
#ifndef DTMM_ARMV7M_DEPTHWISE_PLANES_RULES_H
#define DTMM_ARMV7M_DEPTHWISE_PLANES_RULES_H

#include "../scalar/depthwise_planes_rules.h"

static inline int
dtmm_depthwise_conv_2d_planes_s8_armv7m_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_accepts(p);
}

static inline int32_t
dtmm_depthwise_conv_2d_planes_s8_armv7m_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_scratch_bytes(p);
}

static inline int
dtmm_depthwise_conv_2d_inplace_s8_armv7m_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_inplace_accepts(p);
}

static inline int32_t
dtmm_depthwise_conv_2d_inplace_s8_armv7m_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_scratch_bytes(p);
}

#endif
