/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 depthwise convolution, four channels at a time. The memory holds the three rows of the input
 * under the kernel, padding included, in slots: row v is in slot v % 3, and the filters turn
 * instead of the rows. A word holds two columns, the three slots' words stand side by side, so that
 * one LDM loads two columns; two outputs take two LDM and 12 multiplications. */
#ifndef DTMM_ARMV7EM_DEPTHWISE_3X3_H
#define DTMM_ARMV7EM_DEPTHWISE_3X3_H

#include "depthwise.h"

/* A filter with its constants; sums are doubled. Rows 3 and 4 are rows 0 and 1 again. */
struct filter {
    int32_t rows[5][2]; /* taps (0, 1) and (1, 2), times two */
    struct dtmm_dsp_fast fast;
    int32_t bias;
};

/* A row of outputs of some channels, as the loops read it by these offsets. */
struct outputs {
    const struct filter *filters; /* 0: of the next channel */
    int32_t turn;                 /* 4: bytes to the filter's row for slot 0 */
    const int8_t *columns;        /* 8: of the next channel */
    int8_t *out;                  /* 12: of the next channel */
    int32_t channels;             /* 16 */
    int32_t pair_bytes;           /* 20: of the columns of all outputs in pairs, */
    int32_t single_bytes;         /* 24: and of the others */
    int32_t n_channels;           /* 28: left */
    int32_t low, high;            /* 32, 36 */
};

/* Stack of the loops: 0 multiplier, 4 offset, 8 exponent, 12 channels, 16 end of pairs, 20 and 24
 * bias, 28 end of singles, 32 struct outputs, 36 low, 40 high. Registers: r0-r5 the filter's rows,
 * r6, r8, r9 two columns, r10 and r11 sums, r12 the columns, lr the outputs. */
#define START_CHANNEL                                                                              \
    "0: ldr r6, [sp, #32]\n"                                                                       \
    "   ldm r6, {r0, r1, r2, r3, r4, r5, r8, r9}\n"                                                \
    "   mov lr, r3\n"                                                                              \
    "   mov r12, r2\n"                                                                             \
    "   add r3, r3, #1\n"                                                                          \
    "   add r5, r5, r2\n"                                                                          \
    "   add r8, r8, r5\n"                                                                          \
    "   add r2, r8, #12\n"                                                                         \
    "   strd r4, r5, [sp, #12]\n"                                                                  \
    "   str r8, [sp, #28]\n"                                                                       \
    "   sub r9, r9, #1\n"                                                                          \
    "   add r10, r0, r1\n"                                                                         \
    "   add r8, r0, #40\n"                                                                         \
    "   add r0, r0, #56\n"                                                                         \
    "   strd r2, r3, [r6, #8]\n"                                                                   \
    "   str r0, [r6]\n"                                                                            \
    "   str r9, [r6, #28]\n"                                                                       \
    "   ldm r8, {r0, r1, r2, r3}\n"                                                                \
    "   stm sp, {r0, r1, r2}\n"                                                                    \
    "   strd r3, r3, [sp, #20]\n"                                                                  \
    "   ldm r10, {r0, r1, r2, r3, r4, r5}\n"

#define PAIRS(finish)                                                                              \
    "   ldr r6, [sp, #16]\n"                                                                       \
    "   cmp r12, r6\n"                                                                             \
    "   beq 2f\n"                                                                                  \
    "1: ldrd r10, r11, [sp, #20]\n"                                                                \
    "   ldm r12!, {r6, r8, r9}\n"                                                                  \
    "   smlad r10, r6, r0, r10\n"                                                                  \
    "   smlatb r11, r6, r0, r11\n"                                                                 \
    "   smlad r10, r8, r2, r10\n"                                                                  \
    "   smlatb r11, r8, r2, r11\n"                                                                 \
    "   smlad r10, r9, r4, r10\n"                                                                  \
    "   smlatb r11, r9, r4, r11\n"                                                                 \
    "   ldm r12, {r6, r8, r9}\n"                                                                   \
    "   smlabt r10, r6, r1, r10\n"                                                                 \
    "   smlad r11, r6, r1, r11\n"                                                                  \
    "   smlabt r10, r8, r3, r10\n"                                                                 \
    "   smlad r11, r8, r3, r11\n"                                                                  \
    "   smlabt r10, r9, r5, r10\n"                                                                 \
    "   smlad r11, r9, r5, r11\n"                                                                  \
    "   ldm sp, {r6, r8, r9}\n" finish "   ldrd r6, r8, [sp, #12]\n"                               \
    "   strb r10, [lr]\n"                                                                          \
    "   strb r11, [lr, r6]\n"                                                                      \
    "   add lr, lr, r6, lsl #1\n"                                                                  \
    "   cmp r12, r8\n"                                                                             \
    "   bne 1b\n"

