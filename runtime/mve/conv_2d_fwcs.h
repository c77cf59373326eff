/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of conv_2d_fwcs_s8 for Helium: the outputs of filters in a band, 8 pixels x 1
 * filter at a time. */
#ifndef DTMM_MVE_CONV_2D_FWCS_H
#define DTMM_MVE_CONV_2D_FWCS_H

#include "conv_2d.h"
#include "nibbles.h"

/* Two times 4 pixels. */
struct group {
    const int8_t *input;
    int8_t *output;
};

/* Rounds: pieces of 4, 8, 16, 32 and 64 weights; of 4 where a pixel is 4 bytes, and the close ones
 * where the second 4 pixels follow the first. */
enum round_kind {
    PIECES_4_NARROW = 2,
    PIECES_4 = 4,
    PIECES_4_CLOSE = 5,
    PIECES_8 = 8,
    PIECES_8_CLOSE = 9,
    PIECES_16 = 16,
    PIECES_16_CLOSE = 17,
    PIECES_32 = 32,
    PIECES_64 = 64
};

/* How a list is made: it is given; several entries a unit; one, of two words; one, of one. */
enum list_kind { LIST_GIVEN, LIST_SEVERAL, LIST_DOUBLE, LIST_SINGLE };

/* The work of `convolve_filters`, by these offsets. */
struct work {
    const int32_t *list;               /* what is read for each group: offsets, */
    const int8_t *weights;             /* 4; weights after the first vector, */
    const struct group *groups;        /* 8; the group, */
    int32_t count;                     /* 12; rounds */
    int32_t bias, multiplier, shift;   /* 16, 20, 24 */
    const struct group *groups_end;    /* 28 */
    int32_t kind;                      /* 32; enum round_kind */
    int32_t rounding;                  /* 36; enum dtmm_mve_rounding */
    const struct group *first_group;   /* 40 */
    const uint8_t *mask;               /* 44 */
    int32_t mask_bytes;                /* 48; of a filter */
    const int32_t *unit_offset;        /* 52 */
    int32_t *entries, *entries_end;    /* 56, 60; of the list; end is where to continue it */
    const int32_t *biases;             /* 64 */
    const int32_t *multipliers;        /* 68 */
    const int8_t *shifts;              /* 72 */
    const int8_t *filter;              /* 76; its weights */
    int32_t n_filters;                 /* 80 */
    int32_t n_stored;                  /* 84; outputs in the order of `offsets` */
    int32_t more_pieces, more_step;    /* 88, 92; of a unit after its first one */
    int32_t second;                    /* 96; an entry's second word less its first */
    int32_t list_kind;                 /* 100; enum list_kind */
    int32_t vector_mask, vector_shift; /* 104, 108; of list bytes a round: 2^shift, mask + 1 */
    int32_t weights_shift;             /* 112; weights of a list byte, log2 */
    int32_t parity;                    /* 116; 1 when rounds are done in pairs */
    int32_t body;                      /* 120; on the stack */
    int32_t input_delta;               /* 124; from the first 4 pixels to the second */
    const struct nibbles *nibbles;     /* 128 */
    int32_t zero_point, low, high;     /* 132, 136, 140 */
    uint16_t offsets[8]; /* 144; of the outputs: one of the first 4, one of the second in turn */
};

/* clang-format off */

#define LOAD_16(at, i)         "   vldrb.u8 q2, [" at ", #" #i " * 16]\n"
#define LOAD_16_CLOSE(at, i)   "   vldrb.u8 q2, [r5, #" at " + " #i " * 16]\n"
#define LOAD_32(at, i)         "   vldrw.u32 q2, [" at ", #" #i " * 32]\n"
#define LOAD_32_1(at, i)       "   vldrw.u32 q2, [" at ", #" #i " * 32 + 16]\n"
#define LOAD_64(at, i)         "   vldrw.u32 q2, [" at ", #" #i " * 64]\n"
#define LOAD_64_1(at, i)       "   vldrw.u32 q2, [" at ", #" #i " * 64 + 16]\n"
#define LOAD_64_2(at, i)       "   vldrw.u32 q2, [" at ", #" #i " * 64 + 32]\n"
#define LOAD_64_3(at, i)       "   vldrw.u32 q2, [" at ", #" #i " * 64 + 48]\n"
#define GATHER_8(at, i)        "   vldrd.u64 q2, [q1, #" at " + " #i " * 16]\n"
#define GATHER_4(at, i)        "   vldrw.u32 q2, [q1, #" at " + " #i " * 16]\n"
#define GATHER_4_NARROW(at, i) "   vldrw.u32 q2, [q1, #" #i " * 4]\n"

