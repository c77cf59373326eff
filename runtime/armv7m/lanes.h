/* SPDX-License-Identifier: Apache-2.0 */
/* The assembly of convolution on Cortex-M3, see conv_2d_lanes_rules.h. For one filter it walks a
 * list of items (../scalar/lanes.h) once for each group of lanes.
 *
 * r0: window; r1, r2: words; r3: weight; r4 to r11: sums, 64 bits for two lanes; r12: weights; lr:
 * list; [sp]: the filter. A channel of 8 lanes takes 7 instructions, of 4 lanes 4, of 2 lanes 3. */
#ifndef DTMM_ARMV7M_LANES_H
#define DTMM_ARMV7M_LANES_H

#include "../scalar/lanes_filter.h"
#include "conv_2d_lanes_rules.h"

#define LANES_LIMIT DTMM_ARMV7M_LANES_LIMIT
#define LANES_PIECE_BYTES 4
#define LANES_SHARED 2
#define LANES_SHARED_WORDS 1

#define DTMM_NEXT "ldmia.w lr!, {r1, pc}\n\t"

/* One channel. */
#define DTMM_MAC_2 "ldrsb r3, [r12], #1\n\tldmia.n r0!, {r1}\n\tsmlal r4, r5, r3, r1\n\t"
#define DTMM_MAC_4                                                                                 \
    "ldrsb r3, [r12], #1\n\tldmia.n r0!, {r1, r2}\n\tsmlal r4, r5, r3, r1\n\t"                     \
    "smlal r6, r7, r3, r2\n\t"
#define DTMM_MAC_8                                                                                 \
    DTMM_MAC_4 "ldmia.n r0!, {r1, r2}\n\tsmlal r8, r9, r3, r1\n\tsmlal r10, r11, r3, r2\n\t"
#define DTMM_MAC_BYTES_2 "10"
#define DTMM_MAC_BYTES_4 "14"
#define DTMM_MAC_BYTES_8 "24"

/* `code` for each pair of lanes (low and high sum, offset in filter->sums), or for the sum of each
 * lane. */
#define DTMM_PAIRS_2(code) code("r4", "r5", "80")
#define DTMM_PAIRS_4(code) DTMM_PAIRS_2(code) code("r6", "r7", "88")
#define DTMM_PAIRS_8(code) DTMM_PAIRS_4(code) code("r8", "r9", "96") code("r10", "r11", "104")
#define DTMM_SUMS_2 "r4, r5"
#define DTMM_SUMS_4 "r4, r5, r6, r7"
#define DTMM_SUMS_8 "r4, r5, r6, r7, r8, r9, r10, r11"
#define DTMM_EACH(lanes, code) ".irp sum, " DTMM_SUMS_##lanes "\n\t" code ".endr\n\t"

/* The high sum is what is left of the 64 bits when the low one is taken away. */
#define DTMM_SPLIT(low, high)                                                                      \
    "lsrs r1, " low ", #23\n\t"                                                                    \
    "orr " high ", r1, " high ", lsl #9\n\t"                                                       \
    "sbfx " low ", " low ", #0, #23\n\t"

/* Adds the sums to those in memory and starts anew; r3: the filter. */
#define DTMM_STORE(low, high, offset)                                                              \
    DTMM_SPLIT(low, high)                                                                          \
    "adc " high ", " high ", #0\n\t"                                                               \
    "ldrd r1, r2, [r3, #" offset "]\n\t"                                                           \
    "add " low ", " low ", r1\n\t"                                                                 \
    "add " high ", " high ", r2\n\t"                                                               \
    "strd " low ", " high ", [r3, #" offset "]\n\t"                                                \
    "mov " low ", #0\n\t"                                                                          \
    "mov " high ", #0\n\t"
#define DTMM_STORE_BIAS(low, high, offset) "strd r1, r1, [r3, #" offset "]\n\t"

/* Twice the sums and the bias; r2: the bias, r3: twice that. */
#define DTMM_DOUBLE_PAIR(low, high, offset)                                                        \
    DTMM_SPLIT(low, high)                                                                          \
    "adc " high ", " high ", r2\n\t"                                                               \
    "lsl " high ", " high ", #1\n\t"                                                               \
    "add " low ", r3, " low ", lsl #1\n\t"
#define DTMM_DOUBLE "lsl \\sum, \\sum, #1\n\t"

/* From twice a sum to the output, limited to int8: the high word of the product with the multiplier
 * (r12), rounded, is divided by 2^lr, rounded to nearest, halves away from zero; r3 is added. */
#define DTMM_REQUANTIZE                                                                            \
    "smull r1, \\sum, \\sum, r12\n\t"                                                              \
    "lsls r1, r1, #1\n\t"                                                                          \
    "adc \\sum, \\sum, #0\n\t"                                                                     \
    "add \\sum, \\sum, \\sum, asr #31\n\t"                                                         \
    "asrs \\sum, \\sum, lr\n\t"                                                                    \
    "adc \\sum, \\sum, r3\n\t"                                                                     \
    "ssat \\sum, #8, \\sum\n\t"

