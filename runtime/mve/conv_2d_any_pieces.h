/* SPDX-License-Identifier: Apache-2.0 */
/* FWCS convolution with pieces of any size. */
#ifndef DTMM_MVE_CONV_2D_ANY_PIECES_H
#define DTMM_MVE_CONV_2D_ANY_PIECES_H

#include "conv_2d_bands.h"

/* clang-format off */

CONVOLVE_FILTERS(
        "   cmp r8, #2\n"
        CHOOSE("r1", "lo", "31", "eq", "32", "33"),
        "   cmp r9, #4\n"
        CHOOSE("r6", "lo", "13", "eq", "14", "15")
        "   cmp r9, #8\n"
        CHOOSE_MORE("r6", "eq", "18", "hi", "19")
        "   cmp r9, #16\n"
        CHOOSE_MORE("r6", "eq", "16", "hi", "17")
        "   cmp r9, #32\n"
        CHOOSE_MORE("r6", "eq", "12", "hi", "11"),
        LIST_SEVERAL_ENTRIES LIST_DOUBLE_ENTRIES LIST_SINGLE_ENTRIES,
        ROUNDS(ROUNDS_64)
        ROUNDS(ROUNDS_32)
        ROUNDS(ROUNDS_16)
        ROUNDS(ROUNDS_16_CLOSE)
        ROUNDS(ROUNDS_8)
        ROUNDS(ROUNDS_8_CLOSE)
        ROUNDS(ROUNDS_4)
        ROUNDS(ROUNDS_4_CLOSE)
        ROUNDS(ROUNDS_4_NARROW))

/* clang-format on */

/* Copies a unit's weights, with zeros up to a multiple of 4. */
static inline int8_t *pad_weights(int8_t *to, const int8_t *weights, int32_t n)
{
    for (int32_t i = 0; i < ((n + 3) & ~3); i++)
        *to++ = i < n ? weights[i] : 0;
    return to;
}

/* Lists the kept units' pieces; moves *weights to the next filter. Returns the end of the list. */
static inline int32_t *list_pieces(const struct dtmm_mve_band *band, const struct lists *lists,
                                   int32_t second, const uint8_t *mask, const int8_t **weights)
{
    const struct dtmm_mve_weight_pieces *pieces = &lists->pieces;
    int32_t *entry = lists->entries;
    int8_t *padded = lists->padded;
    int32_t step = dtmm_mve_entry_bytes(pieces) / 4;
    for (int32_t unit = 0, i = 0; unit < lists->n_units; unit++) {
        i = i + 1 < pieces->units && unit ? i + 1 : 0;
        if (!(mask[unit >> 3] >> (unit & 7) & 1))
            continue;
        int32_t n = i == pieces->units - 1 ? pieces->last : pieces->length;
        if (pieces->is_padded)
            padded = pad_weights(padded, *weights, n);
        *weights += n;
        int32_t c = i * pieces->length, offset = lists->unit_offset[unit] - channel_offset(band, c);
        for (int32_t end = c + n; c < end; c += pieces->size, entry += step) {
            entry[step - 1] = offset + channel_offset(band, c) + second;
            entry[0] = entry[step - 1] - second;
        }
    }
    return entry;
}

/* Filters whose units have not all the same number of pieces, or are padded: one by one. */
static inline void convolve_irregular(const struct dtmm_conv_2d *p,
                                      const struct dtmm_mve_band *band, const struct lists *lists,
                                      struct work *work)
{
    const int8_t *weights = p->weights;
    const uint8_t *mask = p->mask;
    work->list_kind = LIST_GIVEN;
    work->n_filters = 1;
    for (int32_t o = 0; o < p->output_channels; o++, mask += (lists->n_units + 7) >> 3) {
        work->filter = lists->pieces.is_padded ? lists->padded : weights;
        work->entries_end = list_pieces(band, lists, work->second, mask, &weights);
        convolve_filters(work);
        work->biases++;
        work->multipliers++;
        work->shifts++;
        for (int32_t i = 0; i < 8; i++)
            work->offsets[i]++;
    }
}

/* The outputs of the band that begins at row y and column x. */
static inline void convolve_at(const struct dtmm_conv_2d *p, struct call *call,
                               struct group *groups, const int8_t *input, int8_t *output, int32_t y,
                               int32_t x)
{
    begin_band(p, call, groups, input, output, y, x);
    if (dtmm_mve_is_irregular(&call->lists.pieces))
        convolve_irregular(p, &call->place.band, &call->lists, &call->work);
    else
        convolve_filters(&call->work);
}

#endif
