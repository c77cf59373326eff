/* SPDX-License-Identifier: Apache-2.0 */
/* Any kernel and depth multiplier: four outputs of a row at a time, each with a gather load of its
 * window for every 4x4 piece of the kernel. With one piece and stride 2 the weights stay in a
 * register. */
#ifndef DTMM_MVE_DEPTHWISE_PIECES_H
#define DTMM_MVE_DEPTHWISE_PIECES_H

#include "depthwise.h"

/* A band: output rows of a strip of the image, for one group of up to 16 output channels. */
struct band {
    const struct dtmm_mve_pieces *pieces;
    int8_t *output;      /* of the group's first channel, at the band's corner */
    const int8_t *words; /* the columns of input */
    const int8_t *filters;
    int32_t *deltas;                  /* from a piece's fourth window to the first of the next */
    const struct dtmm_mve_fast *fast; /* null: the sums need the exact form */
    struct tiles *tiles;
    int32_t n_rows, n_columns, n_channels, first_input;
};

/* What the inner loops read, by these offsets. */
struct tiles {
    struct dtmm_mve_exact exact;
    int32_t bias;           /* 28 */
    const int8_t *filter;   /* 32 */
    const int32_t *deltas;  /* 36 */
    int32_t n_pieces, step; /* 40, 44; step: bytes from tile to tile of the output */
    int32_t last_mask;      /* 48; predicate of the last tile */
    int32_t n_full;         /* 52; tiles of four */
    int32_t skip, next_row; /* 56, 60; at the end of a row: of the output, of the columns */
    const struct dtmm_mve_fast *fast; /* 64 */
    const int8_t *words;              /* 68; less one step */
    int8_t *output;                   /* 72 */
    int32_t n_rows, n_channels;       /* 76, 80 */
};

/* What the scratch memory starts with. */
struct memory {
    struct dtmm_mve_fast fast[16];
    struct tiles tiles;
    int8_t zeros[16], outside[16];
    struct dtmm_mve_pieces pieces;
    struct dtmm_mve_image image;
    struct band band;
};

_Static_assert(sizeof(struct memory) <= DTMM_MVE_DEPTHWISE_CONSTANTS || sizeof(void *) != 4,
               "the rules count the scratch memory");

/* One piece, stride 2: the windows are 128 bytes apart. */
#define TILE_FAST                                                                                  \
    "   vldrw.u32 %q[x], [%q[at], #128]!\n"                                                        \
    "   vmladav.s8 %[a0], %q[x], %q[w]\n"                                                          \
    "   vldrw.u32 %q[x], [%q[at], #128]!\n"                                                        \
    "   vmladav.s8 %[a1], %q[x], %q[w]\n"                                                          \
    "   vldrw.u32 %q[x], [%q[at], #128]!\n"                                                        \
    "   vmladav.s8 %[a2], %q[x], %q[w]\n"                                                          \
    "   vldrw.u32 %q[x], [%q[at], #128]!\n"                                                        \
    "   vmladav.s8 %[a3], %q[x], %q[w]\n"                                                          \
    "   vmov %q[x][2], %q[x][0], %[a0], %[a2]\n"                                                   \
    "   vmov %q[x][3], %q[x][1], %[a1], %[a3]\n" DTMM_MVE_REQUANTIZE_FAST "   vpst\n"              \
    "   vstrbt.32 %q[x], [%[out], %q[pixels]]\n"                                                   \
    "   add %[out], %[out], %[step]\n"

/* All channels of a group; depth_multiplier is 1. `columns` are the offsets of a filter's columns,
 * `taps` those of a window's. */
