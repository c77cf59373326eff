/* SPDX-License-Identifier: Apache-2.0 */
/* The assembly of convolution on Cortex-M0, see conv_2d_lanes_rules.h. For one filter it walks a
 * list of items (../scalar/lanes.h) once for each group of lanes.
 *
 * r0: window; r1 to r3: words; r4: 1; r5: weight; r6: weights; r7: 0; r8 to lr: sums, three for
 * four lanes. On the stack: the filter, from 4 on the lanes' sums, at 36 the group's places, at 40
 * the next item. Two channels of 8 lanes take 31 instructions, of 4 lanes 17. */
#ifndef DTMM_ARMV6M_LANES_H
#define DTMM_ARMV6M_LANES_H

#include "../scalar/lanes_filter.h"
#include "conv_2d_lanes_rules.h"

#define LANES_LIMIT DTMM_ARMV6M_LANES_LIMIT
#define LANES_PIECE_BYTES 8
#define LANES_SHARED 4
#define LANES_SHARED_WORDS 3

#define DTMM_NEXT                                                                                  \
    "ldr r1, [sp, #40]\n\t"                                                                        \
    "ldmia r1!, {r2, r3}\n\t"                                                                      \
    "str r1, [sp, #40]\n\t"                                                                        \
    "bx r3\n\t"

/* Four lanes of one channel. */
#define DTMM_MAC(a, b, c)                                                                          \
    "ldmia r0!, {r1, r2, r3}\n\t"                                                                  \
    "muls r1, r5\n\t"                                                                              \
    "add " a ", r1\n\t"                                                                            \
    "muls r2, r5\n\t"                                                                              \
    "add " b ", r2\n\t"                                                                            \
    "muls r3, r5\n\t"                                                                              \
    "add " c ", r3\n\t"
#define DTMM_MAC_4 DTMM_MAC("r8", "r9", "r10")
#define DTMM_MAC_8 DTMM_MAC_4 DTMM_MAC("r11", "r12", "lr")

/* `code` for each four lanes, after their sums are split into r4, r5, r2, r1. */
#define DTMM_FOURS_4(code) ".irp four, 0\n\t" DTMM_SPLIT code ".endr\n\t"
#define DTMM_FOURS_8(code) ".irp four, 0, 1\n\t" DTMM_SPLIT code ".endr\n\t"
#define DTMM_SPLIT                                                                                 \
    ".if \\four\n\t"                                                                               \
    "mov r1, r11\n\t"                                                                              \
    "mov r2, r12\n\t"                                                                              \
    "mov r3, lr\n\t"                                                                               \
    ".else\n\t"                                                                                    \
    "mov r1, r8\n\t"                                                                               \
    "mov r2, r9\n\t"                                                                               \
    "mov r3, r10\n\t"                                                                              \
    ".endif\n\t"                                                                                   \
    "lsls r4, r1, #8\n\t"                                                                          \
    "asrs r4, r4, #8\n\t"                                                                          \
    "subs r1, r1, r4\n\t"                                                                          \
    "lsrs r1, r1, #24\n\t"                                                                         \
    "lsls r5, r1, #16\n\t"                                                                         \
    "subs r2, r2, r5\n\t"                                                                          \
    "lsls r5, r2, #8\n\t"                                                                          \
    "asrs r5, r5, #8\n\t"                                                                          \
    "subs r2, r2, r5\n\t"                                                                          \
    "lsrs r2, r2, #16\n\t"                                                                         \
    "adds r1, r1, r2\n\t"                                                                          \
    "lsls r2, r1, #8\n\t"                                                                          \
    "subs r3, r3, r2\n\t"                                                                          \
    "lsls r2, r3, #8\n\t"                                                                          \
    "asrs r2, r2, #8\n\t"                                                                          \
    "subs r3, r3, r2\n\t"                                                                          \
    "asrs r3, r3, #8\n\t"                                                                          \
    "adds r1, r1, r3\n\t"

#define DTMM_ADD_TO(sum, place)                                                                    \
    "ldr r3, [sp, #" place " + 16 * \\four]\n\t"                                                   \
    "adds r3, r3, " sum "\n\t"                                                                     \
    "str r3, [sp, #" place " + 16 * \\four]\n\t"
