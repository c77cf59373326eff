/* SPDX-License-Identifier: Apache-2.0 */
/* What the depthwise convolutions of Helium share.
 *
 * They turn a few rows of 16 channels into words: word c of a column holds channel c's values in
 * four rows, one a byte, and a column is 64 bytes. A gather load of four columns' words then
 * fetches a 4x4 window of one channel, which VMLADAV multiplies by a filter of up to 4x4 weights,
 * laid out the same way, into one sum. */
#ifndef DTMM_MVE_DEPTHWISE_H
#define DTMM_MVE_DEPTHWISE_H

#include "depthwise_rules.h"
#include "requantize.h"

/* Four rows of up to 16 channels; each pointer moves by its step from column to column. */
struct dtmm_mve_rows {
    const int8_t *row[4];
    int32_t step[4];
};

/* The input of a group of channels; rows and columns may be those of the tensor, or turned. */
struct dtmm_mve_image {
    const int8_t *input;           /* of the first channel of the group */
    const int8_t *outside;         /* 16 bytes, the zero point */
    int32_t n_channels;            /* 1 .. 16 */
    int32_t n_rows, n_columns;     /* of the image */
    int32_t row_step, column_step; /* in bytes */
    int32_t dilation;              /* of rows */
};

/* Rows y, y + dilation, ... (n_rows of them, the others are outside) and n_columns columns from x.
 */
struct dtmm_mve_view {
    int32_t y, x, n_rows, n_columns;
};

/* Writes `n` columns of words to `to`, 64 bytes each, and returns its end. */
int8_t *dtmm_mve_interleave(const struct dtmm_mve_rows *rows, int32_t n_channels, int8_t *to,
                            int32_t n);
