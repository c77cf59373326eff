/* SPDX-License-Identifier: Apache-2.0 */
#include "elementwise.h"

/* The loop reads it by these offsets. */
struct constants {
    int32_t a_zero_point, b_zero_point; /* 0, 4: a's times -2, as the product is doubled; b's -1 */
    struct dtmm_dsp_fast fast;          /* 8 */
};

#define ELEMENT(at)                                                                                \
    "   ldrsb r9, [%[a], #" at "]\n"                                                               \
    "   ldrsb r10, [%[b], #" at "]\n"                                                              \
    "   add r9, r4, r9, lsl #1\n"                                                                  \
    "   add r10, r10, r5\n"                                                                        \
    "   mul r9, r9, r10\n" DTMM_DSP_REQUANTIZE("r9", "r10", "r6", "r8",                            \
                                               "r11") "   ssat r9, #8, r9\n"                       \
                                                      "   strb r9, [%[out], #" at "]\n"

static void multiply_row(const struct constants *c, const int8_t *a, const int8_t *b, int8_t *out,
                         int32_t n)
{
    int32_t n_blocks = n >> 2;
    if (n_blocks > 0)
        __asm__ volatile("   ldm %[c], {r4, r5, r6, r8, r11}\n"
                         "1:\n" ELEMENT("0") ELEMENT("1") ELEMENT("2")
                             ELEMENT("3") "   add %[a], %[a], #4\n"
                                          "   add %[b], %[b], #4\n"
                                          "   add %[out], %[out], #4\n"
                                          "   subs %[n], %[n], #1\n"
                                          "   bne 1b\n"
                         : [a] "+&r"(a), [b] "+&r"(b), [out] "+&r"(out), [n] "+&r"(n_blocks)
                         : [c] "r"(c)
                         : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "cc", "memory");
    for (int32_t i = n & 3; i > 0; i--) {
        int32_t product = (*a++ * 2 + c->a_zero_point) * (*b++ + c->b_zero_point);
        *out++ = (int8_t)dtmm_dsp_saturate(dtmm_dsp_requantize_fast(product, &c->fast));
    }
}

void dtmm_mul_s8_armv7em(const struct dtmm_mul *p, const void *input_a, const void *input_b,
                         void *output)
{
    struct constants c = {-2 * p->zero_point_a, -p->zero_point_b,
                          dtmm_dsp_fast(p->multiplier, p->shift, p->output_zero_point)};
    int8_t *out = output;
    for (int32_t i = 0; i < p->dims[0]; i++)
        for (int32_t j = 0; j < p->dims[1]; j++)
            for (int32_t k = 0; k < p->dims[2]; k++) {
                const int8_t *a = (const int8_t *)input_a + dtmm_row_offset(p->stride_a, i, j, k);
                const int8_t *b = (const int8_t *)input_b + dtmm_row_offset(p->stride_b, i, j, k);
                multiply_row(&c, a, b, out, p->dims[3]);
                dtmm_dsp_clamp_bytes(out, p->dims[3], p->output_min, p->output_max);
                out += p->dims[3];
            }
}
