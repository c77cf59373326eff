/* SPDX-License-Identifier: Apache-2.0 */
/* FWCS convolution: 8 output pixels, two times 4 neighbors, x 1 filter at a time, over the kept
 * weights alone. The image is done in bands, whose input is laid out as conv_2d_rules.h tells:
 * there, the offsets of the inputs that a filter's weights meet are the same for each pixel, and a
 * filter becomes a list of offsets, one of each piece of its weights. A vector holds 16 weights: a
 * part of a piece, or two pieces of 8 or four of 4, whose inputs a gather load fetches. Where a
 * filter's weights are no multiple of 16, its first vector begins with zeros. */
#ifndef DTMM_MVE_CONV_2D_BANDS_H
#define DTMM_MVE_CONV_2D_BANDS_H

#include "conv_2d_fwcs.h"

/* ---- The input of a band ---- */

/* Copies n pixels, `step` apart, of 16, 32 or 64 channels; returns the end. */
#define COPY(channels, load, store)                                                                \
    static inline int8_t *copy_##channels(int8_t *to, const int8_t *from, int32_t n, int32_t step) \
    {                                                                                              \
        if (n > 0)                                                                                 \
            __asm__ volatile("   dls lr, %[n]\n"                                                   \
                             "1: vldrb.u8 q0, [%[from]]\n" load                                    \
                             "   add %[from], %[from], %[step]\n"                                  \
                             "   vstrb.8 q0, [%[to]], #16\n" store "   le lr, 1b\n"                \
                             : [to] "+r"(to), [from] "+r"(from)                                    \
                             : [n] "r"(n), [step] "r"(step)                                        \
                             : "q0", "q1", "q2", "q3", "lr", "memory");                            \
        return to;                                                                                 \
    }
#define LOAD_AT(q, at) "   vldrb.u8 " q ", [%[from], #" at "]\n"
#define STORE_NEXT(q) "   vstrb.8 " q ", [%[to]], #16\n"
COPY(16, "", "")
COPY(32, LOAD_AT("q1", "16"), STORE_NEXT("q1"))
COPY(64, LOAD_AT("q1", "16") LOAD_AT("q2", "32") LOAD_AT("q3", "48"),
     STORE_NEXT("q1") STORE_NEXT("q2") STORE_NEXT("q3"))

/* The same, with fewer than 16 channels, each to a vector. */
static inline int8_t *copy_parts(int8_t *to, const int8_t *from, int32_t n, int32_t step,
                                 int32_t channels)
{
    if (n > 0)
        __asm__ volatile("   vctp.8 %[channels]\n"
                         "   dls lr, %[n]\n"
                         "1: vpst\n"
                         "   vldrbt.u8 q0, [%[from]]\n"
                         "   add %[from], %[from], %[step]\n"
                         "   vstrb.8 q0, [%[to]], #16\n"
                         "   le lr, 1b\n"
                         : [to] "+r"(to), [from] "+r"(from)
                         : [n] "r"(n), [step] "r"(step), [channels] "r"(channels)
                         : "q0", "lr", "memory");
    return to;
}

/* The same, with up to 4 channels, each to a word. */
static inline int8_t *copy_words(int8_t *to, const int8_t *from, int32_t n, int32_t step,
                                 int32_t channels)
{
    uint8x16_t lane = vidupq_n_u8(0, 1), last = vdupq_n_u8((uint8_t)(channels - 1));
    uint8x16_t channel = vminq_u8(vandq_u8(lane, vdupq_n_u8(3)), last);
    uint8x16_t offset = vmlaq_n_u8(channel, vshrq_n_u8(lane, 2), (uint8_t)step);
    int8_t *at = to;
    __asm__ volatile("   wlstp.8 lr, %[n], 2f\n"
                     "1: vldrb.u8 q0, [%[from], %q[offset]]\n"
                     "   add %[from], %[from], %[step]\n"
                     "   vstrb.8 q0, [%[to]], #16\n"
                     "   letp lr, 1b\n"
                     "2:\n"
                     : [to] "+r"(at), [from] "+r"(from)
                     : [n] "r"(4 * n), [step] "r"(4 * step), [offset] "w"(offset)
                     : "q0", "lr", "memory");
    return to + 4 * n;
}

__attribute__((noinline)) static int8_t *fill(int8_t *to, int32_t n_bytes, int8_t value)
{
    int8_t *at = to;
    __asm__ volatile("   vdup.8 q0, %[value]\n"
                     "   wlstp.8 lr, %[n], 2f\n"
                     "1: vstrb.8 q0, [%[to]], #16\n"
                     "   letp lr, 1b\n"
                     "2:\n"
                     : [to] "+r"(at)
                     : [n] "r"(n_bytes), [value] "r"(value)
                     : "q0", "lr", "memory");
    return to + n_bytes;
}

