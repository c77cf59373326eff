/* SPDX-License-Identifier: Apache-2.0 */
/* Two filters at a time share a row of the input that is widened to int16 once. */
#include "../dtmm.h"
#include "dsp.h"
#include "requantize.h"

struct sums {
    int32_t a, b;
};

/* The row's values as halves: 0 and 2, 1 and 3, 4 and 6, ... as the bytes of the weights unpack. */
static void widen(const int8_t *in, int32_t n, int32_t *wide)
{
    for (; n >= 4; n -= 4, in += 4) {
        int32_t word = dtmm_dsp_load(in);
        *wide++ = dtmm_dsp_even_bytes(word);
        *wide++ = dtmm_dsp_odd_bytes(word);
    }
}

/* Eight weights of a filter times the inputs in r4, r5, r6, r8. */
#define DOT_8(load, weights, sum)                                                                  \
    load(weights) "   sxtb16 r9, r10\n"                                                            \
                  "   smlad %[" sum "], r9, r4, %[" sum "]\n"                                      \
                  "   sxtb16 r10, r10, ror #8\n"                                                   \
                  "   smlad %[" sum "], r10, r5, %[" sum "]\n"                                     \
                  "   sxtb16 r9, r11\n"                                                            \
                  "   smlad %[" sum "], r9, r6, %[" sum "]\n"                                      \
                  "   sxtb16 r11, r11, ror #8\n"                                                   \
                  "   smlad %[" sum "], r11, r8, %[" sum "]\n"
#define LOAD_ALIGNED(weights) "   ldrd r10, r11, [%[" weights "]], #8\n"
#define LOAD_ANY(weights)                                                                          \
    "   ldr r10, [%[" weights "]], #4\n"                                                           \
    "   ldr r11, [%[" weights "]], #4\n"
/* (%[n] + 1) / 2 times two blocks of eight weights of two filters, or one less where %[n] is even.
 */
#define BLOCKS_OF_TWO(load)                                                                        \
    "   lsrs %[n], %[n], #1\n"                                                                     \
    "   bcc 2f\n"                                                                                  \
    "1: ldm %[x]!, {r4, r5, r6, r8}\n" DOT_8(load, "wa", "a")                                      \
        DOT_8(load, "wb", "b") "2: ldm %[x]!, {r4, r5, r6, r8}\n" DOT_8(load, "wa", "a")           \
            DOT_8(load, "wb", "b") "   subs %[n], %[n], #1\n"                                      \
                                   "   bne 1b\n"
static int is_aligned(const int8_t *weights, int32_t n)
{
    return (((uintptr_t)weights | (uint32_t)n) & 3) == 0;
}

/* The sums of two filters, or of one twice. `narrow` is the row, `x` the same widened. */
static struct sums dot_two(const int8_t *wa, const int8_t *wb, const int8_t *narrow,
                           const int32_t *x, int32_t n)
{
    struct sums sums = {0, 0};
    int32_t n_blocks = (n >> 3) + 1;
    if (n_blocks > 1)
        __asm__ volatile(BLOCKS_OF_TWO(LOAD_ANY)
                         : [x] "+r"(x), [wa] "+r"(wa), [wb] "+r"(wb), [a] "+r"(sums.a),
                           [b] "+r"(sums.b), [n] "+r"(n_blocks)
                         :
                         : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "cc", "memory");
    if (n & 4) {
        int32_t word_a = dtmm_dsp_load(wa), word_b = dtmm_dsp_load(wb);
        sums.a = dtmm_dsp_multiply_add(dtmm_dsp_even_bytes(word_a), x[0], sums.a);
        sums.a = dtmm_dsp_multiply_add(dtmm_dsp_odd_bytes(word_a), x[1], sums.a);
        sums.b = dtmm_dsp_multiply_add(dtmm_dsp_even_bytes(word_b), x[0], sums.b);
        sums.b = dtmm_dsp_multiply_add(dtmm_dsp_odd_bytes(word_b), x[1], sums.b);
        wa += 4;
        wb += 4;
    }
    narrow += n & ~3;
    for (int32_t i = n & 3; i > 0; i--, narrow++) {
        sums.a += *wa++ * *narrow;
        sums.b += *wb++ * *narrow;
    }
    return sums;
}

