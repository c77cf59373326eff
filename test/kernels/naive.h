/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel once more, element by element from the definition: plain weights and biases, 64-bit
 * accumulators, no folding, nothing shared with runtime/. */
#ifndef DTMM_TEST_KERNELS_NAIVE_H
#define DTMM_TEST_KERNELS_NAIVE_H

#include <stdint.h>

#include "test/kernels/layers.h"

/* a * b / 2^31 to nearest, a half toward plus infinity. Not both INT32_MIN. */
int32_t naive_high_multiply(int32_t a, int32_t b);

/* x / 2^exponent to nearest, a half away from zero. exponent: 0 .. 62 */
int32_t naive_divide(int32_t x, int32_t exponent);

/* x * multiplier / 2^31 * 2^shift with both roundings; x * 2^shift must fit int32. */
int64_t naive_requantize(int64_t x, int32_t multiplier, int32_t shift);

/* Computes the outputs of a layer made by layers.h. `output` holds its initial bytes. */
typedef void naive_kernel(const struct layer *layer, void *output);
naive_kernel naive_conv_2d, naive_depthwise_conv_2d, naive_transpose_conv, naive_fully_connected,
    naive_add, naive_sub, naive_mul, naive_average_pool_2d, naive_max_pool_2d, naive_mean,
    naive_softmax, naive_lookup, naive_copy, naive_pad, naive_slice, naive_resize_nearest,
    naive_quantize, naive_dequantize;

#endif
