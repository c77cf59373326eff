/* SPDX-License-Identifier: Apache-2.0 */
/* Bad data gives one line that names the file and the remedy; damaged files never crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "data/reader.h"
#include "test/unit/data_files.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static void refuse_part(const char *name, enum dataset_part part, const char *message)
{
    struct dataset dataset;
    enum status status = dataset_read(in(name), part, &arena, &dataset, &diag);
    if (status == OK)
        fail_msg("%s: is read; expected: %s", name, message);
    assert_true(status == ERR_INPUT || status == ERR_IO || status == ERR_UNSUPPORTED ||
                status == ERR_USAGE);
    assert_string_equal(short_message(), message);
}

static void refuse(const char *name, const char *message)
{
    refuse_part(name, DATASET_TRAIN, message);
}

static void folders(void **state)
{
    (void)state;
    refuse("none", "none: cannot open: No such file or directory");
    put_text("empty/notes.txt", "nothing");
    refuse("empty", "empty: no train data found: neither IDX, CIFAR, .npy or .csv files nor "
                    "folders of PNG or JPEG images (doc/data.md)");
    refuse("empty/notes.txt",
           "empty/notes.txt: no known format of data; give a folder, or a .npy or .csv file "
           "(doc/data.md)");
    assert_int_equal(mkfifo(in("pipe.csv"), 0600), 0);
    refuse("pipe.csv", "pipe.csv: neither a file nor a folder");
    struct dataset dataset;
    assert_int_equal(setenv("DTMM_DATASETS", root, 1), 0);
    assert_int_equal(dataset_read("fashion-mnist", DATASET_TRAIN, &arena, &dataset, &diag), ERR_IO);
    assert_string_equal(short_message(),
                        "fashion-mnist is not in fashion-mnist; apt-get install "
                        "dataset-fashion-mnist, or set DTMM_DATASETS to the folder above it");
    assert_int_equal(unsetenv("DTMM_DATASETS"), 0);
}

static void put_images(uint32_t magic, uint32_t n, uint32_t height, size_t bytes)
{
    static const uint8_t zeros[64];
    struct text text = idx_bytes(magic, (uint32_t[]){n, height, 3}, zeros, bytes);
    put("i/train-images-idx3-ubyte", text.data, text.length);
}

static void put_labels(uint32_t n, const char *labels)
{
    struct text text = idx_bytes(0x801, &n, labels, n);
    put("i/train-labels-idx1-ubyte", text.data, text.length);
}

static void idx(void **state)
{
    (void)state;
    put_images(0x803, 4, 2, 24);
    refuse("i", "i: train-labels-idx1-ubyte is missing beside the images");
    refuse_part("i", DATASET_TEST,
                "i: has no test data; that would be t10k-images-idx3-ubyte[.gz|.xz]");
    put_labels(3, "\0\1\2");
    refuse("i", "i/train-labels-idx1-ubyte: has 3 labels for 4 images");
    put_labels(4, "\0\1\3\1");
    refuse("i", "i: class 2 of 4 has no training samples; number the classes from 0 without a "
                "gap");
    put_labels(4, "\0\1\2\1");
    put_text("i/classes.txt", "a\nb");
    refuse("i", "i/classes.txt: names 2 classes but the labels tell 3 apart");
    put_images(0x803, 4, 2, 23);
    refuse("i", "i/train-images-idx3-ubyte: truncated: ends after 39 bytes where 40 are needed; "
                "get the file again");
    put_images(0x803, 4, 2, 25);
    refuse("i", "i/train-images-idx3-ubyte: has more than the 40 bytes that its header promises");
    put_images(0xd03, 4, 2, 24);
    refuse("i", "i/train-images-idx3-ubyte: not an IDX file of images: begins with 00000d03 "
                "instead of 00000803");
    put_images(0x803, 4, 0, 24);
    refuse("i", "i/train-images-idx3-ubyte: dimension 1 is 0; images have sides of 1 to 8192");
    put_images(0x803, UINT32_MAX, 2, 24);
    refuse("i", "i/train-images-idx3-ubyte: dimension 0 is 4294967295; images have sides of 1 to "
                "8192");
    put_images(0x803, INT32_MAX, 8192, 24);
    refuse("i", "i/train-images-idx3-ubyte: unpacks to more than 4096 MiB; give a part of the "
                "data");
    put_images(0x803, 100000, 8192, 24);
    refuse("i", "i/train-images-idx3-ubyte: truncated: 40 bytes cannot hold the 2457600000 that "
                "its header promises; get the file again");
    put("i/train-images-idx3-ubyte", "\0\0", 2);
    refuse("i", "i/train-images-idx3-ubyte: truncated: ends after 2 bytes where 16 are needed; "
                "get the file again");
    put_idx("i/t10k", 5, PLAIN, "");
    put_labels(4, "\0\1\1\1");
    refuse_part(
        "i", DATASET_TEST,
        "i/t10k-labels-idx1-ubyte: sample 2 has the label 2, the training samples only 0 to "
        "1");
}

static void archives(void **state)
{
    (void)state;
    struct text plain = cifar_bytes(20, 1);
    struct text xz = packed_bytes(XZ, plain.data, plain.length);
    put("c/train.bin.xz", xz.data, xz.length - 30);
    refuse("c", "c/train.bin.xz: the xz archive is truncated; get the file again");
    xz.data[xz.length / 2] ^= 0x55;
    put("c/train.bin.xz", xz.data, xz.length);
    refuse("c", "c/train.bin.xz: the xz archive is corrupt; get the file again");
    struct text gz = packed_bytes(GZ, plain.data, plain.length);
    put("g/train.bin.gz", gz.data, gz.length - 9);
    refuse("g", "g/train.bin.gz: the gzip archive is truncated; get the file again");
    gz.data[gz.length - 6] ^= 0x55; /* the checksum */
    put("g/train.bin.gz", gz.data, gz.length);
    refuse("g", "g/train.bin.gz: the gzip archive is corrupt; get the file again");
}

