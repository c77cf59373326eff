/* SPDX-License-Identifier: Apache-2.0 */
/* 8 output pixels, two times 4 neighbors, x 1 filter at a time, over the kept weights alone. The
 * image is done in bands, whose input is laid out as conv_2d_rules.h tells: there, the offsets of
 * the inputs that a filter's weights meet are the same for each pixel. A vector holds 16 weights:
 * one piece of 16, or two of 8 or four of 4, whose inputs a gather load fetches. Where a filter's
 * weights are no multiple of 16, its first vector begins with zeros. */
#include "conv_2d.h"

/* Two times 4 pixels. */
struct group {
    const int8_t *input;
    int8_t *output;
};

/* The work of `convolve_groups`, by these offsets: one filter in a band. */
struct filter_work {
    const int32_t *list;        /* offsets of pieces */
    const int8_t *weights;      /* 4; those after the first vector */
    const struct group *groups; /* 8 */
    int32_t
        n_vectors; /* 12; after the first: their number in pairs, rounded up, twice, + 1 if odd */
    int32_t bias, multiplier, shift; /* 16, 20, 24 */
    const struct group *groups_end;  /* 28 */
    int32_t size;                    /* 32; of a piece; 0 for a filter without weights */
    int32_t rounding;                /* 36; enum dtmm_mve_rounding */
    const int8_t *first_vector;      /* 40 */
    int32_t input_delta;             /* 44; from the first 4 pixels to the second */
    int32_t zero_point, low, high;   /* 48, 52, 56 */
    int32_t n_stored;                /* 60; of the outputs in the order of `offsets` */
    int32_t filter;                  /* 64; its index */
    uint16_t offsets[8]; /* 68; of the outputs: one of the first 4, one of the second in turn */
};

#define PIXEL_16(multiply, sum, weights, i)                                                        \
    "   vldrb.u8 q2, [r5, #" #i " * 16]\n"                                                         \
    "   " multiply " " sum ", " weights ", q2\n"
#define PIXEL_8(multiply, sum, weights, i)                                                         \
    "   vldrd.u64 q2, [q1, #" #i " * 16]\n"                                                        \
    "   " multiply " " sum ", " weights ", q2\n"
#define PIXEL_4(multiply, sum, weights, i)                                                         \
    "   vldrw.u32 q2, [q1, #" #i " * 16]\n"                                                        \
    "   " multiply " " sum ", " weights ", q2\n"
#define NEXT_16                                                                                    \
    "   ldr r5, [r1], #4\n"                                                                        \
    "   add r5, r5, r9\n"
#define NEXT_GATHER                                                                                \
    "   vldrw.u32 q1, [r1], #16\n"                                                                 \
    "   vadd.i32 q1, q1, r9\n"
#define DELTA_16 "   add r5, r5, r11\n"
#define DELTA_GATHER "   vadd.i32 q1, q1, r11\n"
#define VECTOR(next, delta, PIXEL, multiply, w)                                                    \
    next PIXEL(multiply, "r0", w, 0) PIXEL(multiply, "r2", w, 1) PIXEL(multiply, "r4", w, 2)       \
        PIXEL(multiply, "r6", w, 3) delta                                                          \
        PIXEL(multiply, "r8", w, 0) PIXEL(multiply, "r10", w, 1) PIXEL(multiply, "r12", w, 2)      \
            PIXEL(multiply, "lr", w, 3)
/* The sums of a group, with numeric labels for its loop. */
#define SUMS(next, delta, PIXEL)                                                                   \
    VECTOR(next, delta, PIXEL, "vmladav.s8", "q3")                                                 \
    "   lsrs r7, r7, #1\n"                                                                         \
    "   bcs 22f\n"                                                                                 \
    "   beq 23f\n"                                                                                 \
    "21: vldrb.u8 q0, [r3], #16\n" VECTOR(                                                         \
        next, delta, PIXEL, "vmladava.s8",                                                         \
        "q0") "22: vldrb.u8 q0, [r3], #16\n" VECTOR(next, delta, PIXEL, "vmladava.s8",             \
                                                    "q0") "   subs r7, r7, #1\n"                   \
                                                          "   bne 21b\n"                           \
                                                          "23: ldr pc, [sp, #36]\n"
