/* SPDX-License-Identifier: Apache-2.0 */
/* The input rows of one pass in scratch memory, as conv_2d_layout.h describes. */
#ifndef DTMM_ARMV7EM_CONV_2D_WIDEN_H
#define DTMM_ARMV7EM_CONV_2D_WIDEN_H

#include "conv_2d_layout.h"

/* One phase of one row: column i holds the group at byte `first + i * step` of the input row. */
struct dtmm_dsp_line {
    const int8_t *row;
    int32_t bytes; /* of the input row */
    int32_t group; /* channels */
    int32_t first, step, columns;
};

static inline uint32_t *dtmm_dsp_fill(uint32_t *to, uint32_t value, int32_t n)
{
    for (; n > 0; n--)
        *to++ = value;
    return to;
}

static inline void dtmm_dsp_move(uint32_t *to, const uint32_t *from, int32_t bytes)
{
    for (; bytes >= 32; bytes -= 32)
        __asm__ volatile("ldm %1!, {r2-r6, r8, r10, r12}\n\t"
                         "stm %0!, {r2-r6, r8, r10, r12}"
                         : "+r"(to), "+r"(from)
                         :
                         : "r2", "r3", "r4", "r5", "r6", "r8", "r10", "r12", "memory");
    for (; bytes > 0; bytes -= 4)
        *to++ = *from++;
}

/* n > 0 groups. */
static inline uint32_t *dtmm_dsp_widen_8(uint32_t *to, const int8_t *from, int32_t step, int32_t n)
{
    __asm__ volatile("1:\n\t"
                     "ldr r4, [%1]\n\t"
                     "ldr r6, [%1, #4]\n\t"
                     "add %1, %1, %3\n\t"
                     "sxtb16 r5, r4, ror #8\n\t"
                     "sxtb16 r4, r4\n\t"
                     "sxtb16 r8, r6, ror #8\n\t"
                     "sxtb16 r6, r6\n\t"
                     "sadd16 r5, r5, r5\n\t"
                     "sadd16 r4, r4, r4\n\t"
                     "sadd16 r8, r8, r8\n\t"
                     "sadd16 r6, r6, r6\n\t"
                     "stm %0!, {r4, r5, r6, r8}\n\t"
                     "subs %2, %2, #1\n\t"
                     "bne 1b"
                     : "+r"(to), "+r"(from), "+r"(n)
                     : "r"(step)
                     : "r4", "r5", "r6", "r8", "cc", "memory");
    return to;
}

static inline uint32_t *dtmm_dsp_widen_4(uint32_t *to, const int8_t *from, int32_t step, int32_t n)
{
    __asm__ volatile("1:\n\t"
                     "ldr r4, [%1]\n\t"
                     "add %1, %1, %3\n\t"
                     "sxtb16 r5, r4, ror #8\n\t"
                     "sxtb16 r4, r4\n\t"
                     "sadd16 r5, r5, r5\n\t"
                     "sadd16 r4, r4, r4\n\t"
                     "stm %0!, {r4, r5}\n\t"
                     "subs %2, %2, #1\n\t"
                     "bne 1b"
                     : "+r"(to), "+r"(from), "+r"(n)
                     : "r"(step)
                     : "r4", "r5", "cc", "memory");
    return to;
}

/* n columns from byte `at` on whose groups lie partly or wholly outside the row. */
static inline uint32_t *dtmm_dsp_widen_edge(uint32_t *to, const struct dtmm_dsp_line *line,
                                            int32_t at, int32_t n, int32_t zero_point)
{
    for (; n > 0; n--, at += line->step)
        for (int32_t i = at; i < at + line->group; i += 4) {
            uint32_t twice[4];
            for (int32_t j = 0; j < 4; j++) {
                int inside = i + j >= 0 && i + j < line->bytes;
                twice[j] = (uint32_t)(2 * (inside ? line->row[i + j] : zero_point));
            }
            *to++ = (twice[0] & 0xffff) | twice[2] << 16;
            *to++ = (twice[1] & 0xffff) | twice[3] << 16;
        }
    return to;
}

/* The plane whose groups start at byte `first` in column 0. */
static inline void dtmm_dsp_widen_plane(uint32_t *to, const struct dtmm_dsp_line *line,
                                        int32_t first, int32_t zero_point)
{
    int32_t before = first < 0 ? (line->step - 1 - first) / line->step : 0;
    before = dtmm_dsp_smaller(before, line->columns);
    int32_t room = line->bytes - line->group - first;
    int32_t until = room < 0 ? 0 : room / line->step + 1;
    until = dtmm_dsp_larger(before, dtmm_dsp_smaller(until, line->columns));
    to = dtmm_dsp_widen_edge(to, line, first, before, zero_point);
    const int8_t *from = line->row + (first + before * line->step);
    if (until > before)
        to = line->group == 8 ? dtmm_dsp_widen_8(to, from, line->step, until - before)
                              : dtmm_dsp_widen_4(to, from, line->step, until - before);
    dtmm_dsp_widen_edge(to, line, first + until * line->step, line->columns - until, zero_point);
}

/* Input row y (or none: y may lie outside) at `to` in every plane. */
static inline void dtmm_dsp_widen_row(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l,
                                      const int8_t *input, int32_t y, int8_t *to)
{
    struct dtmm_dsp_line line = {.bytes = p->input_w * p->input_channels,
                                 .step = p->stride_w * p->input_channels,
                                 .group = l->group};
    line.row = input + y * line.bytes;
    int is_outside = y < 0 || y >= p->input_h;
    uint32_t padding = (uint32_t)(2 * p->input_zero_point) & 0xffff;
    for (int32_t phase = 0; phase < l->phases_w; phase++, to += l->column_bytes) {
        int32_t reach = (l->kernel_w - 1) * p->dilation_w - phase;
        line.columns = p->output_w + reach / p->stride_w;
        for (int32_t plane = 0; plane < l->planes; plane++) {
            uint32_t *groups = (uint32_t *)(void *)(to + plane * l->plane_bytes);
            int32_t first = (phase - p->pad_left) * p->input_channels + plane * l->group;
            if (is_outside)
                dtmm_dsp_fill(groups, padding | padding << 16, line.columns * l->group / 2);
            else
                dtmm_dsp_widen_plane(groups, &line, first, p->input_zero_point);
        }
    }
}

/* The rows that output rows y .. y + n - 1 read; y - l->rows was the pass before, if y > 0. */
static inline void dtmm_dsp_widen_rows(const struct dtmm_conv_2d *p,
                                       const struct dtmm_dsp_layout *l, const int8_t *input,
                                       int32_t y, int32_t n, int8_t *to)
{
    for (int32_t phase = 0; phase < l->phases_h; phase++, to += l->phase_bytes) {
        int32_t more = ((p->kernel_h - 1) * p->dilation_h - phase) / p->stride_h;
        int32_t kept = y > 0 ? more : 0;
        for (int32_t plane = 0; plane < l->planes && kept > 0; plane++) {
            int8_t *rows = to + plane * l->plane_bytes;
            dtmm_dsp_move((uint32_t *)(void *)rows,
                          (const uint32_t *)(const void *)(rows + l->rows * l->row_bytes),
                          kept * l->row_bytes);
        }
        for (int32_t row = kept; row < n + more; row++)
            dtmm_dsp_widen_row(p, l, input, (y + row) * p->stride_h + phase - p->pad_top,
                               to + row * l->row_bytes);
    }
}

#endif
