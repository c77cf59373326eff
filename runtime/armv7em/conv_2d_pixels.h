/* SPDX-License-Identifier: Apache-2.0 */
/* The inner loops of the convolutions of this folder: one filter, 4 or 1 neighboring outputs at
 * a time, groups of 8 or 4 channels. For one group and 4 outputs that is
 *   8 channels: LDM, ADD, 4 x (LDM + 4 SMLAD): 22 instructions, 32 multiplications
 *   4 channels: LDM, ADD, 2 x (LDM + 4 SMLAD): 12 instructions, 16 multiplications
 * and around all groups of a filter 31 instructions for 4 outputs: 2 to start, 7 and then one for
 * each 4 groups to end, 20 to requantize and store 4 outputs, 4 to go on.
 *
 * The stream of a filter holds for each kept group the bytes to add to the input pointer and the
 * weights, widened to int16 in the order SXTB16 gives (0, 2, 1, 3 of each 4 channels), as the input
 * is. The loop over groups is unrolled and entered in the middle, so that what remains is a
 * multiple of its length.
 *
 * Sums are twice the accumulator, as requantize.h needs them.
 */
#ifndef DTMM_ARMV7EM_CONV_2D_PIXELS_H
#define DTMM_ARMV7EM_CONV_2D_PIXELS_H

#include "conv_2d_layout.h"
#include "requantize.h"

/* How outputs are finished: limited to int8; the same for a ReLU, where negative values do not
 * matter; limited to minimum and maximum; or not at all: then the sums of the first outputs go to
 * `sums`. */
enum { DTMM_DSP_SATURATE, DTMM_DSP_RELU, DTMM_DSP_CLAMP, DTMM_DSP_SUMS };

/* One filter over some rows of outputs, each a multiple of 4 or 1. The assembly below knows the
 * order of the members. */
struct dtmm_dsp_run {
    struct dtmm_dsp_fast fast;
    int32_t step, step_3; /* from an output to the next, and 3 times that */
    int8_t *row_end, *output;
    int32_t finish;
    int32_t start[4];       /* what the sums start with: twice the bias */
    const uint32_t *stream; /* the first group */
    int32_t n_first;        /* groups until the rest is a multiple of the loop's length */
    const uint32_t *stream_end;
    int32_t next; /* from the last group to the next outputs' first, in bytes of the input */
    int32_t minimum, maximum;
    int32_t rows;
    int32_t next_row_input, next_row_output; /* bytes from the end of a row to the next */
    int32_t row_bytes;                       /* of outputs */
    int32_t *sums;
};

/* <channels>x<outputs>. */
void dtmm_dsp_pixels_8x4(const struct dtmm_dsp_run *run, const void *input);
void dtmm_dsp_pixels_8x1(const struct dtmm_dsp_run *run, const void *input);
void dtmm_dsp_pixels_4x4(const struct dtmm_dsp_run *run, const void *input);
void dtmm_dsp_pixels_4x1(const struct dtmm_dsp_run *run, const void *input);

/* r0-r3: input (r0 first: the pointer's step), r4-r7: weights, r8-r11: sums, r12: stream, lr: input
 * pointer. A group leaves the input pointer 48 (8 channels) or 16 bytes (4 channels) on. */