static inline void channels_fast(const struct tiles *tiles, uint32x4_t pixels, uint32x4_t columns,
                                 uint32x4_t taps)
{
    int32_t a0, a1, a2, a3, bias, zero_point, shift, n, i = 0;
    int8_t *out;
    int32x4_t x, multiplier, w;
    uint32x4_t at;
    __asm__ volatile("0: ldrd %[a0], %[a1], [%[exact], #64]\n"
                     "   ldrd %[out], %[n], [%[exact], #72]\n"
                     "   ldr %[a2], [%[exact], #32]\n"
                     "   add %[a0], %[a0], %[i], lsl #4\n"
                     "   ldrd %[bias], %[a3], [%[a0]]\n"
                     "   ldrd %[shift], %[zero_point], [%[a0], #8]\n"
                     "   add %[a2], %[a2], %[i], lsl #2\n"
                     "   vdup.32 %q[multiplier], %[a3]\n"
                     "   vldrw.u32 %q[w], [%[a2], %q[columns]]\n"
                     "   add %[a1], %[a1], %[i], lsl #2\n"
                     "   vadd.i32 %q[at], %q[taps], %[a1]\n"
                     "   add %[out], %[out], %[i]\n"
                     "1: ldr %[a0], [%[exact], #52]\n"
                     "   movw %[a1], #65535\n"
                     "   vmsr p0, %[a1]\n"
                     "   wls lr, %[a0], 3f\n"
                     "2: " TILE_FAST "   le lr, 2b\n"
                     "3: ldr %[a0], [%[exact], #48]\n"
                     "   cmp %[a0], #0\n"
                     "   beq 4f\n"
                     "   vmsr p0, %[a0]\n" TILE_FAST "4: ldrd %[a0], %[a1], [%[exact], #56]\n"
                     "   add %[out], %[out], %[a0]\n"
                     "   vadd.i32 %q[at], %q[at], %[a1]\n"
                     "   subs %[n], %[n], #1\n"
                     "   bne 1b\n"
                     "   ldr %[a0], [%[exact], #80]\n"
                     "   add %[i], %[i], #1\n"
                     "   cmp %[i], %[a0]\n"
                     "   bne 0b\n"
                     : [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3),
                       [x] "=&w"(x), [at] "=&w"(at), [multiplier] "=&w"(multiplier), [w] "=&w"(w),
                       [out] "=&r"(out), [bias] "=&r"(bias), [zero_point] "=&r"(zero_point),
                       [shift] "=&r"(shift), [n] "=&r"(n), [i] "+r"(i)
                     : [exact] "r"(tiles), [pixels] "w"(pixels), [columns] "w"(columns),
                       [taps] "w"(taps), [step] "r"(tiles->step)
                     : "lr", "cc", "memory");
}

struct channel {
    int8_t *output;
    uint32x4_t words; /* addresses of the first window */
};

#define WINDOW(a)                                                                                  \
    "   vldrw.u32 %q[x], [%q[t]]\n"                                                                \
    "   vadd.i32 %q[t], %q[t], %[stride]\n"                                                        \
    "   vmladava.s8 %[" a "], %q[x], %q[w]\n"

/* One row of n_tiles tiles. `columns` are the offsets of a filter's columns. */
static inline void row_exact(const struct tiles *tiles, struct channel channel, int32_t n_tiles,
                             int32_t stride, uint32x4_t pixels, uint32x4_t columns)
{
    int32_t a0, a1, a2, a3, delta;
    const int8_t *filter;
    const int32_t *deltas;
    int32x4_t x, w;
    uint32x4_t t;
    __asm__ volatile(
        "1: ldr %[a0], [%[exact], #28]\n"
        "   ldrd %[filter], %[deltas], [%[exact], #32]\n"
        "   ldr %[a1], [%[exact], #40]\n"
        "   vmov %q[t], %q[at]\n"
        "   dls lr, %[a1]\n"
        "   mov %[a1], %[a0]\n"
        "   mov %[a2], %[a0]\n"
        "   mov %[a3], %[a0]\n"
        "2: vldrw.u32 %q[w], [%[filter], %q[columns]]\n"
        "   add %[filter], %[filter], #256\n" WINDOW("a0") WINDOW("a1") WINDOW("a2")
            WINDOW("a3") "   ldr %[delta], [%[deltas]], #4\n"
                         "   vadd.i32 %q[t], %q[t], %[delta]\n"
                         "   le lr, 2b\n"
                         "   vmov %q[x][2], %q[x][0], %[a0], %[a2]\n"
                         "   vmov %q[x][3], %q[x][1], %[a1], %[a3]\n" DTMM_MVE_REQUANTIZE_EXACT
                         "   movw %[a0], #65535\n"
                         "   subs %[n], %[n], #1\n"
                         "   it eq\n"
                         "   ldreq %[a0], [%[exact], #48]\n"
                         "   vmsr p0, %[a0]\n"
                         "   ldr %[a1], [%[exact], #44]\n"
                         "   lsl %[a2], %[stride], #2\n"
                         "   vpst\n"
                         "   vstrbt.32 %q[x], [%[out], %q[pixels]]\n"
                         "   add %[out], %[out], %[a1]\n"
                         "   vadd.i32 %q[at], %q[at], %[a2]\n"
                         "   bne 1b\n"
        : [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3), [x] "=&w"(x),
          [w] "=&w"(w), [t] "=&w"(t), [delta] "=&r"(delta), [filter] "=&r"(filter),
          [deltas] "=&r"(deltas), [at] "+w"(channel.words), [out] "+r"(channel.output),
          [n] "+r"(n_tiles)
        : [exact] "r"(tiles), [stride] "r"(stride), [pixels] "w"(pixels), [columns] "w"(columns)
        : "lr", "cc", "memory");
}

