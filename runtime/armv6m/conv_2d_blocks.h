/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of convolution on Cortex-M0: 14 instructions for a weight with four pixels (and a
 * branch every four weights), 5 for one with a single pixel. There is no load with post-increment,
 * so that all pointers point to the end of a run and share one negative index. r7 may be the frame
 * pointer and is kept. */
#ifndef DTMM_ARMV6M_CONV_2D_BLOCKS_H
#define DTMM_ARMV6M_CONV_2D_BLOCKS_H

#include "../scalar/conv_2d.h"
#include "requantize.h"

/* One weight with four pixels: ends r1 to r4 of the pixels, r5 of the weights, index r6. */
#define DTMM_ARMV6M_STEP_4                                                                         \
    "ldrsb r7, [r5, r6]\n\t"                                                                       \
    "ldrsb r0, [r1, r6]\n\t"                                                                       \
    "muls r0, r7, r0\n\t"                                                                          \
    "add r8, r0\n\t"                                                                               \
    "ldrsb r0, [r2, r6]\n\t"                                                                       \
    "muls r0, r7, r0\n\t"                                                                          \
    "add r9, r0\n\t"                                                                               \
    "ldrsb r0, [r3, r6]\n\t"                                                                       \
    "muls r0, r7, r0\n\t"                                                                          \
    "add r10, r0\n\t"                                                                              \
    "ldrsb r0, [r4, r6]\n\t"                                                                       \
    "muls r0, r7, r0\n\t"                                                                          \
    "add r11, r0\n\t"                                                                              \
    "adds r6, r6, #1\n\t"

static inline int8_t dtmm_armv6m_finish(const struct dtmm_scalar_filter *filter, int32_t sum)
{
    int32_t x = dtmm_armv6m_scale_down(sum + filter->bias, filter->multiplier, -filter->shift);
    return dtmm_clamp(x, filter->zero_point, filter->low, filter->high);
}

static inline void dtmm_armv6m_four(const struct dtmm_scalar_run *runs, const int8_t *weights,
                                    int32_t column, const struct dtmm_scalar_filter *filter,
                                    int8_t *out)
{
    register const struct dtmm_scalar_run *run __asm__("r0") = runs;
    register int32_t x0 __asm__("r1") = column;
    register int32_t x1 __asm__("r2") = filter->step;
    register int32_t x2 __asm__("r3");
    register const int8_t *w __asm__("r5") = weights;
    __asm__ volatile(
        ".syntax unified\n\t"
        "push {r7}\n\t"
        "movs r4, #0\n\t"
        "mov r8, r4\n\t"
        "mov r9, r4\n\t"
        "mov r10, r4\n\t"
        "mov r11, r4\n\t"
        "mov r12, r0\n\t"
        "mov lr, r1\n\t"
        "movs r1, #0\n"
        "1:\n\t" /* the next run; r2 - r1 is the step */
        "mov r0, r12\n\t"
        "subs r2, r2, r1\n\t"
        "ldmia r0!, {r1, r6}\n\t"
        "cmp r6, #0\n\t"
        "beq 5f\n\t"
        "mov r12, r0\n\t"
        "add r1, lr\n\t"
        "adds r1, r1, r6\n\t"
        "adds r5, r5, r6\n\t"
        "lsls r3, r2, #1\n\t"
        "adds r2, r1, r2\n\t"
        "adds r4, r2, r3\n\t"
        "adds r3, r1, r3\n\t"
        "rsbs r6, r6, #0\n\t"
        "lsls r0, r6, #30\n\t"
        "beq 3f\n"
        "2:\n\t" DTMM_ARMV6M_STEP_4 "lsls r0, r6, #30\n\t"
        "bne 2b\n\t"
        "cmp r6, #0\n\t"
        "beq 1b\n"
        "3:\n\t" DTMM_ARMV6M_STEP_4 DTMM_ARMV6M_STEP_4 DTMM_ARMV6M_STEP_4 DTMM_ARMV6M_STEP_4
        "bne 3b\n\t"
        "b 1b\n"
        "5:\n\t"
        "mov r0, r8\n\t"
        "mov r1, r9\n\t"
        "mov r2, r10\n\t"
        "mov r3, r11\n\t"
        "pop {r7}"
        : "+r"(run), "+r"(x0), "+r"(x1), "=r"(x2), "+r"(w)
        :
        : "r4", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    int32_t sums[4] = {(int32_t)(intptr_t)run, x0, x1, x2};
    for (int32_t i = 0; i < 4; i++, out += filter->output_step)
        *out = dtmm_armv6m_finish(filter, sums[i]);
}

#define DTMM_ARMV6M_STEP_1                                                                         \
    "ldrsb r0, [r5, r6]\n\t"                                                                       \
    "ldrsb r3, [r1, r6]\n\t"                                                                       \
    "muls r0, r3, r0\n\t"                                                                          \
    "adds r4, r4, r0\n\t"                                                                          \
    "adds r6, r6, #1\n\t"

static inline void dtmm_armv6m_one(const struct dtmm_scalar_run *runs, const int8_t *weights,
                                   int32_t column, const struct dtmm_scalar_filter *filter,
                                   int8_t *out)
{
    register const struct dtmm_scalar_run *run __asm__("r2") = runs;
    register const int8_t *w __asm__("r5") = weights;
    register int32_t sum __asm__("r4") = 0;
    register int32_t place __asm__("r12") = column;
    __asm__ volatile(
        ".syntax unified\n"
        "1:\n\t"
        "ldmia r2!, {r1, r6}\n\t"
        "cmp r6, #0\n\t"
        "beq 5f\n\t"
        "add r1, r12\n\t"
        "adds r1, r1, r6\n\t"
        "adds r5, r5, r6\n\t"
        "rsbs r6, r6, #0\n\t"
        "lsls r0, r6, #30\n\t"
        "beq 3f\n"
        "2:\n\t" DTMM_ARMV6M_STEP_1 "lsls r0, r6, #30\n\t"
        "bne 2b\n\t"
        "cmp r6, #0\n\t"
        "beq 1b\n"
        "3:\n\t" DTMM_ARMV6M_STEP_1 DTMM_ARMV6M_STEP_1 DTMM_ARMV6M_STEP_1 DTMM_ARMV6M_STEP_1
        "bne 3b\n\t"
        "b 1b\n"
        "5:"
        : "+r"(run), "+r"(w), "+r"(sum)
        : "r"(place)
        : "r0", "r1", "r3", "r6", "cc", "memory");
    *out = dtmm_armv6m_finish(filter, sum);
}

static const struct dtmm_scalar_blocks dtmm_armv6m_blocks = {dtmm_armv6m_four, dtmm_armv6m_one};

#endif