/* From the sums to the next group. */
#define FINISH(scale)                                                                              \
    "   vmov q0[2], q0[0], r0, r4\n"                                                               \
    "   vmov q0[3], q0[1], r2, r6\n"                                                               \
    "   vmov q1[2], q1[0], r8, r12\n"                                                              \
    "   vmov q1[3], q1[1], r10, lr\n"                                                              \
    "   ldm sp, {r0, r1, r2, r3, r4, r5, r6, r7}\n" scale("q0", "r4", "r5", "r6")                  \
        scale("q1", "r4", "r5", "r6") DTMM_MVE_NARROW "   ldr r1, [r2, #4]\n"                      \
                                                      "   vpst\n"                                  \
                                                      "   vstrbt.16 q0, [r1, q4]\n"                \
                                                      "   add r2, r2, #8\n"                        \
                                                      "   str r2, [sp, #8]\n"                      \
                                                      "   cmp r2, r7\n"                            \
                                                      "   bne 1b\n"

/* The outputs of one filter in a band. r0, r2, r4, r6, r8, r10, r12, lr are the sums; r1 walks the
 * list, r3 the weights, r9 is the group's input and r11 the distance to the second 4 pixels. */
__attribute__((naked)) static void convolve_groups(const struct filter_work *work
                                                   __attribute__((unused)))
{
    __asm__ volatile("   push {r4-r11, lr}\n"
                     "   vpush {d8-d15}\n"
                     "   ldrd r1, r11, [r0, #40]\n"
                     "   vldrb.u8 q3, [r1]\n"
                     "   ldrd r1, r2, [r0, #48]\n"
                     "   vdup.16 q5, r1\n"
                     "   vdup.16 q6, r2\n"
                     "   ldrd r1, r2, [r0, #56]\n"
                     "   vdup.16 q7, r1\n"
                     "   vctp.16 r2\n"
                     "   ldr r1, [r0, #64]\n"
                     "   vldrh.u16 q4, [r0, #68]\n"
                     "   vadd.i16 q4, q4, r1\n"
                     "   ldm r0, {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9}\n"
                     "   adr r10, 14f\n"
                     "   cmp r8, #8\n"
                     "   it eq\n"
                     "   adreq r10, 18f\n"
                     "   it hi\n"
                     "   adrhi r10, 16f\n"
                     "   cmp r8, #0\n"
                     "   it eq\n"
                     "   adreq r10, 10f\n"
                     "   orr r8, r10, #1\n"
                     "   adr r10, 5f\n"
                     "   cmp r9, #1\n"
                     "   it eq\n"
                     "   adreq r10, 6f\n"
                     "   it hi\n"
                     "   adrhi r10, 7f\n"
                     "   orr r9, r10, #1\n"
                     "   push {r0, r1, r2, r3, r4, r5, r6, r7, r8, r9}\n"
                     "1: ldm sp, {r1, r3, r5, r7}\n"
                     "   ldr r9, [r5]\n"
                     "   ldr pc, [sp, #32]\n"
                     "   .p2align 2\n"
                     "10: mov r0, #0\n"
                     "   mov r2, #0\n"
                     "   mov r4, #0\n"
                     "   mov r6, #0\n"
                     "   mov r8, #0\n"
                     "   mov r10, #0\n"
                     "   mov r12, #0\n"
                     "   mov lr, #0\n"
                     "   ldr pc, [sp, #36]\n");
    __asm__ volatile("   .p2align 2\n"
                     "16:\n" SUMS(NEXT_16, DELTA_16, PIXEL_16));
    __asm__ volatile("   .p2align 2\n"
                     "18:\n" SUMS(NEXT_GATHER, DELTA_GATHER, PIXEL_8));
    __asm__ volatile("   .p2align 2\n"
                     "14:\n" SUMS(NEXT_GATHER, DELTA_GATHER, PIXEL_4));
    __asm__ volatile(
        "   .p2align 2\n"
        "5:\n" FINISH(DTMM_MVE_SCALE_RELU) "   b 8f\n"
                                           "   .p2align 2\n"
                                           "6:\n" FINISH(DTMM_MVE_SCALE_DOWN) "   b 8f\n");
    __asm__ volatile("   .p2align 2\n"
                     "7:\n" FINISH(DTMM_MVE_SCALE_ANY) "8: add sp, sp, #40\n"
                                                       "   vpop {d8-d15}\n"
                                                       "   pop {r4-r11, pc}\n");
}

