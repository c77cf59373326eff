/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the depthwise convolutions; see rules.h. */
#ifndef DTMM_ARMV6M_DEPTHWISE_RULES_H
#define DTMM_ARMV6M_DEPTHWISE_RULES_H

#include "../scalar/depthwise_planes_rules.h"

static inline int dtmm_depthwise_conv_2d_s8_armv6m_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_accepts(p);
}

static inline int32_t
dtmm_depthwise_conv_2d_s8_armv6m_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_scratch_bytes(p);
}

static inline int
dtmm_depthwise_conv_2d_inplace_s8_armv6m_accepts(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_inplace_accepts(p);
}

static inline int32_t
dtmm_depthwise_conv_2d_inplace_s8_armv6m_scratch_bytes(const struct dtmm_depthwise_conv_2d *p)
{
    return dtmm_planes_scratch_bytes(p);
}

#endif
