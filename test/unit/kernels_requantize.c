/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/requantize.h against its definition, computed on magnitude and sign. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "runtime/requantize.h"
#include "test/kernels/naive.h"
#include "test/kernels/seed.h"

static const int32_t extremes[] = {
    0,
    1,
    -1,
    2,
    -2,
    3,
    -3,
    127,
    -128,
    255,
    -255,
    256,
    65535,
    -65536,
    1 << 29,
    -(1 << 29),
    1 << 30,
    -(1 << 30),
    (1 << 30) - 1,
    1 - (1 << 30),
    (1 << 30) + 1,
    INT32_MAX,
    INT32_MAX - 1,
    INT32_MIN,
    INT32_MIN + 1,
    1431655765,
    -1431655765,
    715827883,
};
enum { N_EXTREMES = sizeof(extremes) / sizeof(extremes[0]) };

static int32_t random_value(struct random *random)
{
    uint64_t bits = random_bits(random);
    if (bits % 8 == 0)
        return extremes[(bits >> 8) % N_EXTREMES];
    return (int32_t)(uint32_t)(bits >> 32) >> (bits >> 8) % 32;
}

static void check(int32_t x, int32_t y, int32_t exponent)
{
    if (x != INT32_MIN || y != INT32_MIN)
        assert_int_equal(dtmm_high_multiply(x, y), naive_high_multiply(x, y));
    assert_int_equal(dtmm_rounding_divide(x, exponent), naive_divide(x, exponent));
    int32_t multiplier = y < 0 ? ~y : y;
    int64_t down = naive_divide(naive_high_multiply(x, multiplier), exponent);
    assert_int_equal(dtmm_scale_down(x, multiplier, exponent), down);
    assert_int_equal(dtmm_requantize(x, multiplier, -exponent), down);
    int64_t shifted = (int64_t)x * (INT64_C(1) << (exponent % 31));
    if (shifted >= INT32_MIN && shifted <= INT32_MAX)
        assert_int_equal(dtmm_requantize(x, multiplier, exponent % 31),
                         naive_high_multiply((int32_t)shifted, multiplier));
}

static void test_arithmetic(void **state)
{
    (void)state;
    for (int i = 0; i < N_EXTREMES; i++)
        for (int j = 0; j < N_EXTREMES; j++)
            for (int32_t exponent = 0; exponent < 32; exponent++)
                check(extremes[i], extremes[j], exponent);
    struct random random = {test_seed()};
    for (int i = 0; i < 1000000; i++) {
        int32_t x = random_value(&random), y = random_value(&random);
        check(x, y, random_range(&random, 0, 31));
    }
}

/* Hand-made: the two roundings differ, and both matter. */
static void test_rounding_by_hand(void **state)
{
    (void)state;
    assert_int_equal(dtmm_high_multiply(1, 1 << 30), 1);   /* 0.5 */
    assert_int_equal(dtmm_high_multiply(-1, 1 << 30), 0);  /* -0.5 */
    assert_int_equal(dtmm_high_multiply(-3, 1 << 30), -1); /* -1.5 */
    assert_int_equal(dtmm_rounding_divide(1, 1), 1);       /* 0.5 */
    assert_int_equal(dtmm_rounding_divide(-1, 1), -1);     /* -0.5 */
    assert_int_equal(dtmm_rounding_divide(INT32_MIN, 31), -1);
    assert_int_equal(dtmm_rounding_divide(INT32_MAX, 31), 1);
    assert_int_equal(dtmm_requantize(INT32_MIN, 0, -31), 0);
    assert_int_equal(dtmm_requantize(INT32_MIN, INT32_MAX, 0), -INT32_MAX);
    /* 5 * 0.5 * 2^-1: 2.5 rounds to 3, then 1.5 to 2; one rounding of 1.25 would give 1 */
    assert_int_equal(dtmm_requantize(5, 1 << 30, -1), 2);
    assert_int_equal(dtmm_requantize(3, 1 << 30, 4), 24);
}

static void test_clamp(void **state)
{
    (void)state;
    for (int32_t x = -600; x <= 600; x++)
        for (int32_t zero_point = -128; zero_point <= 127; zero_point += 17) {
            int32_t sum = x + zero_point;
            int32_t expected = sum < -100 ? -100 : sum > 90 ? 90 : sum;
            assert_int_equal(dtmm_clamp(x, zero_point, -100, 90), expected);
        }
}

/* Every tap is inside or outside, as counting says. */
static void test_clip_and_window(void **state)
{
    (void)state;
    for (int32_t start = -12; start < 12; start++)
        for (int32_t n = 1; n < 6; n++)
            for (int32_t limit = 1; limit < 8; limit++)
                for (int32_t step = 1; step < 4; step++) {
                    struct dtmm_span span = dtmm_clip(start, step, n, limit);
                    struct dtmm_span window = dtmm_window(start, n, limit);
                    for (int32_t i = 0; i < n; i++) {
                        int32_t x = start + i * step;
                        assert_int_equal(i >= span.begin && i < span.end, x >= 0 && x < limit);
                        x = start + i;
                        assert_int_equal(x >= window.begin && x < window.end, x >= 0 && x < limit);
                    }
                    assert_true(span.begin >= 0 && span.begin <= span.end && span.end <= n);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_rounding_by_hand),
        cmocka_unit_test(test_clamp),
        cmocka_unit_test(test_clip_and_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
