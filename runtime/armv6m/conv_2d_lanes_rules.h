/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution on Cortex-M0: four lanes share three words, so that three multiplications, modulo
 * 2^32, serve four products. The words are x0 + x3 * 2^24, x1 + x3 * 2^16 and x2 + x3 * 2^8; of
 * their sums of products, the low 24 bits of the first are lane 0's sum, and what is left above are
 * the low 8 bits of lane 3's; with these taken away the second has lane 1's sum below and 8 more
 * bits of lane 3's above, and the third lane 2's and the last 8 bits. */
#ifndef DTMM_ARMV6M_CONV_2D_LANES_RULES_H
#define DTMM_ARMV6M_CONV_2D_LANES_RULES_H

#include "../scalar/lanes_rules.h"

/* The most products whose sum surely fits 24 bits: n * 128 * 128 < 2^23. */
enum { DTMM_ARMV6M_LANES_LIMIT = 511 };

static inline struct dtmm_lanes_window dtmm_armv6m_lanes_window(const struct dtmm_conv_2d *p)
{
    const struct dtmm_lanes_form forms[] = {{8, 6}, {4, 3}, {0, 0}};
    const struct dtmm_lanes_budget budget = {7168, 10240};
    return dtmm_lanes_choose(p, forms, budget);
}

static inline int32_t dtmm_armv6m_lanes_scratch_bytes(const struct dtmm_conv_2d *p)
{
    struct dtmm_lanes_window window = dtmm_armv6m_lanes_window(p);
    return dtmm_lanes_scratch_bytes(p, &window, DTMM_ARMV6M_LANES_LIMIT);
}

static inline int dtmm_conv_2d_lanes_s8_armv6m_accepts(const struct dtmm_conv_2d *p)
{
    struct dtmm_lanes_window window = dtmm_armv6m_lanes_window(p);
    return dtmm_lanes_accepts(p, &window);
}

static inline int dtmm_conv_2d_fwcs_lanes_s8_armv6m_accepts(const struct dtmm_conv_2d *p)
{
    struct dtmm_lanes_window window = dtmm_armv6m_lanes_window(p);
    return dtmm_lanes_accepts(p, &window);
}

static inline int32_t dtmm_conv_2d_lanes_s8_armv6m_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_armv6m_lanes_scratch_bytes(p);
}

static inline int32_t dtmm_conv_2d_fwcs_lanes_s8_armv6m_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_armv6m_lanes_scratch_bytes(p);
}

#endif