/* Adds the sums to those on the stack. */
#define DTMM_STORE                                                                                 \
    DTMM_ADD_TO("r4", "4")                                                                         \
    DTMM_ADD_TO("r5", "8")                                                                         \
    DTMM_ADD_TO("r2", "12")                                                                        \
    DTMM_ADD_TO("r1", "16")

/* The sums and the bias, r6, to the stack. */
#define DTMM_ADD_BIAS                                                                              \
    "adds r4, r4, r6\n\t"                                                                          \
    "str r4, [sp, #4 + 16 * \\four]\n\t"                                                           \
    "adds r5, r5, r6\n\t"                                                                          \
    "str r5, [sp, #8 + 16 * \\four]\n\t"                                                           \
    "adds r2, r2, r6\n\t"                                                                          \
    "str r2, [sp, #12 + 16 * \\four]\n\t"                                                          \
    "adds r1, r1, r6\n\t"                                                                          \
    "str r1, [sp, #16 + 16 * \\four]\n\t"

#define DTMM_ZERO_SUMS                                                                             \
    "movs r7, #0\n\t"                                                                              \
    ".irp sum, r8, r9, r10, r11, r12, lr\n\t"                                                      \
    "mov \\sum, r7\n\t"                                                                            \
    ".endr\n\t"

/* The parts of the function, in order. The code of the items starts at 4. */
#define DTMM_ENTER                                                                                 \
    ".syntax unified\n\t"                                                                          \
    ".balign 4\n\t"                                                                                \
    "cmp r0, #0\n\t"                                                                               \
    "bne 1f\n\t"                                                                                   \
    "adr r0, 4f\n\t"                                                                               \
    "adds r0, #1\n\t"                                                                              \
    "bx lr\n"                                                                                      \
    "1:\n\t"                                                                                       \
    "push {r4-r7, lr}\n\t"                                                                         \
    "mov r4, r8\n\t"                                                                               \
    "mov r5, r9\n\t"                                                                               \
    "mov r6, r10\n\t"                                                                              \
    "mov r7, r11\n\t"                                                                              \
    "push {r4-r7}\n\t"                                                                             \
    "sub sp, #44\n\t"                                                                              \
    "str r0, [sp]\n"                                                                               \
    "0:\n\t"                                                                                       \
    "ldr r1, [sp]\n\t"                                                                             \
    "ldr r2, [r1]\n\t"                                                                             \
    "str r2, [sp, #36]\n\t"                                                                        \
    "ldr r0, [r2]\n\t"                                                                             \
    "ldr r6, [r1, #36]\n\t"                                                                        \
    "ldr r1, [r1, #40]\n\t"                                                                        \
    "movs r4, #1\n\t" DTMM_ZERO_SUMS "ldmia r1!, {r2, r3}\n\t"                                     \
    "str r1, [sp, #40]\n\t"                                                                        \
    "bx r3\n\t"
/* A piece of an odd number of channels enters between the two of a pair. */
#define DTMM_ENTRIES                                                                               \
    ".balign 4\n"                                                                                  \
    "4:\n\t"                                                                                       \
    "b.n 6f\n\tnop\n\t"                                                                            \
    "b.n 7f\n\tnop\n\t"                                                                            \
    "b.n 8f\n\tnop\n\t"                                                                            \
    "b.n 2f\n\tnop\n\t"                                                                            \
    "b.n 9f\n\tnop\n\t"                                                                            \
    ".irp n, 7, 6, 5, 4, 3, 2, 1\n\t"                                                              \
    "adds r0, r0, r2\n\t"                                                                          \
    "subs r6, #1\n\t"                                                                              \
    "b.n 4\\n\\()f\n\t"                                                                            \
    "nop\n\t"                                                                                      \
    "adds r0, r0, r2\n\t"                                                                          \
    "b.n 7\\n\\()f\n\t"                                                                            \
    "nop\n\tnop\n\t"                                                                               \
    ".endr\n\t"                                                                                    \
    "adds r0, r0, r2\n\t"                                                                          \
    "subs r6, #1\n\t"                                                                              \
    "b.n 40f\n\t"                                                                                  \
    "nop\n\t"                                                                                      \
    "adds r0, r0, r2\n"
