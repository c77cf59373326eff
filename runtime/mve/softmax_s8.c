/* SPDX-License-Identifier: Apache-2.0 */
/* Four columns at a time. What is divided by a power of two is never negative here, so that VRSHR
 * and VRSHL round as dtmm_rounding_divide does. */
#include "../dtmm.h"
#include "../softmax.h"
#include "requantize.h"

/* Multiplies the result by the factor at `offset` where bit 31 - `shift` of the remainder is set.
 */
#define MULTIPLY_WHERE(shift, offset)                                                              \
    "   ldr %[r], [%[constants], #" offset "]\n"                                                   \
    "   vshl.i32 q3, q1, #" shift "\n"                                                             \
    "   vpt.s32 lt, q3, zr\n"                                                                      \
    "   vqrdmulht.s32 q2, q2, %[r]\n"

/* The exponentials, in Q0.31, of up to four inputs less the largest; 0 where that is too small or
 * has no lane. The steps are those of exp_negative in runtime/c/softmax_s8.c. */
__attribute__((noinline)) static int32x4_t exp_four(const struct dtmm_softmax *p, const int8_t *in,
                                                    int32_t max, int32_t n)
{
    static const int32_t constants[10] = {
        1895147668,                        /* exp(-1/8) */
        715827883,                         /* 1/3 */
        1672461947, 1302514674, 790015084, /* exp(-1/4), exp(-1/2), exp(-1) */
        290630308,  39332535,   720401,    /* exp(-2), exp(-4), exp(-8) */
        242,                               /* exp(-16) */
        1 << 24,                           /* 1/4 in Q5.26 */
    };
    int32_t r;
    int32x4_t x, difference, result;
    __asm__ volatile(
        "   vctp.32 %[n]\n"
        "   vpst\n"
        "   vldrbt.s32 q0, [%[in]]\n"
        "   vsub.i32 q0, q0, %[max]\n"
        "   vmov %q[difference], q0\n"
        "   vshl.s32 q0, %[shift]\n"
        "   vqrdmulh.s32 %q[x], q0, %[multiplier]\n"
        /* q2 = x modulo 1/4 - 1/4; q1 = what is left */
        "   ldr %[r], [%[constants], #36]\n"
        "   vshl.i32 q2, %q[x], #8\n"
        "   vshr.u32 q2, q2, #8\n"
        "   vsub.i32 q2, q2, %[r]\n"
        "   vsub.i32 q1, q2, %q[x]\n"
        /* q2 = that + 1/8 in Q0.31; q3 = its square, q0 = cube, q4 = fourth power */
        "   lsl %[r], %[r], #4\n"
        "   vshl.i32 q2, q2, #5\n"
        "   vadd.i32 q2, q2, %[r]\n"
        "   vqrdmulh.s32 q3, q2, q2\n"
        "   vqrdmulh.s32 q0, q3, q2\n"
        "   vqrdmulh.s32 q4, q3, q3\n"
        "   vrshr.s32 q4, q4, #2\n"
        "   vadd.i32 q4, q4, q0\n"
        "   ldrd %[r], lr, [%[constants], #0]\n"
        "   vqrdmulh.s32 q4, q4, lr\n"
        "   vadd.i32 q4, q4, q3\n"
        "   vrshr.s32 q4, q4, #1\n"
        "   vadd.i32 q2, q2, q4\n"
        "   vqrdmulh.s32 q2, q2, %[r]\n"
        "   vadd.i32 q2, q2, %[r]\n"
        /* bits 24 to 30 */
        MULTIPLY_WHERE("7", "8") MULTIPLY_WHERE("6", "12") MULTIPLY_WHERE("5", "16")
            MULTIPLY_WHERE("4", "20") MULTIPLY_WHERE("3", "24") MULTIPLY_WHERE("2", "28")
                MULTIPLY_WHERE("1", "32")
        /* exp(0) saturates */
        "   mvn %[r], #0x80000000\n"
        "   vpt.i32 eq, %q[x], zr\n"
        "   vdupt.32 q2, %[r]\n"
        "   vctp.32 %[n]\n"
        "   vpst\n"
        "   vcmpt.s32 ge, %q[difference], %[difference_min]\n"
        "   vmov.i32 q3, #0\n"
        "   vpsel %q[result], q2, q3\n"
        : [r] "=&r"(r), [x] "=&w"(x), [difference] "=&w"(difference), [result] "=w"(result)
        : [n] "r"(n), [in] "l"(in), [max] "r"(max), [shift] "r"(p->shift),
          [multiplier] "r"(p->multiplier), [difference_min] "r"(p->difference_min),
          [constants] "r"(constants)
        : "q0", "q1", "q2", "q3", "q4", "lr", "memory");
    return result;
}

static inline int32_t row_max(const int8_t *in, int32_t n)
{
    int32_t max = INT8_MIN;
    int8x16_t x;
    __asm__ volatile("   dlstp.8 lr, %[n]\n"
                     "1: vldrb.u8 %q[x], [%[in]], #16\n"
                     "   vmaxv.s8 %[max], %q[x]\n"
                     "   letp lr, 1b\n"
                     : [in] "+r"(in), [max] "+r"(max), [x] "=&w"(x)
                     : [n] "r"(n)
                     : "lr", "memory");
    return max;
}

static __attribute__((noinline, cold)) void row_run(const struct dtmm_softmax *p, const int8_t *in,
                                                    int8_t *out)
{
    int32_t n = p->columns, max = row_max(in, n);
    uint32_t sum = 0;
    for (int32_t i = 0; i < n; i += 4) {
        sum += (uint32_t)vaddvq_s32(vrshrq_n_s32(exp_four(p, in + i, max, n - i), 12));
    }
    struct dtmm_softmax_scale scale = dtmm_softmax_scale(sum);
    if (scale.exponent > 31) {
        scale.factor = 0;
        scale.exponent = 31;
    }
    for (int32_t i = 0; i < n; i += 4) {
        int32x4_t value = vqrdmulhq_n_s32(exp_four(p, in + i, max, n - i), scale.factor);
        value = vsubq_n_s32(vrshlq_n_s32(value, -scale.exponent), 128);
        vstrbq_p_s32(out + i, vminq_s32(value, vdupq_n_s32(INT8_MAX)),
                     vctp32q(dtmm_mve_behind(n - i)));
    }
}

__attribute__((cold)) void dtmm_softmax_s8_mve(const struct dtmm_softmax *p, const void *input,
                                               void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t row = 0; row < p->rows; row++, in += p->columns, out += p->columns)
        row_run(p, in, out);
}
