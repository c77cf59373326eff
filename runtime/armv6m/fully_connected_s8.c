/* SPDX-License-Identifier: Apache-2.0 */
/* Four filters at a time share the loads of the input: 57 instructions for four inputs. */
#include "../dtmm.h"
#include "../requantize.h"
#include "requantize.h"

/* All pointers point to the end of what is read and share the index, which is negative. r7 may be
 * the frame pointer, so that it is kept on the stack, and no operand may be in it. */
#define FILTER(weights, sum)                                                                       \
    "ldrsb r7, [%[" weights "], %[i]]\n\t"                                                         \
    "muls r7, %[v]\n\t"                                                                            \
    "add " sum ", r7\n\t"
#define INPUT                                                                                      \
    "ldrsb %[v], [%[x], %[i]]\n\t" FILTER("w0", "r8") FILTER("w1", "r9") FILTER("w2", "r10")       \
        FILTER("w3", "r11") "adds %[i], #1\n\t"

/* The sums of four filters over n inputs, n > 0. */
static inline void sum_four(const int8_t *x, const int8_t *weights, int32_t n, int32_t sums[4])
{
    register int32_t i __asm__("r0") = -n;
    register int32_t *v __asm__("r1") = sums;
    register const int8_t *x_end __asm__("r2") = x + n;
    register const int8_t *w0 __asm__("r3") = weights + n;
    register const int8_t *w1 __asm__("r4") = w0 + n;
    register const int8_t *w2 __asm__("r5") = w1 + n;
    register const int8_t *w3 __asm__("r6") = w2 + n;
    __asm__ volatile(".syntax unified\n\t"
                     "push {r7}\n\t"
                     "mov r12, %[v]\n\t"
                     "movs r7, #0\n\t"
                     "mov r8, r7\n\t"
                     "mov r9, r7\n\t"
                     "mov r10, r7\n\t"
                     "mov r11, r7\n"
                     "1:\n\t"
                     "lsls r7, %[i], #30\n\t"
                     "beq 2f\n\t" INPUT "b 1b\n"
                     "2:\n\t"
                     "cmp %[i], #0\n\t"
                     "beq 4f\n"
                     "3:\n\t" INPUT INPUT INPUT INPUT "bne 3b\n"
                     "4:\n\t"
                     "mov %[v], r12\n\t"
                     "mov r7, r8\n\t"
                     "str r7, [%[v]]\n\t"
                     "mov r7, r9\n\t"
                     "str r7, [%[v], #4]\n\t"
                     "mov r7, r10\n\t"
                     "str r7, [%[v], #8]\n\t"
                     "mov r7, r11\n\t"
                     "str r7, [%[v], #12]\n\t"
                     "pop {r7}\n\t"
                     : [i] "+l"(i), [v] "+l"(v)
                     : [x] "l"(x_end), [w0] "l"(w0), [w1] "l"(w1), [w2] "l"(w2), [w3] "l"(w3)
                     : "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}

static int8_t finish(const struct dtmm_fully_connected *p, int32_t o, int32_t sum)
{
    int32_t q = p->per_channel ? o : 0, shift = p->shift[q];
    sum += p->bias[o];
    if (shift < 0)
        sum = dtmm_armv6m_scale_down(sum, p->multiplier[q], -shift);
    else
        sum = dtmm_requantize(sum, p->multiplier[q], shift);
    return dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
}

void dtmm_fully_connected_s8_armv6m(const struct dtmm_fully_connected *p, const void *input,
                                    void *output, void *scratch)
{
    const int8_t *x = input;
    int8_t *out = output;
    (void)scratch;
    for (int32_t row = 0; row < p->rows; row++, x += p->input_channels) {
        const int8_t *weights = p->weights;
        int32_t o = 0;
        for (; o < p->output_channels - 3; o += 4, weights += 4 * p->input_channels) {
            int32_t sums[4];
            sum_four(x, weights, p->input_channels, sums);
            for (int32_t i = 0; i < 4; i++)
                *out++ = finish(p, o + i, sums[i]);
        }
        for (; o < p->output_channels; o++, weights += p->input_channels)
            *out++ = finish(p, o, dtmm_dot(weights, x, p->input_channels));
    }
}
