/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic that the kernels share: TensorFlow Lite's fixed-point requantization, dot products,
 * clipping of a window at the edge of the input, and offsets of broadcast operands.
 *
 * No signed overflow: the compiler bounds every accumulator (see dtmm.h); where TensorFlow Lite's
 * own arithmetic wraps, so does this, through unsigned. `>>` on a negative number is taken to be an
 * arithmetic shift and a conversion to a narrower signed type to wrap, as every C compiler for the
 * supported targets defines them. */
#ifndef DTMM_REQUANTIZE_H
#define DTMM_REQUANTIZE_H

#include <stddef.h>
#include <stdint.h>

/* The only library functions the kernels call. A freestanding toolchain need not have <string.h>.
 */
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int value, size_t n);

/* a * b / 2^31, rounded to nearest, halves up; gemmlowp's SaturatingRoundingDoublingHighMul. Not
 * both may be INT32_MIN, the one case that saturates: in a requantization b is a multiplier >= 0.
 */
static inline int32_t dtmm_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* x / 2^exponent, rounded to nearest, halves away from zero; gemmlowp's RoundingDivideByPOT.
 * exponent: 0 .. 31. */
static inline int32_t dtmm_rounding_divide(int32_t x, int32_t exponent)
{
    uint32_t mask = (UINT32_C(1) << exponent) - 1;
    uint32_t remainder = (uint32_t)x & mask;
    uint32_t threshold = (mask >> 1) + (x < 0);
    return (x >> exponent) + (remainder > threshold);
}

/* x * multiplier / 2^31 / 2^exponent, rounded twice; TensorFlow Lite's
 * MultiplyByQuantizedMultiplierSmallerThanOneExp. multiplier >= 0; exponent: 0 .. 31. */
static inline int32_t dtmm_scale_down(int32_t x, int32_t multiplier, int32_t exponent)
{
    return dtmm_rounding_divide(dtmm_high_multiply(x, multiplier), exponent);
}

/* x * multiplier / 2^31 * 2^shift, rounded twice; TensorFlow Lite's MultiplyByQuantizedMultiplier.
 * multiplier >= 0; shift: -31 .. 30, negative to the right. */
static inline int32_t dtmm_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift > 0)
        return dtmm_high_multiply((int32_t)((uint32_t)x << shift), multiplier);
    return dtmm_scale_down(x, multiplier, -shift);
}

/* x + zero_point, limited to low .. high. */
static inline int8_t dtmm_clamp(int32_t x, int32_t zero_point, int32_t low, int32_t high)
{
    int32_t y = (int32_t)((uint32_t)x + (uint32_t)zero_point);
    if (y < low)
        y = low;
    if (y > high)
        y = high;
    return (int8_t)y;
}

/* Sum of a[i] * b[i]. */
static inline int32_t dtmm_dot(const int8_t *a, const int8_t *b, int32_t n)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Indices begin .. end - 1. */
struct dtmm_span {
    int32_t begin, end;
};

/* The positions start .. start + n - 1 that lie in 0 .. limit - 1. */
static inline struct dtmm_span dtmm_window(int32_t start, int32_t n, int32_t limit)
{
    struct dtmm_span span = {start, start + n};
    if (span.begin < 0)
        span.begin = 0;
    if (span.end > limit)
        span.end = limit;
    return span;
}

/* The taps i of 0 .. n - 1 whose position start + i * step lies in 0 .. limit - 1. step > 0. */
static inline struct dtmm_span dtmm_clip(int32_t start, int32_t step, int32_t n, int32_t limit)
{
    struct dtmm_span span = {0, n};
    while (span.begin < n && start + span.begin * step < 0)
        span.begin++;
    while (span.end > span.begin && start + (span.end - 1) * step >= limit)
        span.end--;
    return span;
}

/* Where row (i, j, k) of an operand with these strides starts. */
static inline int32_t dtmm_row_offset(const int32_t stride[4], int32_t i, int32_t j, int32_t k)
{
    return i * stride[0] + j * stride[1] + k * stride[2];
}

#endif
