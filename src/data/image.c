/* SPDX-License-Identifier: Apache-2.0 */
#include "data/image.h"

#include <string.h>
#include <strings.h>

#include "data/reader.h"

int image_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 ||
                           strcasecmp(dot, ".jpeg") == 0);
}

enum status image_decode(const char *path, struct arena *arena, struct image *image,
                         struct diag *diag)
{
    struct file file;
    TRY(file_read(path, arena, &file, diag));
    if (file.size >= 8 && memcmp(file.data, "\x89PNG\r\n\x1a\n", 8) == 0)
        return png_decode(&file, path, arena, image, diag);
    if (file.size >= 3 && memcmp(file.data, "\xff\xd8\xff", 3) == 0)
        return jpeg_decode(&file, path, arena, image, diag);
    return fail(diag, ERR_INPUT, "%s: neither a PNG nor a JPEG image, whatever its name", path);
}

enum status image_room(const char *path, uint32_t height, uint32_t width, struct arena *arena,
                       struct image *image, struct diag *diag)
{
    if (height == 0 || width == 0 || height > IMAGE_SIDE_MAX || width > IMAGE_SIDE_MAX)
        return fail(diag, ERR_INPUT, "%s: is %ux%u; images have sides of 1 to %d", path, width,
                    height, IMAGE_SIDE_MAX);
    image->height = (int32_t)height;
    image->width = (int32_t)width;
    image->pixels = arena_alloc(arena, (size_t)height * width, (size_t)image->channels);
    return OK;
}
