/* SPDX-License-Identifier: Apache-2.0 */
#include "../scalar/fully_connected.h"

/* The sums of four outputs, whose weights are `n` apart: each input is loaded once. */
static const int8_t *sum_four(const int8_t *x, const int8_t *weights, int32_t n, int32_t sums[4])
{
    const int8_t *w0 = weights, *w1 = w0 + n, *w2 = w1 + n, *w3 = w2 + n, *end = x + n;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#define STEP                                                                                       \
    "ldrsb r12, [%[x]], #1\n\t"                                                                    \
    "ldrsb lr, [%[w0]], #1\n\t"                                                                    \
    "mla %[s0], r12, lr, %[s0]\n\t"                                                                \
    "ldrsb lr, [%[w1]], #1\n\t"                                                                    \
    "mla %[s1], r12, lr, %[s1]\n\t"                                                                \
    "ldrsb lr, [%[w2]], #1\n\t"                                                                    \
    "mla %[s2], r12, lr, %[s2]\n\t"                                                                \
    "ldrsb lr, [%[w3]], #1\n\t"                                                                    \
    "mla %[s3], r12, lr, %[s3]\n\t"
#define OPERANDS                                                                                   \
    [x] "+r"(x), [w0] "+r"(w0), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [s0] "+r"(s0),        \
        [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3)
    for (const int8_t *eights = x + n / 8 * 8; x < eights;)
        __asm__ volatile(STEP STEP STEP STEP STEP STEP STEP STEP:OPERANDS
                         :
                         : "r12", "lr", "memory");
    while (x < end)
        __asm__ volatile(STEP:OPERANDS : : "r12", "lr", "memory");
#undef STEP
#undef OPERANDS
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    return w3;
}

void dtmm_fully_connected_s8_armv7m(const struct dtmm_fully_connected *p, const void *input,
                                    void *output, void *scratch)
{
    const int8_t *x = input;
    int8_t *out = output;
    (void)scratch;
    for (int32_t row = 0; row < p->rows; row++, x += p->input_channels) {
        const int8_t *weights = p->weights;
        int32_t o = 0;
        for (; o < p->output_channels - 3; o += 4) {
            int32_t sums[4];
            weights = sum_four(x, weights, p->input_channels, sums);
            for (int32_t i = 0; i < 4; i++)
                *out++ = dtmm_scalar_fully_connected_finish(p, o + i, sums[i]);
        }
        for (; o < p->output_channels; o++, weights += p->input_channels)
            *out++ =
                dtmm_scalar_fully_connected_finish(p, o, dtmm_dot(weights, x, p->input_channels));
    }
}