/* ---- The input of a band ---- */

/* Copies n pixels of up to 16 channels, `step` apart, to a row of vectors; returns its end. */
static inline int8_t *copy_pixels(int8_t *to, const int8_t *from, int32_t n, int32_t step,
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

static inline int8_t *fill_pixels(int8_t *to, int32_t n, int8_t value)
{
    int8x16_t values = vdupq_n_s8(value);
    for (; n > 0; n--, to += 16)
        vstrbq_s8(to, values);
    return to;
}

/* A band of the image and its input. */
struct place {
    struct dtmm_mve_band band; /* as large as bands are */
    int8_t *input;
    int32_t y, x, rows, columns; /* of this one's output */
};

/* Lays out 16 channels, from `from` on, of row y of the input. */
static int8_t *lay_out_row(const struct dtmm_conv_2d *p, const struct place *place,
                           const int8_t *from, int32_t n_channels, int32_t y, int8_t *to)
{
    int32_t n = place->band.input_columns, stride = p->stride_w;
    if (y < 0 || y >= p->input_h)
        return fill_pixels(to, n * place->band.phases, p->input_zero_point);
    int32_t x = place->x * stride - p->pad_left;
    /* One long row, if height is 1 where the input's is not. */
    int32_t width = place->band.height < p->output_h ? place->band.width : p->input_w;
    from += y * width * p->input_channels;
    for (int32_t phase = 0; phase < place->band.phases; phase++, x++) {
        struct dtmm_span inside = dtmm_clip(x, stride, n, width);
        const int8_t *first = from + (x + inside.begin * stride) * p->input_channels;
        to = fill_pixels(to, inside.begin, p->input_zero_point);
        to = copy_pixels(to, first, inside.end - inside.begin, stride * p->input_channels,
                         n_channels);
        to = fill_pixels(to, n - inside.end, p->input_zero_point);
    }
    return to;
}

static void lay_out(const struct dtmm_conv_2d *p, const struct place *place, const int8_t *input)
{
    int8_t *to = place->input;
    int32_t step = p->kernel_h == 1 ? p->stride_h : 1;
    for (int32_t c = 0; c < p->input_channels; c += 16) {
        int32_t y = place->y * p->stride_h - p->pad_top;
        for (int32_t i = 0; i < place->band.input_rows; i++, y += step)
            to = lay_out_row(p, place, input + c, p->input_channels - c, y, to);
    }
}

/* ---- Offsets in a band's input ---- */

static int32_t row_bytes(const struct dtmm_mve_band *band)
{
    return band->phases * band->input_columns * 16;
}

/* Of channel c from channel 0. */
static int32_t channel_offset(const struct dtmm_mve_band *band, int32_t c)
{
    return (c >> 4) * band->input_rows * row_bytes(band) + (c & 15);
}

/* Of each unit of a filter, + 1 for the last ones of taps. */
static void set_unit_offsets(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
                             const struct dtmm_mve_weight_pieces *pieces, int32_t *offset)
{
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            int32_t x = kx * p->dilation_w, column = x / band->phases, phase = x % band->phases;
            int32_t tap =
                ky * p->dilation_h * row_bytes(band) + (phase * band->input_columns + column) * 16;
            for (int32_t i = 0; i < pieces->units; i++)
                *offset++ = tap + channel_offset(band, i * p->block) + (i == pieces->units - 1);
        }
}

