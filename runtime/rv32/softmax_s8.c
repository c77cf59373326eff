/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../softmax.h"
#include "requantize.h"

/* dtmm_high_multiply() for |a| < 2^30. */
static int32_t multiply_small(int32_t a, int32_t b)
{
    int32_t high;
    a *= 2;
    __asm__("mulh %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high + (int32_t)((uint32_t)a * (uint32_t)b >> 31);
}

/* exp(x) in Q0.31 for x in [-1/4, 0) in Q0.31: Taylor's series to x^4 around -1/8. */
static int32_t exp_small(int32_t x)
{
    const int32_t exp_minus_eighth = 1895147668;
    const uint32_t two_thirds = 2 * UINT32_C(715827883);
    x += 1 << 28;
    int32_t x2 = multiply_small(x, x);
    int32_t x3 = multiply_small(x2, x);
    int32_t x4 = multiply_small(x2, x2);
    int32_t tail = dtmm_rv32_high_multiply(dtmm_rounding_divide(x4, 2) + x3, two_thirds) + x2;
    x += dtmm_rounding_divide(tail, 1);
    return exp_minus_eighth + dtmm_rv32_high_multiply(x, 2 * (uint32_t)exp_minus_eighth);
}

/* exp(x) in Q0.31 for x <= 0 in Q5.26: exp of x modulo 1/4, times exp(-2^k) for every other bit of
 * the remainder. */
static int32_t exp_negative(int32_t x)
{
    static const uint32_t doubled_factors[7] = {
        2 * UINT32_C(1672461947), /* exp(-1/4) */
        2 * UINT32_C(1302514674), /* exp(-1/2) */
        2 * UINT32_C(790015084),  /* exp(-1) */
        2 * UINT32_C(290630308),  /* exp(-2) */
        2 * UINT32_C(39332535),   /* exp(-4) */
        2 * UINT32_C(720401),     /* exp(-8) */
        2 * UINT32_C(242),        /* exp(-16) */
    };
    const int32_t quarter = 1 << 24;
    if (x == 0)
        return DTMM_ONE_Q0;
    int32_t small = (x & (quarter - 1)) - quarter;
    int32_t result = exp_small(small * 32);
    uint32_t bits = ((uint32_t)small - (uint32_t)x) >> 24 & 127;
    for (const uint32_t *factor = doubled_factors; bits; bits >>= 1, factor++)
        if (bits & 1)
            result = dtmm_rv32_high_multiply(result, *factor);
    return result;
}

static int32_t exp_of_difference(const struct dtmm_softmax *p, int32_t difference)
{
    uint32_t shifted = (uint32_t)difference << p->shift;
    return exp_negative(dtmm_rv32_high_multiply((int32_t)shifted, (uint32_t)p->multiplier * 2));
}

static void softmax_row(const struct dtmm_softmax *p, const int8_t *in, int8_t *out)
{
    int32_t max = INT8_MIN;
    for (int32_t i = 0; i < p->columns; i++)
        max = in[i] > max ? in[i] : max;
    uint32_t sum = 0; /* Q12.19 */
    for (int32_t i = 0; i < p->columns; i++)
        if (in[i] - max >= p->difference_min)
            sum += (uint32_t)dtmm_rounding_divide(exp_of_difference(p, in[i] - max), 12);

    struct dtmm_softmax_scale scale = dtmm_softmax_scale(sum);
    for (int32_t i = 0; i < p->columns; i++) {
        int32_t value = 0;
        if (in[i] - max >= p->difference_min && scale.exponent <= 31) {
            value = exp_of_difference(p, in[i] - max);
            value = dtmm_rv32_high_multiply(value, (uint32_t)scale.factor * 2);
            value = dtmm_rounding_divide(value, scale.exponent);
        }
        out[i] = dtmm_clamp(value, INT8_MIN, INT8_MIN, INT8_MAX);
    }
}

void dtmm_softmax_s8_rv32(const struct dtmm_softmax *p, const void *input, void *output)
{
    const int8_t *in = input;
    int8_t *out = output;
    for (int32_t row = 0; row < p->rows; row++, in += p->columns, out += p->columns)
        softmax_row(p, in, out);
}