/* The first channel of pair n is at 7n, the second at 4n. */
#define DTMM_PIECE(mac)                                                                            \
    ".irp n, 70, 40, 71, 41, 72, 42, 73, 43, 74, 44, 75, 45, 76, 46, 77, 47\n\t"                   \
    "\\n:\n\t"                                                                                     \
    ".if \\n >= 70\n\t"                                                                            \
    "ldrsb r5, [r6, r7]\n\t"                                                                       \
    ".else\n\t"                                                                                    \
    "ldrsb r5, [r6, r4]\n\t"                                                                       \
    ".endif\n\t" mac ".if \\n < 70\n\t"                                                            \
    "adds r6, #2\n\t"                                                                              \
    ".endif\n\t"                                                                                   \
    ".endr\n\t"
#define DTMM_START                                                                                 \
    "6:\n\t"                                                                                       \
    "ldr r3, [sp]\n\t"                                                                             \
    "ldr r1, [r3, #44]\n\t"                                                                        \
    ".irp place, 4, 8, 12, 16, 20, 24, 28, 32\n\t"                                                 \
    "str r1, [sp, #\\place]\n\t"                                                                   \
    ".endr\n\t"
#define DTMM_INTERRUPT_END DTMM_ZERO_SUMS "movs r4, #1\n\t"
#define DTMM_EXIT                                                                                  \
    "9:\n\t"                                                                                       \
    "ldr r0, [sp]\n\t"                                                                             \
    "adds r0, #80\n\t"                                                                             \
    ".irp place, 4, 8, 12, 16, 20, 24, 28, 32\n\t"                                                 \
    "ldr r1, [sp, #\\place]\n\t"                                                                   \
    "stmia r0!, {r1}\n\t"                                                                          \
    ".endr\n\t"                                                                                    \
    "b 3f\n"
#define DTMM_FINISH                                                                                \
    "8:\n\t"                                                                                       \
    "ldr r6, [sp]\n\t"                                                                             \
    "ldr r6, [r6, #44]\n\t"

/* r0: a sum; r3: channel; r4, r5: low and high half of the multiplier; r6: shift; r7: zero point;
 * r8, r9: limits; r10, r11: 2^30 + 2^14 and -2^15. The product in parts of 16 bits, rounded to
 * its high word; 2^30 keeps what is shifted by 15 bits positive. Then the rounding divide. */
#define DTMM_OUTPUTS                                                                               \
    "2:\n\t"                                                                                       \
    "ldr r0, [sp]\n\t"                                                                             \
    "ldr r1, [r0, #72]\n\t"                                                                        \
    "mov r8, r1\n\t"                                                                               \
    "ldr r1, [r0, #76]\n\t"                                                                        \
    "mov r9, r1\n\t"                                                                               \
    "ldr r1, [r0, #112]\n\t"                                                                       \
    "mov r10, r1\n\t"                                                                              \
    "ldr r1, [r0, #116]\n\t"                                                                       \
    "mov r11, r1\n\t"                                                                              \
    "ldr r3, [r0, #48]\n\t"                                                                        \
    "ldr r7, [r0, #52]\n\t"                                                                        \
    "ldr r5, [r0, #56]\n\t"                                                                        \
    "ldr r6, [r0, #60]\n\t"                                                                        \
    "uxth r4, r5\n\t"                                                                              \
    "lsrs r5, r5, #16\n\t"
#define DTMM_OUTPUT(lanes)                                                                         \
    "ldr r0, [sp, #4 + 4 * \\lane]\n\t"                                                            \
    "uxth r1, r0\n\t"                                                                              \
    "asrs r0, r0, #16\n\t"                                                                         \
    "mov r2, r4\n\t"                                                                               \
    "muls r2, r1\n\t"                                                                              \
    "lsrs r2, r2, #16\n\t"                                                                         \
    "muls r1, r5\n\t"                                                                              \
    "adds r2, r2, r1\n\t"                                                                          \
    "mov r1, r4\n\t"                                                                               \
    "muls r1, r0\n\t"                                                                              \
    "adds r2, r2, r1\n\t"                                                                          \
    "add r2, r10\n\t"                                                                              \
    "lsrs r2, r2, #15\n\t"                                                                         \
    "muls r0, r5\n\t"                                                                              \
    "lsls r0, r0, #1\n\t"                                                                          \
    "adds r0, r0, r2\n\t"                                                                          \
    "add r0, r11\n\t"                                                                              \
    "asrs r1, r0, #31\n\t"                                                                         \
    "adds r0, r0, r1\n\t"                                                                          \
    "asrs r0, r6\n\t"                                                                              \
    "adcs r0, r7\n\t"                                                                              \
    "cmp r0, r8\n\t"                                                                               \
    "bge 1f\n\t"                                                                                   \
    "mov r0, r8\n"                                                                                 \
    "1:\n\t"                                                                                       \
    "cmp r0, r9\n\t"                                                                               \
    "ble 1f\n\t"                                                                                   \
    "mov r0, r9\n"                                                                                 \
    "1:\n\t"                                                                                       \
    "ldr r1, [sp, #36]\n\t"                                                                        \
    "ldr r1, [r1, #4 * (" lanes " - \\lane)]\n\t"                                                  \
    "strb r0, [r1, r3]\n\t"
