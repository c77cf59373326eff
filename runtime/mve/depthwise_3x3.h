/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3, stride 1: a window of 4x4 inputs gives 2x2 outputs, so that one gather load serves four
 * filters, which are the same nine weights moved by a row, a column, and both. Where the width or
 * height is odd the last tile overlaps the one before it. An image that is higher than wide is
 * turned, as long rows cost less: here, rows and columns are those of the turned image. */
#ifndef DTMM_MVE_DEPTHWISE_3X3_H
#define DTMM_MVE_DEPTHWISE_3X3_H

#include "depthwise.h"

/* One dimension; steps in bytes. */
struct direction {
    int32_t inputs, outputs, pad;
    int32_t input_step, output_step, weight_step;
};

/* `down` leads from row to row, `along` from column to column. */
struct geometry {
    struct direction down, along;
};

/* A band: pairs of output rows of a strip of the image, for one group of channels. */
struct band {
    int8_t *output;      /* of the group's first channel, at the band's corner */
    const int8_t *words; /* the columns of input */
    const int8_t *filters;
    const struct dtmm_mve_fast *fast; /* null: the sums need the exact form */
    struct tiles *tiles;
    int32_t n_pairs, n_tiles; /* n_tiles: complete ones in a row */
    int32_t is_odd, n_channels;
};

/* What the inner loops read, by these offsets. */
struct tiles {
    struct dtmm_mve_exact exact;
    int32_t n_tiles,
        back;     /* 28, 32; back: bytes from the last tile's usual place to its own, or 0 */
    int32_t skip; /* 36; from the end of a pair's first row to the next pair */
    const struct dtmm_mve_fast *fast; /* 40 */
    const int8_t *words, *filters;    /* 44, 48; words: less one step */
    int8_t *output;                   /* 52 */
    int32_t n_pairs, n_channels;      /* 56, 60 */
    uint32_t columns[8];              /* 64 */
};

/* The group that starts with channel c. */
struct group {
    struct geometry geometry;
    struct dtmm_mve_image image;
    int32_t c, most; /* pairs in memory */
    int8_t *words, *output;
};

/* What the scratch memory starts with. */
struct memory {
    struct dtmm_mve_fast fast[16];
    struct tiles tiles;
    int8_t zeros[16], outside[16];
    struct group group;
    struct band band;
};

_Static_assert(sizeof(struct memory) <= DTMM_MVE_DEPTHWISE_CONSTANTS || sizeof(void *) != 4,
               "the rules count the scratch memory");

#define DOT                                                                                        \
    "   vldrw.u32 %q[x], [%q[at], #128]!\n"                                                        \
    "   vmladav.s8 %[a0], %q[x], %q[w0]\n"                                                         \
    "   vmladav.s8 %[a2], %q[x], %q[w2]\n"                                                         \
    "   vmladav.s8 %[a1], %q[x], %q[w1]\n"                                                         \
    "   vmladav.s8 %[a3], %q[x], %q[w3]\n"                                                         \
    "   vmov %q[x][2], %q[x][0], %[a0], %[a2]\n"                                                   \
    "   vmov %q[x][3], %q[x][1], %[a1], %[a3]\n"
#define ADD_BIAS "   vadd.i32 %q[x], %q[x], %[bias]\n"
#define STORE                                                                                      \
    "   vstrb.32 %q[x], [%[out], %q[pixels]]\n"                                                    \
    "   add %[out], %[out], %[step]\n"
/* All tiles of n pairs of rows; TILE is one of them. */
#define PAIRS(TILE)                                                                                \
    "1: ldr %[a0], [%[exact], #28]\n"                                                              \
    "   dls lr, %[a0]\n"                                                                           \
    "2: " TILE "   le lr, 2b\n"                                                                    \
    "   ldr %[a0], [%[exact], #32]\n"                                                              \
    "   cmp %[a0], #0\n"                                                                           \
    "   beq 3f\n"                                                                                  \
    "   mov %[a1], #64\n"                                                                          \
    "   sub %[out], %[out], %[a0]\n"                                                               \
    "   vsub.i32 %q[at], %q[at], %[a1]\n" TILE "3: ldr %[a0], [%[exact], #36]\n"                   \
    "   mov %[a1], #128\n"                                                                         \
    "   vadd.i32 %q[at], %q[at], %[a1]\n"                                                          \
    "   add %[out], %[out], %[a0]\n"                                                               \
    "   subs %[n], %[n], #1\n"                                                                     \
    "   bne 1b\n"