/* Pairs of filters of a layer where all is as usual: input channels a multiple of 8, weights
 * aligned, one multiplier, the fast form exact, no clamp but to int8. The loop reads them by their
 * offsets. */
struct pairs {
    const int32_t *x;
    int32_t n_blocks;
    struct dtmm_dsp_fast fast; /* 8, 12, 16 */
    const int32_t *bias;       /* 20 */
    int8_t *out;               /* 24 */
    int32_t n_inputs, n;       /* 28, 32 */
};

static void run_pairs(struct pairs *pairs, const int8_t *wa, const int8_t *wb)
{
    const void *x = pairs;
    int32_t n, a, b;
    __asm__ volatile(
        "   push {%[x]}\n"
        "0: ldr r4, [sp]\n"
        "   ldr r5, [r4, #20]\n"
        "   ldrd %[x], %[n], [r4]\n"
        "   ldrd %[a], %[b], [r5], #8\n"
        "   str r5, [r4, #20]\n" BLOCKS_OF_TWO(
            LOAD_ALIGNED) "   ldr r4, [sp]\n"
                          "   ldrd r5, r6, [r4, #8]\n"
                          "   ldrd r8, r9, [r4, #16]\n"
                          "   lsl %[a], %[a], #1\n"
                          "   lsl %[b], %[b], #1\n" DTMM_DSP_REQUANTIZE("%[a]", "r9", "r5", "r6",
                                                                        "r8")
                              DTMM_DSP_REQUANTIZE("%[b]", "r6", "r5", "r6",
                                                  "r8") "   ldrd r9, r10, [r4, #24]\n"
                                                        "   ldr r11, [r4, #32]\n"
                                                        "   ssat %[a], #8, %[a]\n"
                                                        "   ssat %[b], #8, %[b]\n"
                                                        "   strb %[a], [r9], #1\n"
                                                        "   strb %[b], [r9], #1\n"
                                                        "   str r9, [r4, #24]\n"
                                                        "   mov %[wa], %[wb]\n"
                                                        "   add %[wb], %[wb], r10\n"
                                                        "   subs r11, r11, #1\n"
                                                        "   str r11, [r4, #32]\n"
                                                        "   bne 0b\n"
                                                        "   add sp, sp, #4\n"
        : [x] "+&r"(x), [wa] "+&r"(wa), [wb] "+&r"(wb), [a] "=&r"(a), [b] "=&r"(b), [n] "=&r"(n)
        :
        : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "cc", "memory");
}

/* Output o; `sum` is without the bias. */
static int8_t finish(const struct dtmm_fully_connected *p, int32_t o, int32_t sum)
{
    int32_t q = p->per_channel ? o : 0;
    sum = dtmm_dsp_requantize(sum + p->bias[o], p->multiplier[q], p->shift[q]);
    return dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
}

static int all_is_usual(const struct dtmm_fully_connected *p)
{
    return p->input_channels % 8 == 0 && is_aligned(p->weights, p->input_channels) &&
           !p->per_channel && dtmm_dsp_shift_is_fast(p->shift[0]) && p->output_min == -128 &&
           p->output_max == 127;
}

static void multiply_row(const struct dtmm_fully_connected *p, const int8_t *in, int8_t *out,
                         int32_t *wide)
{
    int32_t n = p->input_channels, last = p->output_channels - 1, o = 0;
    widen(in, n, wide);
    if (last > 0 && all_is_usual(p)) {
        struct pairs pairs = {wide, n / 8 + 1, {0, 0, 0}, p->bias, out, n, (last + 1) / 2};
        pairs.fast = dtmm_dsp_fast(p->multiplier[0], p->shift[0], p->output_zero_point);
        o = 2 * pairs.n;
        run_pairs(&pairs, p->weights, p->weights + n);
    }
    for (; o <= last; o += 2) {
        const int8_t *weights = p->weights + o * n;
        int32_t second = o < last;
        struct sums sums = dot_two(weights, weights + second * n, in, wide, n);
        out[o] = finish(p, o, sums.a);
        out[o + second] = finish(p, o + second, second ? sums.b : sums.a);
    }
}

void dtmm_fully_connected_s8_armv7em(const struct dtmm_fully_connected *p, const void *input,
                                     void *output, void *scratch)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t row = 0; row < p->rows; row++, in += p->input_channels, out += p->output_channels)
        multiply_row(p, in, out, scratch);
}