/* A band of the image and its input. */
struct place {
    struct dtmm_mve_band band; /* as large as bands are */
    int8_t *input;
    int32_t y, x, rows, columns; /* of this one's output */
};

/* Lays out a group of channels, from `from` on, of row y of the input. */
static inline int8_t *lay_out_row(const struct dtmm_conv_2d *p, const struct place *place,
                                  const int8_t *from, int32_t n_channels, int32_t y, int8_t *to)
{
    const struct dtmm_mve_band *band = &place->band;
    int32_t n = band->input_columns, stride = p->stride_w, pitch = band->pitch;
    if (y < 0 || y >= p->input_h)
        return fill(to, dtmm_mve_band_row_bytes(band), p->input_zero_point);
    int32_t x = place->x * stride - p->pad_left;
    int32_t width = dtmm_mve_is_one_row(p) ? band->width : p->input_w;
    from += y * width * p->input_channels;
    for (int32_t phase = 0; phase < band->phases; phase++, x++) {
        struct dtmm_span inside = dtmm_clip(x, stride, n, width);
        const int8_t *first = from + (x + inside.begin * stride) * p->input_channels;
        int32_t n_inside = inside.end - inside.begin, step = stride * p->input_channels;
        to = fill(to, inside.begin * pitch, p->input_zero_point);
        to = pitch == 4        ? copy_words(to, first, n_inside, step, n_channels)
             : n_channels < 16 ? copy_parts(to, first, n_inside, step, n_channels)
             : pitch == 64     ? copy_64(to, first, n_inside, step)
             : pitch == 32     ? copy_32(to, first, n_inside, step)
                               : copy_16(to, first, n_inside, step);
        to = fill(to, (n - inside.end) * pitch, p->input_zero_point);
    }
    return to;
}

__attribute__((noinline)) static void lay_out(const struct dtmm_conv_2d *p,
                                              const struct place *place, const int8_t *input)
{
    int8_t *to = place->input;
    int32_t step = p->kernel_h == 1 ? p->stride_h : 1;
    for (int32_t c = 0; c < p->input_channels; c += place->band.pitch) {
        int32_t y = place->y * p->stride_h - p->pad_top;
        for (int32_t i = 0; i < place->band.input_rows; i++, y += step)
            to = lay_out_row(p, place, input + c, p->input_channels - c, y, to);
    }
}

/* ---- Offsets in a band's input ---- */

/* From channel 0 to channel c. */
static inline int32_t channel_offset(const struct dtmm_mve_band *band, int32_t c)
{
    int32_t rest = c & (band->pitch - 1);
    return (c - rest) / band->pitch * band->input_rows * dtmm_mve_band_row_bytes(band) + rest;
}

/* Of each unit of a filter. */
static inline void set_unit_offsets(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
                                    const struct dtmm_mve_weight_pieces *pieces, int32_t *offset)
{
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            int32_t x = kx * p->dilation_w, column = x / band->phases, phase = x % band->phases;
            int32_t tap = ky * p->dilation_h * dtmm_mve_band_row_bytes(band) +
                          (phase * band->input_columns + column) * band->pitch;
            for (int32_t i = 0; i < pieces->units; i++)
                *offset++ = tap + channel_offset(band, i * p->block);
        }
}

/* ---- The groups of a band ---- */

/* Groups two times 4 neighbors of a row, or of two rows where that gives fewer groups. */
__attribute__((noinline)) static void set_groups(const struct dtmm_conv_2d *p,
                                                 const struct place *place, int8_t *output,
                                                 struct group *group, struct work *work)
{
    int32_t rows = place->rows, columns = place->columns, filters = p->output_channels;
    int32_t pitch = place->band.pitch, output_row = place->band.width * filters;
    int32_t in_rows = rows * ((columns + 7) / 8), across = (rows + 1) / 2 * ((columns + 3) / 4);
    int is_across = rows > 1 && across < in_rows && output_row + 4 * filters <= 65535;
    int32_t width = is_across ? 4 : 8, height = is_across ? 2 : 1;
    int32_t input_row = place->band.row_stride * dtmm_mve_band_row_bytes(&place->band);
    int32_t second = columns < 4 ? 0 : columns < 8 ? columns - 4 : 4;
    int32_t delta = is_across ? output_row : second * filters;
    work->input_delta = is_across ? input_row : second * pitch;
    for (int32_t i = 0; i < 4; i++) {
        work->offsets[2 * i] = (uint16_t)(i * filters);
        work->offsets[2 * i + 1] = (uint16_t)(i * filters + delta);
    }
    work->n_stored = columns < 4 ? 2 * columns : 8;
    work->first_group = group;
    output += place->y * output_row + place->x * filters;
    for (int32_t y = 0; y < rows; y += height) {
        int32_t row = y + height <= rows ? y : rows - height;
        for (int32_t x = 0; x < columns; x += width) {
            int32_t column = x + width <= columns ? x : columns > width ? columns - width : 0;
            group->input = place->input + row * input_row + column * pitch;
            group->output = output + row * output_row + column * filters;
            group++;
        }
    }
    work->groups_end = group;
}