/* All channels of a group. */
static inline void channels_fast(const struct tiles *tiles, uint32x4_t pixels, int32_t step)
{
    int32_t a0, a1, a2, a3, bias, zero_point, shift, n, i = 0;
    int8_t *out;
    int32x4_t x, multiplier, w0, w1, w2, w3;
    uint32x4_t at;
    __asm__ volatile(
        "0: ldrd %[a0], %[a1], [%[exact], #40]\n"
        "   ldrd %[a2], %[out], [%[exact], #48]\n"
        "   ldr %[n], [%[exact], #56]\n"
        "   add %[a0], %[a0], %[i], lsl #4\n"
        "   ldrd %[bias], %[a3], [%[a0]]\n"
        "   ldrd %[shift], %[zero_point], [%[a0], #8]\n"
        "   add %[a2], %[a2], %[i], lsl #2\n"
        "   vldrw.u32 %q[x], [%[exact], #64]\n"
        "   vldrw.u32 %q[at], [%[exact], #80]\n"
        "   vdup.32 %q[multiplier], %[a3]\n"
        "   vldrw.u32 %q[w0], [%[a2], %q[x]]\n"
        "   vldrw.u32 %q[w2], [%[a2], %q[at]]\n"
        "   add %[a2], %[a2], #256\n"
        "   add %[a1], %[a1], %[i], lsl #2\n"
        "   vldrw.u32 %q[w1], [%[a2], %q[x]]\n"
        "   vldrw.u32 %q[w3], [%[a2], %q[at]]\n"
        "   vadd.i32 %q[at], %q[x], %[a1]\n"
        "   add %[out], %[out], %[i]\n" PAIRS(
            DOT DTMM_MVE_REQUANTIZE_FAST STORE) "   ldr %[a0], [%[exact], #60]\n"
                                                "   add %[i], %[i], #1\n"
                                                "   cmp %[i], %[a0]\n"
                                                "   bne 0b\n"
        : [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3), [x] "=&w"(x),
          [at] "=&w"(at), [multiplier] "=&w"(multiplier), [w0] "=&w"(w0), [w1] "=&w"(w1),
          [w2] "=&w"(w2), [w3] "=&w"(w3), [out] "=&r"(out), [bias] "=&r"(bias),
          [zero_point] "=&r"(zero_point), [shift] "=&r"(shift), [n] "=&r"(n), [i] "+r"(i)
        : [exact] "r"(tiles), [pixels] "w"(pixels), [step] "r"(step)
        : "lr", "cc", "memory");
}

struct filter {
    int32x4_t w0, w1, w2, w3;
};

struct channel {
    int8_t *output;
    uint32x4_t words; /* addresses of the first window, less one step */
    int32_t bias;
};

static inline void pairs_exact(const struct tiles *tiles, const struct filter *filter,
                               struct channel channel, int32_t n_pairs, uint32x4_t pixels,
                               int32_t step)
{
    int32_t a0, a1, a2, a3;
    int32x4_t x, t;
    __asm__ volatile(
        PAIRS(DOT ADD_BIAS DTMM_MVE_REQUANTIZE_EXACT STORE)
        : [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3), [x] "=&w"(x),
          [t] "=&w"(t), [at] "+w"(channel.words), [out] "+r"(channel.output), [n] "+r"(n_pairs)
        : [exact] "r"(tiles), [w0] "w"(filter->w0), [w1] "w"(filter->w1), [w2] "w"(filter->w2),
          [w3] "w"(filter->w3), [pixels] "w"(pixels), [step] "r"(step), [bias] "r"(channel.bias)
        : "lr", "cc", "memory");
}

