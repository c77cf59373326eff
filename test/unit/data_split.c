/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting off validation data; samples as real numbers; whether samples fit a network; what there
 * is to know about a dataset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"
#include "data/statistics.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { N = 1000, N_CLASSES = 4 };

static struct arena arena;
static struct diag diag;
static int32_t labels[N];

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* Classes of 100, 200, 300 and 400 samples, mixed. */
static struct dataset unequal_classes(void)
{
    static const int32_t PATTERN[10] = {3, 2, 1, 3, 0, 2, 3, 1, 2, 3};
    for (int32_t i = 0; i < N; i++)
        labels[i] = PATTERN[i % 10];
    return (struct dataset){.path = "d", .n_samples = N, .n_classes = N_CLASSES, .labels = labels};
}

static struct split split_of(const struct dataset *dataset, double fraction, uint64_t seed)
{
    struct split split;
    if (dataset_split(dataset, fraction, seed, &arena, &split, &diag) != OK)
        fail_msg("%s", diag.message);
    return split;
}

/* Both parts together have every sample once, in order. */
static void expect_complete(const struct split *split, int32_t n)
{
    char seen[N] = {0};
    assert_int_equal(split->n_train + split->n_validation, n);
    for (int32_t i = 0; i < split->n_train; i++) {
        assert_int_equal(seen[split->train[i]]++, 0);
        assert_true(i == 0 || split->train[i - 1] < split->train[i]);
    }
    for (int32_t i = 0; i < split->n_validation; i++) {
        assert_int_equal(seen[split->validation[i]]++, 0);
        assert_true(i == 0 || split->validation[i - 1] < split->validation[i]);
    }
}

static void every_class_alike(void **state)
{
    (void)state;
    struct dataset dataset = unequal_classes();
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct split split = split_of(&dataset, 0.15, seed);
        int32_t counts[N_CLASSES] = {0};
        expect_complete(&split, N);
        for (int32_t i = 0; i < split.n_validation; i++)
            counts[labels[split.validation[i]]]++;
        for (int32_t i = 0; i < N_CLASSES; i++)
            assert_int_equal(counts[i], 15 * (i + 1));
    }
}

static void seeds_decide(void **state)
{
    (void)state;
    struct dataset dataset = unequal_classes();
    struct split a = split_of(&dataset, 0.1, 7), b = split_of(&dataset, 0.1, 7),
                 c = split_of(&dataset, 0.1, 8);
    size_t bytes = (size_t)a.n_validation * sizeof(int32_t);
    assert_int_equal(a.n_validation, 100);
    assert_memory_equal(a.validation, b.validation, bytes);
    assert_memory_not_equal(a.validation, c.validation, bytes);
    dataset.labels = NULL;
    dataset.n_classes = 0;
    a = split_of(&dataset, 0.333, 7);
    expect_complete(&a, N);
    assert_int_equal(a.n_validation, 333);
}

/* Where a sample lands does not depend on where it stands. */
static void no_place_is_preferred(void **state)
{
    (void)state;
    struct dataset dataset = unequal_classes();
    int32_t counts[10] = {0};
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct split split = split_of(&dataset, 0.1, seed);
        for (int32_t i = 0; i < split.n_validation; i++)
            counts[split.validation[i] / 100]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], 1800, 2200); /* 2000, standard deviation 40 */
}

static void empty_parts(void **state)
{
    (void)state;
    struct dataset dataset = unequal_classes();
    struct split split = split_of(&dataset, 0, 1);
    assert_int_equal(split.n_train, N);
    assert_int_equal(dataset_split(&dataset, 0.0001, 1, &arena, &split, &diag), ERR_INPUT);
    assert_string_equal(diag.message, "d: 0.0001 of 1000 samples for validation leaves no samples "
                                      "for validation; take more, or none");
    assert_int_equal(dataset_split(&dataset, 0.9999, 1, &arena, &split, &diag), ERR_INPUT);
    assert_string_equal(diag.message,
                        "d: 0.9999 of 1000 samples for validation leaves no samples for training");
}

