/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3, stride 1: a window of 4x4 inputs gives 2x2 outputs, so that one gather load serves four
 * filters, which are the same nine weights moved by a row, a column, and both. Where the width or
 * height is odd the last tile overlaps the one before it. */
#include "depthwise.h"

/* A band: pairs of output rows of a strip of the image, for one group of channels. */
struct band {
    int8_t *output;      /* of the group's first channel, at the band's corner */
    const int8_t *words; /* the columns of input */
    const int8_t *filters;
    int32_t n_pairs, n_tiles; /* n_tiles: complete ones in a row */
    int32_t is_odd, n_channels;
    int32_t saturates;
};

/* What the inner loops read, by these offsets. */
struct tiles {
    struct dtmm_mve_exact exact;
    int32_t n_tiles,
        back;     /* 28, 32; back: bytes from the last tile's usual place to its own, or 0 */
    int32_t skip; /* 36; from the end of a pair's first row to the next pair */
};

struct filter {
    int32x4_t w0, w1, w2, w3;
};

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

struct channel {
    int8_t *output;
    uint32x4_t words; /* addresses of the first window, less one step */
    int32_t bias, multiplier, shift;
};

static inline void pairs_fast(const struct tiles *tiles, const struct filter *filter,
                              struct channel channel, int32_t n_pairs, uint32x4_t pixels,
                              int32_t step)
{
    int32_t a0, a1, a2, a3;
    int32x4_t x, multiplier = vdupq_n_s32(channel.multiplier);
    int32_t zero_point = -(128 << -channel.shift);
    __asm__ volatile(
        PAIRS(DOT DTMM_MVE_REQUANTIZE_FAST STORE)
        : [a0] "=&Te"(a0), [a1] "=&Te"(a1), [a2] "=&Te"(a2), [a3] "=&Te"(a3), [x] "=&w"(x),
          [at] "+w"(channel.words), [out] "+r"(channel.output), [n] "+r"(n_pairs)
        : [exact] "r"(tiles), [w0] "w"(filter->w0), [w1] "w"(filter->w1), [w2] "w"(filter->w2),
          [w3] "w"(filter->w3), [pixels] "w"(pixels), [step] "r"(step), [bias] "r"(channel.bias),
          [multiplier] "w"(multiplier), [zero_point] "r"(zero_point), [shift] "r"(channel.shift)
        : "lr", "cc", "memory");
}

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

static void band_run(const struct dtmm_depthwise_conv_2d *p, const struct band *band, int32_t c)
{
    static const uint32_t columns[8] = {0, 64, 128, 192, 192, 0, 64, 128};
    int32_t channels = p->input_channels, row = channels * p->output_w;
    struct tiles tiles = {
        {.zero_point = p->output_zero_point, .low = p->output_min, .high = p->output_max},
        band->n_tiles,
        band->is_odd ? channels : 0,
        2 * row - (2 * band->n_tiles + band->is_odd) * channels};
    uint32x4_t pixels = vsetq_lane_u32((uint32_t)row, vdupq_n_u32(0), 1);
    pixels = vsetq_lane_u32((uint32_t)channels, pixels, 2);
    pixels = vsetq_lane_u32((uint32_t)(row + channels), pixels, 3);
    const int8_t *words = band->words - 128, *filters = band->filters;
    struct channel channel;
    for (int32_t i = 0; i < band->n_channels; i++, c++, words += 4, filters += 4) {
        uint32x4_t in_place = vldrwq_u32(columns), moved = vldrwq_u32(columns + 4);
        struct filter filter = {
            vldrwq_gather_offset_s32((const int32_t *)(const void *)filters, in_place),
            vldrwq_gather_offset_s32((const int32_t *)(const void *)(filters + 256), in_place),
            vldrwq_gather_offset_s32((const int32_t *)(const void *)filters, moved),
            vldrwq_gather_offset_s32((const int32_t *)(const void *)(filters + 256), moved)};
        channel.output = band->output + i;
        channel.words = vaddq_n_u32(in_place, (uint32_t)(uintptr_t)words);
        channel.bias = p->bias[c];
        channel.multiplier = p->multiplier[c];
        channel.shift = p->shift[c];
        if (dtmm_mve_is_fast(band->saturates, channel.bias, channel.shift)) {
            pairs_fast(&tiles, &filter, channel, band->n_pairs, pixels, 2 * channels);
        } else {
            dtmm_mve_set_exact(&tiles.exact, channel.multiplier, channel.shift);
            pairs_exact(&tiles, &filter, channel, band->n_pairs, pixels, 2 * channels);
        }
    }
}