/* Much comes out of little: reading stops at the limit. The limit is lower here. */
static void bombs(void **state)
{
    (void)state;
    size_t size = 8 << 20;
    char *zeros = arena_alloc(&arena, size, 1);
    put_packed("c/train.bin.gz", GZ, zeros, size / 3073 * 3073);
    put_packed("v/train.csv.xz", XZ, memset(zeros, '\n', size), size);
    static const char *const PATHS[] = {"c", "v"};
    static const char *const FILES[] = {"c/train.bin.gz", "v/train.csv.xz"};
    for (int i = 0; i < 2; i++) {
        struct arena scratch = {0};
        struct dataset dataset;
        struct reader reader = {.path = in(PATHS[i]),
                                .arena = &arena,
                                .scratch = &scratch,
                                .room = 5 << 20,
                                .diag = &diag};
        assert_int_equal(reader_run(&reader, &dataset), ERR_INPUT);
        assert_string_equal(
            short_message(),
            arena_printf(&arena, "%s: unpacks to more than 4096 MiB; give a part of the data",
                         FILES[i]));
        arena_free(&scratch);
    }
}

static void cifar(void **state)
{
    (void)state;
    struct text text = cifar_bytes(12, 1);
    put("c/train.bin", text.data, text.length - 1);
    refuse("c", "c/train.bin: truncated: 36875 bytes are no multiple of a record's 3073; get the "
                "file again");
    put("c/train.bin", text.data, 0);
    refuse("c", "c/train.bin: truncated: 0 bytes are no multiple of a record's 3073; get the "
                "file again");
    text.data[3 * 3073] = 10;
    put("c/train.bin", text.data, text.length);
    refuse("c", "c/train.bin: record 3 has the label 10; labels are numbers from 0 to 9");
    refuse_part("c", DATASET_TEST,
                "c: has no test data; that would be test.bin or test_batch.bin[.gz|.xz]");
    text.data[3 * 3073] = 4;
    put("c/train.bin", text.data, text.length);
    refuse("c", "c: class 3 ('cat') has no training samples; add some or remove it");
}

