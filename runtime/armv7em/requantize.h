/* SPDX-License-Identifier: Apache-2.0 */
/* Requantization with the DSP extension, bit for bit that of ../requantize.h, in four instructions
 * for the usual layers.
 *
 * SMMLAR(a, b, c) = c + floor((a * b + 2^31) / 2^32). With a twice the accumulator its product is
 * the saturating rounding doubling high multiply, exactly, as long as the doubled accumulator fits.
 * The division by 2^e, halves away from zero, is (x + 2^(e-1) - (x < 0)) >> e; the accumulator's
 * sign serves for x's, because where only they differ x is 0, and 2^(e-1) - 1 and 2^(e-1) both give
 * 0. 2^(e-1) and the output's zero point, shifted to the left by e, are one constant. Where the
 * result is clamped from below at or above the zero point (output_min >= output_zero_point, a
 * ReLU), the sign changes nothing and kernels leave it out: three instructions. */
#ifndef DTMM_ARMV7EM_REQUANTIZE_H
#define DTMM_ARMV7EM_REQUANTIZE_H

#include "../requantize.h"
#include "sums.h"

/* The constants of the fast form. */
struct dtmm_dsp_fast {
    int32_t multiplier;
    int32_t offset; /* 2^(exponent - 1) + zero_point * 2^exponent */
    int32_t exponent;
};

static inline struct dtmm_dsp_fast dtmm_dsp_fast(int32_t multiplier, int32_t shift,
                                                 int32_t zero_point)
{
    struct dtmm_dsp_fast fast = {multiplier, (1 << (-shift - 1)) + zero_point * (1 << -shift),
                                 -shift};
    return fast;
}

/* The instructions of the fast form, without the clamp: `acc` is twice the accumulator and becomes
 * the result, `t` is written and may be the register of `offset`. */
#define DTMM_DSP_REQUANTIZE(acc, t, multiplier, offset, exponent)                                  \
    "   add " t ", " offset ", " acc ", asr #31\n"                                                 \
    "   smmlar " acc ", " acc ", " multiplier ", " t "\n"                                          \
    "   asr " acc ", " acc ", " exponent "\n"

/* The same for a ReLU: output_min >= output_zero_point. */
#define DTMM_DSP_REQUANTIZE_RELU(acc, multiplier, offset, exponent)                                \
    "   smmlar " acc ", " acc ", " multiplier ", " offset "\n"                                     \
    "   asr " acc ", " acc ", " exponent "\n"

/* requantize(doubled / 2) + zero point, not clamped. */
static inline int32_t dtmm_dsp_requantize_fast(int32_t doubled, const struct dtmm_dsp_fast *fast)
{
    int32_t t = fast->offset + (doubled >> 31);
    __asm__("smmlar %0, %0, %1, %2" : "+r"(doubled) : "r"(fast->multiplier), "r"(t));
    return doubled >> fast->exponent;
}

/* dtmm_high_multiply for a in -2^30 .. 2^30 - 1. */
static inline int32_t dtmm_dsp_high_multiply(int32_t a, int32_t b)
{
    int32_t product;
    __asm__("smmulr %0, %1, %2" : "=r"(product) : "r"(a * 2), "r"(b));
    return product;
}

/* dtmm_requantize for x in -2^30 .. 2^30 - 1. */
static inline int32_t dtmm_dsp_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    if (!dtmm_dsp_shift_is_fast(shift))
        return dtmm_requantize(x, multiplier, shift);
    x = dtmm_dsp_high_multiply(x, multiplier);
    return (x + (x >> 31) + (1 << (-shift - 1))) >> -shift;
}

/* dtmm_rounding_divide; exponent: 1 .. 30, x in -2^30 .. 2^30. */
static inline int32_t dtmm_dsp_rounding_divide(int32_t x, int32_t exponent)
{
    return (x + (x >> 31) + (1 << (exponent - 1))) >> exponent;
}

/* x limited to the range of int8. */
static inline int32_t dtmm_dsp_saturate(int32_t x)
{
    __asm__("ssat %0, #8, %0" : "+r"(x));
    return x;
}

#endif
