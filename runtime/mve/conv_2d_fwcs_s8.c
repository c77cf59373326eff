/* SPDX-License-Identifier: Apache-2.0 */
/* 8 output pixels, two times 4 neighbors, x 1 filter at a time, over the kept weights alone. The
 * image is done in bands, whose input is laid out as conv_2d_rules.h tells: there, the offsets of
 * the inputs that a filter's weights meet are the same for each pixel, and a filter becomes a list
 * of offsets, one of each piece of its weights. A vector holds 16 weights: a part of a piece, or
 * two pieces of 8 or four of 4, whose inputs a gather load fetches. Where a filter's weights are no
 * multiple of 16, its first vector begins with zeros. */
#include "conv_2d.h"

/* Two times 4 pixels. */
struct group {
    const int8_t *input;
    int8_t *output;
};

/* The work of `convolve_filters`, by these offsets; filters in a band. */
struct work {
    const int32_t *list;               /* what is read for each group: offsets, */
    const int8_t *weights;             /* 4; weights after the first vector, */
    const struct group *groups;        /* 8; the group, */
    int32_t count;                     /* 12; rounds */
    int32_t bias, multiplier, shift;   /* 16, 20, 24 */
    const struct group *groups_end;    /* 28 */
    int32_t size;                      /* 32; of a piece */
    int32_t rounding;                  /* 36; enum dtmm_mve_rounding */
    const struct group *first_group;   /* 40 */
    const uint8_t *mask;               /* 44 */
    int32_t mask_bytes;                /* 48; 0 when the list is complete */
    const int32_t *unit_offset;        /* 52 */
    int32_t *entries, *entries_end;    /* 56, 60; of the list; end is where to continue it */
    const int32_t *biases;             /* 64 */
    const int32_t *multipliers;        /* 68 */
    const int8_t *shifts;              /* 72 */
    const int8_t *filter;              /* 76; its weights */
    int32_t n_filters;                 /* 80 */
    int32_t n_stored;                  /* 84; outputs in the order of `offsets` */
    int32_t more_pieces, more_step;    /* 88, 92; of a unit after its first one */
    int32_t entry_bytes, second;       /* 96, 100; second: the entry's second word less its first */
    int32_t vector_mask, vector_shift; /* 104, 108; of list bytes a round: 2^shift, mask + 1 */
    int32_t weights_shift;             /* 112; weights of a list byte, log2 */
    int32_t parity;                    /* 116; 1 when rounds are done in pairs */
    int32_t body;                      /* 120; on the stack */
    int32_t input_delta;               /* 124; from the first 4 pixels to the second */
    int32_t zero_point, low, high;     /* 128, 132, 136 */
    uint16_t offsets[8]; /* 140; of the outputs: one of the first 4, one of the second in turn */
};

#define LOAD_16(at, i) "   vldrb.u8 q2, [" at ", #" #i " * 16]\n"
#define LOAD_32(at, i) "   vldrw.u32 q2, [" at ", #" #i " * 32]\n"
#define LOAD_32_1(at, i) "   vldrw.u32 q2, [" at ", #" #i " * 32 + 16]\n"
#define LOAD_64(at, i) "   vldrw.u32 q2, [" at ", #" #i " * 64]\n"
#define LOAD_64_1(at, i) "   vldrw.u32 q2, [" at ", #" #i " * 64 + 16]\n"
#define LOAD_64_2(at, i) "   vldrw.u32 q2, [" at ", #" #i " * 64 + 32]\n"
#define LOAD_64_3(at, i) "   vldrw.u32 q2, [" at ", #" #i " * 64 + 48]\n"
#define GATHER_8(at, i) "   vldrd.u64 q2, [q1, #" #i " * 16]\n"
#define GATHER_4(at, i) "   vldrw.u32 q2, [q1, #" #i " * 16]\n"
/* A vector of weights meets those of 8 pixels: the first 4, `between`, and the second. */
#define MULTIPLY(LOAD, between, multiply, w)                                                       \
    LOAD("r5", 0)                                                                                  \
    "   " multiply " r0, " w ", q2\n" LOAD("r5", 1) "   " multiply " r2, " w ", q2\n" LOAD(        \
        "r5", 2) "   " multiply " r4, " w                                                          \
                 ", q2\n" LOAD("r5", 3) "   " multiply " r6, " w ", q2\n" between LOAD(            \
                     "r11", 0) "   " multiply " r8, " w                                            \
                               ", q2\n" LOAD("r11", 1) "   " multiply " r10, " w ", q2\n" LOAD(    \
                                   "r11", 2) "   " multiply " r12, " w                             \
                                             ", q2\n" LOAD("r11", 3) "   " multiply " lr, " w      \
                                                                     ", q2\n"