static void put_header(const char *header)
{
    struct text text = npy_bytes_of(header, "12345678", 8);
    put("x.npy", text.data, text.length);
}

static void npy(void **state)
{
    (void)state;
    static const char malformed[] =
        "x.npy: the header of the .npy file is malformed; write it with numpy.save";
    put_text("x.npy", "1 2 3 and more");
    refuse("x.npy", "x.npy: not a .npy file; write it with numpy.save");
    put_text("x.npy", "\x93NUM");
    refuse("x.npy", "x.npy: truncated: ends after 4 bytes where 10 are needed; get the file "
                    "again");
    put_header("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }");
    refuse("x.npy", "x.npy: elements of type '>f4' are not read; convert them with "
                    "x.astype('<f4')");
    put_header("{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }");
    refuse("x.npy", "x.npy: is in Fortran order; save numpy.ascontiguousarray(x)");
    put_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3), }");
    refuse("x.npy", malformed);
    put_header("{'descr': '<f4', 'fortran_order': False}");
    refuse("x.npy", malformed);
    put_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}");
    refuse("x.npy", malformed);
    put_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2");
    refuse("x.npy", malformed);
    put_header("{'descr': '<f4', 'fortran_order': False, 'shape': (), }");
    refuse("x.npy", "x.npy: is a single number, not an array of samples");
    put_header("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }");
    refuse("x.npy", "x.npy: dimension 0 is 0; is the array empty?");
    put_header("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2, 2, 2, 1), }");
    refuse("x.npy", "x.npy: has more than 5 dimensions");
    put_header("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2, 2, 2), }");
    refuse("x.npy", "x.npy: samples have 4 dimensions; at most 3 (height, width, channels) are "
                    "read");
    put_header("{'descr': '|u1', 'fortran_order': False, 'shape': (9,), }");
    refuse("x.npy", "x.npy: truncated: ends after 75 bytes where 76 are needed; get the file "
                    "again");
    put_header("{'descr': '<f8', 'fortran_order': False, 'shape': (2147483647, 2147483647, "
               "2147483647, 2147483647), }");
    refuse("x.npy", "x.npy: unpacks to more than 4096 MiB; give a part of the data");
    put_header("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 3000000000), }");
    refuse("x.npy", "x.npy: dimension 1 is 3000000000; is the array empty?");
    static const float bad[4] = {0, 1, 2, (float)INFINITY};
    put_npy("x.npy", "<f4", "(2, 2)", bad, sizeof bad);
    refuse("x.npy", "x.npy: sample 1 has a value that is not finite");
}

