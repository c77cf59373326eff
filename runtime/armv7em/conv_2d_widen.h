/* SPDX-License-Identifier: Apache-2.0 */
/* The input rows of one pass in scratch memory, as conv_2d_layout.h describes. */
#ifndef DTMM_ARMV7EM_CONV_2D_WIDEN_H
#define DTMM_ARMV7EM_CONV_2D_WIDEN_H

#include "../requantize.h"
#include "conv_2d_layout.h"

/* One phase of one row: column i starts at byte `first + i * step` of the input row. */
struct dtmm_dsp_line {
    const int8_t *row;
    int32_t bytes; /* of the input row */
    int32_t room; /* that may be read: the row, and where positions are not gathered what follows */
    int32_t first, step;
    int32_t before, until; /* columns until the first, and behind the last inside the row */
    int32_t columns;
    int32_t group;    /* channels */
    uint32_t padding; /* twice the zero point, twice */
};

/* n groups of padding. */
static inline uint32_t *dtmm_dsp_pad(uint32_t *to, const struct dtmm_dsp_line *line, int32_t n)
{
    for (n *= line->group / 4; n > 0; n--) {
        to[0] = to[1] = line->padding;
        to += 2;
    }
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

/* A group at byte `at` that may lie partly outside the row. */
static __attribute__((noinline, cold)) uint32_t *
dtmm_dsp_widen_edge(uint32_t *to, const struct dtmm_dsp_line *line, int32_t at)
{
    const uint32_t zero_point = line->padding >> 1 & 0xff;
    for (int32_t i = at; i < at + line->group; i += 4) {
        uint32_t word = 0;
        for (int32_t j = 0; j < 4; j++) {
            int inside = i + j >= 0 && i + j < line->bytes;
            word |= (inside ? (uint8_t)line->row[i + j] : zero_point) << j * 8;
        }
        int8_t bytes[4];
        memcpy(bytes, &word, 4);
        to = dtmm_dsp_widen_4(to, bytes, 0, 1);
    }
    return to;
}

static inline uint32_t *dtmm_dsp_widen(uint32_t *to, const struct dtmm_dsp_line *line, int32_t at,
                                       int32_t n)
{
    if (n <= 0)
        return to;
    return line->group == 8 ? dtmm_dsp_widen_8(to, line->row + at, line->step, n)
                            : dtmm_dsp_widen_4(to, line->row + at, line->step, n);
}

/* The plane whose groups start at byte `first` in column 0. */
static __attribute__((noinline, cold)) void
dtmm_dsp_widen_plane(uint32_t *to, const struct dtmm_dsp_line *line, int32_t first)
{
    int32_t until = line->until;
    to = dtmm_dsp_pad(to, line, line->before);
    int32_t begin = line->before, at = first + begin * line->step;
    for (; begin < until && at < 0; begin++, at += line->step)
        to = dtmm_dsp_widen_edge(to, line, at);
    int32_t end = until;
    while (end > begin && first + (end - 1) * line->step + line->group > line->room)
        end--;
    to = dtmm_dsp_widen(to, line, at, end - begin);
    for (at += (end - begin) * line->step; end < until; end++, at += line->step)
        to = dtmm_dsp_widen_edge(to, line, at);
    dtmm_dsp_pad(to, line, line->columns - until);
}

/* The columns that have a value inside the row: those from `before` until `until`. */
static inline void dtmm_dsp_clip_line(struct dtmm_dsp_line *line, int32_t window)
{
    int32_t behind = line->first + window; /* must be > 0 */
    line->before = behind > 0 ? 0 : -behind / line->step + 1;
    line->before = dtmm_dsp_smaller(line->before, line->columns);
    int32_t rest = line->bytes - line->first; /* must be > 0 */
    line->until = rest > 0 ? (rest - 1) / line->step + 1 : 0;
    line->until = dtmm_dsp_larger(line->before, dtmm_dsp_smaller(line->until, line->columns));
}

/* Input row y (or none: y may lie outside) at `to` in every plane. */
static __attribute__((noinline, cold)) void dtmm_dsp_widen_row(const struct dtmm_conv_2d *p,
                                                               const struct dtmm_dsp_layout *l,
                                                               const int8_t *input, int32_t y,
                                                               int8_t *to)
{
    struct dtmm_dsp_line line = {.bytes = p->input_w * p->input_channels,
                                 .step = p->stride_w * p->input_channels,
                                 .group = l->group};
    int is_outside = y < 0 || y >= p->input_h, is_gathered = l->window != p->input_channels;
    line.row = is_outside ? input : input + y * line.bytes;
    line.room = is_gathered ? line.bytes : (p->input_h - y) * line.bytes;
    line.padding = ((uint32_t)(2 * p->input_zero_point) & 0xffff) * 0x10001;
    for (int32_t phase = 0; phase < l->phases_w; phase++, to += l->column_bytes) {
        int32_t reach = (l->kernel_w - 1) * p->dilation_w - phase;
        line.columns = p->output_w + reach / p->stride_w;
        line.first = (phase - p->pad_left) * p->input_channels;
        line.before = line.until = line.columns;
        if (!is_outside)
            dtmm_dsp_clip_line(&line, l->window);
        for (int32_t plane = 0; plane < l->planes; plane++)
            dtmm_dsp_widen_plane((uint32_t *)(void *)(to + plane * l->plane_bytes), &line,
                                 line.first + plane * l->group);
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
