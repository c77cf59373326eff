/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of datasets: every format gives the values that were written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "test/unit/data_files.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static struct dataset dataset;

static void read_path(const char *path, enum dataset_part part)
{
    if (dataset_read(path, part, &arena, &dataset, &diag) != OK)
        fail_msg("%s", diag.message);
    assert_string_equal(dataset.path, path);
}

static void expect(const char *format, const char *shape, enum sample_type type, int32_t n_samples,
                   int32_t n_classes)
{
    assert_string_equal(dataset.format, format);
    assert_string_equal(shape_string(&dataset.shape, &arena), shape);
    assert_int_equal(dataset.type, type);
    assert_int_equal(dataset.n_samples, n_samples);
    assert_int_equal(dataset.n_classes, n_classes);
    assert_true((n_classes > 0) == (dataset.labels != NULL));
    assert_true((dataset.n_targets > 0) == (dataset.targets != NULL));
}

static void expect_labels(const int32_t *labels)
{
    assert_memory_equal(dataset.labels, labels, (size_t)dataset.n_samples * sizeof *labels);
}

static void idx(void **state)
{
    (void)state;
    static const char *const ENDINGS[] = {"", ".gz", ".xz"};
    for (int packing = PLAIN; packing <= XZ; packing++) {
        const char *folder = arena_printf(&arena, "idx%d", packing);
        put_idx(arena_printf(&arena, "%s/train", folder), 7, (enum packing)packing,
                ENDINGS[packing]);
        put_idx(arena_printf(&arena, "%s/t10k", folder), 2, (enum packing)packing,
                ENDINGS[packing]);
        read_path(in(folder), DATASET_TRAIN);
        expect("IDX", "1x2x3x1", SAMPLE_U8, 7, 3);
        expect_labels((int32_t[]){0, 1, 2, 0, 1, 2, 0});
        for (int i = 0; i < 42; i++)
            assert_int_equal(((const uint8_t *)dataset.samples)[i], i);
        read_path(in(folder), DATASET_TEST);
        expect("IDX", "1x2x3x1", SAMPLE_U8, 2, 3); /* class 2 is known from training data */
        assert_null(dataset.class_names);
    }
    put_text("idx0/classes.txt", "red\nlight green\r\nblue\n");
    read_path(in("idx0"), DATASET_TEST);
    assert_string_equal(dataset.class_names[1], "light green");
}

static void fashion_mnist_is_found_by_name(void **state)
{
    (void)state;
    put_idx("sets/fashion-mnist/train", 6, GZ, ".gz");
    assert_int_equal(setenv("DTMM_DATASETS", in("sets"), 1), 0);
    read_path("fashion-mnist", DATASET_TRAIN);
    expect("IDX", "1x2x3x1", SAMPLE_U8, 6, 3);
    assert_null(dataset.class_names);
    assert_int_equal(unsetenv("DTMM_DATASETS"), 0);
}

static void expect_cifar(int32_t n)
{
    const uint8_t *samples = dataset.samples;
    for (int32_t i = 0; i < n; i++)
        for (int32_t pixel = 0; pixel < 1024; pixel += 31)
            for (int32_t color = 0; color < 3; color++)
                assert_int_equal(samples[(i * 1024 + pixel) * 3 + color],
                                 cifar_value(i, color, pixel));
}

static void cifar_10(void **state)
{
    (void)state;
    put_cifar("c/train.bin.xz", 1030, 1, XZ); /* more than two pieces */
    put_cifar("c/test.bin", 3, 1, PLAIN);
    read_path(in("c"), DATASET_TRAIN);
    expect("CIFAR-10", "1x32x32x3", SAMPLE_U8, 1030, 10);
    expect_cifar(1030);
    for (int32_t i = 0; i < 1030; i++)
        assert_int_equal(dataset.labels[i], i % 10);
    assert_string_equal(dataset.class_names[9], "truck");
    read_path(in("c"), DATASET_TEST);
    expect("CIFAR-10", "1x32x32x3", SAMPLE_U8, 3, 10);
    expect_cifar(3);
}

