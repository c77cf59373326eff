/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics against numbers worked out by hand, and against plain definitions. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/random.h"
#include "data/metrics.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static struct arena arena;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static void expect_near(double value, double expected)
{
    if (!(fabs(value - expected) < 1e-9))
        fail_msg("%.12g instead of %.12g", value, expected);
}

static void argmax_takes_the_first(void **state)
{
    (void)state;
    assert_int_equal(scores_argmax((float[]){1, 3, 3, 2}, 4), 1);
    assert_int_equal(scores_argmax((float[]){-1}, 1), 0);
    assert_int_equal(scores_argmax((float[]){NAN, -5, NAN, -4}, 4), 3);
    assert_int_equal(scores_argmax((float[]){NAN, NAN}, 2), 0);
    assert_int_equal(scores_argmax((float[]){0.0f, -0.0f}, 2), 0);
}

/* Labels 0 0 0 1 1 2, predicted as 0 0 1 1 2 0. */
static void confusion(void **state)
{
    (void)state;
    static const int32_t LABELS[6] = {0, 0, 0, 1, 1, 2}, PREDICTED[6] = {0, 0, 1, 1, 2, 0};
    static const int64_t EXPECTED[9] = {2, 1, 0, 0, 1, 1, 1, 0, 0};
    struct classification c = classification_start(3, &arena);
    for (int i = 0; i < 6; i++) {
        float scores[3] = {0};
        scores[PREDICTED[i]] = 1;
        classification_add(&c, scores, LABELS[i]);
    }
    assert_memory_equal(c.confusion, EXPECTED, sizeof EXPECTED);
    expect_near(classification_top(&c, 1), 0.5);
    struct class_quality q = classification_class(&c, 0);
    assert_true(q.n_labels == 3 && q.n_predictions == 3);
    expect_near(q.precision, 2.0 / 3);
    expect_near(q.recall, 2.0 / 3);
    expect_near(q.f1, 2.0 / 3);
    q = classification_class(&c, 1);
    expect_near(q.precision, 0.5);
    expect_near(q.recall, 0.5);
    q = classification_class(&c, 2);
    expect_near(q.precision, 0);
    expect_near(q.recall, 0);
    expect_near(q.f1, 0);
    expect_near(classification_macro_f1(&c), (2.0 / 3 + 0.5) / 3);
}

/* Classes that occur nowhere do not count; nothing at all is NaN. */
static void absent_classes(void **state)
{
    (void)state;
    struct classification c = classification_start(4, &arena);
    assert_true(isnan(classification_top(&c, 1)) && isnan(classification_macro_f1(&c)));
    classification_add(&c, (float[]){0, 1, 0, 0}, 1);
    classification_add(&c, (float[]){0, 0, 1, 0}, 1);
    struct class_quality q = classification_class(&c, 3);
    assert_true(q.precision == 0 && q.recall == 0 && q.f1 == 0);
    expect_near(classification_macro_f1(&c), (2.0 / 3 + 0) / 2);
}

static void top_k(void **state)
{
    (void)state;
    static const float SCORES[7] = {5, 9, 7, 7, 7, 1, NAN};
    /* The order: 1, 2, 3, 4, 0, 5, 6. */
    static const int32_t RANKS[7] = {4, 0, 1, 2, 3, 5, 6};
    for (int32_t label = 0; label < 7; label++) {
        struct classification c = classification_start(7, &arena);
        classification_add(&c, SCORES, label);
        for (int32_t k = 1; k <= TOP_K_MAX; k++)
            assert_true(classification_top(&c, k) == (RANKS[label] < k));
        assert_int_equal(c.confusion[label * 7 + 1], 1);
    }
    struct classification two = classification_start(2, &arena);
    classification_add(&two, (float[]){1, 1}, 1);
    assert_true(classification_top(&two, 1) == 0 && classification_top(&two, 2) == 1 &&
                classification_top(&two, 5) == 1);
}

static void auc(void **state)
{
    (void)state;
    /* Positives 0.8 0.4 against negatives 0.1 0.35 0.4: 3 + 2.5 of 6 pairs. */
    expect_near(roc_auc((float[]){0.1f, 0.4f, 0.35f, 0.8f, 0.4f}, (int32_t[]){0, 0, 0, 1, 1}, 5),
                5.5 / 6);
    expect_near(roc_auc((float[]){1, 2, 3, 4}, (int32_t[]){1, 1, 0, 0}, 4), 0);
    expect_near(roc_auc((float[]){1, 1, 1}, (int32_t[]){1, 0, 7}, 3), 0.5);
    expect_near(roc_auc((float[]){INFINITY, -INFINITY}, (int32_t[]){1, 0}, 2), 1);
    assert_true(isnan(roc_auc((float[]){1, 2}, (int32_t[]){1, 1}, 2)));
    assert_true(isnan(roc_auc((float[]){1, 2}, (int32_t[]){0, 0}, 2)));
    assert_true(isnan(roc_auc((float[]){1, NAN}, (int32_t[]){0, 1}, 2)));
    assert_true(isnan(roc_auc(NULL, NULL, 0)));
}