/* A vector of weights meets those of 8 pixels: the first 4, `between`, and the second. */
#define MULTIPLY(LOAD, first, between, second, multiply, w) \
    LOAD(first, 0) "   " multiply " r0, " w ", q2\n"        \
    LOAD(first, 1) "   " multiply " r2, " w ", q2\n"        \
    LOAD(first, 2) "   " multiply " r4, " w ", q2\n"        \
    LOAD(first, 3) "   " multiply " r6, " w ", q2\n"        \
    between                                                 \
    LOAD(second, 0) "   " multiply " r8, " w ", q2\n"       \
    LOAD(second, 1) "   " multiply " r10, " w ", q2\n"      \
    LOAD(second, 2) "   " multiply " r12, " w ", q2\n"      \
    LOAD(second, 3) "   " multiply " lr, " w ", q2\n"
#define FIRST(LOAD, first, between, second) \
    MULTIPLY(LOAD, first, between, second, "vmladav.s8", "q3")
#define MORE(LOAD, first, between, second) \
    "   vldrb.u8 q0, [r3], #16\n"          \
    MULTIPLY(LOAD, first, between, second, "vmladava.s8", "q0")

#define NEXT                      \
    "   ldrd r5, r11, [r1], #8\n" \
    "   add r5, r5, r9\n"         \
    "   add r11, r11, r9\n"
#define NEXT_CLOSE          \
    "   ldr r5, [r1], #8\n" \
    "   add r5, r5, r9\n"
#define NEXT_GATHER                \
    "   vldrw.u32 q1, [r1], #16\n" \
    "   vadd.i32 q1, q1, r9\n"
#define DELTA "   vadd.i32 q1, q1, r11\n"

/* Rounds of one vector, in pairs. r7: rounds after the first in pairs, rounded up, twice, + 1 if
 * their number is odd. */
#define PAIRS(next, LOAD, first, between, second) \
    next                                          \
    FIRST(LOAD, first, between, second)           \
    "   lsrs r7, r7, #1\n"                        \
    "   bcs 22f\n"                                \
    "   beq 23f\n"                                \
    "21:\n"                                       \
    next                                          \
    MORE(LOAD, first, between, second)            \
    "22:\n"                                       \
    next                                          \
    MORE(LOAD, first, between, second)            \
    "   subs r7, r7, #1\n"                        \
    "   bne 21b\n"                                \
    "23: ldr pc, [sp, #36]\n"

/* Lists the units of the 4 bits in r5, if there are any, after the instruction that has found them;
 * `offsets` is at those of all 4. */
#define NIBBLE(find, offsets, store, entry_shift, end)      \
    find                                                    \
    "   beq " end "f\n"                                     \
    "   add r6, r10, r5, lsl #2\n"                          \
    "   vldrb.u32 q2, [r6]\n"                               \
    "   vldrw.u32 q0, [" offsets ", q2, uxtw #2]\n"         \
    "   ldrb r7, [r12, r5]\n"                               \
    store                                                   \
    "   add r1, r1, r7, lsl #" entry_shift "\n"             \
    end ":\n"
#define STORE_DOUBLE               \
    "   vadd.i32 q1, q0, r11\n"    \
    "   vst20.32 {q0, q1}, [r1]\n" \
    "   vst21.32 {q0, q1}, [r1]\n"
#define STORE_SINGLE "   vstrw.32 q0, [r1]\n"
#define LIST(store, entry_shift)                                            \
    "   add r3, r2, #16\n"                                                  \
    "   dls lr, r8\n"                                                       \
    "21: ldrb r4, [r0], #1\n"                                               \
    NIBBLE("   ands r5, r4, #15\n", "r2", store, entry_shift, "22")         \
    NIBBLE("   lsrs r5, r4, #4\n", "r3", store, entry_shift, "23")          \
    "   add r2, r2, #32\n"                                                  \
    "   add r3, r3, #32\n"                                                  \
    "   le lr, 21b\n"                                                       \
    "   str r0, [sp, #44]\n"                                                \
    "   b 3f\n"

