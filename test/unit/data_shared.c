/* SPDX-License-Identifier: Apache-2.0 */
/* Real datasets, where they are there: in ../shared (DTMM_SHARED overrides it) and as Debian's
 * package has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "data/dataset.h"
#include "data/statistics.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static struct arena arena;
static struct diag diag;
static struct dataset dataset;
static struct statistics statistics;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* A path in the folder of shared data; the test is skipped when it is not there. */
static const char *shared(const char *name, const char *file)
{
    const char *folder = getenv("DTMM_SHARED");
    const char *path =
        arena_printf(&arena, "%s/data/%s", folder != NULL ? folder : "../shared", name);
    if (access(arena_printf(&arena, "%s/%s", path, file), R_OK) != 0) {
        printf("skipped: %s/%s is not there\n", path, file);
        skip();
    }
    return path;
}

static void read_path(const char *path, enum dataset_part part, const char *shape, int32_t n)
{
    if (dataset_read(path, part, &arena, &dataset, &diag) != OK)
        fail_msg("%s", diag.message);
    assert_string_equal(shape_string(&dataset.shape, &arena), shape);
    assert_int_equal(dataset.n_samples, n);
    statistics = dataset_statistics(&dataset, &arena);
}

static void cifar_10(void **state)
{
    (void)state;
    read_path(shared("cifar10", "test.bin.xz"), DATASET_TEST, "1x32x32x3", 10000);
    for (int i = 0; i < 10; i++)
        assert_int_equal(statistics.class_counts[i], 1000);
}

/* The published mean and standard deviation of the training images. */
static void cifar_10_training(void **state)
{
    (void)state;
    static const double MEAN[3] = {.49139968, .48215841, .44653091};
    static const double DEVIATION[3] = {.24703223, .24348513, .26158784};
    read_path(shared("cifar10", "train.bin.xz"), DATASET_TRAIN, "1x32x32x3", 50000);
    for (int c = 0; c < 3; c++) {
        assert_float_equal(statistics.mean[c] / 255, MEAN[c], 1e-7);
        assert_float_equal(statistics.deviation[c] / 255, DEVIATION[c], 1e-7);
    }
}

static void keywords(void **state)
{
    (void)state;
    static const int32_t COUNTS[12] = {92, 92, 81, 89, 70, 84, 75, 78, 84, 89, 80, 86};
    const char *path = shared("kws01", "mfcc_i8.npy.xz");
    read_path(path, DATASET_TEST, "1x49x10x1", 1000);
    assert_int_equal(dataset.n_classes, 12);
    assert_memory_equal(statistics.class_counts, COUNTS, sizeof COUNTS);
    assert_int_equal(dataset_read(path, DATASET_TRAIN, &arena, &dataset, &diag), ERR_INPUT);
}

static void spoken_digits(void **state)
{
    (void)state;
    const char *path = arena_printf(&arena, "%s/mfcc_i8.npy.xz,meta_i32.npy.xz:label=2",
                                    shared("fsdd", "mfcc_i8.npy.xz"));
    read_path(arena_printf(&arena, "%s:test=4=0-4", path), DATASET_TRAIN, "1x49x10x1", 2700);
    for (int i = 0; i < 10; i++)
        assert_int_equal(statistics.class_counts[i], 270);
    read_path(arena_printf(&arena, "%s:test=4=0-4", path), DATASET_TEST, "1x49x10x1", 300);
    for (int i = 0; i < 10; i++)
        assert_int_equal(statistics.class_counts[i], 30);
    read_path(arena_printf(&arena, "%s:test=3=5", path), DATASET_TEST, "1x49x10x1", 500);
}

static void fashion_mnist(void **state)
{
    (void)state;
    if (access("/usr/share/datasets/fashion-mnist", R_OK) != 0) {
        printf("skipped: dataset-fashion-mnist is not there\n");
        skip();
    }
    read_path("fashion-mnist", DATASET_TRAIN, "1x28x28x1", 60000);
    assert_string_equal(dataset.class_names[9], "Ankle boot");
    assert_int_equal(statistics.class_counts[9], 6000);
    assert_float_equal(statistics.mean[0] / 255, 0.2860, 5e-5);
    assert_float_equal(statistics.deviation[0] / 255, 0.3530, 5e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(cifar_10, tear_down),
        cmocka_unit_test_teardown(cifar_10_training, tear_down),
        cmocka_unit_test_teardown(keywords, tear_down),
        cmocka_unit_test_teardown(spoken_digits, tear_down),
        cmocka_unit_test_teardown(fashion_mnist, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