static void channels_exact(const struct dtmm_depthwise_conv_2d *p, const struct band *band,
                           struct tiles *tiles, int32_t o, uint32x4_t pixels, uint32x4_t columns)
{
    int32_t row = p->input_channels * p->depth_multiplier * p->output_w;
    int32_t row_bytes = band->pieces->down * band->pieces->n_columns * DTMM_MVE_COLUMN_BYTES;
    uint32x4_t taps = vmulq_n_u32(columns, p->dilation_w);
    for (int32_t i = 0; i < band->n_channels; i++, o++, tiles->filter += 4) {
        int32_t c = o / p->depth_multiplier - band->first_input;
        uint32_t words = (uint32_t)(uintptr_t)band->words + 4 * (uint32_t)c;
        struct channel channel = {band->output + i, vaddq_n_u32(taps, words)};
        tiles->bias = p->bias[o];
        dtmm_mve_set_exact(&tiles->exact, p->multiplier[o], p->shift[o]);
        for (int32_t y = 0; y < band->n_rows; y++) {
            row_exact(tiles, channel, (band->n_columns + 3) / 4,
                      p->stride_w * DTMM_MVE_COLUMN_BYTES, pixels, columns);
            channel.output += row;
            channel.words = vaddq_n_u32(channel.words, (uint32_t)row_bytes);
        }
    }
}

static __attribute__((noinline)) void band_run(const struct dtmm_depthwise_conv_2d *p,
                                               const struct band *band, int32_t o)
{
    static const uint32_t first_four[4] = {0, 1, 2, 3};
    const struct dtmm_mve_pieces *pieces = band->pieces;
    int32_t channels = p->input_channels * p->depth_multiplier;
    int32_t n_last = band->n_columns % 4, n_tiles = (band->n_columns + 3) / 4;
    int32_t windows = 4 * p->stride_w * DTMM_MVE_COLUMN_BYTES;
    struct tiles *tiles = band->tiles;
    *tiles = (struct tiles){
        .exact = {.zero_point = p->output_zero_point, .low = p->output_min, .high = p->output_max},
        .filter = band->filters,
        .deltas = band->deltas,
        .n_pieces = pieces->down * pieces->across,
        .step = 4 * channels,
        .last_mask = (1 << 4 * n_last) - 1,
        .n_full = band->n_columns / 4,
        .skip = (p->output_w - n_tiles * 4) * channels,
        .next_row = pieces->down * pieces->n_columns * DTMM_MVE_COLUMN_BYTES - n_tiles * windows,
        .fast = band->fast,
        .words = band->words - 128,
        .output = band->output,
        .n_rows = band->n_rows,
        .n_channels = band->n_channels};
    uint32x4_t lanes = vldrwq_u32(first_four), columns = vshlq_n_u32(lanes, 6);
    uint32x4_t pixels = vmulq_n_u32(lanes, (uint32_t)channels);
    if (band->fast) {
        channels_fast(tiles, pixels, columns, vmulq_n_u32(columns, p->dilation_w));
        return;
    }
    if (n_last == 0)
        tiles->last_mask = 65535;
    channels_exact(p, band, tiles, o, pixels, columns);
}

/* The filters of a group, a piece after the other, and the way from piece to piece. */
static __attribute__((noinline, cold)) void
filters_interleave(const struct dtmm_depthwise_conv_2d *p, const struct band *band, int32_t o,
                   const int8_t *zeros, int8_t *to)
{
    int32_t channels = p->input_channels * p->depth_multiplier, step = p->kernel_w * channels;
    int32_t columns_step = 4 * p->dilation_w * DTMM_MVE_COLUMN_BYTES;
    int32_t windows = 4 * p->stride_w * DTMM_MVE_COLUMN_BYTES, *delta = band->deltas;
    for (int32_t ky = 0; ky < p->kernel_h; ky += 4) {
        struct dtmm_mve_rows rows = {{zeros, zeros, zeros, zeros}, {0, 0, 0, 0}};
        for (int i = 0; i < 4 && ky + i < p->kernel_h; i++) {
            rows.row[i] = p->weights + (ky + i) * step + o;
            rows.step[i] = channels;
        }
        for (int32_t kx = 0; kx < p->kernel_w; kx += 4) {
            int32_t n = p->kernel_w - kx < 4 ? p->kernel_w - kx : 4;
            to = dtmm_mve_interleave(&rows, band->n_channels, to, n);
            to = dtmm_mve_fill(0, to, 4 - n);
            for (int i = 0; i < 4; i++)
                rows.row[i] += 4 * rows.step[i];
            *delta++ = columns_step - windows;
        }
        delta[-1] +=
            band->pieces->n_columns * DTMM_MVE_COLUMN_BYTES - band->pieces->across * columns_step;
    }
}

