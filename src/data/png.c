/* SPDX-License-Identifier: Apache-2.0 */
/* PNG by libpng. Its errors jump: what the jump leaves behind is in memory, not in registers. */
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "data/image.h"

struct decoder {
    png_structp png;
    png_infop info;
    const char *path;
    const uint8_t *data;
    size_t left;
    struct diag *diag;
};

static void on_error(png_structp png, png_const_charp message)
{
    struct decoder *decoder = png_get_error_ptr(png);
    fail(decoder->diag, ERR_INPUT, "%s: the PNG image is corrupt: %s", decoder->path, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep data, size_t size)
{
    struct decoder *decoder = png_get_io_ptr(png);
    if (size > decoder->left)
        png_error(png, "the file ends too early");
    memcpy(data, decoder->data, size);
    decoder->data += size;
    decoder->left -= size;
}

/* 8 bits of gray, or of red, green and blue. */
static enum status choose_format(struct decoder *decoder, struct image *image)
{
    png_structp png = decoder->png;
    int color = png_get_color_type(png, decoder->info);
    if (png_get_bit_depth(png, decoder->info) > 8)
        return fail(decoder->diag, ERR_UNSUPPORTED,
                    "%s: has 16 bits a channel; convert the images to 8", decoder->path);
    if (color == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    if (color == PNG_COLOR_TYPE_GRAY)
        png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    image->channels = color == PNG_COLOR_TYPE_GRAY || color == PNG_COLOR_TYPE_GRAY_ALPHA ? 1 : 3;
    return OK;
}

static enum status decode(struct decoder *decoder, struct arena *arena, struct image *image)
{
    png_structp png = decoder->png;
    png_set_read_fn(png, decoder, on_read);
    png_read_info(png, decoder->info);
    TRY(choose_format(decoder, image));
    uint32_t height = png_get_image_height(png, decoder->info);
    TRY(image_room(decoder->path, height, png_get_image_width(png, decoder->info), arena, image,
                   decoder->diag));
    png_read_update_info(png, decoder->info);
    size_t row_bytes = (size_t)image->width * (size_t)image->channels;
    if (png_get_rowbytes(png, decoder->info) != row_bytes)
        png_error(png, "unexpected size of a row");
    png_bytep *rows = ARENA_ARRAY(arena, height, png_bytep);
    for (uint32_t y = 0; y < height; y++)
        rows[y] = image->pixels + y * row_bytes;
    png_read_image(png, rows);
    png_read_end(png, NULL);
    return OK;
}

static enum status decode_guarded(struct decoder *decoder, struct arena *arena, struct image *image)
{
    if (setjmp(png_jmpbuf(decoder->png)) != 0)
        return ERR_INPUT;
    return decode(decoder, arena, image);
}

enum status png_decode(const struct file *file, const char *path, struct arena *arena,
                       struct image *image, struct diag *diag)
{
    struct decoder decoder = {.path = path, .data = file->data, .left = file->size, .diag = diag};
    decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, on_error, on_warning);
    if (decoder.png != NULL)
        decoder.info = png_create_info_struct(decoder.png);
    enum status status = fail(diag, ERR_TOOL, "out of memory");
    if (decoder.info != NULL)
        status = decode_guarded(&decoder, arena, image);
    png_destroy_read_struct(&decoder.png, &decoder.info, NULL);
    return status;
}
