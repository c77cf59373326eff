/* SPDX-License-Identifier: Apache-2.0 */
/* The input is widened once, bytes 0 and 2 of a unit before 1 and 3, so that the weights may stay
 * as they are stored: 8 instructions a unit. */
#include "conv_2d_finish.h"
#include "dsp.h"

#define UNIT                                                                                       \
    "   ldrb %[at], [%[list]], #1\n"                                                               \
    "   ldr %[even], [%[w]], #4\n"                                                                 \
    "   add %[at], %[x], %[at], lsl #3\n"                                                          \
    "   ldrd %[x0], %[x1], [%[at]]\n"                                                              \
    "   sxtb16 %[odd], %[even], ror #8\n"                                                          \
    "   sxtb16 %[even], %[even]\n"                                                                 \
    "   smlad %[sum], %[even], %[x0], %[sum]\n"                                                    \
    "   smlad %[sum], %[odd], %[x1], %[sum]\n"

/* The sum over a filter's kept units; moves both pointers behind the filter. */
static inline int32_t sum_filter(const int32_t *x, const uint8_t **list, const int8_t **weights)
{
    int32_t n_kept, n, even, odd, x0, x1, sum = 0;
    const int32_t *at;
    const uint8_t *numbers = *list;
    const int8_t *w = *weights;
    __asm__ volatile(
        "   ldrb %[n_kept], [%[list]], #1\n"
        "   ands %[n], %[n_kept], #3\n"
        "   beq 2f\n"
        "1:\n" UNIT "   subs %[n], %[n], #1\n"
        "   bne 1b\n"
        "2: lsrs %[n], %[n_kept], #2\n"
        "   beq 4f\n"
        "3:\n" UNIT UNIT UNIT UNIT "   subs %[n], %[n], #1\n"
        "   bne 3b\n"
        "4:\n"
        : [sum] "+r"(sum), [list] "+r"(numbers), [w] "+r"(w), [n_kept] "=&r"(n_kept), [n] "=&r"(n),
          [at] "=&r"(at), [even] "=&r"(even), [odd] "=&r"(odd), [x0] "=&r"(x0), [x1] "=&r"(x1)
        : [x] "r"(x)
        : "cc", "memory");
    *list = numbers;
    *weights = w;
    return sum;
}

void dtmm_conv_2d_fwcs_list_s8_armv7em(const struct dtmm_conv_2d *p, const void *input,
                                       void *output, void *scratch)
{
    const int8_t *in = input, *weights = p->weights;
    const uint8_t *list = p->mask;
    int32_t *wide = scratch, *to = wide;
    int8_t *out = output;
    for (int32_t i = 0; i < p->input_channels; i += 4) {
        int32_t word = dtmm_dsp_load(in + i);
        *to++ = dtmm_dsp_even_bytes(word);
        *to++ = dtmm_dsp_odd_bytes(word);
    }
    for (int32_t o = 0; o < p->output_channels; o++)
        *out++ = dtmm_dsp_finish_single(p, o, 2 * sum_filter(wide, &list, &weights));
}