static void arrays(void **state)
{
    (void)state;
    static const float halves[2] = {0.5f, 1}, infinite[2] = {0, -(float)INFINITY};
    put_npy("x.npy", "|u1", "(2, 2)", "abcd", 4);
    put_npy("y.npy", "|u1", "(3,)", "\0\1\2", 3);
    refuse("x.npy,y.npy", "y.npy: has 3 rows for the 2 samples of x.npy");
    put_npy("y.npy", "|u1", "(2, 2)", "\0\1\2\3", 4);
    refuse("x.npy,y.npy", "y.npy: has 2 columns; say which is the class, as in "
                          "x.npy,y.npy:label=0");
    refuse("x.npy,y.npy:label=2", "y.npy: there is no column 2; the columns are 0 to 1");
    refuse("x.npy,y.npy:label=1:test=7=0", "y.npy: there is no column 7; the columns are 0 to 1");
    refuse("x.npy,y.npy:label=1:test=0=0-9", "y.npy: column 0 leaves no train data");
    refuse("x.npy,y.npy:test=0=1", "x.npy,y.npy:test=0=1: :test= needs :label= too");
    refuse("x.npy,y.npy:label=0:test=0",
           "x.npy,y.npy:label=0:test=0: 'test=0' is not understood; files are named as "
           "X.npy,Y.npy, with :label=COLUMN and :test=COLUMN=LOW-HIGH behind");
    refuse("x.npy,z.npy", "z.npy: cannot open: No such file or directory");
    put_npy("y.npy", "|i1", "(2,)", "\0\xff", 2);
    refuse("x.npy,y.npy", "y.npy: sample 1 has the label -1; labels are numbers from 0 to 4095");
    put_npy("y.npy", "<i2", "(2,)", "\0\0\0\x70", 4);
    refuse("x.npy,y.npy", "y.npy: sample 1 has the label 28672; labels are numbers from 0 to 4095");
    put_npy("y.npy", "<f4", "(2, 1)", halves, sizeof halves);
    refuse("x.npy,y.npy:label=0", "y.npy: row 0 has the label 0.5; labels are whole numbers");
    put_npy("y.npy", "<f4", "(2, 1)", infinite, sizeof infinite);
    refuse("x.npy,y.npy", "y.npy: row 1 has a target that is not finite");
    put_npy("k/x.npy", "|u1", "(2, 2)", "abcd", 4);
    put_npy("k/y.npy", "|u1", "(2,)", "\0\1", 2);
    refuse("k", "k: is test data, which training must not see; training data has the names "
                "x_train.npy and y_train.npy");
    put_npy("k/z.npy", "|u1", "(2,)", "\0\1", 2);
    refuse("k", "k: has several arrays; name the files and what their columns are, as in "
                "k/x.npy,y.npy:label=0");
    put_npy("p/x_test.npy", "|u1", "(1, 2)", "ab", 2);
    put_npy("p/y_test.npy", "|u1", "(1,)", "\0", 1);
    put_npy("p/y_train.npy", "|u1", "(1, 2)", "\0", 2);
    refuse_part("p", DATASET_TEST, "p/y_train.npy: has 2 columns but p/y_test.npy has 1");
    put_npy("p/y_train.npy", "|u1", "(2,)", "\0\1", 2);
    put_npy("p/y_test.npy", "|u1", "(1,)", "\2", 1);
    refuse_part("p", DATASET_TEST,
                "p/y_test.npy: sample 0 has the label 2, the training samples only 0 to 1");
    put_npy("q/x.npy", "|u1", "(3, 1)", "abc", 3);
    put_npy("q/y.npy", "|u1", "(3, 2)", "\0\0\1\0\2\1", 6);
    refuse_part("q/x.npy,y.npy:label=0:test=1=1", DATASET_TEST,
                "q/y.npy: sample 2 has the label 2, the training samples only 0 to 1");
    put_npy("l/x.npy", "|u1", "(2, 2)", "abcd", 4);
    refuse("l", "l: has no labels (y.npy); to read unlabeled samples, name the file l/x.npy "
                "itself");
    put_npy("m/y_u8.npy", "|u1", "(2,)", "ab", 2);
    refuse("m", "m: has no samples beside the labels in m/y_u8.npy");
    put_npy("t/x_test.npy", "|u1", "(2, 2)", "abcd", 4);
    refuse("t", "t: has no train data; that would be x_train.npy");
}

static void refuse_csv(const char *text, const char *message)
{
    put_text("d.csv", text);
    refuse("d.csv", message);
}