/* Limits the output to r12 .. lr. */
#define DTMM_CLAMP                                                                                 \
    "cmp \\sum, r12\n\tit lt\n\tmovlt \\sum, r12\n\t"                                              \
    "cmp \\sum, lr\n\tit gt\n\tmovgt \\sum, lr\n\t"

/* Outputs of the last lanes first; r1: places, r2: channel. */
#define DTMM_STORE_LANES_2                                                                         \
    "ldmia r1!, {r0, r3}\n\t"                                                                      \
    "strb r5, [r0, r2]\n\tstrb r4, [r3, r2]\n\t"
#define DTMM_STORE_LANES_4                                                                         \
    "ldmia.w r1!, {r0, r3, r12, lr}\n\t"                                                           \
    "strb r7, [r0, r2]\n\tstrb r6, [r3, r2]\n\tstrb r5, [r12, r2]\n\tstrb r4, [lr, r2]\n\t"
#define DTMM_STORE_LANES_8                                                                         \
    "ldmia.w r1!, {r0, r3, r12, lr}\n\t"                                                           \
    "strb r11, [r0, r2]\n\tstrb r10, [r3, r2]\n\tstrb r9, [r12, r2]\n\tstrb r8, [lr, "             \
    "r2]\n\t" DTMM_STORE_LANES_4

/* The parts of the function, in order. The code of the items starts at 4. */
#define DTMM_ENTER                                                                                 \
    ".balign 4\n\t"                                                                                \
    "push.w {r0, r4-r11, lr}\n\t"                                                                  \
    "cbz r0, 1f\n"                                                                                 \
    "0:\n\t"                                                                                       \
    "ldmia.w r0, {r3-r12, lr}\n\t"                                                                 \
    "ldr r0, [r3]\n\t"
#define DTMM_RETURN_CODE                                                                           \
    "1:\n\t"                                                                                       \
    "adr.w r0, 4f\n\t"                                                                             \
    "orr r0, r0, #1\n\t"                                                                           \
    "add sp, #4\n\t"                                                                               \
    "pop.w {r4-r11, pc}\n\t"
#define DTMM_ENTRIES(mac_bytes)                                                                    \
    ".balign 4\n"                                                                                  \
    "4:\n\t"                                                                                       \
    "b.w 6f\n\t"                                                                                   \
    "b.w 7f\n\t"                                                                                   \
    "b.w 8f\n\t"                                                                                   \
    "b.w 9f\n\t"                                                                                   \
    "pop.w {r0, r4-r11, pc}\n\t"                                                                   \
    ".irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"                                \
    "add r0, r1\n\t"                                                                               \
    "b.n 5f + " mac_bytes " * (16 - \\n)\n\t"                                                      \
    ".endr\n\t"                                                                                    \
    "add r0, r1\n"
#define DTMM_PIECE(mac)                                                                            \
    "5:\n\t"                                                                                       \
    ".rept 16\n\t" mac ".endr\n\t"
#define DTMM_START                                                                                 \
    "6:\n\t"                                                                                       \
    "ldr r3, [sp]\n\t"                                                                             \
    "ldr r1, [r3, #44]\n\t"
#define DTMM_INTERRUPT                                                                             \
    "7:\n\t"                                                                                       \
    "ldr r3, [sp]\n\t"
#define DTMM_FINISH_SUMS                                                                           \
    "9:\n\t"                                                                                       \
    "ldr r0, [sp]\n\t"                                                                             \
    "add r1, r0, #80\n\t"                                                                          \
    "ldmia.w r1, {r4-r11}\n\t"
#define DTMM_FINISH                                                                                \
    "b.w 2f\n"                                                                                     \
    "8:\n\t"                                                                                       \
    "ldr r0, [sp]\n\t"                                                                             \
    "ldr r2, [r0, #44]\n\t"                                                                        \
    "lsl r3, r2, #1\n\t"
#define DTMM_OUTPUTS                                                                               \
    "2:\n\t"                                                                                       \
    "add r1, r0, #48\n\t"                                                                          \
    "ldmia.w r1, {r2, r3, r12, lr}\n\t"
#define DTMM_LIMITS                                                                                \
    "ldr r3, [r0, #68]\n\t"                                                                        \
    "cmp r3, #0\n\t"                                                                               \
    "beq 3f\n\t"                                                                                   \
    "ldr r12, [r0, #72]\n\t"                                                                       \
    "ldr lr, [r0, #76]\n\t"
#define DTMM_PLACES                                                                                \
    "3:\n\t"                                                                                       \
    "ldr r1, [r0]\n\t"                                                                             \
    "adds r1, #4\n\t"
#define DTMM_LEAVE                                                                                 \
    "ldr r0, [sp]\n\t"                                                                             \
    "ldr r3, [r0, #64]\n\t"                                                                        \
    "str r1, [r0]\n\t"                                                                             \
    "cmp r1, r3\n\t"                                                                               \
    "bne.w 0b\n\t"                                                                                 \
    "pop.w {r0, r4-r11, pc}\n\t"                                                                   \
    ".balign 4"

