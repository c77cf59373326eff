/* SPDX-License-Identifier: Apache-2.0 */
/* PNG and JPEG files as bytes: grayscale or RGB. */
#ifndef DTMM_DATA_IMAGE_H
#define DTMM_DATA_IMAGE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/status.h"

struct image {
    int32_t height, width, channels; /* 1 or 3 channels */
    uint8_t *pixels;                 /* height x width x channels */
};

/* Whether the name ends with .png, .jpg or .jpeg, in any case. */
int image_name(const char *name);

/* Decodes a file into memory of the arena: its format is told by its first bytes. Alpha is dropped,
 * colors of a palette become RGB. */
enum status image_decode(const char *path, struct arena *arena, struct image *image,
                         struct diag *diag);

/* png.c, jpeg.c */
enum status png_decode(const struct file *file, const char *path, struct arena *arena,
                       struct image *image, struct diag *diag);
enum status jpeg_decode(const struct file *file, const char *path, struct arena *arena,
                        struct image *image, struct diag *diag);

/* Gives memory to an image of that size; ERR_INPUT when a side is too long. */
enum status image_room(const char *path, uint32_t height, uint32_t width, struct arena *arena,
                       struct image *image, struct diag *diag);

#endif