/* The definition, pair by pair. */
static void auc_counts_pairs(void **state)
{
    (void)state;
    enum { N = 200 };
    struct random random = {9};
    for (int round = 0; round < 20; round++) {
        float scores[N];
        int32_t labels[N];
        for (int i = 0; i < N; i++) {
            scores[i] = (float)random_range(&random, -3, round);
            labels[i] = i < 2 ? i : random_range(&random, 0, 1);
        }
        double won = 0, pairs = 0;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                if (labels[i] && !labels[j]) {
                    won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                    pairs++;
                }
        expect_near(roc_auc(scores, labels, N), won / pairs);
    }
}

static void errors(void **state)
{
    (void)state;
    struct regression r = {0};
    assert_true(isnan(regression_mae(&r)) && isnan(regression_mse(&r)));
    regression_add(&r, (float[]){1, 2}, (float[]){0, 4}, 2);
    regression_add(&r, (float[]){-3}, (float[]){-3}, 1);
    expect_near(regression_mae(&r), 1);
    expect_near(regression_mse(&r), 5.0 / 3);
}

static struct box box(int32_t image, int32_t label, float score, float x, float y, float side)
{
    return (struct box){image, label, score, x, y, x + side, y + side};
}

static void iou(void **state)
{
    (void)state;
    struct box a = box(0, 0, 0, 0, 0, 2), b = box(0, 0, 0, 1, 1, 2), c = box(0, 0, 0, 2, 0, 2);
    struct box nothing = box(0, 0, 0, 1, 1, 0);
    expect_near(box_iou(&a, &a), 1);
    expect_near(box_iou(&a, &b), 1.0 / 7);
    expect_near(box_iou(&a, &c), 0);
    expect_near(box_iou(&a, &nothing), 0);
    expect_near(box_iou(&nothing, &nothing), 0);
}

/* Three true boxes in two images; from the highest score: true, false (another image), true, false
 * (taken already), and one that is never found. Precisions 1, 1/2, 2/3, 2/4 at recalls 1/3, 1/3,
 * 2/3, 2/3. */
static void precision_over_recall(void **state)
{
    (void)state;
    const struct box truth[] = {box(1, 0, 0, 0, 0, 10), box(0, 0, 0, 0, 0, 10),
                                box(0, 0, 0, 50, 50, 10)};
    const struct box predicted[] = {box(0, 0, 0.6f, 0, 1, 10), box(1, 0, 0.8f, 50, 50, 10),
                                    box(0, 0, 0.7f, 1, 0, 10), box(1, 0, 0.9f, 0, 0, 10)};
    expect_near(average_precision(predicted, 4, truth, 3, 0, 0.5), 1.0 / 3 + 1.0 / 3 * 2 / 3);
    expect_near(average_precision(predicted, 0, truth, 3, 0, 0.5), 0);
    assert_true(isnan(average_precision(predicted, 4, truth, 0, 0, 0.5)));
    assert_true(isnan(average_precision(predicted, 4, truth, 3, 1, 0.5)));
    /* 10x10 moved by one: 90 / 110 */
    expect_near(average_precision(predicted, 4, truth, 3, 0, 0.82), 1.0 / 3);
}

/* Interpolation: a later, higher precision counts for the recalls before it. */
static void precision_is_made_to_fall(void **state)
{
    (void)state;
    const struct box truth[] = {box(0, 0, 0, 0, 0, 10), box(0, 0, 0, 20, 0, 10)};
    const struct box predicted[] = {box(0, 0, 0.9f, 70, 70, 9), box(0, 0, 0.8f, 0, 0, 10),
                                    box(0, 0, 0.7f, 20, 0, 10)};
    expect_near(average_precision(predicted, 3, truth, 2, 0, 0.5), 2.0 / 3);
}

/* The best of those not taken is taken: the second prediction still finds the other box. */
static void boxes_are_taken_once(void **state)
{
    (void)state;
    const struct box truth[] = {box(0, 0, 0, 0, 0, 10), box(0, 0, 0, 1, 0, 10)};
    const struct box predicted[] = {box(0, 0, 0.5f, 1, 0, 10), box(0, 0, 0.5f, 1, 0, 10),
                                    box(0, 0, 0.5f, 1, 0, 10)};
    expect_near(average_precision(predicted, 3, truth, 2, 0, 0.5), 1);
    const struct box classes[] = {box(0, 0, 0, 0, 0, 10), box(0, 2, 0, 1, 0, 10)};
    expect_near(mean_average_precision(predicted, 3, classes, 2, 3, 0.5), 0.5);
    assert_true(isnan(mean_average_precision(predicted, 3, classes, 0, 3, 0.5)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(argmax_takes_the_first, tear_down),
        cmocka_unit_test_teardown(confusion, tear_down),
        cmocka_unit_test_teardown(absent_classes, tear_down),
        cmocka_unit_test_teardown(top_k, tear_down),
        cmocka_unit_test_teardown(auc, tear_down),
        cmocka_unit_test_teardown(auc_counts_pairs, tear_down),
        cmocka_unit_test_teardown(errors, tear_down),
        cmocka_unit_test_teardown(iou, tear_down),
        cmocka_unit_test_teardown(precision_over_recall, tear_down),
        cmocka_unit_test_teardown(precision_is_made_to_fall, tear_down),
        cmocka_unit_test_teardown(boxes_are_taken_once, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