/* ---- The groups of a band ---- */

/* Groups two times 4 neighbors of a row, or of two rows where that gives fewer groups. */
static struct group *set_groups(const struct dtmm_conv_2d *p, const struct place *place,
                                int8_t *output, struct group *group, struct filter_work *work)
{
    int32_t rows = place->rows, columns = place->columns, filters = p->output_channels;
    int32_t in_rows = rows * ((columns + 7) / 8), across = (rows + 1) / 2 * ((columns + 3) / 4);
    int is_across = rows > 1 && across < in_rows && (place->band.width + 4) * filters <= 65535;
    int32_t width = is_across ? 4 : 8, height = is_across ? 2 : 1;
    int32_t input_row = place->band.row_stride * row_bytes(&place->band);
    int32_t second = columns < 4 ? 0 : columns < 8 ? columns - 4 : 4;
    work->input_delta = is_across ? input_row : second * 16;
    int32_t delta = is_across ? place->band.width * filters : second * filters;
    for (int32_t i = 0; i < 4; i++) {
        work->offsets[2 * i] = (uint16_t)(i * filters);
        work->offsets[2 * i + 1] = (uint16_t)(i * filters + delta);
    }
    work->n_stored = columns < 4 ? 2 * columns : 8;
    output += (place->y * place->band.width + place->x) * filters;
    for (int32_t y = 0; y < rows; y += height) {
        int32_t row = y + height <= rows ? y : rows - height;
        for (int32_t x = 0; x < columns; x += width) {
            int32_t column = x + width <= columns ? x : columns > width ? columns - width : 0;
            group->input = place->input + row * input_row + column * 16;
            group->output = output + (row * place->band.width + column) * filters;
            group++;
        }
    }
    return group;
}

/* ---- Filters ---- */

/* What turns filters into lists, in scratch memory. */
struct lists {
    struct dtmm_mve_weight_pieces pieces;
    const int32_t *unit_offset, *piece_offset; /* of pieces: from their unit's */
    int32_t n_units;
    int32_t *list;  /* after 3 entries of 0 */
    int8_t *padded; /* weights */
    int8_t *first_vector;
};

/* Copies a unit's weights, with zeros up to a multiple of 4. */
static int8_t *pad_weights(int8_t *to, const int8_t *weights, int32_t n)
{
    for (int32_t i = 0; i < ((n + 3) & ~3); i++)
        *to++ = i < n ? weights[i] : 0;
    return to;
}

/* Lists the kept units' pieces; moves *weights to the next filter. Returns the number of pieces. */
static int32_t list_pieces(const struct lists *lists, const uint8_t *mask, const int8_t **weights)
{
    const struct dtmm_mve_weight_pieces *pieces = &lists->pieces;
    int32_t *entry = lists->list;
    int8_t *padded = lists->padded;
    int32_t step = pieces->size == 8 ? 2 : 1, n_weights = 0;
    for (int32_t unit = 0; unit < lists->n_units; unit += 8)
        for (uint32_t bits = *mask++; bits; bits &= bits - 1) {
            int32_t offset = lists->unit_offset[unit + __builtin_ctz(bits)];
            int32_t n = offset & 1 ? pieces->last : pieces->length;
            if (pieces->is_padded)
                padded = pad_weights(padded, *weights + n_weights, n);
            n_weights += n;
            offset &= ~1;
            for (int32_t i = 0; i * pieces->size < n; i++, entry += step)
                entry[0] = entry[step - 1] = offset + lists->piece_offset[i];
        }
    *weights += n_weights;
    return (int32_t)(entry - lists->list) / step;
}

