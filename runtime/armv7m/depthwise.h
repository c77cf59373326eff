/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution channel by channel on Cortex-M3: a tap takes 13 instructions for four
 * outputs. */
#ifndef DTMM_ARMV7M_DEPTHWISE_H
#define DTMM_ARMV7M_DEPTHWISE_H

#include "../scalar/requantize.h"

static inline void dtmm_planes_sum(int32_t *filter, int32_t *end, const int8_t *at, int32_t step)
{
    int32_t a = 0, b = 0, c = 0, d = 0, q, w, x;
    __asm__ volatile("1: ldrd %[q], %[w], [%[filter]], #8\n"
                     "   add %[q], %[q], %[at]\n"
                     "   ldrsb %[x], [%[q]]\n"
                     "   mla %[a], %[x], %[w], %[a]\n"
                     "   ldrsb %[x], [%[q], %[step]]\n"
                     "   add %[q], %[q], %[step], lsl #1\n"
                     "   mla %[b], %[x], %[w], %[b]\n"
                     "   ldrsb %[x], [%[q]]\n"
                     "   mla %[c], %[x], %[w], %[c]\n"
                     "   ldrsb %[x], [%[q], %[step]]\n"
                     "   mla %[d], %[x], %[w], %[d]\n"
                     "   cmp %[filter], %[end]\n"
                     "   bne 1b\n"
                     : [filter] "+&r"(filter), [a] "+&r"(a), [b] "+&r"(b), [c] "+&r"(c),
                       [d] "+&r"(d), [q] "=&r"(q), [w] "=&r"(w), [x] "=&r"(x)
                     : [end] "r"(end), [at] "r"(at), [step] "r"(step)
                     : "cc", "memory");
    end[0] = a;
    end[1] = b;
    end[2] = c;
    end[3] = d;
}

static inline int32_t dtmm_planes_scale_down(int32_t x, int32_t multiplier, int32_t exponent)
{
    return dtmm_scalar_requantize(x, multiplier, -exponent);
}

#include "../scalar/depthwise_planes.h"

#endif