/* From the sums to the next group. */
#define FINISH(scale)                               \
    "   vmov q0[2], q0[0], r0, r4\n"                \
    "   vmov q0[3], q0[1], r2, r6\n"                \
    "   vmov q1[2], q1[0], r8, r12\n"               \
    "   vmov q1[3], q1[1], r10, lr\n"               \
    "   ldm sp, {r0, r1, r2, r3, r4, r5, r6, r7}\n" \
    scale("q0", "r4", "r5", "r6")                   \
    scale("q1", "r4", "r5", "r6")                   \
    DTMM_MVE_NARROW                                 \
    "   ldr r1, [r2, #4]\n"                         \
    "   vpst\n"                                     \
    "   vstrbt.16 q0, [r1, q4]\n"                   \
    "   add r2, r2, #8\n"                           \
    "   str r2, [sp, #8]\n"                         \
    "   cmp r2, r7\n"                               \
    "   bne 1b\n"

/* After a comparison, sets `to` to the address of a label: `third`, or on a condition another. */
#define CHOOSE(to, condition_1, first, condition_2, second, third) \
    "   adr.w " to ", " third "f\n"                                \
    "   it " condition_1 "\n"                                      \
    "   adr" condition_1 ".w " to ", " first "f\n"                 \
    "   it " condition_2 "\n"                                      \
    "   adr" condition_2 ".w " to ", " second "f\n"
#define CHOOSE_MORE(to, condition_1, first, condition_2, second) \
    "   it " condition_1 "\n"                                    \
    "   adr" condition_1 ".w " to ", " first "f\n"               \
    "   it " condition_2 "\n"                                    \
    "   adr" condition_2 ".w " to ", " second "f\n"

/* The parts of convolve_filters. First, the work goes to the stack, with addresses for what is to
 * be chosen. */
#define BEGIN(choose_list, choose_rounds)             \
    "   push {r4-r11, lr}\n"                          \
    "   vpush {d8-d15}\n"                             \
    "   sub sp, sp, #136\n"                           \
    "   mov r12, sp\n"                                \
    "   mov lr, r0\n"                                 \
    "   ldm lr!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"  \
    "   stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7}\n" \
    "   ldm lr!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"  \
    "   mov r8, r1\n"                                 \
    "   mov r9, r0\n"                                 \
    "   cmp r8, #1\n"                                 \
    CHOOSE("r1", "lo", "5", "eq", "6", "7")           \
    "   orr r1, r1, #1\n"                             \
    "   stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7}\n" \
    "   ldm lr!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"  \
    "   stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7}\n" \
    "   ldm lr!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"  \
    "   mov r8, r1\n"                                 \
    choose_list                                       \
    "   cmp r8, #0\n"                                 \
    "   it eq\n"                                      \
    "   adreq.w r1, 3f\n"                             \
    "   orr r1, r1, #1\n"                             \
    choose_rounds                                     \
    "   orr r6, r6, #1\n"                             \
    "   stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7}\n" \
    "   ldm lr!, {r0, r1, r2, r3}\n"                  \
    "   str r0, [r12]\n"                              \
    "   vdup.16 q5, r1\n"                             \
    "   vdup.16 q6, r2\n"                             \
    "   vdup.16 q7, r3\n"                             \
    "   vldrh.u16 q4, [lr]\n"

/* A filter: its list. */
#define BEGIN_FILTER              \
    "2: ldrd r0, r8, [sp, #44]\n" \
    "   ldr r2, [sp, #52]\n"      \
    "   ldr r1, [sp, #60]\n"      \
    "   ldr r11, [sp, #96]\n"     \
    "   ldr r10, [sp, #128]\n"    \
    "   add r12, r10, #64\n"      \
    "   ldr pc, [sp, #100]\n"
#define LIST_SEVERAL_ENTRIES        \
    "   .p2align 2\n"               \
    "31: ldrd r3, r12, [sp, #88]\n" \
    "   mov r10, #0x80000000\n"     \
    "21: ldrb r4, [r0], #1\n"       \
    "   rbit r4, r4\n"              \
    "   cbz r4, 24f\n"              \
    "22: clz r5, r4\n"              \
    "   ldr r6, [r2, r5, lsl #2]\n" \
    "   lsr r5, r10, r5\n"          \
    "   add r7, r6, r11\n"          \
    "   strd r6, r7, [r1], #8\n"    \
    "   mov lr, r3\n"               \
    "23: add r6, r6, r12\n"         \
    "   add r7, r7, r12\n"          \
    "   strd r6, r7, [r1], #8\n"    \
    "   subs lr, lr, #1\n"          \
    "   bne 23b\n"                  \
    "   bics r4, r4, r5\n"          \
    "   bne 22b\n"                  \
    "24: add r2, r2, #32\n"         \
    "   subs r8, r8, #1\n"          \
    "   bne 21b\n"                  \
    "   str r0, [sp, #44]\n"        \
    "   b 3f\n"