static void channels_exact(const struct dtmm_depthwise_conv_2d *p, struct tiles *tiles,
                           uint32x4_t pixels, int32_t step, int32_t c)
{
    const int8_t *words = tiles->words, *filters = tiles->filters;
    uint32x4_t in_place = vldrwq_u32(tiles->columns), moved = vldrwq_u32(tiles->columns + 4);
    for (int32_t i = 0; i < tiles->n_channels; i++, c++, words += 4, filters += 4) {
        const int32_t *upper = (const int32_t *)(const void *)filters;
        const int32_t *lower = (const int32_t *)(const void *)(filters + 256);
        struct filter filter = {
            vldrwq_gather_offset_s32(upper, in_place), vldrwq_gather_offset_s32(lower, in_place),
            vldrwq_gather_offset_s32(upper, moved), vldrwq_gather_offset_s32(lower, moved)};
        struct channel channel = {tiles->output + i,
                                  vaddq_n_u32(in_place, (uint32_t)(uintptr_t)words), p->bias[c]};
        dtmm_mve_set_exact(&tiles->exact, p->multiplier[c], p->shift[c]);
        pairs_exact(tiles, &filter, channel, tiles->n_pairs, pixels, step);
    }
}

static __attribute__((noinline)) void band_run(const struct dtmm_depthwise_conv_2d *p,
                                               const struct geometry *geometry,
                                               const struct band *band, int32_t c)
{
    int32_t column = geometry->along.output_step, row = geometry->down.output_step;
    struct tiles *tiles = band->tiles;
    *tiles = (struct tiles){
        {.zero_point = p->output_zero_point, .low = p->output_min, .high = p->output_max},
        band->n_tiles,
        band->is_odd ? column : 0,
        2 * row - (2 * band->n_tiles + band->is_odd) * column,
        band->fast,
        band->words - 128,
        band->filters,
        band->output,
        band->n_pairs,
        band->n_channels,
        {0, 64, 128, 192, 192, 0, 64, 128}};
    uint32x4_t pixels = vsetq_lane_u32((uint32_t)row, vdupq_n_u32(0), 1);
    pixels = vsetq_lane_u32((uint32_t)column, pixels, 2);
    pixels = vsetq_lane_u32((uint32_t)(row + column), pixels, 3);
    if (band->fast)
        channels_fast(tiles, pixels, 2 * column);
    else
        channels_exact(p, tiles, pixels, 2 * column, c);
}

/* The filters of a group for the upper outputs of a tile, as three columns of weights and one of
 * zeros, and the same for the lower outputs. */
static __attribute__((noinline, cold)) void filters_interleave(const struct geometry *geometry,
                                                               const int8_t *w, int32_t n_channels,
                                                               const int8_t *zeros, int8_t *to)
{
    int32_t row = geometry->down.weight_step, step = geometry->along.weight_step;
    struct dtmm_mve_rows upper = {{w, w + row, w + 2 * row, zeros}, {step, step, step, 0}};
    struct dtmm_mve_rows lower = {{zeros, w, w + row, w + 2 * row}, {0, step, step, step}};
    to = dtmm_mve_interleave(&upper, n_channels, to, 3);
    to = dtmm_mve_fill(0, to, 1);
    to = dtmm_mve_interleave(&lower, n_channels, to, 3);
    dtmm_mve_fill(0, to, 1);
}

/* Consecutive pairs of output rows, and where their columns of input are. */
struct pairs {
    int32_t y, n;
    int8_t *words;
};

/* Moves on by at most `most` pairs; 0 when there are no more of the n_rows. The last pair of an odd
 * number overlaps the one before it. */
static int pairs_next(struct pairs *pairs, int32_t n_rows, int32_t most)
{
    pairs->y += 2 * pairs->n;
    if (pairs->y >= n_rows)
        return 0;
    pairs->n = (n_rows - pairs->y) / 2;
    if (pairs->n == 0) {
        pairs->y = n_rows - 2;
        pairs->n = 1;
    }
    pairs->n = pairs->n < most ? pairs->n : most;
    return 1;
}

