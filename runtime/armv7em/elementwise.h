/* SPDX-License-Identifier: Apache-2.0 */
/* What the operations on pairs of elements share: add and sub, and the clamp of all. */
#ifndef DTMM_ARMV7EM_ELEMENTWISE_H
#define DTMM_ARMV7EM_ELEMENTWISE_H

#include "../dtmm.h"
#include "dsp.h"
#include "elementwise_rules.h"
#include "requantize.h"

/* Limits n int8 values to low .. high, four at a time. */
static inline void dtmm_dsp_clamp_bytes(int8_t *at, int32_t n, int8_t low, int8_t high)
{
    int32_t lows = (int32_t)((uint8_t)low * UINT32_C(0x01010101));
    int32_t highs = (int32_t)((uint8_t)high * UINT32_C(0x01010101));
    if (low == INT8_MIN && high == INT8_MAX)
        return;
    for (; n >= 4; n -= 4, at += 4)
        dtmm_dsp_store(at, dtmm_dsp_min(dtmm_dsp_max(dtmm_dsp_load(at), lows), highs));
    for (; n > 0; n--, at++)
        *at = dtmm_clamp(*at, 0, low, high);
}

/* One operand, x, has multiplier 1/2 and shift 0, as the one of the larger scale has in TensorFlow
 * Lite: with its 20 bits of fraction it needs no multiplication. Everything is doubled for the fast
 * requantization. */
struct dtmm_dsp_add {
    int32_t y_zero_point;        /* 0: times -2^21 */
    int32_t y_multiplier;        /* 4 */
    int32_t y_half;              /* 8: 2^(exponent - 1) */
    int32_t y_exponent;          /* 12 */
    int32_t x_zero_point;        /* 16: times -2^20, or 2^20 where x is subtracted */
    struct dtmm_dsp_fast output; /* 20 */
};

struct dtmm_dsp_operand {
    int32_t multiplier, shift, zero_point;
};

/* Where y too has multiplier 1/2 and shift 0, (y * 2^21 * (2^31 - 1) + 2^31) / 2^32 is y * 2^20 as
 * |y| < 2^10, and half of that is the same. */
static inline struct dtmm_dsp_add dtmm_dsp_add_constants(const struct dtmm_add *p,
                                                         struct dtmm_dsp_operand x,
                                                         struct dtmm_dsp_operand y, int32_t x_sign)
{
    struct dtmm_dsp_add c = {.y_zero_point = y.zero_point * -(1 << 21)};
    c.y_multiplier = y.shift == 0 ? INT32_MAX : y.multiplier;
    c.y_exponent = y.shift == 0 ? 1 : -y.shift;
    c.y_half = 1 << (c.y_exponent - 1);
    c.x_zero_point = x.zero_point * x_sign * -(1 << 20);
    c.output = dtmm_dsp_fast(p->multiplier_output, p->shift_output, p->output_zero_point);
    return c;
}

/* Registers: r4, r5, r6, r8 constants, lr and the element's own. */
#define DTMM_DSP_ADD_Y(e)                                                                          \
    "   add " e ", r4, " e ", lsl #21\n"                                                           \
    "   add lr, r6, " e ", asr #31\n"                                                              \
    "   smmlar " e ", " e ", r5, lr\n"                                                             \
    "   asr " e ", " e ", r8\n"
#define DTMM_DSP_ADD_X(e, at, add_x, add_y)                                                        \
    "   ldrsb lr, [%[x], #" at "]\n" add_y " " e ", r4, " e ", lsl #1\n" add_x " " e ", " e        \
    ", lr, lsl #20\n" DTMM_DSP_REQUANTIZE(e, "lr", "r5", "r6", "r8") "   ssat " e ", #8, " e "\n"  \
                                                                     "   strb " e                  \
                                                                     ", [%[out], #" at "]\n"

/* n > 0 blocks of four elements with the constants c: add_x and add_y are `add` or `sub`. */
#define DTMM_DSP_ADD_BLOCKS(c_, y_, x_, out_, n_, add_x, add_y)                                    \
    do {                                                                                           \
        register const struct dtmm_dsp_add *r4 __asm__("r4") = (c_);                               \
        __asm__ volatile(                                                                          \
            "   sub sp, sp, #32\n"                                                                 \
            "   ldrd r5, r6, [r4]\n"                                                               \
            "   ldrd r8, r9, [r4, #8]\n"                                                           \
            "   ldrd r10, r11, [r4, #16]\n"                                                        \
            "   ldrd r12, lr, [r4, #24]\n"                                                         \
            "   stm sp, {r5, r6, r8, r9, r10, r11, r12, lr}\n"                                     \
            "1: ldm sp, {r4, r5, r6, r8}\n"                                                        \
            "   ldrsb r9, [%[y]], #4\n"                                                            \
            "   ldrsb r10, [%[y], #-3]\n"                                                          \
            "   ldrsb r11, [%[y], #-2]\n"                                                          \
            "   ldrsb r12, [%[y], #-1]\n" DTMM_DSP_ADD_Y("r9") DTMM_DSP_ADD_Y("r10")               \
                DTMM_DSP_ADD_Y("r11") DTMM_DSP_ADD_Y(                                              \
                    "r12") "   ldrd r4, r5, [sp, #16]\n"                                           \
                           "   ldrd r6, r8, [sp, #24]\n" DTMM_DSP_ADD_X("r9", "0", add_x, add_y)   \
                               DTMM_DSP_ADD_X("r10", "1", add_x, add_y)                            \
                                   DTMM_DSP_ADD_X("r11", "2", add_x, add_y) DTMM_DSP_ADD_X(        \
                                       "r12", "3", add_x, add_y) "   add %[x], %[x], #4\n"         \
                                                                 "   add %[out], %[out], #4\n"     \
                                                                 "   subs %[n], %[n], #1\n"        \
                                                                 "   bne 1b\n"                     \
                                                                 "   add sp, sp, #32\n"            \
            : "+r"(r4), [y] "+&r"(y_), [x] "+&r"(x_), [out] "+&r"(out_), [n] "+&r"(n_)             \
            :                                                                                      \
            : "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");                  \
    } while (0)

/* y scaled, as the loop has it. */
static inline int32_t dtmm_dsp_add_y(const struct dtmm_dsp_add *c, int32_t y)
{
    struct dtmm_dsp_fast fast = {c->y_multiplier, c->y_half, c->y_exponent};
    return dtmm_dsp_requantize_fast(y * (1 << 21) + c->y_zero_point, &fast);
}

#endif
