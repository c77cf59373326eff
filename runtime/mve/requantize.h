/* SPDX-License-Identifier: Apache-2.0 */
/* ../requantize.h for four values at a time (Helium), bit for bit the same.
 *
 * VQRDMULH is dtmm_high_multiply. VRSHL by a negative count rounds halves up; dtmm_rounding_divide
 * rounds them away from zero, so negative values are first lowered by one. Where the result is
 * clamped from below at or above what zero gives (output_min >= output_zero_point, a ReLU), that
 * step changes nothing and kernels leave it out. */
#ifndef DTMM_MVE_REQUANTIZE_H
#define DTMM_MVE_REQUANTIZE_H

#include <arm_mve.h>

#include "../requantize.h"

/* n, for a predicate made of it: assembly that changes VPR cannot say so, and this keeps the
 * predicate behind all assembly before it. */
static inline uint32_t dtmm_mve_behind(int32_t n)
{
    __asm__ volatile("" : "+r"(n));
    return (uint32_t)n;
}

/* dtmm_rounding_divide by 2^-shift[i]; shift: -31 .. 0. */
static inline int32x4_t dtmm_mve_rounding_shift(int32x4_t x, int32x4_t shift)
{
    int32x4_t lower = vshrq_n_s32(vandq_s32(x, shift), 31); /* -1 where x < 0 and shift < 0 */
    return vrshlq_s32(vqaddq_s32(x, lower), shift);
}

/* dtmm_requantize; multiplier >= 0, shift: -31 .. 30. */
static inline int32x4_t dtmm_mve_requantize(int32x4_t x, int32x4_t multiplier, int32x4_t shift)
{
    int32x4_t zero = vdupq_n_s32(0);
    x = vshlq_s32(x, vmaxq_s32(shift, zero));
    x = vqrdmulhq_s32(x, multiplier);
    return dtmm_mve_rounding_shift(x, vminq_s32(shift, zero));
}

/* dtmm_clamp, the result still in 32 bits. */
static inline int32x4_t dtmm_mve_clamp(int32x4_t x, int32_t zero_point, int32_t low, int32_t high)
{
    x = vaddq_n_s32(x, zero_point);
    x = vmaxq_s32(x, vdupq_n_s32(low));
    return vminq_s32(x, vdupq_n_s32(high));
}

#endif
