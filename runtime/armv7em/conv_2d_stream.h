/* SPDX-License-Identifier: Apache-2.0 */
/* The kept weights of a filter as a stream of groups, as conv_2d_pixels.h reads it. */
#ifndef DTMM_ARMV7EM_CONV_2D_STREAM_H
#define DTMM_ARMV7EM_CONV_2D_STREAM_H

#include "../requantize.h"
#include "conv_2d_layout.h"

/* How streams are written; a unit is some whole groups and a tail of fewer channels than a group.
 */
struct dtmm_dsp_writer {
    const uint16_t *offsets; /* of the units in the widened rows, in units of 8 bytes */
    int32_t groups;          /* whole ones of a unit */
    int32_t tail;            /* channels */
    int32_t step;            /* from a group of a unit to the next, in bytes of the input pointer */
    int32_t group_step;      /* by how much a group moves the input pointer itself */
    int32_t unit_step;       /* from a unit's offset to where its last group leaves the pointer */
    uint32_t tail_bits[2];   /* the weights of a tail, in the words of a group */
    const int8_t *weights_end;
};

/* A stream being written. */
struct dtmm_dsp_stream {
    uint32_t *end;
    const int8_t *weights; /* the next */
    int32_t at;            /* where the groups so far leave the input pointer */
};

/* n > 0 groups; the first moves the input pointer by `move`, the others by `step`. */
static inline void dtmm_dsp_write_8(struct dtmm_dsp_stream *stream, int32_t move, int32_t step,
                                    int32_t n)
{
    register int32_t first __asm__("r3") = move;
    __asm__ volatile("1:\n\t"
                     "ldr r4, [%1], #4\n\t"
                     "ldr r6, [%1], #4\n\t"
                     "sxtb16 r5, r4, ror #8\n\t"
                     "sxtb16 r4, r4\n\t"
                     "sxtb16 r8, r6, ror #8\n\t"
                     "sxtb16 r6, r6\n\t"
                     "stm %0!, {r3, r4, r5, r6, r8}\n\t"
                     "subs %2, %2, #1\n\t"
                     "beq 2f\n\t"
                     "mov %3, %4\n"
                     "3:\n\t"
                     "ldr r4, [%1], #4\n\t"
                     "ldr r6, [%1], #4\n\t"
                     "sxtb16 r5, r4, ror #8\n\t"
                     "sxtb16 r4, r4\n\t"
                     "sxtb16 r8, r6, ror #8\n\t"
                     "sxtb16 r6, r6\n\t"
                     "stm %0!, {r3, r4, r5, r6, r8}\n\t"
                     "subs %2, %2, #1\n\t"
                     "bne 3b\n"
                     "2:"
                     : "+r"(stream->end), "+r"(stream->weights), "+r"(n), "+r"(first)
                     : "r"(step)
                     : "r4", "r5", "r6", "r8", "cc", "memory");
}

static inline void dtmm_dsp_write_4(struct dtmm_dsp_stream *stream, int32_t move, int32_t step,
                                    int32_t n)
{
    register int32_t first __asm__("r3") = move;
    __asm__ volatile("1:\n\t"
                     "ldr r4, [%1], #4\n\t"
                     "sxtb16 r5, r4, ror #8\n\t"
                     "sxtb16 r4, r4\n\t"
                     "stm %0!, {r3, r4, r5}\n\t"
                     "subs %2, %2, #1\n\t"
                     "beq 2f\n\t"
                     "mov %3, %4\n"
                     "3:\n\t"
                     "ldr r4, [%1], #4\n\t"
                     "sxtb16 r5, r4, ror #8\n\t"
                     "sxtb16 r4, r4\n\t"
                     "stm %0!, {r3, r4, r5}\n\t"
                     "subs %2, %2, #1\n\t"
                     "bne 3b\n"
                     "2:"
                     : "+r"(stream->end), "+r"(stream->weights), "+r"(n), "+r"(first)
                     : "r"(step)
                     : "r4", "r5", "cc", "memory");
}

