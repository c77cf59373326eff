/* SPDX-License-Identifier: Apache-2.0 */
/* One filter over some pairs of output pixels, in assembly.
 *
 * A word of the window is x0 + x1 * 2^16, the inputs of two output pixels. The sum over two
 * channels, a = w0 * word0 + w1 * word1 = P0 + P1 * 2^16 modulo 2^32, has -32512 <= P0, P1 <=
 * 32768. So a + 32767 + 32512 * 2^16 has both parts in 0 .. 65535 and no borrow, and its high half
 * is P1 + 32512. Two sums are kept a word: T of a, modulo 2^32, and H of that high half. At the end
 * S1 = H - 32512 * (number of such a), and S0 = T - S1 * 2^16 modulo 2^32.
 *
 * Nine instructions for four multiplications, and one load of a weight for each two pixels times
 * the number of words. */
#ifndef DTMM_RV32_FILTER_H
#define DTMM_RV32_FILTER_H

#include "../dtmm.h"
#include "conv_2d_rules.h"

#include <stddef.h>

enum { DTMM_RV32_HIGH_OFFSET = 32512 };

/* What the assembly reads. `places` holds for each group of words their addresses in the window,
 * then for each word the addresses of its two outputs of filter 0, the high half's first: one that
 * is beyond the edge has the address of the other, and is overwritten. */
struct dtmm_rv32_filter {
    const int32_t *items, *items_end; /* bytes from where the item before has left the addresses */
    const int8_t *weights;
    const uint32_t *places, *places_end;
    int32_t loops;         /* of 16 channels an item */
    int32_t skipped_pairs; /* in the first of them */
    int32_t is_odd;        /* a last channel follows */
    int32_t high_start, bias;
    uint32_t multiplier; /* doubled */
    int32_t channel;
    int32_t is_general; /* not a shift to the right by 2 or more */
    int32_t shift;      /* to the right, less 1 unless is_general */
    int32_t addend;     /* 1 + 2 * zero point, or the zero point */
    int32_t min, max;
    int32_t left, mask, threshold; /* when is_general */
    int32_t has_four;              /* an item is four channels: the addresses stay at its start */
    int32_t sums[8];
};