#define LIST_DOUBLE_ENTRIES \
    "   .p2align 2\n"       \
    "32:\n"                 \
    LIST(STORE_DOUBLE, "3")
#define LIST_SINGLE_ENTRIES \
    "   .p2align 2\n"       \
    "33:\n"                 \
    LIST(STORE_SINGLE, "2")

/* Its first vector, rounds and constants. */
#define SET_FILTER                                        \
    "   .p2align 2\n"                                     \
    "3: ldr r0, [sp, #56]\n"                              \
    "   add r12, sp, #104\n"                              \
    "   ldm r12, {r2, r3, r4, r5, r6}\n"                  \
    "   subs r1, r1, r0\n"                                \
    "   it eq\n"                                          \
    "   adreq.w r6, 10f\n"                                \
    "   orr r6, r6, #1\n"                                 \
    "   str r6, [sp, #32]\n"                              \
    "   rsb r7, r1, #0\n"                                 \
    "   and r7, r7, r2\n" /* zeros in the first vector */ \
    "   add r2, r2, r1\n"                                 \
    "   lsr r2, r2, r3\n" /* rounds */                    \
    "   eor r5, r5, r2\n"                                 \
    "   ldr r3, [sp, #76]\n"                              \
    "   lsl r4, r1, r4\n" /* weights */                   \
    "   add r4, r4, r3\n"                                 \
    "   str r4, [sp, #76]\n"                              \
    "   sub r3, r3, r7\n"                                 \
    "   sub r0, r0, r7\n"                                 \
    "   ldr r6, [sp, #40]\n"                              \
    "   strd r0, r3, [sp]\n"                              \
    "   strd r6, r5, [sp, #8]\n"                          \
    "   cbz r1, 27f\n"                                    \
    "   vctp.8 r7\n"                                      \
    "   vpnot\n"                                          \
    "   vpst\n"                                           \
    "   vldrbt.u8 q3, [r3], #16\n"                        \
    "   str r3, [sp, #4]\n"                               \
    "27: ldr r0, [sp, #84]\n"                             \
    "   vctp.16 r0\n"                                     \
    "   add r12, sp, #64\n"                               \
    "   ldm r12, {r0, r1, r2}\n"                          \
    "   ldr r3, [r0], #4\n"                               \
    "   ldr r4, [r1], #4\n"                               \
    "   ldrsb r5, [r2], #1\n"                             \
    "   stm r12, {r0, r1, r2}\n"                          \
    "   strd r3, r4, [sp, #16]\n"                         \
    "   str r5, [sp, #24]\n"

/* A group; the outputs of a filter without weights are those of the first group, still in q0. */
#define BEGIN_GROUP                 \
    "1: ldm sp, {r1, r3, r5, r7}\n" \
    "   ldr r9, [r5]\n"             \
    "   ldr pc, [sp, #32]\n"        \
    "   .p2align 2\n"               \
    "10: ldr r0, [sp, #40]\n"       \
    "   cmp r0, r5\n"               \
    "   bne 9f\n"                   \
    "   mov r0, #0\n"               \
    "   mov r2, #0\n"               \
    "   mov r4, #0\n"               \
    "   mov r6, #0\n"               \
    "   mov r8, #0\n"               \
    "   mov r10, #0\n"              \
    "   mov r12, #0\n"              \
    "   mov lr, #0\n"               \
    "   ldr pc, [sp, #36]\n"        \
    "9: ldr r7, [sp, #28]\n"        \
    "21: ldr r0, [r5, #4]\n"        \
    "   vpst\n"                     \
    "   vstrbt.16 q0, [r0, q4]\n"   \
    "   add r5, r5, #8\n"           \
    "   cmp r5, r7\n"               \
    "   bne 21b\n"                  \
    "   b 8f\n"

#define ROUNDS_64                    \
    "   .p2align 2\n"                \
    "11:\n"                          \
    NEXT                             \
    FIRST(LOAD_64, "r5", "", "r11")  \
    "   b 22f\n"                     \
    "21:\n"                          \
    NEXT                             \
    MORE(LOAD_64, "r5", "", "r11")   \
    "22:\n"                          \
    MORE(LOAD_64_1, "r5", "", "r11") \
    MORE(LOAD_64_2, "r5", "", "r11") \
    MORE(LOAD_64_3, "r5", "", "r11") \
    "   subs r7, r7, #1\n"           \
    "   bne 21b\n"                   \
    "   ldr pc, [sp, #36]\n"