#define DTMM_ALL_OUTPUTS_4 ".irp lane, 3, 2, 1, 0\n\t" DTMM_OUTPUT("4") ".endr\n\t"
#define DTMM_ALL_OUTPUTS_8 ".irp lane, 7, 6, 5, 4, 3, 2, 1, 0\n\t" DTMM_OUTPUT("8") ".endr\n\t"
#define DTMM_LEAVE(place_bytes)                                                                    \
    "ldr r1, [sp, #36]\n\t"                                                                        \
    "adds r1, #" place_bytes "\n\t"                                                                \
    "ldr r0, [sp]\n\t"                                                                             \
    "ldr r2, [r0, #64]\n\t"                                                                        \
    "str r1, [r0]\n\t"                                                                             \
    "cmp r1, r2\n\t"                                                                               \
    "beq 3f\n\t"                                                                                   \
    "bl 0b\n"                                                                                      \
    "3:\n\t"                                                                                       \
    "add sp, #44\n\t"                                                                              \
    "pop {r4-r7}\n\t"                                                                              \
    "mov r8, r4\n\t"                                                                               \
    "mov r9, r5\n\t"                                                                               \
    "mov r10, r6\n\t"                                                                              \
    "mov r11, r7\n\t"                                                                              \
    "pop {r4-r7, pc}\n\t"                                                                          \
    ".balign 4"
#define DTMM_PLACE_BYTES_4 "20"
#define DTMM_PLACE_BYTES_8 "36"

