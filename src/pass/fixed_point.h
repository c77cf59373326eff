/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed-point arithmetic of TensorFlow Lite's reference kernels, as the host needs it: to turn
 * scales into multipliers and to compute lookup tables. Facts from gemmlowp's fixedpoint.h and
 * TensorFlow Lite Micro's kernels/internal/{quantization_util.cc,common.cc}. */
#ifndef DTMM_PASS_FIXED_POINT_H
#define DTMM_PASS_FIXED_POINT_H

#include <stdint.h>

/* The real number multiplier * 2^(shift - 31). */
struct fixed_point {
    int32_t multiplier; /* magnitude in [2^30, 2^31), or 0 */
    int32_t shift;      /* at least -31; > 0 is a left shift */
};

/* QuantizeMultiplier (quantization_util.cc). `real` must be finite; numbers below 2^-32 become 0.
 */
struct fixed_point fixed_point_from(double real);

/* MultiplyByQuantizedMultiplier (common.cc), the form that rounds twice. The caller has made sure
 * that value << shift fits. */
int32_t fixed_point_multiply(int32_t value, struct fixed_point by);

/* gemmlowp::SaturatingRoundingDoublingHighMul for 32 and 16 bits. */
int32_t high_multiply(int32_t a, int32_t b);
int16_t high_multiply_16(int16_t a, int16_t b);

/* gemmlowp::RoundingDivideByPOT for 32 bits: value / 2^exponent, halves away from zero; exponent in
 * 0 .. 31. */
int32_t rounding_shift_right(int32_t value, int32_t exponent);

/* CalculateInputRadius (quantization_util.cc): the largest input difference that, shifted left by
 * `left_shift` (0 .. 62), stays inside a Q(integer_bits).(31 - integer_bits) number. */
int32_t input_radius(int32_t integer_bits, int32_t left_shift);

/* gemmlowp::logistic and gemmlowp::tanh of a Q4.27 number, as Q0.31. */
int32_t fixed_point_logistic(int32_t q4);
int32_t fixed_point_tanh(int32_t q4);

#endif