#define FIRST(LOAD, between) MULTIPLY(LOAD, between, "vmladav.s8", "q3")
#define MORE(LOAD, between)                                                                        \
    "   vldrb.u8 q0, [r3], #16\n" MULTIPLY(LOAD, between, "vmladava.s8", "q0")
#define NEXT                                                                                       \
    "   ldrd r5, r11, [r1], #8\n"                                                                  \
    "   add r5, r5, r9\n"                                                                          \
    "   add r11, r11, r9\n"
#define NEXT_GATHER                                                                                \
    "   vldrw.u32 q1, [r1], #16\n"                                                                 \
    "   vadd.i32 q1, q1, r9\n"
#define DELTA "   vadd.i32 q1, q1, r11\n"
/* Rounds of one vector, in pairs. r7: rounds after the first in pairs, rounded up, twice, + 1 if
 * their number is odd. */
#define PAIRS(next, LOAD, between)                                                                 \
    next FIRST(LOAD, between) "   lsrs r7, r7, #1\n"                                               \
                              "   bcs 22f\n"                                                       \
                              "   beq 23f\n"                                                       \
                              "21:\n" next                                                         \
                              MORE(LOAD, between) "22:\n" next                                     \
                              MORE(LOAD, between) "   subs r7, r7, #1\n"                           \
                                                  "   bne 21b\n"                                   \
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
/* Sets `to` to the address of the label `third`, or where lower or the same, `first` or `second`.
 */
#define CHOOSE(to, lower, first, same, second, third)                                              \
    "   adr " to ", " third "f\n"                                                                  \
    "   it " lower "\n"                                                                            \
    "   adr" lower " " to ", " first "f\n"                                                         \
    "   it " same "\n"                                                                             \
    "   adr" same " " to ", " second "f\n"

/* The outputs of filters in a band. In the rounds r0, r2, r4, r6, r8, r10, r12, lr are the sums; r1
 * walks the list, r3 the weights, r9 is the group's input; r5 and r11 are the inputs of the first
 * and the second 4 pixels, or r11 is the distance between them and q1 the addresses of pieces. q3
 * is the first vector of weights, q4 the outputs' offsets, and the predicate tells which are
 * stored. */