#define ROUNDS_32                    \
    "   .p2align 2\n"                \
    "12:\n"                          \
    NEXT                             \
    FIRST(LOAD_32, "r5", "", "r11")  \
    "   b 22f\n"                     \
    "21:\n"                          \
    NEXT                             \
    MORE(LOAD_32, "r5", "", "r11")   \
    "22:\n"                          \
    MORE(LOAD_32_1, "r5", "", "r11") \
    "   subs r7, r7, #1\n"           \
    "   bne 21b\n"                   \
    "   ldr pc, [sp, #36]\n"
#define ROUNDS_16                         \
    "   .p2align 2\n"                     \
    "16:\n"                               \
    PAIRS(NEXT, LOAD_16, "r5", "", "r11")
#define ROUNDS_16_CLOSE                             \
    "   .p2align 2\n"                               \
    "17:\n"                                         \
    PAIRS(NEXT_CLOSE, LOAD_16_CLOSE, "0", "", "64")
#define ROUNDS_8                                  \
    "   .p2align 2\n"                             \
    "18: ldr r11, [sp, #124]\n"                   \
    PAIRS(NEXT_GATHER, GATHER_8, "0", DELTA, "0")
#define ROUNDS_8_CLOSE                          \
    "   .p2align 2\n"                           \
    "19:\n"                                     \
    PAIRS(NEXT_GATHER, GATHER_8, "0", "", "64")
#define ROUNDS_4                                  \
    "   .p2align 2\n"                             \
    "14: ldr r11, [sp, #124]\n"                   \
    PAIRS(NEXT_GATHER, GATHER_4, "0", DELTA, "0")
#define ROUNDS_4_CLOSE                          \
    "   .p2align 2\n"                           \
    "15:\n"                                     \
    PAIRS(NEXT_GATHER, GATHER_4, "0", "", "64")
#define ROUNDS_4_NARROW                                \
    "   .p2align 2\n"                                  \
    "13: ldr r11, [sp, #124]\n"                        \
    PAIRS(NEXT_GATHER, GATHER_4_NARROW, "", DELTA, "")

/* From sums to outputs, and on to the next group or filter. */
#define FINISH_RELU_OR_DOWN     \
    "   .p2align 2\n"           \
    "5:\n"                      \
    FINISH(DTMM_MVE_SCALE_RELU) \
    "   b 8f\n"                 \
    "   .p2align 2\n"           \
    "6:\n"                      \
    FINISH(DTMM_MVE_SCALE_DOWN) \
    "   b 8f\n"
#define FINISH_ANY             \
    "   .p2align 2\n"          \
    "7:\n"                     \
    FINISH(DTMM_MVE_SCALE_ANY) \
    "8: mov r0, #1\n"          \
    "   vadd.i16 q4, q4, r0\n" \
    "   ldr r0, [sp, #80]\n"   \
    "   subs r0, r0, #1\n"     \
    "   str r0, [sp, #80]\n"   \
    "   bne 2b\n"              \
    "   add sp, sp, #136\n"    \
    "   vpop {d8-d15}\n"       \
    "   pop {r4-r11, pc}\n"

/* The outputs of filters in a band. In the rounds r0, r2, r4, r6, r8, r10, r12, lr are the sums; r1
 * walks the list, r3 the weights, r9 is the group's input; r5 and r11 are the inputs of the first
 * and the second 4 pixels, or r11 is the distance between them and q1 the addresses of pieces. q3
 * is the first vector of weights, q4 the outputs' offsets, and the predicate tells which are
 * stored. */
#define CONVOLVE_FILTERS(choose_list, choose_rounds, lists, rounds) \
    __attribute__((naked)) static void convolve_filters(            \
        const struct work *work __attribute__((unused)))            \
    {                                                               \
        __asm__ volatile(BEGIN(choose_list, choose_rounds));        \
        __asm__ volatile(BEGIN_FILTER lists);                       \
        __asm__ volatile(SET_FILTER);                               \
        __asm__ volatile(BEGIN_GROUP);                              \
        rounds                                                      \
        __asm__ volatile(FINISH_RELU_OR_DOWN);                      \
        __asm__ volatile(FINISH_ANY);                               \
    }
#define ROUNDS(text) __asm__ volatile(text);

/* clang-format on */

#endif
