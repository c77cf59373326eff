/* SPDX-License-Identifier: Apache-2.0 */
/* The kept weights of a filter as a stream of groups, as conv_2d_pixels.h reads it. */
#ifndef DTMM_ARMV7EM_CONV_2D_STREAM_H
#define DTMM_ARMV7EM_CONV_2D_STREAM_H

#include "../requantize.h"
#include "conv_2d_layout.h"

/* How streams are written; a unit is some whole groups and a tail of fewer channels than a group.
 * The assembly below knows the order of the members. */
struct dtmm_dsp_writer {
    const uint16_t *offsets; /* of the units in the widened rows, in units of 8 bytes */
    int32_t groups;          /* whole ones of a unit */
    int32_t tail;            /* channels */
    int32_t step;            /* from a group of a unit to the next, in bytes of the input pointer */
    int32_t unit_step;       /* from a unit's offset to where its last group leaves the pointer */
    uint32_t tail_bits[2];   /* the weights of a tail, in the words of a group */
    const int8_t *weights_end;
    int32_t group_step; /* by how much a group moves the input pointer itself */
};

/* A stream being written, or where there is but one output, its sum. The assembly below knows the
 * order of the members. */
struct dtmm_dsp_stream {
    uint32_t *end;         /* for a sum: the widened input */
    const int8_t *weights; /* the next */
    int32_t at;            /* where the groups so far leave the input pointer; the sum so far */
};

/* Takes the units whose bits are set in the mask. */
typedef void dtmm_dsp_take_units(struct dtmm_dsp_stream *stream,
                                 const struct dtmm_dsp_writer *writer, const uint8_t *mask,
                                 const uint8_t *mask_end);
/* Writes them to the stream; groups of 8 and of 4 channels. */
dtmm_dsp_take_units dtmm_dsp_write_8, dtmm_dsp_write_4;

/* r0: the stream's end, or input, r1: weights, r2: unit_step, r3-r7: a group, its step first, or
 * the pointer to its input, r8: mask, r9: the bits left of a byte, the first on top, r10: at, or
 * sum, r11: the offsets of the byte's units, lr: step; where a unit is one group, lr: a lone bit,
 * r12: mask_end. On the stack: stream, mask_end, writer. */
__asm__(".syntax unified\n"
        ".thumb\n"
        /* A unit's start: r4 is its offset. */
        ".macro dtmm_start_write\n"
        "rsb r3, r10, r4, lsl #3\n"
        "add r10, r2, r4, lsl #3\n"
        ".endm\n"

        /* The weights of a group. */
        ".macro dtmm_load_8\n"
        "ldr r4, [r1], #4\n"
        "ldr r6, [r1], #4\n"
        ".endm\n"
        ".macro dtmm_load_4\n"
        "ldr r4, [r1], #4\n"
        ".endm\n"

        /* What becomes of them. */
        ".macro dtmm_take_write_8\n"
        "sxtb16 r5, r4, ror #8\n"
        "sxtb16 r4, r4\n"
        "sxtb16 r7, r6, ror #8\n"
        "sxtb16 r6, r6\n"
        "stm r0!, {r3-r7}\n"
        ".endm\n"
        ".macro dtmm_take_write_4\n"
        "sxtb16 r5, r4, ror #8\n"
        "sxtb16 r4, r4\n"
        "stm r0!, {r3-r5}\n"
        ".endm\n"

        ".macro dtmm_take_units what, group\n"
        ".pushsection .text.dtmm_dsp_\\what\\()_\\group, \"axG\", %progbits, "
        "dtmm_dsp_\\what\\()_\\group, comdat\n"
        ".balign 4\n"
        ".weak dtmm_dsp_\\what\\()_\\group\n"
        ".type dtmm_dsp_\\what\\()_\\group, %function\n"
        ".thumb_func\n"
        "dtmm_dsp_\\what\\()_\\group:\n"
        "push {r4-r11, lr}\n"
        "ldm r1, {r4-r11}\n"
        "push {r3-r11}\n"
        "push {r0}\n"
        "mov lr, r7\n"  /* step */
        "mov r11, r4\n" /* offsets */
        "eor r4, r5, #1\n"
        "orrs r4, r4, r6\n" /* zero for units of one group */
        "mov r12, r8\n"     /* unit_step */
        "mov r8, r2\n"
        "mov r2, r12\n"
        "ldm r0, {r0, r1, r10}\n"
        "beq 5f\n"

        "1:\n" /* the next byte */
        "ldrb r9, [r8], #1\n"
        "rbit r9, r9\n"
        "cmp r9, #0\n"
        "beq 4f\n"
        "2:\n" /* the next unit */
        "clz r12, r9\n"
        "ldrh r4, [r11, r12, lsl #1]\n"
        "mov r5, #0x80000000\n"
        "lsr r5, r5, r12\n"
        "bic r9, r9, r5\n"
        "dtmm_start_\\what\n"
        "ldr r12, [sp, #12]\n"
        "cmp r12, #0\n"
        "beq 7f\n"
        "3:\n" /* the next group */
        "dtmm_load_\\group\n"
        "dtmm_take_\\what\\()_\\group\n"
        ".ifc \\what, write\n"
        "mov r3, lr\n"
        ".endif\n"
        "subs r12, r12, #1\n"
        "bne 3b\n"
        "ldr r12, [sp, #16]\n"
        "cmp r12, #0\n"
        "bne 7f\n"
        "9:\n"
        "cmp r9, #0\n"
        "bne 2b\n"
        "4:\n"
        "ldr r12, [sp, #4]\n"
        "add r11, r11, #16\n"
        "cmp r8, r12\n"
        "bne 1b\n"
        "0:\n" /* the end */
        "ldr r12, [sp]\n"
        "stm r12, {r0, r1, r10}\n"
        "add sp, sp, #40\n"
        "pop {r4-r11, pc}\n"

        "5:\n" /* units of one group: the next byte */
        "mov lr, #0x80000000\n"
        "ldr r12, [sp, #4]\n"
        "8:\n"
        "ldrb r5, [r8], #1\n"
        "cbz r5, 6f\n"
        "rbit r9, r5\n"
        "3:\n" /* the next unit */
        "clz r5, r9\n"
        "ldrh r4, [r11, r5, lsl #1]\n"
        "lsr r5, lr, r5\n"
        "bics r9, r9, r5\n"
        "dtmm_start_\\what\n"
        "dtmm_load_\\group\n"
        "dtmm_take_\\what\\()_\\group\n"
        "bne 3b\n"
        "6:\n"
        "add r11, r11, #16\n"
        "cmp r8, r12\n"
        "bne 8b\n"
        "b 0b\n"

        "7:\n" /* the tail: what lies behind it is read where there is something */
        "ldr r12, [sp, #36]\n"
        "add r4, r1, #\\group\n"
        "cmp r4, r12\n"
        "ldr r12, [sp, #16]\n"
        "bhi 3f\n"
        "ldr r4, [r1]\n"
        ".if \\group == 8\n"
        "ldr r6, [r1, #4]\n"
        ".endif\n"
        "2:\n"
        "add r1, r1, r12\n"
        "ldr r12, [sp, #28]\n"
        "and r4, r4, r12\n"
        ".if \\group == 8\n"
        "ldr r12, [sp, #32]\n"
        "and r6, r6, r12\n"
        ".endif\n"
        "dtmm_take_\\what\\()_\\group\n"
        "b 9b\n"
        "3:\n" /* byte by byte, from the last */
        "movs r4, #0\n"
        "movs r6, #0\n"
        "4:\n"
        "sub r12, r12, #1\n"
        "ldrb r5, [r1, r12]\n"
        "lsl r6, r6, #8\n"
        "orr r6, r6, r4, lsr #24\n"
        "orr r4, r5, r4, lsl #8\n"
        "cmp r12, #0\n"
        "bne 4b\n"
        "ldr r12, [sp, #16]\n"
        "b 2b\n"
        ".size dtmm_dsp_\\what\\()_\\group, . - dtmm_dsp_\\what\\()_\\group\n"
        ".popsection\n"
        ".endm\n"

        "dtmm_take_units write, 8\n"
        "dtmm_take_units write, 4\n");

