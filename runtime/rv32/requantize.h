/* SPDX-License-Identifier: Apache-2.0 */
/* Requantization on RV32. */
#ifndef DTMM_RV32_REQUANTIZE_H
#define DTMM_RV32_REQUANTIZE_H

#include "../requantize.h"

/* x * doubled / 2^32, rounded to nearest, halves up: dtmm_high_multiply() with half of `doubled`,
 * which is the multiplier times 2. */
static inline int32_t dtmm_rv32_high_multiply(int32_t x, uint32_t doubled)
{
    int32_t high;
    __asm__("mulhsu %0, %1, %2" : "=r"(high) : "r"(x), "r"(doubled));
    return high + (int32_t)((uint32_t)x * doubled >> 31);
}

/* x / 2^exponent + addend / 2, rounded to nearest, halves away from zero. exponent: 2 .. 31; addend
 * is 1 + 2 * what to add, of 9 bits. */
static inline int32_t dtmm_rv32_divide(int32_t x, int32_t exponent, int32_t addend)
{
    return (((x - (int32_t)((uint32_t)x >> 31)) >> (exponent - 1)) + addend) >> 1;
}

/* A sum to an output. */
static inline int8_t dtmm_rv32_finish(int32_t sum, int32_t multiplier, int32_t shift,
                                      int32_t zero_point, int32_t low, int32_t high)
{
    if (shift > -2)
        return dtmm_clamp(dtmm_requantize(sum, multiplier, shift), zero_point, low, high);
    sum = dtmm_rv32_high_multiply(sum, (uint32_t)multiplier * 2);
    return dtmm_clamp(dtmm_rv32_divide(sum, -shift, 1 + 2 * zero_point), 0, low, high);
}

#endif