#define SINGLES(finish)                                                                            \
    "2: ldr r6, [sp, #28]\n"                                                                       \
    "   cmp r12, r6\n"                                                                             \
    "   beq 4f\n"                                                                                  \
    "3: ldr r10, [sp, #20]\n"                                                                      \
    "   ldm r12!, {r6, r8, r9}\n"                                                                  \
    "   smlad r10, r6, r0, r10\n"                                                                  \
    "   smlad r10, r8, r2, r10\n"                                                                  \
    "   smlad r10, r9, r4, r10\n"                                                                  \
    "   ldm r12, {r6, r8, r9}\n"                                                                   \
    "   smlabt r10, r6, r1, r10\n"                                                                 \
    "   smlabt r10, r8, r3, r10\n"                                                                 \
    "   smlabt r10, r9, r5, r10\n"                                                                 \
    "   ldm sp, {r6, r8, r9}\n" finish "   ldr r6, [sp, #12]\n"                                    \
    "   ldr r8, [sp, #28]\n"                                                                       \
    "   strb r10, [lr]\n"                                                                          \
    "   add lr, lr, r6\n"                                                                          \
    "   cmp r12, r8\n"                                                                             \
    "   bne 3b\n"                                                                                  \
    "4: ldr r6, [sp, #32]\n"                                                                       \
    "   ldr r9, [r6, #28]\n"                                                                       \
    "   cmp r9, #0\n"                                                                              \
    "   bne 0b\n"

/* For a ReLU whose range is that of int8. */
#define RELU_ONE DTMM_DSP_REQUANTIZE_RELU("r10", "r6", "r8", "r9") "   ssat r10, #8, r10\n"
#define RELU_TWO RELU_ONE DTMM_DSP_REQUANTIZE_RELU("r11", "r6", "r8", "r9") "   ssat r11, #8, r11\n"

#define CLAMP(acc)                                                                                 \
    "   cmp " acc ", r6\n"                                                                         \
    "   it lt\n"                                                                                   \
    "   movlt " acc ", r6\n"                                                                       \
    "   cmp " acc ", r8\n"                                                                         \
    "   it gt\n"                                                                                   \
    "   movgt " acc ", r8\n"
#define CLAMP_ONE                                                                                  \
    DTMM_DSP_REQUANTIZE("r10", "r8", "r6", "r8", "r9") "   ldrd r6, r8, [sp, #36]\n" CLAMP("r10")
#define CLAMP_TWO                                                                                  \
    DTMM_DSP_REQUANTIZE("r10", "r8", "r6", "r8", "r9")                                             \
    "   ldr r8, [sp, #4]\n" DTMM_DSP_REQUANTIZE("r11", "r8", "r6", "r8",                           \
                                                "r9") "   ldrd r6, r8, "                           \
                                                      "[sp, #36]\n" CLAMP("r10") CLAMP("r11")