/* Runs the list on all places; without a filter, returns where the code of the items starts. */
#define DTMM_LANES_FUNCTION(lanes)                                                                 \
    static __attribute__((naked, noinline))                                                        \
    uint32_t dtmm_lanes_run_##lanes(__attribute__((unused)) struct dtmm_lanes_filter *filter)      \
    {                                                                                              \
        __asm__ volatile(                                                                          \
            DTMM_ENTER DTMM_NEXT DTMM_RETURN_CODE DTMM_ENTRIES(DTMM_MAC_BYTES_##lanes)             \
                DTMM_PIECE(DTMM_MAC_##lanes)                                                       \
                    DTMM_NEXT DTMM_START DTMM_PAIRS_##lanes(DTMM_STORE_BIAS)                       \
                        DTMM_NEXT DTMM_INTERRUPT DTMM_PAIRS_##lanes(DTMM_STORE)                    \
                            DTMM_NEXT DTMM_FINISH_SUMS DTMM_EACH(lanes, DTMM_DOUBLE)               \
                                DTMM_FINISH DTMM_PAIRS_##lanes(DTMM_DOUBLE_PAIR)                   \
                                    DTMM_OUTPUTS DTMM_EACH(lanes, DTMM_REQUANTIZE)                 \
                                        DTMM_LIMITS DTMM_EACH(lanes, DTMM_CLAMP)                   \
                                            DTMM_PLACES DTMM_STORE_LANES_##lanes DTMM_LEAVE);      \
    }

DTMM_LANES_FUNCTION(2)
DTMM_LANES_FUNCTION(4)
DTMM_LANES_FUNCTION(8)

static inline uint32_t lanes_run(int32_t lanes, struct dtmm_lanes_filter *filter)
{
    if (lanes == 8)
        return dtmm_lanes_run_8(filter);
    return lanes == 4 ? dtmm_lanes_run_4(filter) : dtmm_lanes_run_2(filter);
}

static inline uint32_t lanes_code(int32_t lanes)
{
    return lanes_run(lanes, 0);
}

static inline int32_t lanes_zeros(uint32_t bits)
{
    return __builtin_ctz(bits);
}

/* Lists the kept units of a mask; returns the list's end. */
static inline uint32_t *lanes_list_units(struct dtmm_lanes_units *units, const uint8_t *mask)
{
    const int32_t *offset = units->offsets, *offset_end = units->offsets_end;
    uint32_t *list = units->items;
    uintptr_t limit = (uintptr_t)list + (uint32_t)units->most_bytes;
    int32_t position = 0;
    for (; offset < offset_end; offset += 8) {
        uint32_t bits = *mask++, zeros, start, bit;
        if ((uintptr_t)list > limit) {
            *list++ = 0;
            *list++ = units->interrupt;
            units->n_interrupts++;
            limit = (uintptr_t)list + (uint32_t)units->most_bytes;
        }
        if (bits == 0)
            continue;
        __asm__("rbit %[bits], %[bits]\n"
                "1:\n\t"
                "clz %[zeros], %[bits]\n\t"
                "ldr %[start], [%[offset], %[zeros], lsl #2]\n\t"
                "lsr %[bit], %[top], %[zeros]\n\t"
                "bics %[bits], %[bits], %[bit]\n\t"
                "sub %[zeros], %[start], %[position]\n\t"
                "add %[position], %[start], %[bytes]\n\t"
                "strd %[zeros], %[piece], [%[list]], #8\n\t"
                "bne 1b"
                : [bits] "+r"(bits), [position] "+r"(position), [list] "+r"(list),
                  [zeros] "=&r"(zeros), [start] "=&r"(start), [bit] "=&r"(bit)
                : [offset] "r"(offset), [top] "r"(0x80000000u), [bytes] "r"(units->bytes),
                  [piece] "r"(units->piece)
                : "cc", "memory");
    }
    return list;
}

static inline struct dtmm_lanes_window lanes_window(const struct dtmm_conv_2d *p)
{
    return dtmm_armv7m_lanes_window(p);
}

/* n channels of two lanes, to every words-th word; a null pointer stands for n zero points. */
static inline void lanes_pack(uint32_t *to, int32_t words, const int8_t *const *from, int32_t n,
                              int32_t zero_point)
{
    const int8_t *low = from[0], *high = from[1];
    uint32_t zero = (uint32_t)zero_point;
    if (low && high) {
        for (; n >= 2; n -= 2, to += 2 * words, low += 2, high += 2) {
            to[0] = (uint32_t)low[0] + ((uint32_t)high[0] << 23);
            to[words] = (uint32_t)low[1] + ((uint32_t)high[1] << 23);
        }
        if (n)
            *to = (uint32_t)*low + ((uint32_t)*high << 23);
    } else if (low) {
        for (; n; n--, to += words)
            *to = (uint32_t)*low++ + (zero << 23);
    } else if (high) {
        for (; n; n--, to += words)
            *to = zero + ((uint32_t)*high++ << 23);
    } else {
        for (; n; n--, to += words)
            *to = zero + (zero << 23);
    }
}

#endif