#define DTMM_RV32_OFFSET(field, offset)                                                            \
    _Static_assert(offsetof(struct dtmm_rv32_filter, field) == (offset), #field)
DTMM_RV32_OFFSET(items_end, 4);
DTMM_RV32_OFFSET(weights, 8);
DTMM_RV32_OFFSET(places_end, 16);
DTMM_RV32_OFFSET(loops, 20);
DTMM_RV32_OFFSET(high_start, 32);
DTMM_RV32_OFFSET(multiplier, 40);
DTMM_RV32_OFFSET(channel, 44);
DTMM_RV32_OFFSET(addend, 56);
DTMM_RV32_OFFSET(left, 68);
DTMM_RV32_OFFSET(has_four, 80);
DTMM_RV32_OFFSET(sums, 84);
_Static_assert(sizeof(struct dtmm_rv32_filter) == DTMM_RV32_FILTER_BYTES, "filter");

/* Registers: a0 the structure; of word k = 1 .. 4 t<k> the address, x1<k> T, x2<k> H; s1 weights;
 * s2, s3 two of them; s4, a5 items; a6 loops; a7 is_odd; t0 where an item starts in the loop; s9
 * channels skipped there; s10 the offsets; s11 places; t5, t6 temporary. */
#define DTMM_RV32_EACH_1(f) f("t1", "x11", "x21")
#define DTMM_RV32_EACH_2(f) DTMM_RV32_EACH_1(f) f("t2", "x12", "x22")
#define DTMM_RV32_EACH_4(f) DTMM_RV32_EACH_2(f) f("t3", "x13", "x23") f("t4", "x14", "x24")

#define DTMM_RV32_START(pointer, t, h) "mv " t ",t5\n mv " h ",t6\n"
#define DTMM_RV32_ADVANCE(pointer, t, h) "add " pointer "," pointer ",t5\n"
#define DTMM_RV32_NEXT_LOOP(pointer, t, h) "addi " pointer "," pointer ",64\n"
#define DTMM_RV32_SEPARATE(pointer, t, h)                                                          \
    "slli t5," h ",16\n sub " t "," t ",t5\n add " h "," h ",a6\n"

/* Channels i and i + 1, in an .irp over i. */
#define DTMM_RV32_PAIR(pointer, t, h)                                                              \
    "lw t5,4*\\i(" pointer ")\n lw t6,4*\\i+4(" pointer ")\n"                                      \
    "mul t5,t5,s2\n mul t6,t6,s3\n add t5,t5,t6\n add " t "," t ",t5\n"                            \
    "add t5,t5,s10\n srli t5,t5,16\n add " h "," h ",t5\n"
#define DTMM_RV32_PAIRS(channels, each)                                                            \
    ".irp i," channels "\n lb s2,\\i(s1)\n lb s3,\\i+1(s1)\n" each(DTMM_RV32_PAIR) ".endr\n"

/* The last channel of an item with an odd number of them. */
#define DTMM_RV32_SINGLE(pointer, t, h)                                                            \
    "lw t5,0(" pointer ")\n mul t5,t5,s2\n add " t "," t ",t5\n"                                   \
    "add t5,t5,s10\n srli t5,t5,16\n add " h "," h ",t5\n"

/* A sum times the doubled multiplier t1 / 2^32, rounded to nearest, then / 2^(t2 + 1), rounded half
 * away from zero; t3 is 1 + 2 * zero point, t4 the lowest and s1 the highest output. */
#define DTMM_RV32_OUTPUT(sum, place)                                                               \
    "mul t5," sum ",t1\n mulhsu " sum "," sum ",t1\n srli t5,t5,31\n add " sum "," sum ",t5\n"     \
    "srli t5," sum ",31\n sub " sum "," sum ",t5\n sra " sum "," sum ",t2\n"                       \
    "add " sum "," sum ",t3\n srai " sum "," sum ",1\n"                                            \
    "bge " sum ",t4,91f\n mv " sum ",t4\n91: bge s1," sum ",92f\n mv " sum ",s1\n"                 \
    "92: lw t6," place "(s11)\n add t6,t6,s2\n sb " sum ",0(t6)\n"

/* `list` is 1 .. words; pair_bytes the code of two channels in the loop, 4 * (2 + 9 * words). */
#define DTMM_RV32_FUNCTION(name, words, list, each, pair_bytes)                                    \
    static __attribute__((noinline)) void name(struct dtmm_rv32_filter *filter)                    \
    {                                                                                              \
        register struct dtmm_rv32_filter *a0 __asm__("a0") = filter;                               \
        __asm__ volatile(                                                                          \
            ".option push\n .option norelax\n li s10,0x7f007fff\n"                                 \
            "lw t5,20(a0)\n lw t6,24(a0)\n lw a7,28(a0)\n lw s11,12(a0)\n"                         \
            "slli s9,t6,1\n li a6," #pair_bytes "\n mul t6,t6,a6\n"                                \
            "lla t0,3f\n add t0,t0,t6\n bnez t5,1f\n lla t0,4f\n"                                  \
            "1: .irp k," list "\n lw t\\k,4*\\k-4(s11)\n .endr\n"                                  \
            "lw t5,36(a0)\n lw t6,32(a0)\n" each(DTMM_RV32_START) /* the sums */                   \
            "lw s1,8(a0)\n lw s4,0(a0)\n lw a5,4(a0)\n beq s4,a5,6f\n"                             \
            "lw t5,80(a0)\n bnez t5,9f\n"                                                          \
            "2: lw t5,0(s4)\n addi s4,s4,4\n" each(DTMM_RV32_ADVANCE) /* an item */                \
            "sub s1,s1,s9\n lw a6,20(a0)\n jr t0\n"                                                \
            ".option push\n .option norvc\n"                                                       \
            "3: " DTMM_RV32_PAIRS(                                                                 \
                "0,2,4,6,8,10,12,14",                                                              \
                each) ".option pop\n"                                                              \
                      "addi s1,s1,16\n" each(                                                      \
                          DTMM_RV32_NEXT_LOOP) "addi a6,a6,-1\n bnez a6,3b\n"                      \
                                               "4: bnez a7,8f\n"                                   \
                                               "5: bne s4,a5,2b\n"                                 \
                                               "6: lw a6,36(a0)\n" each(                           \
                                                   DTMM_RV32_SEPARATE) /* the outputs */           \
            "lw t5,48(a0)\n lw t1,40(a0)\n lw t2,52(a0)\n lw t3,56(a0)\n"                          \
            "lw t4,60(a0)\n lw s1,64(a0)\n lw s2,44(a0)\n bnez t5,10f\n"                           \
            ".irp k," list "\n" DTMM_RV32_OUTPUT("x2\\k", "4*" #words "+8*\\k-8")                  \
                DTMM_RV32_OUTPUT(                                                                  \
                    "x1\\k",                                                                       \
                    "4*" #words                                                                    \
                    "+8*\\k-4") ".endr\n"                                                          \
                                "7: lw t5,16(a0)\n addi s11,s11,12*" #words                        \
                                "\n bne s11,t5,1b\n j 99f\n"                                       \
                                "8: lb s2,0(s1)\n addi s1,s1,1\n" each(                            \
                                    DTMM_RV32_SINGLE) "j 5b\n"                                     \
                                                      "9: lw t5,0(s4)\n addi s4,s4,4\n" each(      \
                                                          DTMM_RV32_ADVANCE) /* four channels */   \
            DTMM_RV32_PAIRS(                                                                       \
                "0,2", each) "addi s1,s1,4\n bne s4,a5,9b\n j 6b\n" /* any shift, one sum after    \
                                                                       the other */                \
                             "10: .irp k," list                                                    \
                             "\n sw x2\\k,8*\\k+76(a0)\n sw x1\\k,8*\\k+80(a0)\n .endr\n"          \
                             "addi a1,a0,84\n addi a2,s11,4*" #words "\n addi a3,a2,8*" #words     \
                             "\n"                                                                  \
                             "lw s6,68(a0)\n lw s7,72(a0)\n lw s8,76(a0)\n"                        \
                             "11: lw s5,0(a1)\n sll s5,s5,s6\n"                                    \
                             "mul t5,s5,t1\n mulhsu s5,s5,t1\n srli t5,t5,31\n add s5,s5,t5\n"     \
                             "and t5,s5,s7\n srli t6,s5,31\n add t6,t6,s8\n sltu t5,t6,t5\n"       \
                             "sra s5,s5,t2\n add s5,s5,t5\n add s5,s5,t3\n"                        \
                             "bge s5,t4,12f\n mv s5,t4\n12: bge s1,s5,13f\n mv s5,s1\n"            \
                             "13: lw t6,0(a2)\n add t6,t6,s2\n sb s5,0(t6)\n"                      \
                             "addi a1,a1,4\n addi a2,a2,4\n bne a2,a3,11b\n j 7b\n"                \
                             "99: .option pop\n"                                                   \
            :                                                                                      \
            : "r"(a0)                                                                              \
            : "memory", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "t0", "t1", "t2", "t3", "t4",    \
              "t5", "t6", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11");     \
    }

DTMM_RV32_FUNCTION(dtmm_rv32_filter_1, 1, "1", DTMM_RV32_EACH_1, 44)
DTMM_RV32_FUNCTION(dtmm_rv32_filter_2, 2, "1,2", DTMM_RV32_EACH_2, 80)
DTMM_RV32_FUNCTION(dtmm_rv32_filter_4, 4, "1,2,3,4", DTMM_RV32_EACH_4, 152)

#endif
