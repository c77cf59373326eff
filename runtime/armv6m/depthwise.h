/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolution on Cortex-M0: a tap takes 16 instructions for four outputs. */
#ifndef DTMM_ARMV6M_DEPTHWISE_H
#define DTMM_ARMV6M_DEPTHWISE_H

#include "requantize.h"

/* r4: offset, r5: weight, r8 - r11: sums, r12: end. */
#define DTMM_TAP(at, sum)                                                                          \
    "ldrsb %[x], [%[" at "], r4]\n\t"                                                              \
    "muls %[x], r5\n\t"                                                                            \
    "add " sum ", %[x]\n\t"

static inline void dtmm_planes_sum(int32_t *filter, int32_t *end, const int8_t *at, int32_t step)
{
    const int8_t *at1 = at + step;
    int32_t two = 2 * step;
    __asm__ volatile(".syntax unified\n\t"
                     "mov r12, %[x]\n\t"
                     "movs r4, #0\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r4\n\t"
                     "mov r10, r4\n\t"
                     "mov r11, r4\n"
                     "1:\n\t"
                     "ldmia %[filter]!, {r4, r5}\n\t" DTMM_TAP("at0", "r8")
                         DTMM_TAP("at1", "r9") "adds r4, r4, %[two]\n\t" DTMM_TAP("at0", "r10")
                             DTMM_TAP("at1", "r11") "cmp %[filter], r12\n\t"
                                                    "bne 1b\n\t"
                                                    "mov r4, r8\n\t"
                                                    "mov r5, r9\n\t"
                                                    "stmia %[filter]!, {r4, r5}\n\t"
                                                    "mov r4, r10\n\t"
                                                    "mov r5, r11\n\t"
                                                    "stmia %[filter]!, {r4, r5}\n\t"
                     : [filter] "+&l"(filter), [x] "+&l"(end)
                     : [at0] "l"(at), [at1] "l"(at1), [two] "l"(two)
                     : "r4", "r5", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}

static inline int32_t dtmm_planes_scale_down(int32_t x, int32_t multiplier, int32_t exponent)
{
    return dtmm_armv6m_scale_down(x, multiplier, exponent);
}

#include "../scalar/depthwise_planes.h"

#endif