#define RUN_CHANNELS(row, one, two)                                                                \
    do {                                                                                           \
        register struct outputs *r0 __asm__("r0") = (row);                                         \
        __asm__ volatile("   sub sp, sp, #48\n"                                                    \
                         "   ldrd r1, r2, [r0, #32]\n"                                             \
                         "   strd r1, r2, [sp, #36]\n"                                             \
                         "   str r0, [sp, #32]\n" START_CHANNEL PAIRS(two)                         \
                             SINGLES(one) "   add sp, sp, #48\n"                                   \
                         : "+r"(r0)                                                                \
                         :                                                                         \
                         : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12",    \
                           "lr", "cc", "memory");                                                  \
    } while (0)

/* Four channels. */
struct group {
    const struct dtmm_depthwise_conv_2d *p;
    struct filter *filters;
    int8_t *columns;
    int32_t channel_bytes;  /* of columns */
    int32_t first, n_early; /* channel; the first n_early of the four were in the group before */
    int32_t n_inside;       /* columns of the input */
    int is_fast, is_relu;
    struct outputs outputs;
};

/* Taps (a, b) of four filters as words of two halves, doubled. */
static inline void put_taps(struct filter *filters, int32_t row, int32_t column, int32_t a,
                            int32_t b)
{
    int32_t w0, w1, w2, w3;
    __asm__("pkhbt %1, %4, %5, lsl #16\n"
            "pkhtb %3, %5, %4, asr #16\n"
            "sxtb16 %0, %1\n"
            "sxtb16 %1, %1, ror #8\n"
            "sxtb16 %2, %3\n"
            "sxtb16 %3, %3, ror #8\n"
            "sadd16 %0, %0, %0\n"
            "sadd16 %1, %1, %1\n"
            "sadd16 %2, %2, %2\n"
            "sadd16 %3, %3, %3\n"
            : "=&r"(w0), "=&r"(w1), "=&r"(w2), "=&r"(w3)
            : "r"(a), "r"(b));
    for (; row < 5; row += 3) {
        filters[0].rows[row][column] = w0;
        filters[1].rows[row][column] = w1;
        filters[2].rows[row][column] = w2;
        filters[3].rows[row][column] = w3;
    }
}

static inline void put_row(struct filter *filters, int32_t row, const int8_t *weights,
                           int32_t channels)
{
    int32_t a = dtmm_dsp_load(weights), b = dtmm_dsp_load(weights + channels);
    put_taps(filters, row, 0, a, b);
    put_taps(filters, row, 1, b, dtmm_dsp_load(weights + 2 * channels));
}

static inline void prepare_filters(struct group *g)
{
    const struct dtmm_depthwise_conv_2d *p = g->p;
    const int8_t *weights = p->weights + g->first;
    int32_t channels = p->input_channels;
    put_row(g->filters, 0, weights, channels);
    put_row(g->filters, 1, weights + 3 * channels, channels);
    put_row(g->filters, 2, weights + 6 * channels, channels);
    g->is_fast = 1;
    for (int32_t c = 0, o = g->first; c < 4; c++, o++) {
        int32_t shift = p->shift[o];
        g->filters[c].bias = p->bias[o] * 2;
        g->is_fast &= dtmm_dsp_shift_is_fast(shift);
        if (g->is_fast)
            g->filters[c].fast = dtmm_dsp_fast(p->multiplier[o], shift, p->output_zero_point);
    }
}

/* A row of outputs of one channel, any requantization. */
static __attribute__((noinline, cold)) void convolve_exact(const struct group *g, int32_t c,
                                                           int32_t (*rows)[2], int8_t *out)
{
    const struct dtmm_depthwise_conv_2d *p = g->p;
    const int8_t *columns = g->columns + c * g->channel_bytes;
    int32_t o = g->first + c;
    for (int32_t x = 0; x < p->output_w; x++, out += p->input_channels) {
        int32_t at = x * p->stride_w;
        const int32_t *pair = (const int32_t *)(const void *)columns + at / 2 * 3;
        int32_t sum = g->filters[c].bias;
        for (int32_t slot = 0; slot < 3; slot++) {
            int32_t left = pair[slot], right = pair[slot + 3];
            if (at % 2)
                sum += (left >> 16) * (int16_t)rows[slot][0];
            else
                sum = dtmm_dsp_multiply_add(left, rows[slot][0], sum);
            if (at % 2)
                sum = dtmm_dsp_multiply_add(right, rows[slot][1], sum);
            else
                sum += (int16_t)right * (rows[slot][1] >> 16);
        }
        sum = dtmm_requantize(sum >> 1, p->multiplier[o], p->shift[o]);
        *out = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
    }
}

/* `turn` is the tap row for slot 0. */
static void convolve_row(struct group *g, int32_t turn, int8_t *out)
{
    if (!g->is_fast) {
        for (int32_t c = g->n_early; c < 4; c++)
            convolve_exact(g, c, g->filters[c].rows + turn, out + c);
        return;
    }
    struct outputs *outputs = &g->outputs;
    outputs->filters = g->filters + g->n_early;
    outputs->turn = turn * 8;
    outputs->columns = g->columns + g->n_early * g->channel_bytes;
    outputs->out = out + g->n_early;
    outputs->n_channels = 4 - g->n_early;
    if (g->is_relu)
        RUN_CHANNELS(outputs, RELU_ONE, RELU_TWO);
    else
        RUN_CHANNELS(outputs, CLAMP_ONE, CLAMP_TWO);
}

/* Sets a slot of all four channels to the input's zero point. */
static void clear_slot(const struct group *g, int32_t slot)
{
    uint32_t word = dtmm_dsp_twice(g->p->input_zero_point);
    uint32_t *at = (uint32_t *)(void *)g->columns + slot;
    for (int32_t i = g->channel_bytes / 3; i > 0; i--, at += 3)
        *at = word;
}

/* The row of the input at y to its slot. */
static inline void load_slot(const struct group *g, int32_t slot, const int8_t *input, int32_t y)
{
    const struct dtmm_depthwise_conv_2d *p = g->p;
    if (y < 0 || y >= p->input_h) {
        clear_slot(g, slot);
        return;
    }
    struct dtmm_dsp_row row = {g->columns + slot * 4, g->channel_bytes, p->pad_left, g->n_inside};
    dtmm_dsp_load_row(&row, input + y * p->input_w * p->input_channels + g->first,
                      p->input_channels, DTMM_DSP_PAIR_BYTES);
}

static void convolve_group(struct group *g, const int8_t *input, int8_t *output)
{
    const struct dtmm_depthwise_conv_2d *p = g->p;
    int32_t v = 0, slot = 0; /* v: row of the input, from the padding's first; slot: v % 3 */
    int8_t *out = output + g->first;
    for (int32_t oy = 0; oy < p->output_h; oy++, out += p->output_w * p->input_channels) {
        int32_t first = oy * p->stride_h;
        for (; v < first + 3; v++) {
            if (v >= first)
                load_slot(g, slot, input, v - p->pad_top);
            slot = slot == 2 ? 0 : slot + 1;
        }
        convolve_row(g, slot == 0 ? 0 : 3 - slot, out);
    }
}

static inline void dtmm_dsp_depthwise_3x3(const struct dtmm_depthwise_conv_2d *p,
                                          const int8_t *input, int8_t *output, void *scratch)
{
    int32_t columns = dtmm_dsp_depthwise_3x3_columns(p), n = columns * 2 - p->pad_left;
    struct group g = {.p = p, .filters = scratch};
    g.columns = (int8_t *)scratch + 4 * DTMM_DSP_FILTER_BYTES;
    g.channel_bytes = columns * DTMM_DSP_PAIR_BYTES;
    g.n_inside = n < p->input_w ? n : p->input_w;
    g.is_relu = p->output_min == -128 && p->output_max == 127 && p->output_zero_point == -128;
    g.outputs.channels = p->input_channels;
    g.outputs.pair_bytes = dtmm_dsp_depthwise_3x3_pairs(p) * DTMM_DSP_PAIR_BYTES;
    g.outputs.single_bytes = dtmm_dsp_depthwise_3x3_singles(p) * DTMM_DSP_PAIR_BYTES;
    g.outputs.low = p->output_min;
    g.outputs.high = p->output_max;
    for (int32_t slot = 0; slot < 3; slot++)
        clear_slot(&g, slot);
    for (int32_t first = 0; first < p->input_channels; first += 4) {
        int32_t last = p->input_channels - 4;
        g.first = first < last ? first : last;
        g.n_early = first - g.first;
        prepare_filters(&g);
        convolve_group(&g, input, output);
    }
}

#endif
