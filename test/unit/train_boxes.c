/* SPDX-License-Identifier: Apache-2.0 */
/* From a detector's output to boxes: against numbers worked out by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "train/boxes.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static void expect_box(const struct box *box, double x, double y, double width, double height)
{
    const double expected[] = {x - width / 2, y - height / 2, x + width / 2, y + height / 2};
    const double found[] = {(double)box->x_low, (double)box->y_low, (double)box->x_high,
                            (double)box->y_high};
    for (int i = 0; i < 4; i++)
        if (!(fabs(found[i] - expected[i]) < 1e-6))
            fail_msg("edge %d: %.9g instead of %.9g", i, found[i], expected[i]);
}

/* One row of two cells, two anchors, two classes. */
static const float anchors[] = {0.5f, 1, 0.25f, 0.5f};
static const struct yolo_grid grid = {1, 2, 2, 2, anchors};

static void cells_and_anchors(void **state)
{
    (void)state;
    struct box boxes[8];
    float output[2][2][7] = {{{0}}};
    for (int i = 0; i < 4; i++)
        output[i / 2][i % 2][4] = -20;
    /* The second cell's second anchor: center at sigmoid(ln 3) = 3/4 of the cell, twice as wide;
     * sigmoid(0) = 1/2; classes e^ln 4 : 1. */
    const float values[7] = {logf(3), 0, logf(2), 0, 0, logf(4), 0};
    for (int i = 0; i < 7; i++)
        output[1][1][i] = values[i];
    assert_int_equal(boxes_limit(&grid), 8);
    assert_int_equal(boxes_decode(&grid, &output[0][0][0], 3, 0.05f, boxes), 2);
    expect_box(&boxes[0], 0.875, 0.5, 0.5, 0.5);
    expect_box(&boxes[1], 0.875, 0.5, 0.5, 0.5);
    assert_int_equal(boxes[0].label, 0);
    assert_int_equal(boxes[1].label, 1);
    assert_int_equal(boxes[1].image, 3);
    assert_true(fabsf(boxes[0].score - 0.4f) < 1e-6f);
    assert_true(fabsf(boxes[1].score - 0.1f) < 1e-6f);
    assert_int_equal(boxes_decode(&grid, &output[0][0][0], 3, 0.2f, boxes), 1);
    output[1][1][4] = NAN;
    assert_int_equal(boxes_decode(&grid, &output[0][0][0], 3, 0, boxes), 6);
}

static void targets_end(void **state)
{
    (void)state;
    struct box boxes[3];
    const float targets[] = {1,     0.5f, 0.25f, 0.5f, 0.5f, 0, 0.75f, 0.75f,
                             0.25f, 0.5f, -1,    9,    9,    9, 9};
    assert_int_equal(boxes_of_targets(targets, 15, 7, boxes), 2);
    expect_box(&boxes[0], 0.5, 0.25, 0.5, 0.5);
    expect_box(&boxes[1], 0.75, 0.75, 0.25, 0.5);
    assert_int_equal(boxes[0].label, 1);
    assert_int_equal(boxes[1].image, 7);
    assert_int_equal(boxes_of_targets(targets, 10, 7, boxes), 2);
    assert_int_equal(boxes_of_targets(targets + 10, 5, 7, boxes), 0);
}

static void the_best_stays(void **state)
{
    (void)state;
    struct box boxes[] = {
        {.score = 0.5f, .x_high = 10, .y_high = 10},             /* IoU 9/11 with the best */
        {.score = 0.9f, .x_low = 1, .x_high = 11, .y_high = 10}, /* the best */
        {.score = 0.8f, .label = 1, .x_low = 1, .x_high = 11, .y_high = 10}, /* another class */
        {.score = 0.7f, .x_low = 6, .x_high = 16, .y_high = 10}, /* 5/15 with the best */
        {.score = 0.6f, .x_low = 8, .x_high = 18, .y_high = 10}, /* 3/17, but 8/12 with the last */
    };
    assert_int_equal(boxes_suppress(boxes, 5, 0.45), 3);
    assert_int_equal((int)(10 * boxes[0].score + 0.5f), 9);
    assert_int_equal((int)(10 * boxes[1].score + 0.5f), 8);
    assert_int_equal((int)(10 * boxes[2].score + 0.5f), 7);
    assert_int_equal(boxes_suppress(boxes, 3, 0.3), 2);
    assert_int_equal(boxes_suppress(boxes, 0, 0.3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_and_anchors),
        cmocka_unit_test(targets_end),
        cmocka_unit_test(the_best_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