/* Sets what the work has of one filter: its list and its weights, which begin at `weights`. */
static void set_filter(const struct lists *lists, const int8_t *weights, int32_t n_pieces,
                       struct filter_work *work)
{
    int32_t size = lists->pieces.size, n_weights = n_pieces * size;
    int32_t n_vectors = n_pieces ? (n_weights + 15) >> 4 : 1, n_zeros = n_vectors * 16 - n_weights;
    if (lists->pieces.is_padded)
        weights = lists->padded;
    work->list = lists->list - n_zeros / 4;
    work->size = n_pieces ? size : 0;
    work->weights = weights + 16 - n_zeros;
    work->n_vectors = n_vectors / 2 * 2 + !(n_vectors & 1);
    work->first_vector = weights;
    if (n_zeros) {
        for (int32_t i = 0; i < 16; i++)
            lists->first_vector[i] = i < n_zeros ? 0 : weights[i - n_zeros];
        work->first_vector = lists->first_vector;
    }
}

static void convolve_band(const struct dtmm_conv_2d *p, const struct lists *lists,
                          struct filter_work *work)
{
    const int8_t *weights = p->weights;
    const uint8_t *mask = p->mask;
    for (int32_t o = 0; o < p->output_channels; o++, mask += (lists->n_units + 7) >> 3) {
        const int8_t *first = weights;
        set_filter(lists, first, list_pieces(lists, mask, &weights), work);
        work->filter = o;
        work->bias = p->bias[o];
        work->multiplier = p->multiplier[o];
        work->shift = p->shift[o];
        convolve_groups(work);
    }
}

/* Divides the scratch memory; see dtmm_conv_2d_fwcs_s8_mve_scratch_bytes. */
static struct lists set_lists(const struct dtmm_conv_2d *p, struct place *place,
                              struct group **groups, void *scratch)
{
    struct lists lists = {.pieces = dtmm_mve_weight_pieces(p)};
    const struct dtmm_mve_band *band = &place->band;
    lists.first_vector = scratch;
    place->input = lists.first_vector + 16;
    int32_t *words = (int32_t *)(void *)(place->input + dtmm_mve_band_bytes(p, band) + 48);
    *groups = (struct group *)(void *)words;
    words += 2 * dtmm_mve_max_groups(band);
    lists.unit_offset = words;
    set_unit_offsets(p, band, &lists.pieces, words);
    lists.n_units = p->kernel_h * p->kernel_w * lists.pieces.units;
    words += lists.n_units;
    lists.piece_offset = words;
    for (int32_t i = 0; i < lists.pieces.length; i += lists.pieces.size)
        *words++ = channel_offset(band, i);
    for (int i = 0; i < 3; i++)
        *words++ = 0;
    lists.list = words;
    words += (lists.pieces.size == 8 ? 2 : 1) * (dtmm_mve_max_pieces(p) - 3);
    lists.padded = (int8_t *)words;
    return lists;
}

void dtmm_conv_2d_fwcs_s8_mve(const struct dtmm_conv_2d *p, const void *input, void *output,
                              void *scratch)
{
    struct place place = {.band = dtmm_mve_band(p)};
    struct group *groups;
    struct lists lists = set_lists(p, &place, &groups, scratch);
    struct filter_work work = {.groups = groups,
                               .rounding = dtmm_mve_rounding(p),
                               .zero_point = p->output_zero_point,
                               .low = p->output_min,
                               .high = p->output_max};
    const struct dtmm_mve_band *band = &place.band;
    for (place.y = 0; place.y < band->height; place.y += band->rows)
        for (place.x = 0; place.x < band->width; place.x += band->columns) {
            int32_t rows = band->height - place.y, columns = band->width - place.x;
            place.rows = rows < band->rows ? rows : band->rows;
            place.columns = columns < band->columns ? columns : band->columns;
            lay_out(p, &place, input);
            work.groups_end = set_groups(p, &place, output, groups, &work);
            convolve_band(p, &lists, &work);
        }
}
