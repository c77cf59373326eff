/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution on Cortex-M3: two lanes share a word, the second 23 bits above the first, and SMLAL
 * adds its product with a weight to both sums. The sums of 8, 4 or 2 lanes are kept in registers.
 */
#ifndef DTMM_ARMV7M_CONV_2D_LANES_RULES_H
#define DTMM_ARMV7M_CONV_2D_LANES_RULES_H

#include "../scalar/lanes_rules.h"

/* The most products whose sum surely fits the first lane's 23 bits: n * 128 * 128 < 2^22. */
enum { DTMM_ARMV7M_LANES_LIMIT = 255 };

static inline struct dtmm_lanes_window dtmm_armv7m_lanes_window(const struct dtmm_conv_2d *p)
{
    const struct dtmm_lanes_form forms[] = {{8, 4}, {4, 2}, {2, 1}, {0, 0}};
    const struct dtmm_lanes_budget budget = {6144, 13312};
    return dtmm_lanes_choose(p, forms, budget);
}

static inline int32_t dtmm_armv7m_lanes_scratch_bytes(const struct dtmm_conv_2d *p)
{
    struct dtmm_lanes_window window = dtmm_armv7m_lanes_window(p);
    return dtmm_lanes_scratch_bytes(p, &window, DTMM_ARMV7M_LANES_LIMIT);
}

static inline int dtmm_conv_2d_lanes_s8_armv7m_accepts(const struct dtmm_conv_2d *p)
{
    struct dtmm_lanes_window window = dtmm_armv7m_lanes_window(p);
    return dtmm_lanes_accepts(p, &window);
}

static inline int dtmm_conv_2d_fwcs_lanes_s8_armv7m_accepts(const struct dtmm_conv_2d *p)
{
    struct dtmm_lanes_window window = dtmm_armv7m_lanes_window(p);
    return dtmm_lanes_accepts(p, &window);
}

static inline int32_t dtmm_conv_2d_lanes_s8_armv7m_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_armv7m_lanes_scratch_bytes(p);
}

static inline int32_t dtmm_conv_2d_fwcs_lanes_s8_armv7m_scratch_bytes(const struct dtmm_conv_2d *p)
{
    return dtmm_armv7m_lanes_scratch_bytes(p);
}

#endif