__attribute__((naked)) static void convolve_filters(const struct work *work __attribute__((unused)))
{
    __asm__ volatile(/* the work to the stack, with addresses for size and rounding */
                     "   push {r4-r11, lr}\n"
                     "   vpush {d8-d15}\n"
                     "   sub sp, sp, #128\n"
                     "   mov r12, sp\n"
                     "   mov lr, r0\n"
                     "   ldm lr!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"
                     "   stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"
                     "   ldm lr!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"
                     "   mov r8, r1\n"
                     "   mov r9, r0\n"
                     "   cmp r8, #1\n" CHOOSE(
                         "r1", "lo", "5", "eq", "6",
                         "7") "   orr r1, r1, #1\n"
                              "   stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"
                              "   ldm lr!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"
                              "   stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"
                              "   ldm lr!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"
                              "   cmp r9, #8\n" CHOOSE(
                                  "r6", "lo", "14", "eq", "18",
                                  "16") "   cmp r9, #32\n"
                                        "   it eq\n"
                                        "   adreq r6, 12f\n"
                                        "   it hi\n"
                                        "   adrhi r6, 11f\n"
                                        "   orr r6, r6, #1\n"
                                        "   stm r12!, {r0, r1, r2, r3, r4, r5, r6, r7}\n"
                                        "   ldm lr!, {r0, r1, r2}\n"
                                        "   vdup.16 q5, r0\n"
                                        "   vdup.16 q6, r1\n"
                                        "   vdup.16 q7, r2\n"
                                        "   vldrh.u16 q4, [lr]\n");
    __asm__ volatile(/* a filter: its list */
                     "2: ldrd r0, r8, [sp, #44]\n"
                     "   ldr r2, [sp, #52]\n"
                     "   ldr r1, [sp, #60]\n"
                     "   ldrd r3, r12, [sp, #88]\n"
                     "   ldrd r9, r11, [sp, #96]\n"
                     "   mov r10, #0x80000000\n"
                     "   cmp r8, #0\n"
                     "   beq 26f\n"
                     "21: ldrb r4, [r0], #1\n"
                     "   rbit r4, r4\n"
                     "   cbz r4, 25f\n"
                     "22: clz r5, r4\n"
                     "   ldr r6, [r2, r5, lsl #2]\n"
                     "   lsr r5, r10, r5\n"
                     "   add r7, r6, r11\n"
                     "   strd r6, r7, [r1]\n"
                     "   add r1, r1, r9\n"
                     "   cbz r3, 24f\n"
                     "   mov lr, r3\n"
                     "23: add r6, r6, r12\n"
                     "   add r7, r7, r12\n"
                     "   strd r6, r7, [r1], #8\n"
                     "   subs lr, lr, #1\n"
                     "   bne 23b\n"
                     "24: bics r4, r4, r5\n"
                     "   bne 22b\n"
                     "25: add r2, r2, #32\n"
                     "   subs r8, r8, #1\n"
                     "   bne 21b\n"
                     "   str r0, [sp, #44]\n"
                     "26:\n");
    __asm__ volatile(/* its first vector, rounds and constants */
                     "   ldr r0, [sp, #56]\n"
                     "   add r12, sp, #104\n"
                     "   ldm r12, {r2, r3, r4, r5, r6}\n"
                     "   subs r1, r1, r0\n"
                     "   it eq\n"
                     "   adreq r6, 10f\n"
                     "   orr r6, r6, #1\n"
                     "   str r6, [sp, #32]\n"
                     "   rsb r7, r1, #0\n"
                     "   and r7, r7, r2\n" /* zeros in the first vector */
                     "   add r2, r2, r1\n"
                     "   lsr r2, r2, r3\n" /* rounds */
                     "   eor r5, r5, r2\n"
                     "   ldr r3, [sp, #76]\n"
                     "   lsl r4, r1, r4\n" /* weights */
                     "   add r4, r4, r3\n"
                     "   str r4, [sp, #76]\n"
                     "   sub r3, r3, r7\n"
                     "   sub r0, r0, r7\n"
                     "   ldr r6, [sp, #40]\n"
                     "   strd r0, r3, [sp]\n"
                     "   strd r6, r5, [sp, #8]\n"
                     "   cbz r1, 27f\n"
                     "   vctp.8 r7\n"
                     "   vpnot\n"
                     "   vpst\n"
                     "   vldrbt.u8 q3, [r3], #16\n"
                     "   str r3, [sp, #4]\n"
                     "27: ldr r0, [sp, #84]\n"
                     "   vctp.16 r0\n"
                     "   add r12, sp, #64\n"
                     "   ldm r12, {r0, r1, r2}\n"
                     "   ldr r3, [r0], #4\n"
                     "   ldr r4, [r1], #4\n"
                     "   ldrsb r5, [r2], #1\n"
                     "   stm r12, {r0, r1, r2}\n"
                     "   strd r3, r4, [sp, #16]\n"
                     "   str r5, [sp, #24]\n");
    __asm__ volatile(/* a group */
                     "1: ldm sp, {r1, r3, r5, r7}\n"
                     "   ldr r11, [sp, #124]\n"
                     "   ldr r9, [r5]\n"
                     "   ldr pc, [sp, #32]\n"
                     "   .p2align 2\n"
                     "10: ldr r0, [sp, #40]\n"
                     "   cmp r0, r5\n"
                     "   bne 9f\n" /* the first group's outputs are still in q0 */
                     "   mov r0, #0\n"
                     "   mov r2, #0\n"
                     "   mov r4, #0\n"
                     "   mov r6, #0\n"
                     "   mov r8, #0\n"
                     "   mov r10, #0\n"
                     "   mov r12, #0\n"
                     "   mov lr, #0\n"
                     "   ldr pc, [sp, #36]\n"
                     "9: ldr r7, [sp, #28]\n"
                     "21: ldr r0, [r5, #4]\n"
                     "   vpst\n"
                     "   vstrbt.16 q0, [r0, q4]\n"
                     "   add r5, r5, #8\n"
                     "   cmp r5, r7\n"
                     "   bne 21b\n"
                     "   b 8f\n");
    __asm__ volatile(
        "   .p2align 2\n"
        "11:\n" NEXT FIRST(LOAD_64, "") "   b 22f\n"
                                        "21:\n" NEXT MORE(LOAD_64, "") "22:\n" MORE(LOAD_64_1, "")
                                            MORE(LOAD_64_2, "")
                                                MORE(LOAD_64_3, "") "   subs r7, r7, #1\n"
                                                                    "   bne 21b\n"
                                                                    "   ldr pc, [sp, #36]\n");
    __asm__ volatile("   .p2align 2\n"
                     "12:\n" NEXT FIRST(LOAD_32, "") "   b 22f\n"
                                                     "21:\n" NEXT MORE(LOAD_32, "") "22:\n" MORE(
                                                         LOAD_32_1, "") "   subs r7, r7, #1\n"
                                                                        "   bne 21b\n"
                                                                        "   ldr pc, [sp, #36]\n");
    __asm__ volatile("   .p2align 2\n"
                     "16:\n" PAIRS(NEXT, LOAD_16, ""));
    __asm__ volatile("   .p2align 2\n"
                     "18:\n" PAIRS(NEXT_GATHER, GATHER_8, DELTA));
    __asm__ volatile("   .p2align 2\n"
                     "14:\n" PAIRS(NEXT_GATHER, GATHER_4, DELTA));
    __asm__ volatile(
        "   .p2align 2\n"
        "5:\n" FINISH(DTMM_MVE_SCALE_RELU) "   b 8f\n"
                                           "   .p2align 2\n"
                                           "6:\n" FINISH(DTMM_MVE_SCALE_DOWN) "   b 8f\n");
    __asm__ volatile("   .p2align 2\n"
                     "7:\n" FINISH(DTMM_MVE_SCALE_ANY) "8: mov r0, #1\n"
                                                       "   vadd.i16 q4, q4, r0\n"
                                                       "   ldr r0, [sp, #80]\n"
                                                       "   subs r0, r0, #1\n"
                                                       "   str r0, [sp, #80]\n"
                                                       "   bne 2b\n"
                                                       "   add sp, sp, #128\n"
                                                       "   vpop {d8-d15}\n"
                                                       "   pop {r4-r11, pc}\n");
}

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

