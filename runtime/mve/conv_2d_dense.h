/* SPDX-License-Identifier: Apache-2.0 */
/* Dense convolution: 4 output pixels x 2 filters at a time: each vector of 16 inputs meets two of
 * weights, and each vector of weights four of inputs. The inputs under a filter are first laid out
 * as a column, vectors of the 4 pixels in turn; where a filter's length is not a multiple of 16, it
 * is the first vector that is incomplete, at its low end. */
#ifndef DTMM_MVE_CONV_2D_DENSE_H
#define DTMM_MVE_CONV_2D_DENSE_H

#include "conv_2d.h"

/* The constants of two filters, in scratch memory. */
struct pair {
    int32_t bias_0, multiplier_0, shift_0, bias_1, multiplier_1, shift_1;
};

/* The work of `convolve_pairs`, by these offsets. */
struct pairs {
    const int8_t *columns;
    int32_t
        n_vectors;    /* 4; after the first: their number in pairs, rounded up, twice, + 1 if odd */
    int32_t rounding; /* 8; enum dtmm_mve_rounding */
    int8_t *output;   /* 12; of the first pixel and filter */
    const struct pair *end;   /* 16 */
    const struct pair *first; /* 20 */
    const int8_t *weights_0;  /* 24; less what the first vector lacks */
    const int8_t *weights_1;  /* 28 */
    int32_t advance;          /* 32; from the end of a filter to where the next but one begins */
    int32_t n_lacking;        /* 36; weights that the first vector lacks */
    int32_t zero_point, low;  /* 40, 44 */
    int32_t high;             /* 48 */
    uint16_t offsets[8];      /* 52; of the outputs: two filters of each pixel in turn */
};

/* clang-format off */

#define LOAD_AND_MULTIPLY(multiply)   \
    "   vldrb.u8 q2, [r1], #16\n"     \
    "   " multiply " r0, q0, q2\n"    \
    "   vldrb.u8 q3, [r1], #16\n"     \
    "   " multiply " r8, q1, q2\n"    \
    "   vldrb.u8 q2, [r1], #16\n"     \
    "   " multiply " r2, q0, q3\n"    \
    "   " multiply " r10, q1, q3\n"   \
    "   vldrb.u8 q3, [r1], #16\n"     \
    "   " multiply " r4, q0, q2\n"    \
    "   " multiply " r12, q1, q2\n"   \
    "   " multiply " r6, q0, q3\n"    \
    "   " multiply " lr, q1, q3\n"
#define VECTOR                        \
    "   vldrb.u8 q0, [r3], #16\n"     \
    "   vldrb.u8 q1, [r5], #16\n"     \
    LOAD_AND_MULTIPLY("vmladava.s8")
/* From the sums to the next pair. */
#define FINISH(scale)                        \
    "   vmov q0[2], q0[0], r0, r4\n"         \
    "   vmov q0[3], q0[1], r2, r6\n"         \
    "   vmov q1[2], q1[0], r8, r12\n"        \
    "   vmov q1[3], q1[1], r10, lr\n"        \
    "   ldm r9!, {r1, r2, r4, r6, r7, r8}\n" \
    scale("q0", "r1", "r2", "r4")            \
    scale("q1", "r6", "r7", "r8")            \
    DTMM_MVE_NARROW                          \
    "   ldrd r0, r1, [sp, #12]\n"            \
    "   vstrb.16 q0, [r0, q4]\n"             \
    "   add r0, r0, #2\n"                    \
    "   str r0, [sp, #12]\n"                 \
    "   add r3, r3, r11\n"                   \
    "   add r5, r5, r11\n"                   \
    "   cmp r9, r1\n"                        \
    "   bne 1b\n"

/* All outputs of 4 pixels for the filters of the pairs. r0, r2, r4, r6 hold the first filter's
 * sums, r8, r10, r12, lr the second's; r1 walks the columns, r3 and r5 the weights, r9 the
 * constants; r11 is `advance`. */
