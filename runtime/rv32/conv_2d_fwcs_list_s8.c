/* SPDX-License-Identifier: Apache-2.0 */
/* Channel i of a unit lies in plane i of the scratch memory, so that the unit's number is its
 * address in each: 18 instructions a unit. */
#include "../dtmm.h"
#include "conv_2d_rules.h"
#include "requantize.h"

_Static_assert(DTMM_RV32_PLANE_BYTES == 256, "offsets in PRODUCT");
#define PRODUCT(plane, w)                                                                          \
    " lb %[a]," plane "(%[at])\n lb %[b]," w "(%[w])\n mul %[a],%[a],%[b]\n"                       \
    " add %[sum],%[sum],%[a]\n"
/* Unit i of a loop. */
#define UNIT(i)                                                                                    \
    " lbu %[at]," i "(%[list])\n add %[at],%[at],%[x]\n" PRODUCT("0", "4*" i)                      \
        PRODUCT("256", "4*" i "+1") PRODUCT("512", "4*" i "+2") PRODUCT("768", "4*" i "+3")

/* The sum over a filter's kept units; moves both pointers behind the filter. */
static inline int32_t sum_filter(const int8_t *x, const uint8_t **list, const int8_t **weights)
{
    int32_t n_kept = *(*list)++, n = n_kept & 3, a, b, sum = 0;
    const int8_t *at, *w = *weights;
    const uint8_t *numbers = *list;
    __asm__ volatile(
        " beqz %[n],2f\n"
        "1:" UNIT(
            "0") " addi %[list],%[list],1\n addi %[w],%[w],4\n addi %[n],%[n],-1\n"
                 " bnez %[n],1b\n"
                 "2: beq %[list],%[end],4f\n"
                 "3:" UNIT("0") UNIT("1") UNIT("2") UNIT(
                     "3") " addi %[list],%[list],4\n addi %[w],%[w],16\n bne %[list],%[end],3b\n"
                          "4:\n"
        : [sum] "+r"(sum), [list] "+r"(numbers), [w] "+r"(w), [n] "+r"(n), [at] "=&r"(at),
          [a] "=&r"(a), [b] "=&r"(b)
        : [x] "r"(x), [end] "r"(numbers + n_kept)
        : "memory");
    *list = numbers;
    *weights = w;
    return sum;
}

void dtmm_conv_2d_fwcs_list_s8_rv32(const struct dtmm_conv_2d *p, const void *input, void *output,
                                    void *scratch)
{
    const int8_t *in = input, *weights = p->weights;
    const uint8_t *list = p->mask;
    int8_t *planes = scratch, *out = output;
    for (int8_t *to = planes; to < planes + p->input_channels / 4; to++, in += 4) {
        to[0] = in[0];
        to[DTMM_RV32_PLANE_BYTES] = in[1];
        to[2 * DTMM_RV32_PLANE_BYTES] = in[2];
        to[3 * DTMM_RV32_PLANE_BYTES] = in[3];
    }
    for (int32_t o = 0; o < p->output_channels; o++) {
        int32_t sum = p->bias[o] + sum_filter(planes, &list, &weights);
        *out++ = dtmm_rv32_finish(sum, p->multiplier[o], p->shift[o], p->output_zero_point,
                                  p->output_min, p->output_max);
    }
}
