/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the files that the tests of datasets read, in a temporary folder of the test. */
#ifndef DTMM_TEST_UNIT_DATA_FILES_H
#define DTMM_TEST_UNIT_DATA_FILES_H

#include <assert.h>
#include <lzma.h>
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <jpeglib.h>

#include "base/file.h"
#include "base/text.h"
#include "data/dataset.h"

enum packing { PLAIN, GZ, XZ };

static struct arena arena;
static struct diag diag;
static const char *root; /* the folder */

static inline int folder_set_up(void **state)
{
    (void)state;
    return folder_temporary(&arena, &root, &diag) == OK ? 0 : -1;
}

static inline int folder_tear_down(void **state)
{
    (void)state;
    enum status status = folder_remove(root, &diag);
    arena_free(&arena);
    return status == OK ? 0 : -1;
}

#define FOLDER_TEST(function)                                                                      \
    cmocka_unit_test_setup_teardown(function, folder_set_up, folder_tear_down)

/* The path of a file in the folder. */
static inline const char *in(const char *name)
{
    return arena_printf(&arena, "%s/%s", root, name);
}

/* Writes a file and the folders it is in. */
static inline void put(const char *name, const void *data, size_t size)
{
    char *path = arena_string(&arena, in(name)), *slash = strrchr(path, '/');
    *slash = '\0';
    enum status status = folder_make(path, &diag);
    *slash = '/';
    if (status == OK)
        status = file_write(path, data, size, &diag);
    if (status != OK) {
        fprintf(stderr, "%s\n", diag.message);
        abort();
    }
}

static inline void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static inline struct text packed_bytes(enum packing packing, const void *data, size_t size)
{
    struct text text = text_start(&arena);
    size_t room = size + size / 4 + 1024, used = 0;
    uint8_t *out = arena_alloc(&arena, room, 1);
    if (packing == PLAIN) {
        text_append(&text, data, size);
        return text;
    }
    if (packing == XZ) {
        if (lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, data, size, out, &used, room) !=
            LZMA_OK)
            abort();
    } else {
        z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
                      .avail_in = (uInt)size,
                      .next_out = out,
                      .avail_out = (uInt)room};
        if (deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
            deflate(&z, Z_FINISH) != Z_STREAM_END)
            abort();
        used = z.total_out;
        deflateEnd(&z);
    }
    text_append(&text, (char *)out, used);
    return text;
}

static inline void put_packed(const char *name, enum packing packing, const void *data, size_t size)
{
    struct text text = packed_bytes(packing, data, size);
    put(name, text.data, text.length);
}

/* ---- IDX ---- */

static inline void add_big_endian(struct text *text, uint32_t value)
{
    char bytes[4] = {(char)(value >> 24), (char)(value >> 16), (char)(value >> 8), (char)value};
    text_append(text, bytes, 4);
}

static inline struct text idx_bytes(uint32_t magic, const uint32_t *dims, const void *data,
                                    size_t size)
{
    struct text text = text_start(&arena);
    add_big_endian(&text, magic);
    for (uint32_t i = 0; i < (magic & 0xff); i++)
        add_big_endian(&text, dims[i]);
    text_append(&text, data, size);
    return text;
}

/* `n` images of 2x3 that count up, labels 0, 1, 2, 0, ... */
static inline void put_idx(const char *stem, uint32_t n, enum packing packing, const char *ending)
{
    uint8_t images[600], labels[100];
    for (uint32_t i = 0; i < 6 * n; i++)
        images[i] = (uint8_t)i;
    for (uint32_t i = 0; i < n; i++)
        labels[i] = (uint8_t)(i % 3);
    struct text text = idx_bytes(0x803, (uint32_t[]){n, 2, 3}, images, (size_t)6 * n);
    put_packed(arena_printf(&arena, "%s-images-idx3-ubyte%s", stem, ending), packing, text.data,
               text.length);
    text = idx_bytes(0x801, &n, labels, n);
    put_packed(arena_printf(&arena, "%s-labels-idx1-ubyte%s", stem, ending), packing, text.data,
               text.length);
}

