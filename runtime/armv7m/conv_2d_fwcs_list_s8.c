/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

/* A unit, in 14 instructions. */
#define PRODUCT(i)                                                                                 \
    "   ldrsb %[a], [%[at], #" i "]\n"                                                             \
    "   ldrsb %[b], [%[w]], #1\n"                                                                  \
    "   mla %[sum], %[a], %[b], %[sum]\n"
#define UNIT                                                                                       \
    "   ldrb %[at], [%[list]], #1\n"                                                               \
    "   add %[at], %[x], %[at], lsl #2\n" PRODUCT("0") PRODUCT("1") PRODUCT("2") PRODUCT("3")

/* The sum over a filter's kept units; moves both pointers behind the filter. */
static inline int32_t sum_filter(const int8_t *x, const uint8_t **list, const int8_t **weights)
{
    int32_t n_kept, n, a, b, sum = 0;
    const int8_t *at, *w = *weights;
    const uint8_t *numbers = *list;
    __asm__ volatile("   ldrb %[n_kept], [%[list]], #1\n"
                     "   ands %[n], %[n_kept], #3\n"
                     "   beq 2f\n"
                     "1:\n" UNIT "   subs %[n], %[n], #1\n"
                     "   bne 1b\n"
                     "2: lsrs %[n], %[n_kept], #2\n"
                     "   beq 4f\n"
                     "3:\n" UNIT UNIT UNIT UNIT "   subs %[n], %[n], #1\n"
                     "   bne 3b\n"
                     "4:\n"
                     : [sum] "+r"(sum), [list] "+r"(numbers), [w] "+r"(w), [n_kept] "=&r"(n_kept),
                       [n] "=&r"(n), [at] "=&r"(at), [a] "=&r"(a), [b] "=&r"(b)
                     : [x] "r"(x)
                     : "cc", "memory");
    *list = numbers;
    *weights = w;
    return sum;
}

void dtmm_conv_2d_fwcs_list_s8_armv7m(const struct dtmm_conv_2d *p, const void *input, void *output,
                                      void *scratch)
{
    const int8_t *weights = p->weights;
    const uint8_t *list = p->mask;
    int8_t *out = output;
    (void)scratch;
    for (int32_t o = 0; o < p->output_channels; o++) {
        int32_t sum = p->bias[o] + sum_filter(input, &list, &weights);
        sum = dtmm_requantize(sum, p->multiplier[o], p->shift[o]);
        *out++ = dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
    }
}