static void csv(void **state)
{
    (void)state;
    refuse_csv(" \n\n", "d.csv: is empty");
    refuse_csv("a,b,label\n", "d.csv: has a header but no data");
    refuse_csv("1;2;3\n", "d.csv: line 1 has one column; values and a class are separated by "
                          "commas");
    refuse_csv("1,2,a\n3,b\n", "d.csv: line 2: column 2 is 'b', not a number");
    refuse_csv("1,2,a\n3,4\n", "d.csv: line 2 has fewer than the 3 columns of the first");
    refuse_csv("1,2,a\n\n3,4,5,6\n", "d.csv: line 3 has more than the 3 columns of the first");
    refuse_csv("1,2,a\n3,,a\n", "d.csv: line 2: column 2 is empty");
    refuse_csv("1,2,a\n3,nan,a\n", "d.csv: line 2: column 2 is 'nan', not a number");
    refuse_csv("1,2,a\n3,1e99,a\n", "d.csv: line 2: column 2 is '1e99', not a number");
    refuse_csv("1,2,0.5\n", "d.csv: the label 0.5 is not a class; numbers to be predicted are "
                            "read from .npy files");
    refuse_csv("1,2,1e300\n", "d.csv: sample 0 has the label 2147483647; labels are numbers from "
                              "0 to 4095");
    refuse_csv("1,2,0\n1,2,2\n", "d.csv: class 1 of 3 has no training samples; number the "
                                 "classes from 0 without a gap");
    struct text text = text_start(&arena);
    for (int i = 0; i < 4097; i++)
        text_printf(&text, "1,n%d\n", i);
    refuse_csv(text.data, "d.csv: has 4097 different labels, too many for classes (at most "
                          "4096)");
    put("d.csv", "1,2\0,3\n", 7);
    refuse("d.csv", "d.csv: not a text file: it has a NUL byte");
    put_text("v/test.csv", "1,a\n");
    refuse("v", "v: has no train data; that would be train.csv");
    put_text("v/train.csv", "1,b\n2,c\n");
    refuse_part("v", DATASET_TEST,
                "v/test.csv: sample 0 has the label 'a', which no training sample has");
    put_text("v/train.csv", "1,0\n2,1\n");
    refuse_part("v", DATASET_TEST,
                "v/test.csv: sample 0 has the label 'a', training samples have numbers");
    put_text("v/test.csv", "1,2\n");
    refuse_part("v", DATASET_TEST,
                "v/test.csv: sample 0 has the label 2, the training samples only 0 to 1");
}

static void images(void **state)
{
    (void)state;
    static const uint16_t deep[1] = {7};
    put_gray("i/train/a/1.png", 4, 3, 1);
    put_gray("i/train/a/2.png", 3, 4, 1);
    refuse("i", "i/train/a/2.png: is 3x4 with 1 channel but i/train/a/1.png is 4x3 with 1; "
                "resize all images to one size");
    put_jpeg("i/train/a/2.png", 4, 3, 3, 1);
    refuse("i", "i/train/a/2.png: is 4x3 with 3 channels but i/train/a/1.png is 4x3 with 1; "
                "resize all images to one size");
    put_text("i/train/a/2.png", "GIF89a");
    refuse("i", "i/train/a/2.png: neither a PNG nor a JPEG image, whatever its name");
    put_png("i/train/a/2.png", 1, 1, PNG_FORMAT_LINEAR_Y, deep, NULL);
    refuse("i", "i/train/a/2.png: has 16 bits a channel; convert the images to 8");
    put_jpeg("i/train/a/2.png", 4, 3, 4, 1);
    refuse("i", "i/train/a/2.png: has 4 color components; convert the images to RGB");
    put_gray("i/train/a/2.png", 8193, 1, 1);
    refuse("i", "i/train/a/2.png: is 8193x1; images have sides of 1 to 8192");
    refuse_part("i", DATASET_TEST, "i: has no test data; that would be test/CLASS/*.png");
    put_gray("i/train/a/2.png", 4, 3, 1);
    struct file file;
    assert_int_equal(file_read(in("i/train/a/2.png"), &arena, &file, &diag), OK);
    put("i/train/a/2.png", file.data, file.size - 20);
    refuse("i", "i/train/a/2.png: the PNG image is corrupt: the file ends too early");
    file.data[file.size - 13] ^= 0x10; /* the checksum of the pixels */
    put("i/train/a/2.png", file.data, file.size);
    refuse("i", "i/train/a/2.png: the PNG image is corrupt: IDAT: CRC error");
    put_jpeg("i/train/a/2.png", 4, 3, 1, 1);
    assert_int_equal(file_read(in("i/train/a/2.png"), &arena, &file, &diag), OK);
    put("i/train/a/2.png", file.data, file.size / 2);
    refuse("i", "i/train/a/2.png: the JPEG image is corrupt: Premature end of JPEG file");
    put_gray("i/train/a/2.png", 4, 3, 1);
    put_text("i/test/b/notes.txt", "");
    refuse("i", "i: class 1 ('b') has no training samples; add some or remove it");
}

