/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/fixed_point.h"

#include <assert.h>
#include <math.h>

struct fixed_point fixed_point_from(double real)
{
    struct fixed_point result = {0, 0};
    if (real == 0.0)
        return result;
    int shift;
    double fraction = frexp(real, &shift);
    int64_t rounded = (int64_t)round(fraction * 2147483648.0);
    if (rounded == INT64_C(1) << 31) {
        rounded /= 2;
        shift++;
    }
    /* All bits would be shifted out: TensorFlow Lite flushes to zero. */
    if (shift < -31)
        return result;
    result.multiplier = (int32_t)rounded;
    result.shift = shift;
    return result;
}

int32_t high_multiply(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN)
        return INT32_MAX;
    int64_t product = (int64_t)a * b;
    int64_t nudge = product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
    return (int32_t)((product + nudge) / (INT64_C(1) << 31));
}

int16_t high_multiply_16(int16_t a, int16_t b)
{
    if (a == INT16_MIN && b == INT16_MIN)
        return INT16_MAX;
    int32_t product = (int32_t)a * b;
    int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
    return (int16_t)((product + nudge) / (1 << 15));
}

int32_t rounding_shift_right(int32_t value, int32_t exponent)
{
    assert(exponent >= 0 && exponent <= 31);
    int32_t mask = (int32_t)((INT64_C(1) << exponent) - 1);
    int32_t remainder = value & mask;
    int32_t threshold = (mask >> 1) + (value < 0);
    return (value >> exponent) + (remainder > threshold);
}

int32_t fixed_point_multiply(int32_t value, struct fixed_point by)
{
    int32_t left = by.shift > 0 ? by.shift : 0;
    int32_t right = by.shift > 0 ? 0 : -by.shift;
    int64_t shifted = (int64_t)value * (INT64_C(1) << left);
    assert(shifted >= INT32_MIN && shifted <= INT32_MAX);
    return rounding_shift_right(high_multiply((int32_t)shifted, by.multiplier), right);
}

int32_t input_radius(int32_t integer_bits, int32_t left_shift)
{
    assert(left_shift >= 0 && left_shift <= 62);
    double largest = 1.0 * ((1 << integer_bits) - 1) * (double)(INT64_C(1) << (31 - integer_bits));
    return (int32_t)floor(largest / (double)(INT64_C(1) << left_shift));
}

/* value * 2^exponent, saturating. */
static int32_t saturating_shift_left(int32_t value, int32_t exponent)
{
    int64_t shifted = (int64_t)value * (INT64_C(1) << exponent);
    if (shifted > INT32_MAX)
        return INT32_MAX;
    return shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* e^x for x in [-1/4, 0), Q0.31: gemmlowp's Taylor polynomial around -1/8. */
static int32_t exp_near_zero(int32_t a)
{
    const int32_t exp_of_minus_eighth = 1895147668, third = 715827883;
    int32_t x = a + (1 << 28);
    int32_t x2 = high_multiply(x, x);
    int32_t x3 = high_multiply(x2, x);
    int32_t x4 = high_multiply(x2, x2);
    int32_t x4_over_4 = rounding_shift_right(x4, 2);
    int32_t tail = rounding_shift_right(high_multiply(x4_over_4 + x3, third) + x2, 1);
    return exp_of_minus_eighth + high_multiply(exp_of_minus_eighth, x + tail);
}

/* e^a for a <= 0 given with `integer_bits` (4 or 5); Q0.31. */
static int32_t exp_of_negative(int32_t a, int32_t integer_bits)
{
    /* e^-(2^k) for k = -2 .. 4, Q0.31. */
    static const int32_t factor[] = {1672461947, 1302514674, 790015084, 290630308,
                                     39332535,   720401,     242};
    if (a == 0)
        return INT32_MAX;
    int32_t fraction_bits = 31 - integer_bits;
    int32_t quarter = (int32_t)1 << (fraction_bits - 2);
    int32_t within = (a & (quarter - 1)) - quarter;
    int32_t result = exp_near_zero(saturating_shift_left(within, integer_bits));
    int32_t remainder = within - a;
    for (int32_t k = -2; k < integer_bits; k++)
        if (remainder & ((int32_t)1 << (fraction_bits + k)))
            result = high_multiply(result, factor[k + 2]);
    return result;
}

static int32_t rounding_half_sum(int32_t a, int32_t b)
{
    int64_t sum = (int64_t)a + b;
    return (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
}

/* 2 / (1 + a) for a in [0, 1] (Q0.31), as Q2.29: three steps of Newton's division. */
static int32_t two_over_one_plus(int32_t a)
{
    const int32_t c48_over_17 = 1515870810, minus_32_over_17 = -1010580540;
    int32_t half_denominator = rounding_half_sum(a, INT32_MAX);
    int32_t x = c48_over_17 + high_multiply(half_denominator, minus_32_over_17);
    for (int i = 0; i < 3; i++) {
        int32_t error = (1 << 29) - high_multiply(half_denominator, x);
        x += saturating_shift_left(high_multiply(x, error), 2);
    }
    return x;
}

int32_t fixed_point_logistic(int32_t q4)
{
    if (q4 == 0)
        return 1 << 30;
    int32_t negative = q4 > 0 ? -q4 : q4;
    /* Halving Q2.29 is reading it as Q1.30. */
    int32_t of_magnitude =
        saturating_shift_left(two_over_one_plus(exp_of_negative(negative, 4)), 1);
    return q4 > 0 ? of_magnitude : INT32_MAX - of_magnitude;
}

int32_t fixed_point_tanh(int32_t q4)
{
    if (q4 == 0)
        return 0;
    int32_t negative = q4 > 0 ? -q4 : q4;
    /* Doubling Q4.27 is reading it as Q5.26. */
    int32_t quotient = two_over_one_plus(exp_of_negative(negative, 5));
    int32_t of_magnitude = saturating_shift_left(quotient - (1 << 29), 2);
    return q4 > 0 ? of_magnitude : -of_magnitude;
}
