/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels on the inputs of TensorFlow Lite Micro's own unit tests (pooling_test.cc, add_test.cc,
 * mul_test.cc, reduce_test.cc, softmax_test.cc), with the answers and tolerances given there; their
 * real numbers are quantized by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/dtmm.h"

static struct dtmm_pool_2d pool_2x4(int output_w, int stride_h, int stride_w)
{
    return (struct dtmm_pool_2d){.channels = 1,
                                 .input_h = 2,
                                 .input_w = 4,
                                 .output_h = 1,
                                 .output_w = (uint16_t)output_w,
                                 .window_h = 2,
                                 .window_w = 2,
                                 .stride_h = (uint8_t)stride_h,
                                 .stride_w = (uint8_t)stride_w,
                                 .output_min = -128,
                                 .output_max = 127};
}

static void test_average_pool(void **state)
{
    (void)state;
    static const int8_t mixed[] = {0, -24, 8, 16, 12, 8, -40, 28};
    static const int8_t larger[] = {12, -24, 32, 16, 12, 8, 40, 28};
    int8_t out[8];
    struct dtmm_pool_2d p = pool_2x4(2, 2, 2);
    dtmm_average_pool_2d_s8_c(&p, mixed, out);
    assert_memory_equal(out, ((const int8_t[]){-1, 3}), 2);
    p = pool_2x4(3, 2, 1);
    p.output_min = 0; /* relu */
    dtmm_average_pool_2d_s8_c(&p, mixed, out);
    assert_memory_equal(out, ((const int8_t[]){0, 0, 3}), 3);
    p = pool_2x4(2, 1, 2);
    p.output_min = -4; /* relu_n1_to_1 at scale 1/4 */
    p.output_max = 4;
    dtmm_average_pool_2d_s8_c(&p, mixed, out);
    assert_memory_equal(out, ((const int8_t[]){-1, 3}), 2);
    p = pool_2x4(2, 2, 2);
    p.output_min = 0; /* relu6 at scale 1/4 */
    p.output_max = 24;
    dtmm_average_pool_2d_s8_c(&p, larger, out);
    assert_memory_equal(out, ((const int8_t[]){2, 24}), 2);
    p = pool_2x4(4, 1, 1);
    p.output_h = 2; /* the windows of the last row and column reach beyond the input */
    dtmm_average_pool_2d_s8_c(&p, larger, out);
    assert_memory_equal(out, ((const int8_t[]){2, 14, 29, 22, 10, 24, 34, 28}), 8);
}

/* Scales 1/4, 1/2 and 1, zero points -10, 4 and 13. */
static void test_add(void **state)
{
    (void)state;
    struct dtmm_add p = {.dims = {1, 1, 1, 4},
                         .stride_a = {4, 4, 4, 1},
                         .stride_b = {4, 4, 4, 1},
                         .multiplier_a = 1 << 30,
                         .multiplier_b = 1 << 30,
                         .multiplier_output = 1 << 30,
                         .shift_a = -1,
                         .shift_b = 0,
                         .shift_output = -19,
                         .zero_point_a = -10,
                         .zero_point_b = 4,
                         .output_zero_point = 13,
                         .output_min = -128,
                         .output_max = 127};
    static const int8_t a[] = {-18, -14, -10, -6}, b[] = {6, 8, 10, 12};
    int8_t out[4];
    dtmm_add_s8_c(&p, a, b, out);
    assert_memory_equal(out, ((const int8_t[]){12, 14, 16, 18}), 4);
    dtmm_sub_s8_c(&p, a, b, out); /* by hand: -3, -3, -3, -3 */
    assert_memory_equal(out, ((const int8_t[]){10, 10, 10, 10}), 4);
    p.output_min = 12; /* relu_n1_to_1 */
    p.output_max = 14;
    dtmm_add_s8_c(&p, a, b, out);
    assert_memory_equal(out, ((const int8_t[]){12, 14, 14, 14}), 4);
}

