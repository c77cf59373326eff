/* SPDX-License-Identifier: Apache-2.0 */
/* Requantization on a core that multiplies 32 bits by 32 into 32. */
#ifndef DTMM_ARMV6M_REQUANTIZE_H
#define DTMM_ARMV6M_REQUANTIZE_H

#include <stdint.h>

/* dtmm_scale_down() for |x| < 2^30 and exponent 1 .. 31, the 64-bit product from 16-bit parts: with
 * x = 2^16 a + b and multiplier = 2^16 c + d, floor((x * multiplier + 2^30) / 2^31) is
 * 2 (a c + t) + floor((a d + u + 2^14) / 2^15), where 2^16 t + u = b c + floor(b d / 2^16). */
static inline int32_t dtmm_armv6m_scale_down(int32_t x, int32_t multiplier, int32_t exponent)
{
    int32_t a = x >> 16, c = multiplier >> 16;
    uint32_t b = (uint32_t)x & 0xffff, d = (uint32_t)multiplier & 0xffff;
    uint32_t middle = b * (uint32_t)c + ((b * d) >> 16);
    int32_t high = 2 * (a * c + (int32_t)(middle >> 16)) +
                   ((a * (int32_t)d + (int32_t)(middle & 0xffff) + (1 << 14)) >> 15);
    return (((high + (high >> 31)) >> (exponent - 1)) + 1) >> 1;
}

#endif