__attribute__((weak, noinline)) int8_t *
dtmm_mve_interleave(const struct dtmm_mve_rows *rows, int32_t n_channels, int8_t *to, int32_t n)
{
    const int8_t *r0, *r1, *r2;
    int32_t s0, s1, s2;
    if (n <= 0)
        return to;
    /* n and n_channels become the last row and its step */
    __asm__ volatile("   vctp.8 %[s3]\n"
                     "   dls lr, %[r3]\n"
                     "   ldrd %[r0], %[r1], [%[rows], #0]\n"
                     "   ldrd %[r2], %[r3], [%[rows], #8]\n"
                     "   ldrd %[s0], %[s1], [%[rows], #16]\n"
                     "   ldrd %[s2], %[s3], [%[rows], #24]\n"
                     "1: vpstttt\n"
                     "   vldrbt.u8 q0, [%[r0]]\n"
                     "   vldrbt.u8 q1, [%[r1]]\n"
                     "   vldrbt.u8 q2, [%[r2]]\n"
                     "   vldrbt.u8 q3, [%[r3]]\n"
                     "   add %[r0], %[r0], %[s0]\n"
                     "   add %[r1], %[r1], %[s1]\n"
                     "   vst40.8 {q0, q1, q2, q3}, [%[to]]\n"
                     "   vst41.8 {q0, q1, q2, q3}, [%[to]]\n"
                     "   add %[r2], %[r2], %[s2]\n"
                     "   add %[r3], %[r3], %[s3]\n"
                     "   vst42.8 {q0, q1, q2, q3}, [%[to]]\n"
                     "   vst43.8 {q0, q1, q2, q3}, [%[to]]!\n"
                     "   le lr, 1b\n"
                     : [to] "+r"(to), [r0] "=&r"(r0), [r1] "=&r"(r1), [r2] "=&r"(r2), [r3] "+r"(n),
                       [s0] "=&r"(s0), [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "+r"(n_channels)
                     : [rows] "r"(rows)
                     : "q0", "q1", "q2", "q3", "lr", "memory");
    return to;
}

/* Writes `n` columns of words that hold `value` to `to` and returns their end. */
int8_t *dtmm_mve_fill(int8_t value, int8_t *to, int32_t n);
__attribute__((weak, noinline)) int8_t *dtmm_mve_fill(int8_t value, int8_t *to, int32_t n)
{
    int8x16_t values = vdupq_n_s8(value);
    for (; n > 0; n--, to += 64) {
        vst1q_s8(to, values);
        vst1q_s8(to + 16, values);
        vst1q_s8(to + 32, values);
        vst1q_s8(to + 48, values);
    }
    return to;
}

/* Columns of words for a view of the input; what lies outside of the image is the zero point. */
int8_t *dtmm_mve_window(const struct dtmm_mve_image *image, struct dtmm_mve_view view, int8_t *to);
__attribute__((weak, noinline)) int8_t *dtmm_mve_window(const struct dtmm_mve_image *image,
                                                        struct dtmm_mve_view view, int8_t *to)
{
    int32_t x = view.x, y = view.y, end = x + view.n_columns, step = image->column_step;
    int32_t begin = x < 0 ? 0 : x, inside_end = end < image->n_columns ? end : image->n_columns;
    begin = begin < end ? begin : end;
    inside_end = inside_end > begin ? inside_end : begin;
    struct dtmm_mve_rows rows;
    const int8_t *in = image->input + y * image->row_step + begin * step;
    for (int i = 0; i < 4; i++, y += image->dilation, in += image->dilation * image->row_step) {
        int is_inside = i < view.n_rows && (uint32_t)y < (uint32_t)image->n_rows;
        rows.row[i] = is_inside ? in : image->outside;
        rows.step[i] = is_inside ? step : 0;
    }
    int8_t zero_point = *image->outside;
    to = dtmm_mve_fill(zero_point, to, begin - x);
    to = dtmm_mve_interleave(&rows, image->n_channels, to, inside_end - begin);
    return dtmm_mve_fill(zero_point, to, end - inside_end);
}

/* What the fast form of requantization reads for a channel; zero_point is shifted left by -shift.
 */
struct dtmm_mve_fast {
    int32_t bias, multiplier, shift, zero_point;
};

/* Notes that of the output channels o .. o + n - 1, n <= 16. Returns whether all may be requantized
 * the fast way. */
static inline int dtmm_mve_gather_fast(const struct dtmm_depthwise_conv_2d *p, int32_t o, int32_t n,
                                       struct dtmm_mve_fast *to)
{
    int is_fast = dtmm_mve_saturates(p);
    for (int32_t end = o + n; o < end && is_fast; o++, to++) {
        int32_t bias = p->bias[o], shift = p->shift[o];
        is_fast = dtmm_mve_is_fast(1, bias, shift);
        *to = (struct dtmm_mve_fast){bias, p->multiplier[o], shift, -(128 << (-shift & 31))};
    }
    return is_fast;
}

/* What the exact form of requantization reads, by these offsets. */
struct dtmm_mve_exact {
    int32_t left, multiplier; /* 0, 4 */
    int32_t rounds, right;    /* 8, 12; whether right is not 0; right <= 0 */
    int32_t zero_point, low;  /* 16, 20 */
    int32_t high;             /* 24 */
};

static inline void dtmm_mve_set_exact(struct dtmm_mve_exact *exact, int32_t multiplier,
                                      int32_t shift)
{
    exact->left = shift > 0 ? shift : 0;
    exact->right = shift < 0 ? shift : 0;
    exact->rounds = shift < 0;
    exact->multiplier = multiplier;
}

/* Requantizes x and leaves an output in the low byte of each. The fast form adds the bias, the
 * exact one expects it in x and overwrites a0 .. a3 and t. */
#define DTMM_MVE_REQUANTIZE_FAST                                                                   \
    "   vadd.i32 %q[x], %q[x], %[bias]\n"                                                          \
    "   vqrdmlash.s32 %q[x], %q[multiplier], %[zero_point]\n"                                      \
    "   vrshl.s32 %q[x], %[shift]\n"                                                               \
    "   vqmovnb.s32 %q[x], %q[x]\n"                                                                \
    "   vqmovnb.s16 %q[x], %q[x]\n"
#define DTMM_MVE_REQUANTIZE_EXACT                                                                  \
    "   ldrd %[a0], %[a1], [%[exact], #0]\n"                                                       \
    "   ldrd %[a2], %[a3], [%[exact], #8]\n"                                                       \
    "   vshl.s32 %q[x], %[a0]\n"                                                                   \
    "   vqrdmulh.s32 %q[x], %q[x], %[a1]\n"                                                        \
    "   vshr.s32 %q[t], %q[x], #31\n"                                                              \
    "   vmla.s32 %q[x], %q[t], %[a2]\n"                                                            \
    "   vrshl.s32 %q[x], %[a3]\n"                                                                  \
    "   ldrd %[a0], %[a1], [%[exact], #16]\n"                                                      \
    "   ldr %[a2], [%[exact], #24]\n"                                                              \
    "   vadd.i32 %q[x], %q[x], %[a0]\n"                                                            \
    "   vdup.32 %q[t], %[a1]\n"                                                                    \
    "   vmax.s32 %q[x], %q[x], %q[t]\n"                                                            \
    "   vdup.32 %q[t], %[a2]\n"                                                                    \
    "   vmin.s32 %q[x], %q[x], %q[t]\n"

#endif