/* Loads the columns of input for the band's output rows from y on. */
static inline void rows_load(const struct dtmm_depthwise_conv_2d *p,
                             const struct dtmm_mve_image *image, const struct band *band,
                             struct dtmm_span rows, int32_t x, int8_t *to)
{
    struct dtmm_mve_view view = {.x = x * p->stride_w - p->pad_left,
                                 .n_columns = (band->n_columns - 1) * p->stride_w +
                                              (p->kernel_w - 1) * p->dilation_w + 1};
    for (int32_t y = rows.begin; y < rows.end; y++)
        for (int32_t ky = 0; ky < p->kernel_h; ky += 4) {
            view.y = y * p->stride_h - p->pad_top + ky * p->dilation_h;
            view.n_rows = p->kernel_h - ky;
            dtmm_mve_window(image, view, to);
            to += band->pieces->n_columns * DTMM_MVE_COLUMN_BYTES;
        }
}

/* The output columns x .. x + band->n_columns - 1 for the group that starts with channel o. When it
 * looks ahead, input is read before outputs are written over it. */
static inline void strip_run(const struct dtmm_depthwise_conv_2d *p,
                             const struct dtmm_mve_image *image, struct band *band, int8_t *words,
                             int32_t x, int32_t o, int8_t *output, int looks_ahead)
{
    const struct dtmm_mve_pieces *pieces = band->pieces;
    int32_t channels = p->input_channels * p->depth_multiplier, most = pieces->n_rows;
    int8_t *other = words + most * pieces->down * pieces->n_columns * DTMM_MVE_COLUMN_BYTES;
    struct dtmm_span now = dtmm_window(0, most, p->output_h), before = {0, 0};
    for (;;) {
        int has_more = now.begin < p->output_h;
        if (has_more)
            rows_load(p, image, band, now, x, words);
        struct dtmm_span ready = looks_ahead ? before : now;
        if (ready.end > ready.begin) {
            band->words = looks_ahead ? other : words;
            band->n_rows = ready.end - ready.begin;
            band->output = output + (ready.begin * p->output_w + x) * channels + o;
            band_run(p, band, o);
        }
        if (!has_more)
            return;
        before = now;
        now = dtmm_window(now.end, most, p->output_h);
        if (looks_ahead) {
            int8_t *loaded = words;
            words = other;
            other = loaded;
        }
    }
}

static inline void depthwise_pieces(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                    void *output, void *scratch, int is_in_place)
{
    struct memory *memory = scratch;
    struct dtmm_mve_image *image = &memory->image;
    struct band *band = &memory->band;
    struct dtmm_mve_pieces *pieces = &memory->pieces;
    *pieces = dtmm_mve_pieces(p, is_in_place);
    int32_t n_pieces = pieces->down * pieces->across, m = p->depth_multiplier;
    int may_be_fast = n_pieces == 1 && p->stride_w == 2 && m == 1;
    int8_t *filters = (int8_t *)(memory + 1), *end = filters + n_pieces * 4 * DTMM_MVE_COLUMN_BYTES;
    int32_t *deltas = (int32_t *)(void *)end;
    int8_t *words = (int8_t *)(deltas + n_pieces);
    memset(memory->zeros, 0, 16);
    memset(memory->outside, p->input_zero_point, 16);
    *band = (struct band){
        .pieces = pieces, .filters = filters, .deltas = deltas, .tiles = &memory->tiles};
    *image = (struct dtmm_mve_image){.outside = memory->outside,
                                     .n_rows = p->input_h,
                                     .n_columns = p->input_w,
                                     .row_step = p->input_w * p->input_channels,
                                     .column_step = p->input_channels,
                                     .dilation = p->dilation_h};
    for (int32_t o = 0; o < p->input_channels * m; o += 16) {
        int32_t left = p->input_channels * m - o, n = left < 16 ? left : 16;
        band->n_channels = n;
        band->first_input = o / m;
        int is_fast = may_be_fast && dtmm_mve_gather_fast(p, o, n, memory->fast);
        band->fast = is_fast ? memory->fast : NULL;
        image->input = (const int8_t *)input + band->first_input;
        image->n_channels = (o + n - 1) / m - band->first_input + 1;
        filters_interleave(p, band, o, memory->zeros, filters);
        for (int32_t x = 0; x < p->output_w; x += pieces->strip) {
            left = p->output_w - x;
            band->n_columns = left < pieces->strip ? left : pieces->strip;
            strip_run(p, image, band, words, x, o, output, is_in_place && pieces->looks_ahead);
        }
    }
}

#endif