/* Where tap (y, x) of the kernel as the layout knows it lies in the widened rows. */
static inline int32_t dtmm_dsp_tap_offset(const struct dtmm_conv_2d *p,
                                          const struct dtmm_dsp_layout *l, int32_t y, int32_t x)
{
    y *= p->dilation_h;
    x *= p->dilation_w;
    return y % p->stride_h * l->phase_bytes + y / p->stride_h * l->row_bytes +
           x % p->stride_w * l->column_bytes + x / p->stride_w * l->group_bytes;
}

/* Weights stored of all filters, whose units are alike. */
static inline int32_t dtmm_dsp_stored(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l)
{
    if (!p->mask)
        return p->output_channels * l->units * l->a_unit;
    int32_t kept = 0;
    for (int32_t i = 0; i < p->output_channels * l->mask_bytes; i++)
        for (int32_t bits = p->mask[i]; bits; bits &= bits - 1)
            kept++;
    return kept * l->a_unit;
}

/* Sets the writer up; lists the offsets of all units, or of all taps where units are not alike. */
static inline void dtmm_dsp_start_writer(const struct dtmm_conv_2d *p,
                                         const struct dtmm_dsp_layout *l, uint16_t *offsets,
                                         struct dtmm_dsp_writer *writer)
{
    int32_t a_unit = l->a_unit ? l->a_unit : l->window;
    writer->offsets = offsets;
    writer->groups = a_unit / l->group;
    writer->tail = a_unit % l->group;
    int32_t groups = writer->groups + (writer->tail > 0), bits = writer->tail * 8;
    writer->tail_bits[0] = bits < 32 ? (UINT32_C(1) << bits) - 1 : UINT32_MAX;
    writer->tail_bits[1] = bits > 32 ? (UINT32_C(1) << (bits - 32)) - 1 : 0;
    writer->group_step = l->group == 8 ? 48 : 16;
    writer->step = l->plane_bytes - writer->group_step;
    writer->unit_step = (groups - 1) * l->plane_bytes + writer->group_step;
    writer->weights_end = writer->tail ? p->weights + dtmm_dsp_stored(p, l) : 0;
    for (int32_t y = 0; y < p->kernel_h; y++)
        for (int32_t x = 0; x < l->kernel_w; x++) {
            int32_t offset = dtmm_dsp_tap_offset(p, l, y, x);
            for (int32_t plane = 0; plane < l->planes; plane += groups)
                *offsets++ = (uint16_t)((offset + plane * l->plane_bytes) / 8);
        }
}

/* The mask of a dense filter. */
static inline void dtmm_dsp_fill_mask(const struct dtmm_dsp_layout *l, int8_t *mask)
{
    memset(mask, 0xff, (size_t)(l->units >> 3));
    mask[l->units >> 3] = (int8_t)((1 << (l->units & 7)) - 1);
}

#endif