__asm__(".syntax unified\n"
        ".thumb\n"
        ".macro dtmm_dot_8 sum\n"
        "smlad \\sum, r4, r0, \\sum\n"
        "smlad \\sum, r5, r1, \\sum\n"
        "smlad \\sum, r6, r2, \\sum\n"
        "smlad \\sum, r7, r3, \\sum\n"
        ".endm\n"

        ".macro dtmm_group_8x4\n"
        "ldm.w r12!, {r0, r4-r7}\n"
        "add.w lr, lr, r0\n"
        "ldm.w lr!, {r0-r3}\n"
        "dtmm_dot_8 r8\n"
        "ldm.w lr!, {r0-r3}\n"
        "dtmm_dot_8 r9\n"
        "ldm.w lr!, {r0-r3}\n"
        "dtmm_dot_8 r10\n"
        "ldm.w lr, {r0-r3}\n"
        "dtmm_dot_8 r11\n"
        ".endm\n"

        ".macro dtmm_group_8x1\n"
        "ldm.w r12!, {r0, r4-r7}\n"
        "add.w lr, lr, r0\n"
        "ldrd r2, r3, [lr, #8]\n"
        "ldrd r0, r1, [lr], #48\n"
        "dtmm_dot_8 r8\n"
        ".endm\n"

        ".macro dtmm_dot_4 sum, other\n"
        "smlad \\sum, r4, r0, \\sum\n"
        "smlad \\sum, r5, r1, \\sum\n"
        "smlad \\other, r4, r2, \\other\n"
        "smlad \\other, r5, r3, \\other\n"
        ".endm\n"

        ".macro dtmm_group_4x4\n"
        "ldm.w r12!, {r0, r4, r5}\n"
        "add.w lr, lr, r0\n"
        "ldm.w lr!, {r0-r3}\n"
        "dtmm_dot_4 r8, r9\n"
        "ldm.w lr, {r0-r3}\n"
        "dtmm_dot_4 r10, r11\n"
        ".endm\n"

        ".macro dtmm_group_4x1\n"
        "ldm.w r12!, {r0, r4, r5}\n"
        "add.w lr, lr, r0\n"
        "ldrd r0, r1, [lr], #16\n"
        "smlad r8, r4, r0, r8\n"
        "smlad r8, r5, r1, r8\n"
        ".endm\n"

        /* r0: multiplier, r1: offset, r2: exponent. */
        ".macro dtmm_requantize sum\n"
        "add.w r7, r1, \\sum, asr #31\n"
        "smmlar \\sum, \\sum, r0, r7\n"
        "asr.w \\sum, \\sum, r2\n"
        "ssat \\sum, #8, \\sum\n"
        ".endm\n"

        ".macro dtmm_requantize_relu sum\n"
        "smmlar \\sum, \\sum, r0, r1\n"
        "asr.w \\sum, \\sum, r2\n"
        "ssat \\sum, #8, \\sum\n"
        ".endm\n"

        /* r0: minimum, r1: maximum. */
        ".macro dtmm_clamp sum\n"
        "ssub16 r7, \\sum, r0\n"
        "sel \\sum, \\sum, r0\n"
        "ssub16 r7, r1, \\sum\n"
        "sel \\sum, \\sum, r1\n"
        ".endm\n"

        /* The outputs' addresses: r6, r3: one step, r4: 3 steps. */
        ".macro dtmm_store outputs\n"
        "strb.w r8, [r6]\n"
        ".if \\outputs > 1\n"
        "strb.w r9, [r6, r3]\n"
        ".endif\n"
        ".if \\outputs > 2\n"
        "strb.w r10, [r6, r3, lsl #1]\n"
        "strb.w r11, [r6, r4]\n"
        ".endif\n"
        ".endm\n"

        /* `name` for the outputs' sums. */
        ".macro dtmm_each name, outputs\n"
        "\\name r8\n"
        ".if \\outputs > 1\n"
        "\\name r9\n"
        ".endif\n"
        ".if \\outputs > 2\n"
        "\\name r10\n"
        "\\name r11\n"
        ".endif\n"
        ".endm\n"

        /* log2: of outputs; a group takes `bytes` of code. On the stack, from sp + 4 * i: member i
         * of the run, `finish` and `n_first` replaced by addresses of code. */
        ".macro dtmm_pixels channels, outputs, log2, bytes\n"
        ".pushsection .text.dtmm_dsp_pixels_\\channels\\()x\\outputs, \"axG\", %progbits, "
        "dtmm_dsp_pixels_\\channels\\()x\\outputs, comdat\n"
        ".balign 4\n"
        ".weak dtmm_dsp_pixels_\\channels\\()x\\outputs\n"
        ".type dtmm_dsp_pixels_\\channels\\()x\\outputs, %function\n"
        ".thumb_func\n"
        "dtmm_dsp_pixels_\\channels\\()x\\outputs:\n"
        "push {r4-r11, lr}\n"
        "sub sp, sp, #92\n"
        "mov lr, r1\n"
        "mov r12, sp\n"
        "ldm r0!, {r1-r8}\n"
        "stm r12!, {r1-r8}\n"
        "ldm r0!, {r1-r8}\n"
        "stm r12!, {r1-r8}\n"
        "ldm r0!, {r1-r7}\n"
        "stm r12!, {r1-r7}\n"
        "ldr r0, [sp, #28]\n"
        "adr.w r1, 8f\n"
        "ldr r0, [r1, r0, lsl #2]\n"
        "add r1, r1, r0\n"
        "str r1, [sp, #28]\n"
        "ldr r0, [sp, #52]\n"
        "mov r2, #\\bytes\n"
        "adr.w r1, 2f\n"
        "mls r1, r0, r2, r1\n"
        "orr r1, r1, #1\n"
        "str r1, [sp, #52]\n"

        "0:\n" /* the next outputs */
        "add r7, sp, #32\n"
        "ldm.w r7, {r8-r12, pc}\n"
        "1:\n"
        ".rept 4\n"
        "dtmm_group_\\channels\\()x\\outputs\n"
        ".endr\n"
        "2:\n"
        "ldrd r0, r1, [sp, #56]\n"
        "cmp r12, r0\n"
        "bne.w 1b\n"
        "add lr, lr, r1\n"
        "ldm.w sp, {r0-r6, pc}\n"

        "3:\n" /* DTMM_DSP_SATURATE */
        "dtmm_each dtmm_requantize, \\outputs\n"
        "dtmm_store \\outputs\n"
        "6:\n"
        "add.w r6, r6, r3, lsl #\\log2\n"
        "str r6, [sp, #24]\n"
        "cmp r6, r5\n"
        "bne.w 0b\n"
        "ldr r0, [sp, #72]\n"
        "subs r0, r0, #1\n"
        "beq 7f\n"
        "str r0, [sp, #72]\n"
        "ldrd r0, r1, [sp, #76]\n"
        "ldr r2, [sp, #84]\n"
        "add lr, lr, r0\n"
        "add r6, r6, r1\n"
        "add r5, r6, r2\n"
        "str r6, [sp, #24]\n"
        "str r5, [sp, #20]\n"
        "b.w 0b\n"

        "9:\n" /* DTMM_DSP_RELU */
        "dtmm_each dtmm_requantize_relu, \\outputs\n"
        "dtmm_store \\outputs\n"
        "b.w 6b\n"

        "4:\n" /* DTMM_DSP_CLAMP */
        "dtmm_each dtmm_requantize, \\outputs\n"
        "ldrd r0, r1, [sp, #64]\n"
        "dtmm_each dtmm_clamp, \\outputs\n"
        "dtmm_store \\outputs\n"
        "b.w 6b\n"

        "5:\n" /* DTMM_DSP_SUMS */
        "ldr r7, [sp, #88]\n"
        "stm.w r7, {r8-r11}\n"
        "7:\n"
        "add sp, sp, #92\n"
        "pop {r4-r11, pc}\n"
        ".balign 4\n"
        "8:\n" /* by `finish` */
        ".word 3b - 8b + 1, 9b - 8b + 1, 4b - 8b + 1, 5b - 8b + 1\n"
        ".size dtmm_dsp_pixels_\\channels\\()x\\outputs, . - "
        "dtmm_dsp_pixels_\\channels\\()x\\outputs\n"
        ".popsection\n"
        ".endm\n"

        "dtmm_pixels 8, 4, 2, 88\n"
        "dtmm_pixels 8, 1, 0, 32\n"
        "dtmm_pixels 4, 4, 2, 48\n"
        "dtmm_pixels 4, 1, 0, 20\n");

#endif