/* ---- damage ---- */

enum { ROUNDS = 300 };

/* Flips bytes of a file or cuts it off; what then reads has labels in range. */
static void damage(const char *path, const char *name)
{
    struct file file;
    struct random random = {20240229};
    int n_read = 0;
    assert_int_equal(file_read(in(name), &arena, &file, &diag), OK);
    for (int round = 0; round < ROUNDS; round++) {
        struct arena kept = {0};
        struct dataset dataset;
        size_t size = file.size;
        uint8_t *bytes = arena_copy(&kept, file.data, size);
        /* Near the beginning, where the headers are, half of the time. */
        int32_t last = (int32_t)size - 1, near = last < 100 ? last : 100;
        for (int32_t n = random_range(&random, 0, 3); n > 0; n--)
            bytes[random_range(&random, 0, n % 2 ? near : last)] ^=
                (uint8_t)random_range(&random, 1, 255);
        if (random_range(&random, 0, 3) == 0)
            size = (size_t)random_range(&random, 0, last);
        FILE *out = fopen(in(name), "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes, 1, size, out), size);
        assert_int_equal(fclose(out), 0);
        if (dataset_read(in(path), DATASET_TRAIN, &kept, &dataset, &diag) == OK) {
            n_read++;
            for (int32_t i = 0; dataset.labels != NULL && i < dataset.n_samples; i++)
                assert_in_range(dataset.labels[i], 0, dataset.n_classes - 1);
        } else {
            assert_true(diag.message[0] != '\0' && strchr(diag.message, '\n') == NULL);
        }
        arena_free(&kept);
    }
    assert_in_range(n_read, 1, ROUNDS - 50);
    put(name, file.data, file.size);
}

static void damaged_files(void **state)
{
    (void)state;
    static const float x[6] = {1, 2, 3, 4, 5, 6};
    put_idx("idx/train", 9, PLAIN, "");
    damage("idx", "idx/train-images-idx3-ubyte");
    damage("idx", "idx/train-labels-idx1-ubyte");
    put_idx("gz/train", 9, GZ, ".gz");
    damage("gz", "gz/train-images-idx3-ubyte.gz");
    put_cifar("cifar/train.bin", 10, 1, PLAIN);
    damage("cifar", "cifar/train.bin");
    put_cifar("xz/train.bin.xz", 10, 1, XZ);
    damage("xz", "xz/train.bin.xz");
    put_npy("x.npy", "<f4", "(3, 2)", x, sizeof x);
    damage("x.npy", "x.npy");
    put_npy("y.npy", "|u1", "(3,)", "\0\1\2", 3);
    damage("x.npy,y.npy", "y.npy");
    put_text("d.csv", "t0,t1,label\n1,2,\"a\"\n3,4,b\n5,6,a\n");
    damage("d.csv", "d.csv");
    uint8_t pixels[3 * 32 * 32];
    struct random random = {1};
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)random_bits(&random);
    put_png("png/train/a/1.png", 32, 32, PNG_FORMAT_RGB, pixels, NULL);
    damage("png", "png/train/a/1.png");
    put_jpeg("jpeg/train/a/1.jpg", 33, 17, 3, 99);
    damage("jpeg", "jpeg/train/a/1.jpg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(folders), FOLDER_TEST(idx),           FOLDER_TEST(archives), FOLDER_TEST(bombs),
        FOLDER_TEST(cifar),   FOLDER_TEST(npy),           FOLDER_TEST(arrays),   FOLDER_TEST(csv),
        FOLDER_TEST(images),  FOLDER_TEST(damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
