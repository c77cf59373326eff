/* SPDX-License-Identifier: Apache-2.0 */
/* --val test: half of the test samples are for validation, and only the others for testing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "data_files.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static struct dataset read_part(const char *path, enum dataset_part part)
{
    struct dataset dataset;
    if (dataset_read(path, part, &arena, &dataset, &diag) != OK)
        fail_msg("%s", diag.message);
    return dataset;
}

static void refused(const char *path, enum dataset_part part, const char *message)
{
    struct dataset dataset;
    assert_int_equal(dataset_read(path, part, &arena, &dataset, &diag), ERR_INPUT);
    assert_non_null(strstr(diag.message, message));
}

static void expect_values(const struct dataset *dataset, int32_t n, const float *values,
                          const int32_t *labels)
{
    assert_int_equal(dataset->n_samples, n);
    assert_memory_equal(dataset->samples, values, (size_t)n * sizeof *values);
    assert_memory_equal(dataset->labels, labels, (size_t)n * sizeof *labels);
}

static void test_samples_are_halved(void **state)
{
    (void)state;
    struct split split;
    put_text("c/train.csv", "1,run\n2,walk\n3,run\n");
    put_text("c/test.csv", "10,walk\n11,run\n12,walk\n13,walk\n14,run\n");
    struct dataset all = read_part(in("c"), DATASET_TRAIN_HELD_OUT),
                   rest = read_part(in("c"), DATASET_TEST_REST);
    expect_values(&all, 6, (float[]){1, 2, 3, 10, 12, 14}, (int32_t[]){0, 1, 0, 1, 1, 0});
    expect_values(&rest, 2, (float[]){11, 13}, (int32_t[]){0, 1});
    assert_int_equal(dataset_split(&all, 0.1, 1, &arena, &split, &diag), OK);
    assert_int_equal(split.n_train, 3);
    assert_memory_equal(split.train, ((int32_t[]){0, 1, 2}), 3 * sizeof(int32_t));
    assert_int_equal(split.n_validation, 3);
    assert_memory_equal(split.validation, ((int32_t[]){3, 4, 5}), 3 * sizeof(int32_t));
}

static void target_values_come_along(void **state)
{
    (void)state;
    static const float train[2] = {1, 2}, test[3] = {4, 5, 6};
    static const float targets[4] = {1, 2, 3, 4}, test_targets[6] = {7, 8, 9, 10, 11, 12};
    put_npy("a/x_train.npy", "<f4", "(2, 1)", train, sizeof train);
    put_npy("a/y_train.npy", "<f4", "(2, 2)", targets, sizeof targets);
    put_npy("a/x_test.npy", "<f4", "(3, 1)", test, sizeof test);
    put_npy("a/y_test.npy", "<f4", "(3, 2)", test_targets, sizeof test_targets);
    struct dataset all = read_part(in("a"), DATASET_TRAIN_HELD_OUT),
                   rest = read_part(in("a"), DATASET_TEST_REST);
    assert_int_equal(all.n_samples, 4);
    assert_int_equal(all.n_held_out, 2);
    assert_memory_equal(all.targets, ((float[]){1, 2, 3, 4, 7, 8, 11, 12}), 8 * sizeof(float));
    assert_int_equal(rest.n_samples, 1);
    assert_memory_equal(rest.targets, ((float[]){9, 10}), 2 * sizeof(float));
}

static void parts_must_be_alike(void **state)
{
    (void)state;
    put_npy("a/x_train.npy", "|u1", "(2, 2)", "abcd", 4);
    put_npy("a/y_train.npy", "|u1", "(2,)", "\0\1", 2);
    put_npy("a/x_test.npy", "|u1", "(2, 1)", "ab", 2);
    put_npy("a/y_test.npy", "|u1", "(2,)", "\0\1", 2);
    refused(in("a"), DATASET_TRAIN_HELD_OUT, "are not of one kind");
    put_npy("a/x_test.npy", "|u1", "(1, 2)", "ab", 2);
    put_npy("a/y_test.npy", "|u1", "(1,)", "\0", 1);
    refused(in("a"), DATASET_TRAIN_HELD_OUT, "has 1 test samples, too few for --val test");
    refused(in("a"), DATASET_TEST_REST, "has 1 test samples, too few for --val test");
    put_text("c.csv", "1,run\n2,walk\n3,run\n");
    refused(in("c.csv"), DATASET_TRAIN_HELD_OUT, "has no test part");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(test_samples_are_halved),
        FOLDER_TEST(target_values_come_along),
        FOLDER_TEST(parts_must_be_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
