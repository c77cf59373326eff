/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"
#include "requantize.h"

/* A unit, in 21 instructions. Loads that extend the sign take their offset from a register only; r7
 * may be the frame pointer, so that it is kept on the stack, and no operand may be in it. r8: sum;
 * r9: input; r10: the list's end. */
#define PRODUCT(offset)                                                                            \
    "   ldrsb %[v], [%[at], " offset "]\n"                                                         \
    "   ldrsb r7, [%[w], " offset "]\n"                                                            \
    "   muls r7, %[v]\n"                                                                           \
    "   add r8, r7\n"
#define UNIT(i)                                                                                    \
    "   ldrb %[at], [%[list], #" i "]\n"                                                           \
    "   lsls %[at], %[at], #2\n"                                                                   \
    "   add %[at], r9\n"                                                                           \
    "   movs r7, #0\n" PRODUCT("r7") PRODUCT("%[one]") PRODUCT("%[two]")                           \
        PRODUCT("%[three]") "   adds %[w], #4\n"

#define SUM                                                                                        \
    "   push {r7}\n"                                                                               \
    "   b 2f\n"                                                                                    \
    "1:\n" UNIT("0") "   adds %[list], #1\n"                                                       \
                     "2: mov %[at], r10\n"                                                         \
                     "   subs %[at], %[list]\n"                                                    \
                     "   lsls %[at], %[at], #30\n"                                                 \
                     "   bne 1b\n"                                                                 \
                     "   cmp %[list], r10\n"                                                       \
                     "   beq 4f\n"                                                                 \
                     "3:\n" UNIT("0") UNIT("1") UNIT("2") UNIT("3") "   adds %[list], #4\n"        \
                                                                    "   cmp %[list], r10\n"        \
                                                                    "   bne 3b\n"                  \
                                                                    "4: pop {r7}\n"

/* The sum over a filter's kept units; moves both pointers behind the filter. */
static inline int32_t sum_filter(const int8_t *input, const uint8_t **list, const int8_t **weights)
{
    register const uint8_t *numbers __asm__("r0") = *list + 1;
    register const int8_t *w __asm__("r1") = *weights;
    register const int8_t *at __asm__("r2");
    register int32_t v __asm__("r3");
    register int32_t one __asm__("r4") = 1;
    register int32_t two __asm__("r5") = 2;
    register int32_t three __asm__("r6") = 3;
#ifdef __OPTIMIZE_SIZE__ /* GCC allots no register from r8 to r11, and so no operand in one */
    at = input;
    v = **list;
    __asm__ volatile(".syntax unified\n"
                     "   mov r9, %[at]\n"
                     "   adds %[v], %[v], %[list]\n"
                     "   mov r10, %[v]\n"
                     "   movs %[v], #0\n"
                     "   mov r8, %[v]\n" SUM "   mov %[v], r8\n"
                     : [list] "+l"(numbers), [w] "+l"(w), [at] "+l"(at), [v] "+l"(v)
                     : [one] "l"(one), [two] "l"(two), [three] "l"(three)
                     : "r8", "r9", "r10", "cc", "memory");
    int32_t sum = v;
#else
    register int32_t sum __asm__("r8") = 0;
    register const int8_t *x __asm__("r9") = input;
    register const uint8_t *end __asm__("r10") = numbers + **list;
    __asm__ volatile(
        ".syntax unified\n" SUM
        : [sum] "+h"(sum), [list] "+l"(numbers), [w] "+l"(w), [at] "=&l"(at), [v] "=&l"(v)
        : [x] "h"(x), [end] "h"(end), [one] "l"(one), [two] "l"(two), [three] "l"(three)
        : "cc", "memory");
#endif
    *list = numbers;
    *weights = w;
    return sum;
}

static int8_t finish(const struct dtmm_conv_2d *p, int32_t o, int32_t sum)
{
    int32_t shift = p->shift[o];
    if (shift < 0)
        sum = dtmm_armv6m_scale_down(sum, p->multiplier[o], -shift);
    else
        sum = dtmm_requantize(sum, p->multiplier[o], shift);
    return dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
}

void dtmm_conv_2d_fwcs_list_s8_armv6m(const struct dtmm_conv_2d *p, const void *input, void *output,
                                      void *scratch)
{
    const int8_t *weights = p->weights;
    const uint8_t *list = p->mask;
    int8_t *out = output;
    (void)scratch;
    for (int32_t o = 0; o < p->output_channels; o++) {
        int32_t sum = sum_filter(input, &list, &weights);
        *out++ = finish(p, o, sum + p->bias[o]);
    }
}