/* All scales 0.01: the multiplier is 0.01 = 0.64 * 2^-6. */
static void test_mul(void **state)
{
    (void)state;
    struct dtmm_mul p = {.dims = {1, 1, 1, 4},
                         .stride_a = {4, 4, 4, 1},
                         .stride_b = {4, 4, 4, 1},
                         .multiplier = 1374389535,
                         .shift = -6,
                         .output_min = -128,
                         .output_max = 127};
    static const int8_t a[] = {-80, 20, 90, 70}, b[] = {60, 40, 90, 80};
    int8_t out[4];
    dtmm_mul_s8_c(&p, a, b, out);
    assert_memory_equal(out, ((const int8_t[]){-48, 8, 81, 56}), 4);
}

/* 1 .. 24 at scale 1/2 as 2x2x3x2, averaged over dimensions 1 and 2. */
static void test_mean(void **state)
{
    (void)state;
    struct dtmm_mean p = {.dims = {1, 2, 2, 3, 2},
                          .axes = 1 << 2 | 1 << 3,
                          .count = 6,
                          .multiplier = (int32_t)((INT64_C(1) << 32) / 6),
                          .shift = 1 - 2};
    int8_t in[24], out[4];
    for (int i = 0; i < 24; i++)
        in[i] = (int8_t)(2 * (i + 1));
    dtmm_mean_s8_c(&p, in, out);
    assert_memory_equal(out, ((const int8_t[]){12, 14, 36, 38}), 4);
}

/* Input scale 0.1F: 0.1F * 2^26 = 0.8 * 2^23. */
static void test_softmax(void **state)
{
    (void)state;
    struct dtmm_softmax p = {
        .rows = 5, .columns = 5, .multiplier = 1717986944, .shift = 23, .difference_min = -248};
    static const int8_t in[25] = {10, 20,  30,   40,   50,  -10, -20, -30, -40, -50, 30, 60, -50,
                                  40, -90, -100, -100, -80, 20,  20,  80,  -50, -80, 50, -60};
    static const double real[25] = {
        0.011656231, 0.031684921, 0.086128544, 0.234121657, 0.636408647, 0.636408647, 0.234121657,
        0.086128544, 0.031684921, 0.011656231, 0.042009463, 0.843782625, 0.000014093, 0.114193561,
        0.000000258, 0.000003072, 0.000003072, 0.000022699, 0.499985578, 0.499985578, 0.952571219,
        0.000002153, 0.000000107, 0.047425728, 0.000000792};
    int8_t out[25];
    dtmm_softmax_s8_c(&p, in, out);
    for (int i = 0; i < 25; i++)
        assert_true(fabs(out[i] - (round(real[i] * 256) - 128)) <= 1.0);
}

/* By hand: a 3x3 kernel of ones over a 2x2 input of 1 2 3 4 with zero point 1; outside reads as the
 * zero point, so each output is the plain sum of the real values 0 1 2 3. */
static void test_convolution_border(void **state)
{
    (void)state;
    static const int8_t weights[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1}, in[] = {1, 2, 3, 4};
    static const uint8_t mask[2] = {0xff, 0x01};
    static const int32_t bias[] = {-9}, multiplier[] = {1 << 30};
    static const int8_t shift[] = {1};
    struct dtmm_conv_2d p = {weights, mask, bias, multiplier, shift, 1, 1, 1, 2, 2, 2,    2,
                             3,       3,    1,    1,          1,     1, 1, 1, 1, 5, -128, 127};
    struct dtmm_depthwise_conv_2d d = {weights, bias, multiplier, shift, 1, 1, 2, 2, 2, 2,    3,
                                       3,       1,    1,          1,     1, 1, 1, 1, 5, -128, 127};
    int8_t out[4];
    dtmm_conv_2d_s8_c(&p, in, out, NULL);
    assert_memory_equal(out, ((const int8_t[]){11, 11, 11, 11}), 4);
    memset(out, 0, sizeof(out));
    dtmm_conv_2d_fwcs_s8_c(&p, in, out, NULL);
    assert_memory_equal(out, ((const int8_t[]){11, 11, 11, 11}), 4);
    memset(out, 0, sizeof(out));
    dtmm_depthwise_conv_2d_s8_c(&d, in, out, NULL);
    assert_memory_equal(out, ((const int8_t[]){11, 11, 11, 11}), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_average_pool), cmocka_unit_test(test_add),
        cmocka_unit_test(test_mul),          cmocka_unit_test(test_mean),
        cmocka_unit_test(test_softmax),      cmocka_unit_test(test_convolution_border),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
