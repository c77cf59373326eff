/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of filters whose units are not alike, or not whole groups. */
#ifndef DTMM_ARMV7EM_CONV_2D_SORT_H
#define DTMM_ARMV7EM_CONV_2D_SORT_H

#include "conv_2d_stream.h"

/* A group of 4 weights that lies at `offset`. */
static inline void dtmm_dsp_write_four(struct dtmm_dsp_stream *stream, int32_t offset,
                                       int32_t group_step, const int8_t weights[4])
{
    uint32_t word, even, odd;
    memcpy(&word, weights, 4);
    __asm__("sxtb16 %0, %1" : "=r"(even) : "r"(word));
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(word));
    stream->end[0] = (uint32_t)(offset - stream->at);
    stream->end[1] = even;
    stream->end[2] = odd;
    stream->end += 3;
    stream->at = offset + group_step;
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
static __attribute__((noinline, cold)) void
dtmm_dsp_write_any(const struct dtmm_conv_2d *p, const struct dtmm_dsp_layout *l,
                   const struct dtmm_dsp_writer *writer, const uint8_t *mask, int8_t *expanded,
                   struct dtmm_dsp_stream *stream)
{
    int32_t bit = 0;
    memset(expanded, 0, (size_t)l->expanded);
    for (int32_t tap = 0; tap < l->taps; tap++) {
        dtmm_dsp_expand(p, mask, l->window / p->input_channels, &bit, &stream->weights, expanded);
        int32_t offset = 8 * writer->offsets[tap];
        for (int32_t i = 0; i < l->expanded; i += 4, offset += l->plane_bytes)
            if (expanded[i] | expanded[i + 1] | expanded[i + 2] | expanded[i + 3])
                dtmm_dsp_write_four(stream, offset, writer->group_step, expanded + i);
    }
}

#endif
