/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of convolution on Cortex-M3: 9 instructions for a weight with four pixels (and
 * two for every eight weights), 3 for one with a single pixel. r7 may be the frame pointer and is
 * kept. */
#ifndef DTMM_ARMV7M_CONV_2D_BLOCKS_H
#define DTMM_ARMV7M_CONV_2D_BLOCKS_H

#include "../scalar/conv_2d.h"

/* `n` weights (at r4) with four pixels (at r0 to r3); keeps the flags. */
#define DTMM_ARMV7M_STEPS_4(n)                                                                     \
    ".rept " #n "\n\t"                                                                             \
    "ldrsb r10, [r4], #1\n\t"                                                                      \
    "ldrsb r9, [r0], #1\n\t"                                                                       \
    "mla r5, r9, r10, r5\n\t"                                                                      \
    "ldrsb r9, [r1], #1\n\t"                                                                       \
    "mla r6, r9, r10, r6\n\t"                                                                      \
    "ldrsb r9, [r2], #1\n\t"                                                                       \
    "mla r7, r9, r10, r7\n\t"                                                                      \
    "ldrsb r9, [r3], #1\n\t"                                                                       \
    "mla r8, r9, r10, r8\n\t"                                                                      \
    ".endr\n\t"

/* Requantizes the sums in r5 to r8 and stores them: r10 multiplier, r11 -shift - 1, lr 2 * zero
 * point + 1, r12 output, r9 bytes to the next one. */
#define DTMM_ARMV7M_FINISH_4(limit)                                                                \
    ".irp x, r5, r6, r7, r8\n\t"                                                                   \
    "lsl \\x, \\x, #1\n\t"                                                                         \
    "smull r1, r0, \\x, r10\n\t"                                                                   \
    "adds r1, r1, r1\n\t"                                                                          \
    "adc r0, r0, #0\n\t"                                                                           \
    "add r0, r0, r0, asr #31\n\t"                                                                  \
    "asr r0, r0, r11\n\t"                                                                          \
    "add r0, r0, lr\n\t" limit "strb r0, [r12]\n\t"                                                \
    "add r12, r12, r9\n\t"                                                                         \
    ".endr\n\t"
#define DTMM_ARMV7M_FULL "ssat r0, #8, r0, asr #1\n\t"
#define DTMM_ARMV7M_LIMIT                                                                          \
    "asr r0, r0, #1\n\t"                                                                           \
    "cmp r0, r2\n\t"                                                                               \
    "it lt\n\t"                                                                                    \
    "movlt r0, r2\n\t"                                                                             \
    "cmp r0, r3\n\t"                                                                               \
    "it gt\n\t"                                                                                    \
    "movgt r0, r3\n\t"

