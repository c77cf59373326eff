/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of convolution on Cortex-M3: 9 instructions for a weight with four pixels (and
 * two every eight weights), 3 for one with a single pixel. r7 may be the frame pointer and is kept.
 */
#ifndef DTMM_ARMV7M_CONV_2D_SUMS_H
#define DTMM_ARMV7M_CONV_2D_SUMS_H

#include "../scalar/conv_2d.h"

/* One weight (at r4) with four pixels (at r0 to r3). */
#define DTMM_ARMV7M_STEP_4                                                                         \
    "ldrsb r10, [r4], #1\n\t"                                                                      \
    "ldrsb r9, [r0], #1\n\t"                                                                       \
    "mla r5, r9, r10, r5\n\t"                                                                      \
    "ldrsb r9, [r1], #1\n\t"                                                                       \
    "mla r6, r9, r10, r6\n\t"                                                                      \
    "ldrsb r9, [r2], #1\n\t"                                                                       \
    "mla r7, r9, r10, r7\n\t"                                                                      \
    "ldrsb r9, [r3], #1\n\t"                                                                       \
    "mla r8, r9, r10, r8\n\t"
#define DTMM_ARMV7M_STEP_4x4                                                                       \
    DTMM_ARMV7M_STEP_4 DTMM_ARMV7M_STEP_4 DTMM_ARMV7M_STEP_4 DTMM_ARMV7M_STEP_4

static inline void dtmm_armv7m_sum_4(const struct dtmm_scalar_run *runs, const int8_t *weights,
                                     int32_t column, int32_t step, int32_t sums[4])
{
    register const struct dtmm_scalar_run *run __asm__("r12") = runs;
    register int32_t x0 __asm__("r0") = column;
    register int32_t x1 __asm__("r1") = step;
    register int32_t x2 __asm__("r2");
    register int32_t x3 __asm__("r3");
    register const int8_t *w __asm__("r4") = weights;
    __asm__ volatile("push {r7}\n\t"
                     "mov lr, r0\n\t"
                     "movs r0, #0\n\t"
                     "movs r5, #0\n\t"
                     "movs r6, #0\n\t"
                     "movs r7, #0\n\t"
                     "mov r8, #0\n"
                     "1:\n\t" /* the next run; r1 - r0 is the step */
                     "subs r9, r1, r0\n\t"
                     "ldrd r0, r11, [r12], #8\n\t"
                     "cmp r11, #0\n\t"
                     "beq 5f\n\t"
                     "add r0, lr\n\t"
                     "add r1, r0, r9\n\t"
                     "add r2, r1, r9\n\t"
                     "add r3, r2, r9\n\t"
                     "tst r11, #3\n\t"
                     "beq 3f\n"
                     "2:\n\t" DTMM_ARMV7M_STEP_4 "sub r11, #1\n\t"
                     "tst r11, #3\n\t"
                     "bne 2b\n"
                     "3:\n\t"
                     "tst r11, #4\n\t"
                     "beq 4f\n\t" DTMM_ARMV7M_STEP_4x4 "4:\n\t"
                     "bics r11, r11, #7\n\t"
                     "beq 1b\n"
                     "6:\n\t" DTMM_ARMV7M_STEP_4x4 DTMM_ARMV7M_STEP_4x4 "subs r11, r11, #8\n\t"
                     "bne 6b\n\t"
                     "b 1b\n"
                     "5:\n\t"
                     "mov r0, r5\n\t"
                     "mov r1, r6\n\t"
                     "mov r2, r7\n\t"
                     "mov r3, r8\n\t"
                     "pop {r7}"
                     : "+r"(run), "+r"(x0), "+r"(x1), "=r"(x2), "=r"(x3), "+r"(w)
                     :
                     : "r5", "r6", "r8", "r9", "r10", "r11", "lr", "cc", "memory");
    sums[0] = x0;
    sums[1] = x1;
    sums[2] = x2;
    sums[3] = x3;
}

#define DTMM_ARMV7M_STEP_1                                                                         \
    "ldrsb r1, [%[w]], #1\n\t"                                                                     \
    "ldrsb r2, [r0], #1\n\t"                                                                       \
    "mla %[sum], r1, r2, %[sum]\n\t"

static inline void dtmm_armv7m_sum_1(const struct dtmm_scalar_run *runs, const int8_t *weights,
                                     int32_t column, int32_t step, int32_t sums[4])
{
    int32_t sum = 0;
    (void)step;
    __asm__ volatile(
        "1:\n\t"
        "ldrd r0, r3, [%[run]], #8\n\t"
        "cbz r3, 5f\n\t"
        "add r0, %[column]\n\t"
        "tst r3, #3\n\t"
        "beq 3f\n"
        "2:\n\t" DTMM_ARMV7M_STEP_1 "subs r3, r3, #1\n\t"
        "tst r3, #3\n\t"
        "bne 2b\n\t"
        "cmp r3, #0\n\t"
        "beq 1b\n"
        "3:\n\t" DTMM_ARMV7M_STEP_1 DTMM_ARMV7M_STEP_1 DTMM_ARMV7M_STEP_1 DTMM_ARMV7M_STEP_1
        "subs r3, r3, #4\n\t"
        "bne 3b\n\t"
        "b 1b\n"
        "5:"
        : [run] "+r"(runs), [w] "+r"(weights), [sum] "+r"(sum)
        : [column] "r"(column)
        : "r0", "r1", "r2", "r3", "cc", "memory");
    sums[0] = sum;
}

static const struct dtmm_scalar_sums dtmm_armv7m_sums = {dtmm_armv7m_sum_4, dtmm_armv7m_sum_1};

#endif