static inline int8_t *fill(int8_t *to, int32_t n_bytes, int8_t value)
{
    int8x16_t values = vdupq_n_s8(value);
    for (; n_bytes > 0; n_bytes -= 16, to += 16)
        vstrbq_s8(to, values);
    return to;
}

/* A band of the image and its input. */
struct place {
    struct dtmm_mve_band band; /* as large as bands are */
    int8_t *input;
    int32_t y, x, rows, columns; /* of this one's output */
};

/* Lays out a group of channels, from `from` on, of row y of the input. */
static int8_t *lay_out_row(const struct dtmm_conv_2d *p, const struct place *place,
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
        to = n_channels < 16 ? copy_parts(to, first, n_inside, step, n_channels)
             : pitch == 64   ? copy_64(to, first, n_inside, step)
             : pitch == 32   ? copy_32(to, first, n_inside, step)
                             : copy_16(to, first, n_inside, step);
        to = fill(to, (n - inside.end) * pitch, p->input_zero_point);
    }
    return to;
}

static void lay_out(const struct dtmm_conv_2d *p, const struct place *place, const int8_t *input)
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
static int32_t channel_offset(const struct dtmm_mve_band *band, int32_t c)
{
    int32_t rest = c & (band->pitch - 1);
    return (c - rest) / band->pitch * band->input_rows * dtmm_mve_band_row_bytes(band) + rest;
}

