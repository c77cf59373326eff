/* SPDX-License-Identifier: Apache-2.0 */
/* conv_2d_single_s8 and conv_2d_fwcs_single_s8: one output a filter that reads one position, as
 * where a fully connected layer is meant. Widening weights for a single use does not pay: sums take
 * them as they are stored. A unit of 4 channels takes 6 instructions, and every 4 units, kept or
 * not, 6 or 7 to find those that are kept. */
#ifndef DTMM_ARMV7EM_CONV_2D_SINGLE_H
#define DTMM_ARMV7EM_CONV_2D_SINGLE_H

#include "conv_2d_finish.h"
#include "conv_2d_layout.h"
#include "conv_2d_stream.h"
#include "conv_2d_widen.h"

/* Adds the kept units, times the input, to the sum; groups of 8 and of 4 channels. */
dtmm_dsp_take_units dtmm_dsp_sum_8, dtmm_dsp_sum_4;
/* The same for units of 4 channels. */
dtmm_dsp_take_units dtmm_dsp_sum_fours;

__asm__(".syntax unified\n"
        ".thumb\n"
        ".macro dtmm_start_sum\n"
        "add r3, r0, r4, lsl #3\n"
        ".endm\n"
        ".macro dtmm_take_half weights\n"
        "sxtb16 r5, \\weights, ror #8\n"
        "sxtb16 \\weights, \\weights\n"
        "ldrd r2, r7, [r3], #8\n"
        "smlad r10, \\weights, r2, r10\n"
        "smlad r10, r5, r7, r10\n"
        ".endm\n"
        ".macro dtmm_take_sum_8\n"
        "dtmm_take_half r4\n"
        "dtmm_take_half r6\n"
        ".endm\n"
        ".macro dtmm_take_sum_4\n"
        "dtmm_take_half r4\n"
        ".endm\n"

        "dtmm_take_units sum, 8\n"
        "dtmm_take_units sum, 4\n"

        /* r0: input, r1: weights, r2: sum. */
        ".macro dtmm_four offset\n"
        "ldr r4, [r1], #4\n"
        "sxtb16 r5, r4, ror #8\n"
        "sxtb16 r4, r4\n"
        "ldrd r6, r7, [r0, #\\offset]\n"
        "smlad r2, r4, r6, r2\n"
        "smlad r2, r5, r7, r2\n"
        ".endm\n"
        /* The units whose bits are set in `bits`. */
        ".macro dtmm_fours bits\n"
        ".if \\bits & 1\n"
        "dtmm_four 0\n"
        ".endif\n"
        ".if \\bits & 2\n"
        "dtmm_four 8\n"
        ".endif\n"
        ".if \\bits & 4\n"
        "dtmm_four 16\n"
        ".endif\n"
        ".if \\bits & 8\n"
        "dtmm_four 24\n"
        ".endif\n"
        "add r0, r0, #32\n"
        "bx lr\n"
        ".endm\n"

        ".pushsection .text.dtmm_dsp_sum_fours, \"axG\", %progbits, dtmm_dsp_sum_fours, comdat\n"
        ".balign 4\n"
        ".weak dtmm_dsp_sum_fours\n"
        ".type dtmm_dsp_sum_fours, %function\n"
        ".thumb_func\n"
        "dtmm_dsp_sum_fours:\n"
        "push {r0, r4-r9, lr}\n"
        "mov r8, r2\n"
        "ldm r0, {r0, r1, r2}\n"
        "1:\n" /* the next byte of the mask */
        "ldrb r9, [r8], #1\n"
        "and r12, r9, #15\n"
        "bl 2f\n"
        "lsr r12, r9, #4\n"
        "bl 2f\n"
        "cmp r8, r3\n"
        "bne 1b\n"
        "ldr r3, [sp]\n"
        "strd r1, r2, [r3, #4]\n"
        "pop {r0, r4-r9, pc}\n"
        "2:\n"
        "tbh [pc, r12, lsl #1]\n"
        "3:\n"
        ".hword (10f - 3b) / 2, (11f - 3b) / 2, (12f - 3b) / 2, (13f - 3b) / 2\n"
        ".hword (14f - 3b) / 2, (15f - 3b) / 2, (16f - 3b) / 2, (17f - 3b) / 2\n"
        ".hword (18f - 3b) / 2, (19f - 3b) / 2, (20f - 3b) / 2, (21f - 3b) / 2\n"
        ".hword (22f - 3b) / 2, (23f - 3b) / 2, (24f - 3b) / 2, (25f - 3b) / 2\n"
        "10: dtmm_fours 0\n"
        "11: dtmm_fours 1\n"
        "12: dtmm_fours 2\n"
        "13: dtmm_fours 3\n"
        "14: dtmm_fours 4\n"
        "15: dtmm_fours 5\n"
        "16: dtmm_fours 6\n"
        "17: dtmm_fours 7\n"
        "18: dtmm_fours 8\n"
        "19: dtmm_fours 9\n"
        "20: dtmm_fours 10\n"
        "21: dtmm_fours 11\n"
        "22: dtmm_fours 12\n"
        "23: dtmm_fours 13\n"
        "24: dtmm_fours 14\n"
        "25: dtmm_fours 15\n"
        ".size dtmm_dsp_sum_fours, . - dtmm_dsp_sum_fours\n"
        ".popsection\n");

/* The whole layer. */
__attribute__((weak, cold)) void dtmm_dsp_conv_2d_single(const struct dtmm_conv_2d *p,
                                                         const void *input, void *output,
                                                         void *scratch)
{
    struct dtmm_dsp_layout l;
    struct dtmm_dsp_writer writer;
    dtmm_dsp_set_layout(p, &l);
    int8_t *wide = scratch, *offsets = wide + l.size, *out = output;
    dtmm_dsp_widen_rows(p, &l, input, 0, 1, wide);
    dtmm_dsp_start_writer(p, &l, (uint16_t *)(void *)offsets, &writer);
    const uint8_t *mask = p->mask;
    int32_t mask_bytes = l.mask_bytes;
    if (!mask) {
        dtmm_dsp_fill_mask(&l, offsets + l.offsets);
        mask = (const uint8_t *)offsets + l.offsets;
        mask_bytes = 0;
    }
    dtmm_dsp_take_units *take = l.group == 8 ? dtmm_dsp_sum_8 : dtmm_dsp_sum_4;
    if (l.a_unit == 4)
        take = dtmm_dsp_sum_fours;
    struct dtmm_dsp_stream stream = {(uint32_t *)(void *)wide, p->weights, 0};
    for (int32_t filter = 0; filter < p->output_channels; filter++, mask += mask_bytes) {
        stream.at = 0;
        take(&stream, &writer, mask, mask + l.mask_bytes);
        *out++ = dtmm_dsp_finish_single(p, filter, stream.at);
    }
}

#endif
