/* SPDX-License-Identifier: Apache-2.0 */
/* Element-wise int8 functions of one input, computed for all 256 inputs on the host in the exact
 * arithmetic of TensorFlow Lite Micro's reference kernels (files below
 * tensorflow/lite/micro/kernels). */
#include <assert.h>
#include <math.h>

#include "pass/pack_internal.h"

enum { INTEGER_BITS = 4, LARGEST_INPUT = 255 };

static int8_t clamp_s8(int32_t value, int32_t low, int32_t high)
{
    return (int8_t)(value < low ? low : value > high ? high : value);
}

static const struct tensor *input_of(const struct packing *packing)
{
    return node_input(packing->graph, packing->node, 0);
}

static const struct tensor *output_of(const struct packing *packing)
{
    return node_output(packing->graph, packing->node);
}

/* table[q] = clamp(zero_point_out + (q - zero_point_in) * positive or negative). */
static void fill_rescaled(const struct packing *packing, struct fixed_point positive,
                          struct fixed_point negative, int32_t low, int32_t high, int8_t *table)
{
    int32_t zero_point = tensor_zero_point(input_of(packing));
    int32_t output_zero_point = tensor_zero_point(output_of(packing));
    for (int32_t q = INT8_MIN; q <= INT8_MAX; q++) {
        int32_t value = q - zero_point;
        int32_t scaled = fixed_point_multiply(value, value >= 0 ? positive : negative);
        table[q - INT8_MIN] = clamp_s8(output_zero_point + scaled, low, high);
    }
}

/* quantize (s8 to s8): kernels/internal/reference/requantize.h; relu: ReluQuantized in
 * activations_common.cc. relu6: TensorFlow Lite Micro clamps without rescaling, which is right only
 * when input and output are quantized alike; TensorFlow Lite (kernels/activations.cc) rescales, and
 * for inputs quantized alike both give the same. We rescale. */
static enum status requantize_table(struct packing *packing, int8_t *table)
{
    const struct tensor *output = output_of(packing);
    double ratio = (double)tensor_scale(input_of(packing)) / (double)tensor_scale(output);
    struct fixed_point by;
    TRY(multiplier_make(packing, "ratio", ratio, LARGEST_INPUT, &by));
    int32_t low = INT8_MIN, high = INT8_MAX;
    if (packing->node->op != OP_quantize && tensor_zero_point(output) > low)
        low = tensor_zero_point(output);
    if (packing->node->op == OP_relu6) {
        float six = roundf(6.0F / tensor_scale(output));
        if (six < (float)(INT8_MAX - tensor_zero_point(output)))
            high = tensor_zero_point(output) + (int32_t)six;
    }
    fill_rescaled(packing, by, by, low, high, table);
    return OK;
}

/* leaky_relu_common.cc: the products are computed in float. */
static enum status leaky_relu_table(struct packing *packing, int8_t *table)
{
    float scale = tensor_scale(input_of(packing)), output_scale = tensor_scale(output_of(packing));
    float alpha_ratio = scale * packing->node->attrs.alpha / output_scale;
    float ratio = scale / output_scale;
    struct fixed_point positive, negative;
    TRY(multiplier_make(packing, "ratio", (double)ratio, LARGEST_INPUT, &positive));
    TRY(multiplier_make(packing, "ratio times alpha", (double)alpha_ratio, LARGEST_INPUT,
                        &negative));
    fill_rescaled(packing, positive, negative, INT8_MIN, INT8_MAX, table);
    return OK;
}

/* logistic_common.cc and kernels/internal/reference/integer_ops/logistic.h; tanh.cc and
 * integer_ops/tanh.h. The output's quantization is fixed by the kernels: logistic has zero point
 * -128 and steps of 1/256, tanh zero point 0 and steps of 1/128. */
