/* SPDX-License-Identifier: Apache-2.0 */
/* The front of a sweep: which point is recommended, and how it is written. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "report/front.h"

static struct front_point points[5];

static struct front front_of(int32_t n, const double *accuracies)
{
    for (int32_t i = 0; i < n; i++)
        points[i] = (struct front_point){"p", 50000 - 10000 * i, 1000,       9000000 - 1000000 * i,
                                         0,   accuracies[i],     (double)NAN};
    return (struct front){"a<b&c.tflite", "cortex-m4", n, points, 0};
}

static void test_knee(void **state)
{
    (void)state;
    struct front front = front_of(5, (double[]){0.90, 0.89, 0.885, 0.70, 0.40});
    assert_int_equal(front_knee(&front), 2);
    front = front_of(5, (double[]){0.90, 0.60, 0.55, 0.50, 0.40});
    assert_int_equal(front_knee(&front), 0); /* falls fastest at once */
    front = front_of(2, (double[]){0.90, 0.60});
    assert_int_equal(front_knee(&front), 0);
    front = front_of(5, (double[]){0.90, 0.90, 0.90, 0.90, 0.90});
    assert_int_equal(front_knee(&front), 0);
    front = front_of(3, (double[]){(double)NAN, (double)NAN, (double)NAN});
    assert_int_equal(front_knee(&front), 0);
}

static void test_csv(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct text text = text_start(&arena);
    struct front front = front_of(3, (double[]){0.90, 0.8875, 0.5});
    front.knee = front_knee(&front);
    front.points[1].latency_ms = 12.5;
    front.points[1].test = 0.88;
    front_csv(&front, &text);
    assert_string_equal(text.data, "point,flash_bytes,sram_bytes,instructions,latency_ms_estimate,"
                                   "validation_percent,test_percent,knee\n"
                                   "p,50000,1000,9000000,,90.00,,\n"
                                   "p,40000,1000,8000000,12.5,88.75,88.00,knee\n"
                                   "p,30000,1000,7000000,,50.00,,\n");
    arena_free(&arena);
}

static void test_svg(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct text text = text_start(&arena);
    struct front front = front_of(3, (double[]){0.90, 0.8875, 0.5});
    front_svg(&front, &text);
    assert_non_null(strstr(text.data, "a&#60;b&#38;c.tflite on cortex-m4"));
    assert_null(strstr(text.data, "nan"));
    assert_null(strstr(text.data, "inf"));
    arena_free(&arena);
    /* one point, which has no range */
    text = text_start(&arena);
    front = front_of(1, (double[]){0.5});
    front_svg(&front, &text);
    assert_null(strstr(text.data, "nan"));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_knee),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_svg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