__attribute__((naked)) static void convolve_pairs(const struct pairs *pairs __attribute__((unused)))
{
    __asm__ volatile(
        "   push {r4-r11, lr}\n"
        "   vpush {d8-d15}\n"
        "   ldrd r1, r2, [r0, #40]\n"
        "   vdup.16 q5, r1\n"
        "   ldr r1, [r0, #48]\n"
        "   vdup.16 q6, r2\n"
        "   vdup.16 q7, r1\n"
        "   ldrd r11, r1, [r0, #32]\n"
        "   vctp.8 r1\n"
        "   vpnot\n"
        "   ldrd r3, r5, [r0, #24]\n"
        "   ldr r9, [r0, #20]\n"
        "   vldrh.u16 q4, [r0, #52]\n"
        "   ldm r0, {r0, r1, r2, r4, r6}\n"
        "   adr.w r7, 5f\n"
        "   cmp r2, #1\n"
        "   it eq\n"
        "   adreq.w r7, 6f\n"
        "   it hi\n"
        "   adrhi.w r7, 7f\n"
        "   orr r2, r7, #1\n"
        "   push {r0, r1, r2, r4, r6}\n"
        "1: ldrd r1, r7, [sp]\n"
        "   vpstt\n"
        "   vldrbt.u8 q0, [r3], #16\n"
        "   vldrbt.u8 q1, [r5], #16\n"
        LOAD_AND_MULTIPLY("vmladav.s8")
        "   lsrs r7, r7, #1\n"
        "   bcs 3f\n"
        "   beq 4f\n"
        "2:\n"
        VECTOR
        "3:\n"
        VECTOR
        "   subs r7, r7, #1\n"
        "   bne 2b\n"
        "4: ldr pc, [sp, #8]\n");
    __asm__ volatile(
        "   .p2align 2\n"
        "5:\n"
        FINISH(DTMM_MVE_SCALE_RELU)
        "   b 8f\n"
        "   .p2align 2\n"
        "6:\n"
        FINISH(DTMM_MVE_SCALE_DOWN)
        "   b 8f\n"
        "   .p2align 2\n"
        "7:\n"
        FINISH(DTMM_MVE_SCALE_ANY)
        "8: add sp, sp, #20\n"
        "   vpop {d8-d15}\n"
        "   pop {r4-r11, pc}\n");
}

/* clang-format on */

/* Of 16 elements of a column, from element `at` on; from the vector that has the first. */
static inline uint8x16_t element_offsets(int32_t at)
{
    uint8x16_t element = vidupq_n_u8((uint32_t)at & 15, 1);
    return vmlaq_n_u8(element, vshrq_n_u8(element, 4), 48);
}

/* Copies n contiguous inputs to a column from its element `at`. */
static inline void copy_run(int8_t *column, int32_t at, const int8_t *from, int32_t n)
{
    uint8x16_t offset = element_offsets(at);
    column += (at >> 4) * 64;
    __asm__ volatile("   wlstp.8 lr, %[n], 2f\n"
                     "1: vldrb.u8 q0, [%[from]], #16\n"
                     "   vstrb.8 q0, [%[column], %q[offset]]\n"
                     "   add %[column], %[column], #64\n"
                     "   letp lr, 1b\n"
                     "2:\n"
                     : [from] "+r"(from), [column] "+r"(column)
                     : [n] "r"(n), [offset] "w"(offset)
                     : "q0", "lr", "memory");
}

/* How columns are laid out. */
struct layout {
    const int8_t *input;
    int32_t run, row_step; /* bytes of a row of taps, and from one to the next in the input */
    int32_t lacking;       /* elements of a column before its first */
    int32_t last_x;        /* last place of a row of neighboring taps inside the input; or -1 */
    int is_whole, is_short;
    const int32_t *row_at;       /* in short runs: where a row of taps begins, in vectors, */
    const uint8_t *row_elements; /* and the offsets of its elements from there */
};

static __attribute__((noinline, cold)) void set_layout(const struct dtmm_conv_2d *p,
                                                       struct layout *layout, void *memory)
{
    int32_t channels = p->input_channels, run = p->kernel_w * channels;
    int32_t *at = memory;
    uint8_t *elements = (uint8_t *)(at + p->kernel_h);
    layout->run = run;
    layout->row_step = p->dilation_h * p->input_w * channels;
    layout->lacking = dtmm_mve_conv_vectors(p) * 16 - p->kernel_h * run;
    layout->last_x = p->dilation_w == 1 || p->kernel_w == 1 ? p->input_w - p->kernel_w : -1;
    layout->is_whole = run % 16 == 0;
    layout->is_short = run < 16;
    layout->row_at = at;
    layout->row_elements = elements;
    if (layout->is_short)
        for (int32_t ky = 0, first = layout->lacking; ky < p->kernel_h; ky++, first += run) {
            *at++ = (first >> 4) * 64;
            vstrbq_u8(elements, element_offsets(first));
            elements += 16;
        }
}

/* Lays out a column all of whose taps lie inside the input, from `from` on, side by side in each
 * row. */