/* The filters of a group for the upper outputs of a tile, as three columns of weights and one of
 * zeros, and the same for the lower outputs. */
static void filters_interleave(const struct dtmm_depthwise_conv_2d *p, int32_t c,
                               int32_t n_channels, const int8_t *zeros, int8_t *to)
{
    int32_t step = p->input_channels;
    const int8_t *w = p->weights + c;
    struct dtmm_mve_rows none = {{zeros, zeros, zeros, zeros}, {0, 0, 0, 0}};
    struct dtmm_mve_rows upper = {{w, w + 3 * step, w + 6 * step, zeros}, {step, step, step, 0}};
    struct dtmm_mve_rows lower = {{zeros, w, w + 3 * step, w + 6 * step}, {0, step, step, step}};
    to = dtmm_mve_interleave(upper, n_channels, to, 3);
    to = dtmm_mve_interleave(none, n_channels, to, 1);
    to = dtmm_mve_interleave(lower, n_channels, to, 3);
    dtmm_mve_interleave(none, n_channels, to, 1);
}

/* The columns x .. x + n - 1 of the output for the group that starts with channel c. */
static void strip_run(const struct dtmm_depthwise_conv_2d *p, const struct dtmm_mve_group *group,
                      struct band *band, int8_t *words, struct dtmm_span columns, int32_t c,
                      int8_t *output)
{
    int32_t n = columns.end - columns.begin, most = dtmm_mve_depthwise_3x3_pairs(p);
    band->words = words;
    band->n_tiles = n / 2;
    band->is_odd = n % 2;
    for (int32_t y = 0; y < p->output_h; y += 2 * band->n_pairs) {
        int32_t left = (p->output_h - y) / 2;
        if (left == 0) {
            y = p->output_h - 2;
            left = 1;
        }
        band->n_pairs = left < most ? left : most;
        int8_t *to = words;
        for (int32_t i = 0; i < band->n_pairs; i++)
            to = dtmm_mve_window(p, group, 4, y + 2 * i - p->pad_top, columns.begin - p->pad_left,
                                 to, n + 2);
        band->output = output + (y * p->output_w + columns.begin) * p->input_channels + c;
        band_run(p, band, c);
    }
}

void dtmm_depthwise_conv_2d_3x3_s8_mve(const struct dtmm_depthwise_conv_2d *p, const void *input,
                                       void *output, void *scratch)
{
    int8_t *zeros = scratch, *filters = zeros + DTMM_MVE_DEPTHWISE_CONSTANTS;
    int8_t *words = filters + 8 * DTMM_MVE_COLUMN_BYTES;
    memset(zeros, 0, 16);
    memset(zeros + 16, p->input_zero_point, 16);
    int32_t width = dtmm_mve_depthwise_3x3_strip(p);
    struct band band = {.filters = filters, .saturates = dtmm_mve_saturates(p)};
    for (int32_t c = 0; c < p->input_channels; c += 16) {
        int32_t left = p->input_channels - c;
        band.n_channels = left < 16 ? left : 16;
        struct dtmm_mve_group group = {(const int8_t *)input + c, zeros + 16, band.n_channels};
        filters_interleave(p, c, band.n_channels, zeros, filters);
        for (int32_t x = 0; x < p->output_w; x += width) {
            struct dtmm_span columns = {x, x + width};
            if (columns.end > p->output_w)
                columns.end = p->output_w;
            if (columns.end - columns.begin < 2)
                columns.begin = columns.end - 2;
            strip_run(p, &group, &band, words, columns, c, output);
        }
    }
}