/* Of each unit of a filter. */
static void set_unit_offsets(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
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
static void set_groups(const struct dtmm_conv_2d *p, const struct place *place, int8_t *output,
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

/* Copies a unit's weights, with zeros up to a multiple of 4. */
static int8_t *pad_weights(int8_t *to, const int8_t *weights, int32_t n)
{
    for (int32_t i = 0; i < ((n + 3) & ~3); i++)
        *to++ = i < n ? weights[i] : 0;
    return to;
}

/* Lists the kept units' pieces; moves *weights to the next filter. Returns the end of the list. */
static int32_t *list_pieces(const struct dtmm_mve_band *band, const struct lists *lists,
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
static void convolve_irregular(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
                               const struct lists *lists, struct work *work)
{
    const int8_t *weights = p->weights;
    const uint8_t *mask = p->mask;
    work->mask_bytes = 0;
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

static void convolve_band(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
                          const struct lists *lists, struct work *work)
{
    const struct dtmm_mve_weight_pieces *pieces = &lists->pieces;
    work->biases = p->bias;
    work->multipliers = p->multiplier;
    work->shifts = p->shift;
    work->second = pieces->size < 16 ? 0 : work->input_delta;
    if (pieces->is_padded || pieces->length != pieces->last ||
        (pieces->size < 16 && pieces->length > pieces->size)) {
        convolve_irregular(p, band, lists, work);
        return;
    }
    work->filter = p->weights;
    work->entries_end = lists->entries;
    work->mask = p->mask;
    work->mask_bytes = (lists->n_units + 7) >> 3;
    work->n_filters = p->output_channels;
    convolve_filters(work);
}

/* Sets what is the same for all bands. */
static void set_work(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
                     const struct lists *lists, struct work *work)
{
    int32_t size = lists->pieces.size;
    work->size = size;
    work->rounding = dtmm_mve_rounding(p);
    work->unit_offset = lists->unit_offset;
    work->entries = lists->entries;
    work->more_pieces = lists->pieces.length / size - 1;
    work->more_step = channel_offset(band, band->pitch);
    work->entry_bytes = dtmm_mve_entry_bytes(&lists->pieces);
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
static struct group *set_lists(const struct dtmm_conv_2d *p, struct call *call)
{
    struct lists *lists = &call->lists;
    const struct dtmm_mve_band *band = &call->place.band;
    lists->pieces = dtmm_mve_weight_pieces(p);
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
    words += dtmm_mve_max_pieces(p) * dtmm_mve_entry_bytes(&lists->pieces) / 4 + 1;
    lists->padded = (int8_t *)words;
    return groups;
}

void dtmm_conv_2d_fwcs_s8_mve(const struct dtmm_conv_2d *p, const void *input, void *output,
                              void *scratch)
{
    struct call *call = scratch;
    struct place *place = &call->place;
    place->band = dtmm_mve_band(p);
    const struct dtmm_mve_band *band = &place->band;
    struct group *groups = set_lists(p, call);
    set_work(p, band, &call->lists, &call->work);
    for (place->y = 0; place->y < band->height; place->y += band->rows)
        for (place->x = 0; place->x < band->width; place->x += band->columns) {
            int32_t rows = band->height - place->y, columns = band->width - place->x;
            place->rows = rows < band->rows ? rows : band->rows;
            place->columns = columns < band->columns ? columns : band->columns;
            lay_out(p, place, input);
            set_groups(p, place, output, groups, &call->work);
            convolve_band(p, band, &call->lists, &call->work);
        }
}