/* As the original archive has them: several files of training data, and names. */
static void cifar_batches(void **state)
{
    (void)state;
    put_cifar("c/data_batch_1.bin", 11, 1, PLAIN);
    put_cifar("c/data_batch_2.bin.gz", 9, 1, GZ);
    put_cifar("c/test_batch.bin", 1, 1, PLAIN);
    put_text("c/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    read_path(in("c"), DATASET_TRAIN);
    expect("CIFAR-10", "1x32x32x3", SAMPLE_U8, 20, 10);
    expect_cifar(11);
    assert_int_equal(dataset.labels[11], 0);
    assert_int_equal(((const uint8_t *)dataset.samples)[11 * 3072], cifar_value(0, 0, 0));
    assert_string_equal(dataset.class_names[9], "j");
    read_path(in("c"), DATASET_TEST);
    assert_int_equal(dataset.n_samples, 1);
}

static void cifar_100(void **state)
{
    (void)state;
    struct text names = text_start(&arena);
    for (int i = 0; i < 100; i++)
        text_printf(&names, "class %d\n", i);
    put("c/fine_label_names.txt", names.data, names.length);
    put_cifar("c/train.bin", 100, 2, PLAIN);
    read_path(in("c"), DATASET_TRAIN);
    expect("CIFAR-100", "1x32x32x3", SAMPLE_U8, 100, 100);
    expect_cifar(100);
    assert_int_equal(dataset.labels[57], 57);
    assert_string_equal(dataset.class_names[57], "class 57");
}

static void npy_pairs(void **state)
{
    (void)state;
    static const int8_t x[12] = {-128, 127, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const int64_t y[2] = {1, 0}, y_test[1] = {0};
    put_npy("a/x_train.npy.xz", "|i1", "(2, 3, 2)", x, 12);
    put_npy("a/y_train.npy", "<i8", "(2,)", y, sizeof y);
    put_npy("a/x_test.npy.gz", "|u1", "(1, 3, 2)", x, 6);
    put_npy("a/y_test.npy", "<i8", "(1, 1)", y_test, sizeof y_test);
    read_path(in("a"), DATASET_TEST);
    expect("NumPy arrays", "1x3x2x1", SAMPLE_U8, 1, 2); /* class 1 is known from training data */
    expect_labels((int32_t[]){0});
    read_path(in("a"), DATASET_TRAIN);
    expect("NumPy arrays", "1x3x2x1", SAMPLE_S8, 2, 2);
    expect_labels((int32_t[]){1, 0});
    assert_memory_equal(dataset.samples, x, 12);
}

/* Every type of element; those that are not stored become float. */
static void npy_types(void **state)
{
    (void)state;
    static const uint16_t u2[2] = {0, 65535};
    static const int16_t i2[2] = {-32768, 7};
    static const uint32_t u4[2] = {3, 1u << 31};
    static const int32_t i4[2] = {-5, 6};
    static const uint64_t u8[2] = {1, UINT64_C(1) << 40};
    static const int64_t i8[2] = {-1, -(INT64_C(1) << 40)};
    static const float f4[2] = {0.1f, -1e30f};
    static const double f8[2] = {0.1, 5e-324};
    const struct {
        const char *type;
        const void *data;
        size_t bytes;
        float values[2];
    } cases[] = {{"<u2", u2, 2, {0, 65535}},     {"<i2", i2, 2, {-32768, 7}},
                 {"<u4", u4, 4, {3, 0x1p31f}},   {"<i4", i4, 4, {-5, 6}},
                 {"<u8", u8, 8, {1, 0x1p40f}},   {"<i8", i8, 8, {-1, -0x1p40f}},
                 {"<f4", f4, 4, {0.1f, -1e30f}}, {"<f8", f8, 8, {0.1f, 0}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put_npy("x.npy", cases[i].type, "(1, 2)", cases[i].data, 2 * cases[i].bytes);
        read_path(in("x.npy"), DATASET_TRAIN);
        expect("NumPy arrays", "1x2", SAMPLE_F32, 1, 0);
        assert_memory_equal(dataset.samples, cases[i].values, sizeof cases[i].values);
    }
    put_npy("x.npy", "|b1", "(2,)", "\0\1", 2);
    read_path(in("x.npy"), DATASET_TEST);
    expect("NumPy arrays", "1x1", SAMPLE_U8, 2, 0);
    put_npy("x.npy", "|u1", "(2, 1, 2, 2)", "12345678", 8);
    read_path(in("x.npy"), DATASET_TEST);
    expect("NumPy arrays", "1x1x2x2", SAMPLE_U8, 2, 0);
}

/* Version 2 of the format counts the header in four bytes. */
static void npy_version_2(void **state)
{
    (void)state;
    struct text text = text_start(&arena);
    static const char header[] = "{'shape': (2,), 'fortran_order': False, 'descr': '|u1'}";
    char start[12] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 2, 0, sizeof header - 1, 0, 0, 0};
    text_append(&text, start, sizeof start);
    text_append(&text, header, sizeof header - 1);
    text_append(&text, "ab", 2);
    put("x.npy", text.data, text.length);
    read_path(in("x.npy"), DATASET_TRAIN);
    expect("NumPy arrays", "1x1", SAMPLE_U8, 2, 0);
    assert_memory_equal(dataset.samples, "ab", 2);
}

static void npy_targets(void **state)
{
    (void)state;
    static const float y[4] = {0.5f, -1, 2, 3};
    static const double d[2] = {0.25, 4};
    put_npy("x.npy", "|u1", "(2, 3)", "abcdef", 6);
    put_npy("y.npy", "<f4", "(2, 2)", y, sizeof y);
    put_npy("d.npy", "<f8", "(2,)", d, sizeof d);
    read_path(in("x.npy,y.npy"), DATASET_TRAIN);
    expect("NumPy arrays", "1x3", SAMPLE_U8, 2, 0);
    assert_int_equal(dataset.n_targets, 2);
    assert_memory_equal(dataset.targets, y, sizeof y);
    read_path(arena_printf(&arena, "%s,%s", in("x.npy"), in("d.npy")), DATASET_TEST);
    assert_int_equal(dataset.n_targets, 1);
    assert_true(dataset.targets[0] == 0.25f && dataset.targets[1] == 4);
}

/* The class and the part are columns of a table. */
static void npy_columns(void **state)
{
    (void)state;
    static const int32_t meta[5][3] = {{9, 0, 0}, {9, 1, 1}, {9, 1, 2}, {9, 2, 3}, {9, 2, 1}};
    put_npy("x.npy", "|u1", "(5, 2)", "aabbccddee", 10);
    put_npy("meta.npy.xz", "<i4", "(5, 3)", meta, sizeof meta);
    read_path(in("x.npy,meta.npy.xz:label=1:test=2=1-2"), DATASET_TEST);
    expect("NumPy arrays", "1x2", SAMPLE_U8, 3, 3);
    expect_labels((int32_t[]){1, 1, 2});
    assert_memory_equal(dataset.samples, "bbccee", 6);
    read_path(in("x.npy,meta.npy.xz:test=2=2:label=1"), DATASET_TRAIN);
    expect("NumPy arrays", "1x2", SAMPLE_U8, 4, 3);
    expect_labels((int32_t[]){0, 1, 2, 2});
    assert_memory_equal(dataset.samples, "aabbddee", 8);
    read_path(in("x.npy,meta.npy.xz:label=1"), DATASET_TEST); /* all serve any part */
    expect("NumPy arrays", "1x2", SAMPLE_U8, 5, 3);
}

/* Samples and y_* that do not say what they are for are test data. */
static void npy_lone_pair(void **state)
{
    (void)state;
    put_npy("k/mfcc.npy.gz", "|i1", "(3, 2)", "aabbcc", 6);
    put_npy("k/y_u8.npy", "|u1", "(3,)", "\0\2\2", 3);
    put_text("k/README.md", "about");
    read_path(in("k"), DATASET_TEST);
    expect("NumPy arrays", "1x2", SAMPLE_S8, 3, 3);
    expect_labels((int32_t[]){0, 2, 2});
}

static void csv_names(void **state)
{
    (void)state;
    put_text("c/train.csv", "1,2,walk\n\n 3.5 , -4e1,\"run, fast\"\r\n5,6,walk");
    put_text("c/test.csv", "7,8,a \"\"b\n9,9,\"say \"\"hi\"\"\"\n9,9,walk\n");
    static const char *const test_names[] = {"a \"\"b", "say \"hi\"", "walk"};
    read_path(in("c/test.csv"), DATASET_TEST);
    expect("CSV", "1x2", SAMPLE_F32, 3, 3);
    expect_labels((int32_t[]){0, 1, 2});
    for (int i = 0; i < 3; i++)
        assert_string_equal(dataset.class_names[i], test_names[i]);
    put_text("c/test.csv", "7,8,walk\n");
    read_path(in("c"), DATASET_TEST);
    expect("CSV", "1x2", SAMPLE_F32, 1, 2);
    expect_labels((int32_t[]){1});
    assert_string_equal(dataset.class_names[0], "run, fast");
    read_path(in("c"), DATASET_TRAIN);
    expect("CSV", "1x2", SAMPLE_F32, 3, 2);
    expect_labels((int32_t[]){1, 0, 1});
    static const float values[6] = {1, 2, 3.5f, -40, 5, 6};
    assert_memory_equal(dataset.samples, values, sizeof values);
}

/* Where training data is asked for, nothing of the test data is looked at: it may be anything. */
static void training_sees_no_test_data(void **state)
{
    (void)state;
    static const uint8_t column[3][2] = {{0, 0}, {1, 0}, {200, 1}};
    put_idx("i/train", 7, PLAIN, "");
    put_text("i/t10k-images-idx3-ubyte", "none");
    put_text("i/t10k-labels-idx1-ubyte", "none");
    read_path(in("i"), DATASET_TRAIN);
    expect("IDX", "1x2x3x1", SAMPLE_U8, 7, 3);
    put_npy("n/x_train.npy", "|u1", "(2, 1)", "ab", 2);
    put_npy("n/y_train.npy", "|u1", "(2,)", "\1\0", 2);
    put_text("n/x_test.npy", "none");
    put_text("n/y_test.npy", "none");
    read_path(in("n"), DATASET_TRAIN);
    expect("NumPy arrays", "1x1", SAMPLE_U8, 2, 2);
    put_text("c/train.csv", "1,2,walk\n3,4,run\n");
    put_text("c/test.csv", "none");
    read_path(in("c"), DATASET_TRAIN);
    expect("CSV", "1x2", SAMPLE_F32, 2, 2);
    put_npy("x.npy", "|u1", "(3, 1)", "abc", 3);
    put_npy("y.npy", "|u1", "(3, 2)", column, sizeof column);
    read_path(in("x.npy,y.npy:label=0:test=1=1"), DATASET_TRAIN);
    expect("NumPy arrays", "1x1", SAMPLE_U8, 2, 2);
}

static void csv_headers(void **state)
{
    (void)state;
    put_text("a.csv", "\xef\xbb\xbfLabel,t0,t1\n1,2,3\n0,4,5\n");
    read_path(in("a.csv"), DATASET_TRAIN);
    expect("CSV", "1x2", SAMPLE_F32, 2, 2);
    expect_labels((int32_t[]){1, 0});
    static const float values[4] = {2, 3, 4, 5};
    assert_memory_equal(dataset.samples, values, sizeof values);
    assert_null(dataset.class_names);
    struct text text = packed_bytes(GZ, "t0,t1,kind\n2,3,1.0\n4,5,0\n", 25);
    put("b.csv.gz", text.data, text.length);
    read_path(in("b.csv.gz"), DATASET_TEST);
    expect_labels((int32_t[]){1, 0});
    assert_memory_equal(dataset.samples, values, sizeof values);
}

static void image_folders(void **state)
{
    (void)state;
    put_gray("i/train/dog/b.png", 3, 2, 10);
    put_gray("i/train/dog/B.PNG", 3, 2, 20);
    put_gray("i/train/dog/.hidden.png", 9, 9, 0);
    put_text("i/train/dog/notes.txt", "no image");
    put_jpeg("i/train/cat/x.jpeg", 3, 2, 1, 30);
    put_gray("i/train/\xc3\xa9tat/1.png", 3, 2, 40);
    put_gray("i/test/cat/1.png", 3, 2, 50);
    read_path(in("i"), DATASET_TRAIN);
    expect("images", "1x2x3x1", SAMPLE_U8, 4, 3);
    expect_labels((int32_t[]){0, 1, 1, 2});
    assert_string_equal(dataset.class_names[2], "\xc3\xa9tat");
    for (int i = 0; i < 24; i++) /* bytewise: B before b */
        assert_int_equal(((const uint8_t *)dataset.samples)[i], ((int[]){30, 20, 10, 40})[i / 6]);
    read_path(in("i"), DATASET_TEST);
    expect("images", "1x2x3x1", SAMPLE_U8, 1, 3);
    expect_labels((int32_t[]){0});
}

/* One in five by the hash of the name: the same for good. */
static void images_split_by_name(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++)
        put_gray(arena_printf(&arena, "i/%c/%03d.png", "ab"[i % 2], i), 1, 1, i);
    char seen[200] = {0};
    for (int part = DATASET_TRAIN; part <= DATASET_TEST; part++) {
        read_path(in("i"), (enum dataset_part)part);
        assert_int_equal(dataset.n_samples, part == DATASET_TRAIN ? 157 : 43);
        for (int32_t i = 0; i < dataset.n_samples; i++) {
            int value = ((const uint8_t *)dataset.samples)[i];
            assert_int_equal(seen[value]++, 0);
            assert_int_equal(dataset.labels[i], value % 2);
        }
    }
}

/* What PNG and JPEG can be, as gray or RGB. */
static void image_kinds(void **state)
{
    (void)state;
    static const uint8_t rgb[6] = {1, 2, 3, 250, 251, 252};
    static const uint8_t rgba[8] = {1, 2, 3, 0, 250, 251, 252, 128};
    static const uint8_t gray_alpha[4] = {7, 0, 8, 255};
    put_png("rgb/train/a/1.png", 2, 1, PNG_FORMAT_RGB, rgb, NULL);
    put_png("rgb/train/a/2.png", 2, 1, PNG_FORMAT_RGBA, rgba, NULL);
    put_png("rgb/train/a/3.png", 2, 1, PNG_FORMAT_RGB_COLORMAP, "\0\1", rgb);
    read_path(in("rgb"), DATASET_TRAIN);
    expect("images", "1x1x2x3", SAMPLE_U8, 3, 1);
    for (int i = 0; i < 3; i++)
        assert_memory_equal((const uint8_t *)dataset.samples + 6 * i, rgb, 6);
    put_png("gray/train/a/1.png", 2, 1, PNG_FORMAT_GA, gray_alpha, NULL);
    put_png("gray/train/a/2.png", 2, 1, PNG_FORMAT_GRAY, "\7\10", NULL);
    read_path(in("gray"), DATASET_TRAIN);
    expect("images", "1x1x2x1", SAMPLE_U8, 2, 1);
    assert_memory_equal(dataset.samples, "\7\10\7\10", 4);
    put_jpeg("jpeg/train/a/1.jpg", 17, 9, 3, 200);
    read_path(in("jpeg"), DATASET_TRAIN);
    expect("images", "1x9x17x3", SAMPLE_U8, 1, 1);
    for (int i = 0; i < 17 * 9 * 3; i++)
        assert_in_range(((const uint8_t *)dataset.samples)[i], 199, 201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(idx),
        FOLDER_TEST(fashion_mnist_is_found_by_name),
        FOLDER_TEST(cifar_10),
        FOLDER_TEST(cifar_batches),
        FOLDER_TEST(cifar_100),
        FOLDER_TEST(npy_pairs),
        FOLDER_TEST(npy_types),
        FOLDER_TEST(npy_version_2),
        FOLDER_TEST(npy_targets),
        FOLDER_TEST(npy_columns),
        FOLDER_TEST(npy_lone_pair),
        FOLDER_TEST(csv_names),
        FOLDER_TEST(training_sees_no_test_data),
        FOLDER_TEST(csv_headers),
        FOLDER_TEST(image_folders),
        FOLDER_TEST(images_split_by_name),
        FOLDER_TEST(image_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
