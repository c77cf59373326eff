/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of the DSP extension that have no operator in C: a word holds two int16 halves or
 * four int8 bytes, the lowest first. */
#ifndef DTMM_ARMV7EM_DSP_H
#define DTMM_ARMV7EM_DSP_H

#include "../requantize.h"

/* Bytes 0 and 2, extended to halves. */
static inline int32_t dtmm_dsp_even_bytes(int32_t word)
{
    int32_t halves;
    __asm__("sxtb16 %0, %1" : "=r"(halves) : "r"(word));
    return halves;
}

/* Bytes 1 and 3, extended to halves. */
static inline int32_t dtmm_dsp_odd_bytes(int32_t word)
{
    int32_t halves;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(word));
    return halves;
}

/* sum plus the products of the low halves and of the high halves. */
static inline int32_t dtmm_dsp_multiply_add(int32_t a, int32_t b, int32_t sum)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* Four bytes at any address. */
static inline int32_t dtmm_dsp_load(const int8_t *from)
{
    int32_t word;
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*(const int8_t(*)[4])(const void *)from));
    return word;
}

static inline void dtmm_dsp_store(int8_t *to, int32_t word)
{
    __asm__("str %1, %0" : "=m"(*(int8_t(*)[4])(void *)to) : "r"(word));
}

/* The larger of each of four bytes. */
static inline int32_t dtmm_dsp_max(int32_t a, int32_t b)
{
    int32_t max;
    __asm__("ssub8 %0, %1, %2\n"
            "sel %0, %1, %2\n"
            : "=&r"(max)
            : "r"(a), "r"(b));
    return max;
}

/* The smaller of each of four bytes. */
static inline int32_t dtmm_dsp_min(int32_t a, int32_t b)
{
    int32_t min;
    __asm__("ssub8 %0, %2, %1\n"
            "sel %0, %1, %2\n"
            : "=&r"(min)
            : "r"(a), "r"(b));
    return min;
}

#endif