static inline void pairs_load(const struct geometry *geometry, const struct dtmm_mve_image *image,
                              const struct pairs *pairs, struct dtmm_span columns)
{
    int8_t *to = pairs->words;
    struct dtmm_mve_view view = {pairs->y - geometry->down.pad, columns.begin - geometry->along.pad,
                                 4, columns.end - columns.begin + 2};
    for (int32_t i = 0; i < pairs->n; i++, view.y += 2)
        to = dtmm_mve_window(image, view, to);
}

/* These columns of the output for a group. When it looks ahead, input is read before outputs are
 * written over it. */
static inline void strip_run(const struct dtmm_depthwise_conv_2d *p, const struct group *group,
                             struct band *band, struct dtmm_span columns, int looks_ahead)
{
    const struct geometry *geometry = &group->geometry;
    int32_t n = columns.end - columns.begin;
    int8_t *words = group->words, *other = words + group->most * (n + 2) * DTMM_MVE_COLUMN_BYTES;
    struct pairs now = {0, 0, words}, before = now;
    band->n_tiles = n / 2;
    band->is_odd = n % 2;
    for (;;) {
        int has_more = pairs_next(&now, geometry->down.outputs, group->most);
        if (has_more)
            pairs_load(geometry, &group->image, &now, columns);
        const struct pairs *ready = looks_ahead ? &before : &now;
        if (looks_ahead ? before.n > 0 : has_more) {
            band->words = ready->words;
            band->n_pairs = ready->n;
            band->output = group->output + ready->y * geometry->down.output_step +
                           columns.begin * geometry->along.output_step;
            band_run(p, geometry, band, group->c);
        }
        if (!has_more)
            return;
        before = now;
        if (looks_ahead)
            now.words = now.words == words ? other : words;
    }
}

static inline struct geometry geometry_of(const struct dtmm_depthwise_conv_2d *p, int is_turned)
{
    int32_t c = p->input_channels;
    struct direction vertical = {p->input_h,     p->output_h,     p->pad_top,
                                 p->input_w * c, p->output_w * c, 3 * c};
    struct direction horizontal = {p->input_w, p->output_w, p->pad_left, c, c, c};
    if (is_turned)
        return (struct geometry){horizontal, vertical};
    return (struct geometry){vertical, horizontal};
}

static inline struct dtmm_mve_image image_of(const struct geometry *geometry, const int8_t *outside)
{
    const struct direction *down = &geometry->down, *along = &geometry->along;
    return (struct dtmm_mve_image){.outside = outside,
                                   .n_rows = down->inputs,
                                   .n_columns = along->inputs,
                                   .row_step = down->input_step,
                                   .column_step = along->input_step,
                                   .dilation = 1};
}

static inline void depthwise_3x3(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                 void *output, void *scratch, int is_in_place)
{
    struct dtmm_mve_3x3 form = dtmm_mve_3x3(p, is_in_place);
    struct memory *memory = scratch;
    int8_t *filters = (int8_t *)(memory + 1);
    memset(memory->zeros, 0, 16);
    memset(memory->outside, p->input_zero_point, 16);
    struct group *group = &memory->group;
    struct band *band = &memory->band;
    group->geometry = geometry_of(p, form.is_turned);
    group->most = form.n_pairs;
    group->words = filters + 8 * DTMM_MVE_COLUMN_BYTES;
    group->image = image_of(&group->geometry, memory->outside);
    band->filters = filters;
    band->tiles = &memory->tiles;
    for (int32_t c = 0; c < p->input_channels; c += 16) {
        int32_t left = p->input_channels - c;
        group->c = c;
        group->output = (int8_t *)output + c;
        group->image.input = (const int8_t *)input + c;
        group->image.n_channels = band->n_channels = left < 16 ? left : 16;
        band->fast =
            dtmm_mve_gather_fast(p, c, band->n_channels, memory->fast) ? memory->fast : NULL;
        filters_interleave(&group->geometry, p->weights + c, band->n_channels, memory->zeros,
                           filters);
        for (int32_t x = 0; x < form.columns; x += form.strip) {
            struct dtmm_span span = dtmm_window(x, form.strip, form.columns);
            if (span.end - span.begin < 2)
                span.begin = span.end - 2;
            strip_run(p, group, band, span, is_in_place && form.looks_ahead);
        }
    }
}

#endif