/* Runs the list on all places; without a filter, returns where the code of the items starts. */
#define DTMM_LANES_FUNCTION(lanes)                                                                 \
    static __attribute__((naked, noinline))                                                        \
    uint32_t dtmm_lanes_run_##lanes(__attribute__((unused)) struct dtmm_lanes_filter *filter)      \
    {                                                                                              \
        __asm__ volatile(                                                                          \
            DTMM_ENTER DTMM_ENTRIES DTMM_PIECE(DTMM_MAC_##lanes) DTMM_NEXT DTMM_START DTMM_NEXT    \
            "7:\n\t" DTMM_FOURS_##lanes(DTMM_STORE)                                                \
                DTMM_INTERRUPT_END DTMM_NEXT DTMM_EXIT DTMM_FINISH DTMM_FOURS_##lanes(             \
                    DTMM_ADD_BIAS)                                                                 \
                    DTMM_OUTPUTS DTMM_ALL_OUTPUTS_##lanes DTMM_LEAVE(DTMM_PLACE_BYTES_##lanes));   \
    }

DTMM_LANES_FUNCTION(4)
DTMM_LANES_FUNCTION(8)

static inline uint32_t lanes_run(int32_t lanes, struct dtmm_lanes_filter *filter)
{
    return lanes == 8 ? dtmm_lanes_run_8(filter) : dtmm_lanes_run_4(filter);
}

static inline uint32_t lanes_code(int32_t lanes)
{
    return lanes_run(lanes, 0);
}

static inline int32_t lanes_zeros(uint32_t bits)
{
    int32_t n = 0;
    for (; !(bits & 1); bits >>= 1)
        n++;
    return n;
}

/* Lists the kept units of a mask; returns the list's end.
 * r0: offsets; r1: bits; r2: distance; r3: code of the piece; r4: where the last unit ends; r5:
 * bytes of a unit; r6: list; r7: where the unit starts; r8: mask; r9: end of the offsets; r10:
 * where the list may need an interruption; lr: 1; [sp]: the units. */
static __attribute__((naked, noinline)) uint32_t *
lanes_list_units(__attribute__((unused)) struct dtmm_lanes_units *units,
                 __attribute__((unused)) const uint8_t *mask)
{
    __asm__ volatile(".syntax unified\n\t"
                     "push {r4-r7, lr}\n\t"
                     "mov r4, r8\n\t"
                     "mov r5, r9\n\t"
                     "mov r6, r10\n\t"
                     "push {r0, r4-r6}\n\t"
                     "mov r8, r1\n\t"
                     "ldr r2, [r0, #4]\n\t"
                     "mov r9, r2\n\t"
                     "ldr r6, [r0, #8]\n\t"
                     "ldr r5, [r0, #12]\n\t"
                     "ldr r3, [r0, #16]\n\t"
                     "ldr r2, [r0, #24]\n\t"
                     "adds r2, r2, r6\n\t"
                     "mov r10, r2\n\t"
                     "movs r4, #1\n\t"
                     "mov lr, r4\n\t"
                     "movs r4, #0\n\t"
                     "ldr r0, [r0]\n"
                     "0:\n\t"
                     "cmp r6, r10\n\t"
                     "bhi 5f\n"
                     "2:\n\t"
                     "mov r2, r8\n\t"
                     "ldrb r1, [r2]\n\t"
                     "add r8, lr\n\t"
                     "cmp r1, #0\n\t"
                     "beq 4f\n\t"
                     ".irp unit, 0, 1, 2, 3, 4, 5, 6, 7\n\t"
                     "lsrs r1, r1, #1\n\t"
                     "bcc 1f\n\t"
                     "ldr r7, [r0, #4 * \\unit]\n\t"
                     "subs r2, r7, r4\n\t"
                     "adds r4, r7, r5\n\t"
                     "stmia r6!, {r2, r3}\n"
                     "1:\n\t"
                     ".endr\n"
                     "4:\n\t"
                     "adds r0, #32\n\t"
                     "cmp r0, r9\n\t"
                     "blo 0b\n\t"
                     "mov r0, r6\n\t"
                     "pop {r3-r6}\n\t"
                     "mov r8, r4\n\t"
                     "mov r9, r5\n\t"
                     "mov r10, r6\n\t"
                     "pop {r4-r7, pc}\n"
                     "5:\n\t"
                     "ldr r7, [sp]\n\t"
                     "movs r1, #0\n\t"
                     "ldr r2, [r7, #20]\n\t"
                     "stmia r6!, {r1, r2}\n\t"
                     "ldr r1, [r7, #28]\n\t"
                     "adds r1, #1\n\t"
                     "str r1, [r7, #28]\n\t"
                     "ldr r1, [r7, #24]\n\t"
                     "adds r1, r1, r6\n\t"
                     "mov r10, r1\n\t"
                     "b 2b\n\t"
                     ".balign 4");
}

static inline struct dtmm_lanes_window lanes_window(const struct dtmm_conv_2d *p)
{
    return dtmm_armv6m_lanes_window(p);
}

/* n channels of four lanes, to three of every `words` words; a null pointer stands for zero points.
 */
static inline void lanes_pack(uint32_t *to, int32_t words, const int8_t *const *lane, int32_t n,
                              int32_t zero_point)
{
    const int8_t *x0 = lane[0], *x1 = lane[1], *x2 = lane[2], *x3 = lane[3];
    if (!x0 || !x1 || !x2 || !x3) {
        for (int32_t i = 0; i < n; i++, to += words) {
            int32_t shared = x3 ? x3[i] : zero_point;
            to[0] = (uint32_t)(x0 ? x0[i] : zero_point) + ((uint32_t)shared << 24);
            to[1] = (uint32_t)(x1 ? x1[i] : zero_point) + ((uint32_t)shared << 16);
            to[2] = (uint32_t)(x2 ? x2[i] : zero_point) + ((uint32_t)shared << 8);
        }
        return;
    }
    for (int32_t i = 0; i < n; i++, to += words) {
        int32_t shared = x3[i];
        to[0] = (uint32_t)x0[i] + ((uint32_t)shared << 24);
        to[1] = (uint32_t)x1[i] + ((uint32_t)shared << 16);
        to[2] = (uint32_t)x2[i] + ((uint32_t)shared << 8);
    }
}

#endif