/* ---- CIFAR ---- */

static inline uint8_t cifar_value(int32_t record, int32_t color, int32_t pixel)
{
    return (uint8_t)(7 * record + 50 * color + pixel);
}

/* Labels 0 .. 9 in turn; two label bytes: the first is something else. */
static inline struct text cifar_bytes(int32_t n, int label_bytes)
{
    struct text text = text_start(&arena);
    for (int32_t i = 0; i < n; i++) {
        char label[2] = {(char)(label_bytes == 2 ? 77 : i % 10), (char)i};
        text_append(&text, label, (size_t)label_bytes);
        for (int32_t color = 0; color < 3; color++)
            for (int32_t pixel = 0; pixel < 1024; pixel++) {
                char value = (char)cifar_value(i, color, pixel);
                text_append(&text, &value, 1);
            }
    }
    return text;
}

static inline void put_cifar(const char *name, int32_t n, int label_bytes, enum packing packing)
{
    struct text text = cifar_bytes(n, label_bytes);
    put_packed(name, packing, text.data, text.length);
}

/* ---- .npy ---- */

static inline struct text npy_bytes_of(const char *header, const void *data, size_t size)
{
    struct text text = text_start(&arena);
    size_t length = strlen(header);
    char start[10] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)length, (char)(length >> 8)};
    text_append(&text, start, sizeof start);
    text_append(&text, header, length);
    text_append(&text, data, size);
    return text;
}

/* `type` as "<f4", `shape` as "(3, 2)" */
static inline void put_npy(const char *name, const char *type, const char *shape, const void *data,
                           size_t size)
{
    const char *header = arena_printf(
        &arena, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", type, shape);
    struct text text = npy_bytes_of(header, data, size);
    size_t n = strlen(name);
    enum packing packing = strcmp(name + n - 3, ".gz") == 0   ? GZ
                           : strcmp(name + n - 3, ".xz") == 0 ? XZ
                                                              : PLAIN;
    put_packed(name, packing, text.data, text.length);
}

/* ---- images ---- */

/* `format` as for libpng's png_image. */
static inline void put_png(const char *name, uint32_t width, uint32_t height, uint32_t format,
                           const void *pixels, const void *colors)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = width,
                       .height = height,
                       .format = format,
                       .colormap_entries = colors != NULL ? 2 : 0};
    png_alloc_size_t size = 1 << 20;
    void *out = arena_alloc(&arena, size, 1);
    if (!png_image_write_to_memory(&image, out, &size, 0, pixels, 0, colors))
        abort();
    put(name, out, size);
}

/* All pixels are `value`: JPEG keeps that. */
static inline void put_jpeg(const char *name, uint32_t width, uint32_t height, int channels,
                            int value)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *out = NULL;
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &out, &size);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    unsigned char *row = arena_alloc(&arena, width, (size_t)channels);
    memset(row, value, width * (size_t)channels);
    for (uint32_t y = 0; y < height; y++)
        jpeg_write_scanlines(&jpeg, &row, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    put(name, out, size);
    free(out);
}

static inline void put_gray(const char *name, uint32_t width, uint32_t height, int value)
{
    uint8_t *pixels = arena_alloc(&arena, width, height);
    memset(pixels, value, (size_t)width * height);
    put_png(name, width, height, PNG_FORMAT_GRAY, pixels, NULL);
}

/* ---- what is read ---- */

/* The message, with the folder's path left out. */
static inline const char *short_message(void)
{
    struct text text = text_start(&arena);
    size_t n = strlen(root);
    for (const char *at = diag.message; *at != '\0'; at++) {
        if (strncmp(at, root, n) == 0) {
            at += n;
            if (*at != '/') {
                text_append(&text, "ROOT", 4);
                at--;
            }
            continue;
        }
        text_append(&text, at, 1);
    }
    return text.data;
}

#endif
