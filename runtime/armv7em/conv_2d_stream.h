/* SPDX-License-Identifier: Apache-2.0 */
/* The kept weights of a filter as a stream of groups, as conv_2d_pixels.h reads it. */
#ifndef DTMM_ARMV7EM_CONV_2D_STREAM_H
#define DTMM_ARMV7EM_CONV_2D_STREAM_H

#include "conv_2d_layout.h"

/* A unit of the mask, or a kernel position: where its first group lies in the widened rows, in
 * units of 8 bytes, and how many groups it has. */
struct dtmm_dsp_unit {
    uint16_t offset, groups;
};

/* A stream being written. */
struct dtmm_dsp_stream {
    uint32_t *end;
    const int8_t *weights; /* the next */
    int32_t at;            /* where the groups so far leave the input pointer */
    int32_t groups;        /* so far */
};

/* By how much a group moves the input pointer. */
static inline int32_t dtmm_dsp_group_step(const struct dtmm_dsp_layout *l)
{
    return l->group == 8 ? 48 : 16;
}

/* n > 0 groups; the first moves the input pointer by `step`, the others by `next_step`. */
static inline void dtmm_dsp_write_8(struct dtmm_dsp_stream *stream, int32_t step, int32_t next_step,
                                    int32_t n)
{
    register int32_t move __asm__("r3") = step;
    __asm__ volatile("1:\n\t"
                     "ldr r4, [%1], #4\n\t"
                     "ldr r6, [%1], #4\n\t"
                     "sxtb16 r5, r4, ror #8\n\t"
                     "sxtb16 r4, r4\n\t"
                     "sxtb16 r8, r6, ror #8\n\t"
                     "sxtb16 r6, r6\n\t"
                     "stm %0!, {r3, r4, r5, r6, r8}\n\t"
                     "subs %2, %2, #1\n\t"
                     "mov %3, %4\n\t"
                     "bne 1b"
                     : "+r"(stream->end), "+r"(stream->weights), "+r"(n), "+r"(move)
                     : "r"(next_step)
                     : "r4", "r5", "r6", "r8", "cc", "memory");
}

static inline void dtmm_dsp_write_4(struct dtmm_dsp_stream *stream, int32_t step, int32_t next_step,
                                    int32_t n)
{
    register int32_t move __asm__("r3") = step;
    __asm__ volatile("1:\n\t"
                     "ldr r4, [%1], #4\n\t"
                     "sxtb16 r5, r4, ror #8\n\t"
                     "sxtb16 r4, r4\n\t"
                     "stm %0!, {r3, r4, r5}\n\t"
                     "subs %2, %2, #1\n\t"
                     "mov %3, %4\n\t"
                     "bne 1b"
                     : "+r"(stream->end), "+r"(stream->weights), "+r"(n), "+r"(move)
                     : "r"(next_step)
                     : "r4", "r5", "cc", "memory");
}

/* The unit's groups; takes their weights. */
static inline void dtmm_dsp_write_unit(const struct dtmm_dsp_layout *l,
                                       struct dtmm_dsp_stream *stream, struct dtmm_dsp_unit unit)
{
    int32_t offset = 8 * unit.offset, n = unit.groups, move = dtmm_dsp_group_step(l);
    if (l->group == 8)
        dtmm_dsp_write_8(stream, offset - stream->at, l->plane_bytes - move, n);
    else
        dtmm_dsp_write_4(stream, offset - stream->at, l->plane_bytes - move, n);
    stream->at = offset + (n - 1) * l->plane_bytes + move;
    stream->groups += n;
}

/* Where tap (y, x) of the kernel as the layout knows it lies in the widened rows. */
static inline int32_t dtmm_dsp_tap_offset(const struct dtmm_conv_2d *p,
                                          const struct dtmm_dsp_layout *l, int32_t y, int32_t x)
{
    y *= p->dilation_h;
    x *= p->dilation_w;
    return y % p->stride_h * l->phase_bytes + y / p->stride_h * l->row_bytes +
           x % p->stride_w * l->column_bytes + x / p->stride_w * l->group_bytes;
}

/* All units of the mask when the layout is plain, else the taps, whole. */
static inline void dtmm_dsp_list_units(const struct dtmm_conv_2d *p,
                                       const struct dtmm_dsp_layout *l, struct dtmm_dsp_unit *unit)
{
    int32_t a_unit = l->planes;
    if (p->mask && l->is_plain && p->block < p->input_channels)
        a_unit = p->block / l->group;
    for (int32_t y = 0; y < p->kernel_h; y++)
        for (int32_t x = 0; x < l->kernel_w; x++) {
            int32_t offset = dtmm_dsp_tap_offset(p, l, y, x);
            for (int32_t plane = 0; plane < l->planes; plane += a_unit, unit++) {
                int32_t groups = dtmm_dsp_smaller(a_unit, l->planes - plane);
                unit->offset = (uint16_t)((offset + plane * l->plane_bytes) / 8);
                unit->groups = (uint16_t)groups;
            }
        }
}

/* A dense filter, or the units whose bits are set. */
static inline void dtmm_dsp_write_plain(const struct dtmm_dsp_layout *l,
                                        const struct dtmm_dsp_unit *units, const uint8_t *mask,
                                        struct dtmm_dsp_stream *stream)
{
    if (!mask) {
        for (int32_t i = 0; i < l->units; i++)
            dtmm_dsp_write_unit(l, stream, units[i]);
        return;
    }
    for (int32_t i = 0; i < l->units; i += 8)
        for (uint32_t bits = *mask++; bits; bits &= bits - 1)
            dtmm_dsp_write_unit(l, stream, units[i + __builtin_ctz(bits)]);
}

/* Sorts the next stored weights of one of the layout's taps into `expanded`, zeros elsewhere; they
 * are `taps` taps of the mask, whose next bit is *bit. */
static inline void dtmm_dsp_expand(const struct dtmm_conv_2d *p, const uint8_t *mask, int32_t taps,
                                   int32_t *bit, const int8_t **weights, int8_t *expanded)
{
    int32_t block = mask ? p->block : p->input_channels;
    for (int32_t tap = 0; tap < taps; tap++, expanded += p->input_channels)
        for (int32_t i = 0; i < p->input_channels; i += block, (*bit)++) {
            int is_kept = !mask || (mask[*bit >> 3] >> (*bit & 7) & 1);
            for (int32_t j = i; j < i + block && j < p->input_channels; j++)
                expanded[j] = is_kept ? *(*weights)++ : 0;
        }
}

/* Any filter: group by group of 4 channels, those of only zeros left out. */
static inline void dtmm_dsp_write_any(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l,
                                      const struct dtmm_dsp_unit *units, const uint8_t *mask,
                                      int8_t *expanded, struct dtmm_dsp_stream *stream)
{
    const int8_t *weights = stream->weights;
    int32_t bit = 0, step = l->plane_bytes / 8;
    for (int32_t i = l->planes * l->group - 4; i < l->planes * l->group; i++)
        expanded[i] = 0;
    for (int32_t tap = 0; tap < l->taps; tap++) {
        dtmm_dsp_expand(p, mask, l->window / p->input_channels, &bit, &weights, expanded);
        struct dtmm_dsp_unit unit = {units[tap].offset, 1};
        for (int32_t i = 0; i < l->window; i += 4, unit.offset = (uint16_t)(unit.offset + step)) {
            const int8_t *group = expanded + i;
            stream->weights = group;
            if (group[0] | group[1] | group[2] | group[3])
                dtmm_dsp_write_unit(l, stream, unit);
        }
    }
    stream->weights = weights;
}

#endif