static inline void dtmm_armv7m_four(const struct dtmm_scalar_run *runs, const int8_t *weights,
                                    int32_t column, const struct dtmm_scalar_filter *filter,
                                    int8_t *out)
{
    register const struct dtmm_scalar_run *run __asm__("r12") = runs;
    register int32_t place __asm__("r0") = column;
    register const struct dtmm_scalar_filter *f __asm__("r2") = filter;
    register int8_t *output __asm__("r3") = out;
    register const int8_t *w __asm__("r4") = weights;
    __asm__ volatile(
        "push {r2, r3, r7}\n\t"
        "mov lr, r0\n\t"
        "movs r0, #0\n\t"
        "ldr r1, [r2, #32]\n\t"
        "ldr r5, [r2]\n\t"
        "mov r6, r5\n\t"
        "mov r7, r5\n\t"
        "mov r8, r5\n"
        "1:\n\t" /* the next run; r1 - r0 is the step */
        "subs r9, r1, r0\n\t"
        "ldrd r0, r11, [r12], #8\n\t"
        "cmp r11, #0\n\t"
        "beq 6f\n\t"
        "add r0, lr\n\t"
        "add r1, r0, r9\n\t"
        "add r2, r1, r9\n\t"
        "add r3, r2, r9\n\t"
        "subs r11, r11, #8\n\t"
        "blt 3f\n"
        "2:\n\t" DTMM_ARMV7M_STEPS_4(
            8) "subs r11, r11, #8\n\t"
               "bge 2b\n"
               "3:\n\t"
               "adds r11, r11, #8\n\t"
               "beq 1b\n\t"
               "lsls r9, r11, #31\n\t" /* Z: bit 0, C: bit 1 */
               "beq 4f\n\t" DTMM_ARMV7M_STEPS_4(
                   1) "4:\n\t"
                      "bcc 5f\n\t" DTMM_ARMV7M_STEPS_4(
                          2) "5:\n\t"
                             "tst r11, #4\n\t"
                             "beq 1b\n\t" DTMM_ARMV7M_STEPS_4(
                                 4) "b 1b\n"
                                    "6:\n\t"
                                    "pop {r2, r12}\n\t"
                                    "ldrd r10, r11, [r2, #4]\n\t"
                                    "ldrd r9, lr, [r2, #12]\n\t"
                                    "ldrd r3, r0, [r2, #24]\n\t" /* high, is_full */
                                    "ldr r2, [r2, #20]\n\t"
                                    "mvn r11, r11\n\t"
                                    "lsl lr, lr, #1\n\t"
                                    "add lr, lr, #1\n\t"
                                    "cmp r0, #0\n\t"
                                    "beq 7f\n\t" DTMM_ARMV7M_FINISH_4(
                                        DTMM_ARMV7M_FULL) "b 8f\n"
                                                          "7:\n\t" DTMM_ARMV7M_FINISH_4(
                                                              DTMM_ARMV7M_LIMIT) "8:\n\t"
                                                                                 "pop {r7}"
        : "+r"(run), "+r"(place), "+r"(f), "+r"(output), "+r"(w)
        :
        : "r1", "r5", "r6", "r8", "r9", "r10", "r11", "lr", "cc", "memory");
}

#define DTMM_ARMV7M_STEPS_1(n)                                                                     \
    ".rept " #n "\n\t"                                                                             \
    "ldrsb r1, [%[w]], #1\n\t"                                                                     \
    "ldrsb r2, [r0], #1\n\t"                                                                       \
    "mla %[sum], r1, r2, %[sum]\n\t"                                                               \
    ".endr\n\t"

static inline void dtmm_armv7m_one(const struct dtmm_scalar_run *runs, const int8_t *weights,
                                   int32_t column, const struct dtmm_scalar_filter *filter,
                                   int8_t *out)
{
    int32_t sum = filter->bias;
    __asm__ volatile(
        "1:\n\t"
        "ldrd r0, r3, [%[run]], #8\n\t"
        "cmp r3, #0\n\t"
        "beq 5f\n\t"
        "add r0, %[column]\n\t"
        "subs r3, r3, #8\n\t"
        "blt 3f\n"
        "2:\n\t" DTMM_ARMV7M_STEPS_1(8) "subs r3, r3, #8\n\t"
                                        "bge 2b\n"
                                        "3:\n\t"
                                        "adds r3, r3, #8\n\t"
                                        "beq 1b\n\t"
                                        "lsls r1, r3, #31\n\t"
                                        "beq 4f\n\t" DTMM_ARMV7M_STEPS_1(
                                            1) "4:\n\t"
                                               "bcc 6f\n\t" DTMM_ARMV7M_STEPS_1(
                                                   2) "6:\n\t"
                                                      "tst r3, #4\n\t"
                                                      "beq 1b\n\t" DTMM_ARMV7M_STEPS_1(4) "b 1b\n"
                                                                                          "5:"
        : [run] "+r"(runs), [w] "+r"(weights), [sum] "+r"(sum)
        : [column] "r"(column)
        : "r0", "r1", "r2", "r3", "cc", "memory");
    sum = dtmm_scalar_requantize(sum, filter->multiplier, filter->shift);
    *out = dtmm_clamp(sum, filter->zero_point, filter->low, filter->high);
}

static const struct dtmm_scalar_blocks dtmm_armv7m_blocks = {dtmm_armv7m_four, dtmm_armv7m_one};

#endif