/* One group of these weights. */
static inline void dtmm_dsp_write_words(struct dtmm_dsp_stream *stream, int32_t move, int32_t group,
                                        const uint32_t words[2])
{
    uint32_t even, odd;
    *stream->end++ = (uint32_t)move;
    for (int32_t i = 0; i < group / 4; i++) {
        __asm__("sxtb16 %0, %1" : "=r"(even) : "r"(words[i]));
        __asm__("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(words[i]));
        *stream->end++ = even;
        *stream->end++ = odd;
    }
}

/* The tail of a unit. Weights behind it are read too where there are any. */
static inline void dtmm_dsp_write_tail(const struct dtmm_dsp_writer *writer,
                                       struct dtmm_dsp_stream *stream, int32_t move, int32_t group)
{
    uint32_t words[2] = {0, 0};
    if (stream->weights + group <= writer->weights_end)
        memcpy(words, stream->weights, (size_t)group);
    else
        for (int32_t i = 0; i < writer->tail; i++)
            words[i >> 2] |= (uint32_t)(uint8_t)stream->weights[i] << (i & 3) * 8;
    words[0] &= writer->tail_bits[0];
    words[1] &= writer->tail_bits[1];
    dtmm_dsp_write_words(stream, move, group, words);
    stream->weights += writer->tail;
}

/* One unit; `group` is 4 or 8, known when this is compiled. */
static inline void dtmm_dsp_write_unit(const struct dtmm_dsp_writer *writer,
                                       struct dtmm_dsp_stream *stream, int32_t offset,
                                       int32_t group)
{
    int32_t move = 8 * offset - stream->at;
    stream->at = 8 * offset + writer->unit_step;
    if (writer->groups && group == 8)
        dtmm_dsp_write_8(stream, move, writer->step, writer->groups);
    else if (writer->groups)
        dtmm_dsp_write_4(stream, move, writer->step, writer->groups);
    if (writer->tail)
        dtmm_dsp_write_tail(writer, stream, writer->groups ? writer->step : move, group);
}

/* The n units of a dense filter. */
static inline void dtmm_dsp_write_dense(const struct dtmm_dsp_writer *writer,
                                        struct dtmm_dsp_stream *stream, int32_t n, int32_t group)
{
    for (int32_t i = 0; i < n; i++)
        dtmm_dsp_write_unit(writer, stream, writer->offsets[i], group);
}

/* The units whose bits are set, in `bytes` of a mask. */
static inline void dtmm_dsp_write_kept(const struct dtmm_dsp_writer *writer,
                                       struct dtmm_dsp_stream *stream, const uint8_t *mask,
                                       int32_t bytes, int32_t group)
{
    const uint16_t *offsets = writer->offsets;
    for (int32_t i = 0; i < bytes; i++, offsets += 8)
        for (uint32_t bits = mask[i]; bits; bits &= bits - 1)
            dtmm_dsp_write_unit(writer, stream, offsets[__builtin_ctz(bits)], group);
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

/* Weights stored of all filters, whose units are alike. */
static inline int32_t dtmm_dsp_stored(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l)
{
    if (!p->mask)
        return p->output_channels * l->units * l->a_unit;
    int32_t kept = 0;
    for (int32_t i = 0; i < p->output_channels * l->mask_bytes; i++)
        for (uint32_t bits = p->mask[i]; bits; bits &= bits - 1)
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

/* Sorts the next stored weights of one of the layout's taps into `expanded`, zeros elsewhere; they
 * are `taps` taps of the mask, whose next bit is *bit. */
static inline void dtmm_dsp_expand(const struct dtmm_conv_2d *p, const uint8_t *mask, int32_t taps,
                                   int32_t *bit, const int8_t **weights, int8_t *expanded)
{
    for (int32_t tap = 0; tap < taps; tap++, expanded += p->input_channels)
        for (int32_t i = 0; i < p->input_channels; i += p->block, (*bit)++) {
            int is_kept = mask[*bit >> 3] >> (*bit & 7) & 1;
            for (int32_t j = i; j < i + p->block && j < p->input_channels; j++)
                expanded[j] = is_kept ? *(*weights)++ : 0;
        }
}

/* A filter of any units: group by group of 4 channels, those of only zeros left out. */
static inline void dtmm_dsp_write_any(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l,
                                      const struct dtmm_dsp_writer *writer, const uint8_t *mask,
                                      int8_t *expanded, struct dtmm_dsp_stream *stream)
{
    int32_t bit = 0;
    memset(expanded, 0, (size_t)l->expanded);
    for (int32_t tap = 0; tap < l->taps; tap++) {
        dtmm_dsp_expand(p, mask, l->window / p->input_channels, &bit, &stream->weights, expanded);
        int32_t offset = 8 * writer->offsets[tap];
        for (int32_t i = 0; i < l->expanded; i += 4, offset += l->plane_bytes) {
            uint32_t words[2] = {0, 0};
            memcpy(words, expanded + i, 4);
            if (words[0] == 0)
                continue;
            dtmm_dsp_write_words(stream, offset - stream->at, 4, words);
            stream->at = offset + writer->group_step;
        }
    }
}

/* One filter; `mask` is null when it is dense. Returns its number of groups. */
static inline int32_t dtmm_dsp_write_filter(const struct dtmm_conv_2d *p,
                                            const struct dtmm_dsp_layout *l,
                                            const struct dtmm_dsp_writer *writer,
                                            const uint8_t *mask, int8_t *expanded,
                                            struct dtmm_dsp_stream *stream)
{
    const uint32_t *start = stream->end;
    stream->at = 0;
    if (!l->a_unit)
        dtmm_dsp_write_any(p, l, writer, mask, expanded, stream);
    else if (!mask && l->group == 8)
        dtmm_dsp_write_dense(writer, stream, l->units, 8);
    else if (!mask)
        dtmm_dsp_write_dense(writer, stream, l->units, 4);
    else if (l->group == 8)
        dtmm_dsp_write_kept(writer, stream, mask, l->mask_bytes, 8);
    else
        dtmm_dsp_write_kept(writer, stream, mask, l->mask_bytes, 4);
    return (int32_t)(stream->end - start) / (l->group / 2 + 1);
}

#endif