static inline void lay_out_inside(const struct dtmm_conv_2d *p, const struct layout *layout,
                                  const int8_t *from, int8_t *column)
{
    if (layout->is_whole) {
        int32_t n_rows = p->kernel_h;
        const int8_t *at;
        __asm__ volatile(
            "1: dls lr, %[n]\n"
            "   mov %[at], %[from]\n"
            "2: vldrb.u8 q0, [%[at]], #16\n"
            "   vstrb.8 q0, [%[column]], #64\n"
            "   le lr, 2b\n"
            "   add %[from], %[from], %[step]\n"
            "   subs %[rows], %[rows], #1\n"
            "   bne 1b\n"
            : [at] "=&r"(at), [from] "+r"(from), [column] "+r"(column), [rows] "+r"(n_rows)
            : [n] "r"(layout->run >> 4), [step] "r"(layout->row_step)
            : "q0", "lr", "cc", "memory");
    } else if (layout->is_short) {
        const int32_t *row_at = layout->row_at;
        const uint8_t *elements = layout->row_elements;
        int8_t *to;
        __asm__ volatile(
            "   vctp.8 %[n]\n"
            "   dls lr, %[rows]\n"
            "1: vldrb.u8 q1, [%[elements]], #16\n"
            "   ldr %[to], [%[at]], #4\n"
            "   add %[to], %[to], %[column]\n"
            "   vpstt\n"
            "   vldrbt.u8 q0, [%[from]]\n"
            "   vstrbt.8 q0, [%[to], q1]\n"
            "   add %[from], %[from], %[step]\n"
            "   le lr, 1b\n"
            : [to] "=&r"(to), [at] "+r"(row_at), [elements] "+r"(elements), [from] "+r"(from)
            : [n] "r"(layout->run), [rows] "r"(p->kernel_h), [column] "r"(column),
              [step] "r"(layout->row_step)
            : "q0", "q1", "lr", "memory");
    } else {
        int32_t at = layout->lacking;
        for (int32_t ky = 0; ky < p->kernel_h; ky++, from += layout->row_step, at += layout->run)
            copy_run(column, at, from, layout->run);
    }
}

static inline void set_pair(const struct dtmm_conv_2d *p, struct pair *pair, int32_t o_0,
                            int32_t o_1)
{
    *pair = (struct pair){p->bias[o_0], p->multiplier[o_0], p->shift[o_0],
                          p->bias[o_1], p->multiplier[o_1], p->shift[o_1]};
}

/* The constants of pairs of neighbors and, where the number of filters is odd, of the last two. */
static __attribute__((noinline, cold)) void set_constants(const struct dtmm_conv_2d *p,
                                                          struct pair *pair)
{
    int32_t n = p->output_channels;
    for (int32_t o = 0; o + 1 < n; o += 2)
        set_pair(p, pair++, o, o + 1);
    if (n & 1)
        set_pair(p, pair, n > 1 ? n - 2 : 0, n - 1);
}

static inline void set_pairs(const struct dtmm_conv_2d *p, struct pairs *pairs)
{
    int32_t length = p->kernel_h * p->kernel_w * p->input_channels;
    int32_t n_vectors = dtmm_mve_conv_vectors(p);
    pairs->n_vectors = n_vectors / 2 * 2 + !(n_vectors & 1);
    pairs->rounding = dtmm_mve_rounding(p);
    pairs->n_lacking = n_vectors * 16 - length;
    pairs->advance = length - pairs->n_lacking;
    pairs->zero_point = p->output_zero_point;
    pairs->low = p->output_min;
    pairs->high = p->output_max;
}

/* Of the outputs of two filters for n pixels, 1 .. 4; what follows them is what the last has. */
static inline void set_offsets(const struct dtmm_conv_2d *p, struct pairs *pairs, int32_t n)
{
    int32_t filters = p->output_channels;
    for (int32_t i = 0; i < 4; i++) {
        int32_t offset = (i < n ? i : n - 1) * filters;
        pairs->offsets[2 * i] = (uint16_t)offset;
        pairs->offsets[2 * i + 1] = (uint16_t)(offset + (filters > 1));
    }
}

/* Makes the columns that follow the first n copies of the last of these. */
static __attribute__((noinline, cold)) void repeat_column(int8_t *columns, int32_t n_vectors,
                                                          int32_t n)
{
    for (int32_t i = 0; i < n_vectors; i++, columns += 64)
        for (int32_t j = n; j < 4; j++)
            memcpy(columns + 16 * j, columns + 16 * (n - 1), 16);
}

/* The outputs of the pixels whose columns are laid out. */
static inline void convolve_pixels(const struct dtmm_conv_2d *p, struct pairs *pairs,
                                   const struct pair *first, int8_t *output)
{
    int32_t length = p->kernel_h * p->kernel_w * p->input_channels, filters = p->output_channels;
    const int8_t *weights = p->weights - pairs->n_lacking;
    if (filters > 1) {
        pairs->weights_0 = weights;
        pairs->weights_1 = weights + length;
        pairs->output = output;
        pairs->first = first;
        pairs->end = first + filters / 2;
        convolve_pairs(pairs);
    }
    if (filters & 1) {
        int32_t last = filters - 1, other = filters > 1 ? last - 1 : last;
        pairs->weights_0 = weights + other * length;
        pairs->weights_1 = weights + last * length;
        pairs->output = output + other;
        pairs->first = first + filters / 2;
        pairs->end = pairs->first + 1;
        convolve_pairs(pairs);
    }
}

#endif