static void samples_become_real(void **state)
{
    (void)state;
    static const uint8_t bytes[6] = {0, 1, 2, 128, 200, 255};
    static const int8_t numbers[6] = {-128, -1, 0, 1, 2, 127};
    static const float reals[6] = {0, 0, 0, -1.5f, 0.25f, 1e9f};
    struct dataset dataset = {.shape = {2, {1, 3}}, .n_samples = 2, .samples = bytes};
    float real[3];
    dataset_sample(&dataset, 1, (struct sample_scale){0.5f, -1}, real);
    assert_true(real[0] == 63 && real[1] == 99 && real[2] == 126.5f);
    dataset.type = SAMPLE_S8;
    dataset.samples = numbers;
    dataset_sample(&dataset, 0, (struct sample_scale){2, 3}, real);
    assert_true(real[0] == -253 && real[1] == 1 && real[2] == 3);
    dataset.type = SAMPLE_F32;
    dataset.samples = reals;
    dataset_sample(&dataset, 1, (struct sample_scale){1, 0}, real);
    assert_memory_equal(real, reals + 3, sizeof real);
}

static enum status fits(struct shape sample, struct shape input, int32_t n_inputs)
{
    struct dataset dataset = {.path = "d", .shape = sample};
    struct tensor tensors[2] = {{.name = "x", .shape = input}, {.name = "y", .shape = input}};
    int32_t inputs[2] = {0, 1};
    struct graph graph = {
        .tensors = tensors, .n_tensors = 2, .inputs = inputs, .n_inputs = n_inputs};
    return dataset_fits(&dataset, &graph, &diag);
}

static void shapes_fit(void **state)
{
    (void)state;
    struct shape image = {4, {1, 49, 10, 1}}, flat = {2, {1, 490}}, plane = {3, {1, 49, 10}};
    struct shape turned = {4, {1, 10, 49, 1}}, one = {2, {1, 1}}, scalar = {0, {0}};
    assert_int_equal(fits(image, image, 1), OK);
    assert_int_equal(fits(image, plane, 1), OK);
    assert_int_equal(fits(one, scalar, 1), OK);
    assert_int_equal(fits(image, flat, 1), ERR_INPUT);
    assert_string_equal(diag.message,
                        "d: samples are 1x49x10x1 but the network's input 'x' is 1x490");
    assert_int_equal(fits(image, turned, 1), ERR_INPUT);
    assert_int_equal(fits(image, one, 1), ERR_INPUT);
    assert_int_equal(fits(image, image, 2), ERR_INPUT);
    assert_string_equal(diag.message, "d: gives one input a sample but the network has 2 inputs");
}

static void statistics_of_channels(void **state)
{
    (void)state;
    static const uint8_t pixels[8] = {1, 10, 3, 10, 5, 20, 7, 20};
    static const int32_t classes[2] = {2, 2};
    struct dataset dataset = {.shape = {4, {1, 1, 2, 2}},
                              .n_samples = 2,
                              .samples = pixels,
                              .n_classes = 3,
                              .labels = classes};
    struct statistics statistics = dataset_statistics(&dataset, &arena);
    assert_true(statistics.low == 1 && statistics.high == 20);
    assert_int_equal(statistics.n_channels, 2);
    assert_true(statistics.mean[0] == 4 && statistics.mean[1] == 15);
    assert_float_equal(statistics.deviation[0], 2.2360679775, 1e-9);
    assert_float_equal(statistics.deviation[1], 5, 1e-9);
    assert_int_equal(statistics.class_counts[0], 0);
    assert_int_equal(statistics.class_counts[2], 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_class_alike, tear_down),
        cmocka_unit_test_teardown(seeds_decide, tear_down),
        cmocka_unit_test_teardown(no_place_is_preferred, tear_down),
        cmocka_unit_test_teardown(empty_parts, tear_down),
        cmocka_unit_test_teardown(samples_become_real, tear_down),
        cmocka_unit_test_teardown(shapes_fit, tear_down),
        cmocka_unit_test_teardown(statistics_of_channels, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