static enum status sigmoid_table(struct packing *packing, int8_t *table)
{
    int is_logistic = packing->node->op == OP_logistic;
    int32_t output_zero_point = is_logistic ? INT8_MIN : 0;
    assert(tensor_zero_point(output_of(packing)) == output_zero_point);
    const struct tensor *input = input_of(packing);
    double real = (double)tensor_scale(input) * (double)(1 << (31 - INTEGER_BITS));
    struct fixed_point by = fixed_point_from(real);
    if (by.shift < 0 || by.shift > 62)
        return unsupported(packing, "the input's scale %g is out of range; quantize the model anew",
                           (double)tensor_scale(input));
    int32_t radius = input_radius(INTEGER_BITS, by.shift);
    int32_t fraction_bits = is_logistic ? 8 : 7;
    for (int32_t q = INT8_MIN; q <= INT8_MAX; q++) {
        int32_t value = q - tensor_zero_point(input);
        int32_t result;
        if (value <= -radius) {
            result = INT8_MIN;
        } else if (value >= radius) {
            result = INT8_MAX;
        } else {
            int32_t q4 = fixed_point_multiply(value, by);
            int32_t q0 = is_logistic ? fixed_point_logistic(q4) : fixed_point_tanh(q4);
            result = rounding_shift_right(q0, 31 - fraction_bits) + output_zero_point;
        }
        table[q - INT8_MIN] = clamp_s8(result, INT8_MIN, INT8_MAX);
    }
    return OK;
}

/* DownScaleInt32ToInt16Multiplier (kernels/internal/common.h). */
static int16_t multiplier_16(int32_t multiplier)
{
    if (multiplier >= INT32_MAX - (1 << 15))
        return INT16_MAX;
    return (int16_t)((multiplier + (1 << 15)) >> 16);
}

static int16_t saturate_16(int64_t value)
{
    return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}

/* gemmlowp::RoundingDivideByPOT of a 16-bit number, including what its 16-bit mask does to
 * exponents above 15. */
static int16_t rounding_shift_right_16(int16_t value, int32_t exponent)
{
    int16_t mask = (int16_t)(uint16_t)(((UINT64_C(1) << exponent) - 1) & UINT16_MAX);
    int32_t remainder = value & mask;
    int32_t threshold = (mask >> 1) + (value < 0);
    return (int16_t)((value >> exponent) + (remainder > threshold));
}

/* One value through kernels/internal/reference/hard_swish.h. */
static int32_t hard_swish_value(int32_t value, struct fixed_point output,
                                struct fixed_point reluish)
{
    int16_t fine = (int16_t)(value * (1 << 7));
    int16_t scaled = high_multiply_16(fine, multiplier_16(output.multiplier));
    int16_t relu = fine;
    if (reluish.shift > 0)
        relu = saturate_16((int64_t)relu * (INT64_C(1) << (reluish.shift - 1)));
    relu = high_multiply_16(relu, multiplier_16(reluish.multiplier));
    if (reluish.shift > 0)
        relu = saturate_16((int64_t)relu * 2);
    if (reluish.shift < 0)
        relu = rounding_shift_right_16(relu, -reluish.shift);
    relu = (int16_t)((relu + (1 << 15)) >> 1);
    /* Truncating, not rounding, as the reference does. `relu` is never negative. */
    int16_t product = (int16_t)((int32_t)relu * scaled / (1 << 15));
    return rounding_shift_right_16(product, -output.shift);
}

/* hard_swish_common.cc: the ratios are computed in float. */
static enum status hard_swish_table(struct packing *packing, int8_t *table)
{
    float fine_scale = (1.0F / 128.0F) * tensor_scale(input_of(packing));
    float ratio = fine_scale / tensor_scale(output_of(packing));
    float reluish_ratio = fine_scale / (3.0F / 32768.0F);
    struct fixed_point output, reluish;
    TRY(multiplier_make(packing, "ratio", (double)ratio, 0, &output));
    TRY(multiplier_make(packing, "ratio to 3", (double)reluish_ratio, 0, &reluish));
    if (output.shift > 0)
        return unsupported(packing,
                           "the input's scale is over 128 times the output's; quantize the model "
                           "anew");
    int32_t zero_point = tensor_zero_point(input_of(packing));
    int32_t output_zero_point = tensor_zero_point(output_of(packing));
    for (int32_t q = INT8_MIN; q <= INT8_MAX; q++) {
        int32_t value = hard_swish_value(q - zero_point, output, reluish);
        table[q - INT8_MIN] = clamp_s8(value + output_zero_point, INT8_MIN, INT8_MAX);
    }
    return OK;
}

enum status lookup_table(struct packing *packing, int8_t table[256])
{
    switch (packing->node->op) {
    case OP_quantize:
    case OP_relu:
    case OP_relu6:
        return requantize_table(packing, table);
    case OP_leaky_relu:
        return leaky_relu_table(packing, table);
    case OP_logistic:
    case OP_tanh:
        return sigmoid_table(packing, table);
    case OP_hard_swish:
        return hard_swish_table(packing, table);
    default:
        assert(0);
        return ERR_UNSUPPORTED;
    }
}