/* ---- Filters ---- */

/* What turns filters into lists, in scratch memory. */
struct lists {
    struct dtmm_mve_weight_pieces pieces;
    const int32_t *unit_offset;
    int32_t n_units;
    int32_t *entries; /* after 4 entries of 0 */
    int8_t *padded;   /* weights */
};

/* What is the same for all filters of a band. */
static inline void set_band(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
                            const struct lists *lists, struct work *work)
{
    const struct dtmm_mve_weight_pieces *pieces = &lists->pieces;
    work->biases = p->bias;
    work->multipliers = p->multiplier;
    work->shifts = p->shift;
    work->second = pieces->size < 16 ? 0 : work->input_delta;
    work->kind = pieces->size;
    if (pieces->size <= 16 && work->input_delta == 64)
        work->kind++; /* close */
    if (band->pitch == 4)
        work->kind = PIECES_4_NARROW;
    work->filter = p->weights;
    work->entries_end = lists->entries;
    work->mask = p->mask;
    work->mask_bytes = (lists->n_units + 7) >> 3;
    work->list_kind = LIST_DOUBLE;
    if (work->more_pieces)
        work->list_kind = LIST_SEVERAL;
    else if (pieces->size == 4)
        work->list_kind = LIST_SINGLE;
    work->n_filters = p->output_channels;
}

/* Sets what is the same for all bands. */
static inline void set_work(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
                            const struct lists *lists, struct work *work)
{
    int32_t size = lists->pieces.size;
    work->rounding = dtmm_mve_rounding(p);
    work->unit_offset = lists->unit_offset;
    work->entries = lists->entries;
    work->more_pieces = lists->pieces.length / size - 1;
    work->more_step = channel_offset(band, band->pitch);
    work->nibbles = &dtmm_mve_nibbles;
    work->vector_mask = size < 16 ? 15 : 7;
    work->vector_shift = size < 16 ? 4 : 3;
    work->weights_shift = size < 16 ? 0 : size == 16 ? 1 : size == 32 ? 2 : 3;
    work->parity = size <= 16;
    work->zero_point = p->output_zero_point;
    work->low = p->output_min;
    work->high = p->output_max;
}

/* What a call has at the start of its scratch memory. */
struct call {
    struct work work;
    struct place place;
    struct lists lists;
};

_Static_assert(sizeof(struct call) <= DTMM_MVE_CALL_BYTES, "more than its scratch memory has");

/* Divides the scratch memory; see dtmm_conv_2d_fwcs_s8_mve_scratch_bytes. */
static inline struct group *set_lists(const struct dtmm_conv_2d *p, struct call *call)
{
    struct lists *lists = &call->lists;
    const struct dtmm_mve_band *band = &call->place.band;
    call->place.input = (int8_t *)call + DTMM_MVE_CALL_BYTES;
    int32_t *words =
        (int32_t *)(void *)(call->place.input + dtmm_mve_band_bytes(p, band) + 3 * band->pitch);
    struct group *groups = (struct group *)(void *)words;
    words += 2 * dtmm_mve_max_groups(band);
    lists->unit_offset = words;
    set_unit_offsets(p, band, &lists->pieces, words);
    lists->n_units = p->kernel_h * p->kernel_w * lists->pieces.units;
    words += lists->n_units;
    for (int i = 0; i < 4; i++)
        *words++ = 0;
    lists->entries = words;
    words +=
        dtmm_mve_max_pieces(p, lists->pieces.size) * dtmm_mve_entry_bytes(&lists->pieces) / 4 + 8;
    lists->padded = (int8_t *)words;
    return groups;
}

/* Sets up a call. Returns where its groups are listed. */
__attribute__((noinline)) static struct group *begin_call(const struct dtmm_conv_2d *p,
                                                          struct call *call)
{
    call->lists.pieces = dtmm_mve_weight_pieces(p);
    call->place.band = dtmm_mve_band(p, call->lists.pieces.size);
    struct group *groups = set_lists(p, call);
    set_work(p, &call->place.band, &call->lists, &call->work);
    return groups;
}

/* Prepares the band that begins at row y and column x. */
static inline void begin_band(const struct dtmm_conv_2d *p, struct call *call, struct group *groups,
                              const int8_t *input, int8_t *output, int32_t y, int32_t x)
{
    struct place *place = &call->place;
    const struct dtmm_mve_band *band = &place->band;
    int32_t rows = band->height - y, columns = band->width - x;
    place->y = y;
    place->x = x;
    place->rows = rows < band->rows ? rows : band->rows;
    place->columns = columns < band->columns ? columns : band->columns;
    lay_out(p, place, input);
    set_groups(p, place, output, groups, &call->work);
    set_band(p, band, &call->lists, &call->work);
}

#endif
