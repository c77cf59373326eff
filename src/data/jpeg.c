/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG by libjpeg. Its errors jump: what the jump leaves behind is in memory, not in registers. */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "data/image.h"

/* A progressive image of more scans than this is made to take time. */
enum { SCANS_MAX = 100 };

struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    const char *path;
    struct diag *diag;
};

static void on_error(j_common_ptr jpeg)
{
    struct decoder *decoder = jpeg->client_data;
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    fail(decoder->diag, ERR_INPUT, "%s: the JPEG image is corrupt: %s", decoder->path, message);
    longjmp(decoder->jump, 1);
}

/* A warning (level -1) is corrupt data that libjpeg would paint over. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level < 0)
        on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg)
{
    struct decoder *decoder = jpeg->client_data;
    if (decoder->jpeg.input_scan_number <= SCANS_MAX)
        return;
    fail(decoder->diag, ERR_INPUT, "%s: the JPEG image has more than %d scans", decoder->path,
         SCANS_MAX);
    longjmp(decoder->jump, 1);
}

static enum status decode(struct decoder *decoder, const struct file *file, struct arena *arena,
                          struct image *image)
{
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    jpeg_mem_src(jpeg, file->data, (unsigned long)file->size);
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->num_components != 1 && jpeg->num_components != 3)
        return fail(decoder->diag, ERR_UNSUPPORTED,
                    "%s: has %d color components; convert the images to RGB", decoder->path,
                    jpeg->num_components);
    image->channels = jpeg->num_components;
    jpeg->out_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    TRY(image_room(decoder->path, jpeg->image_height, jpeg->image_width, arena, image,
                   decoder->diag));
    jpeg_start_decompress(jpeg);
    size_t row_bytes = (size_t)image->width * (size_t)image->channels;
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW row = image->pixels + jpeg->output_scanline * row_bytes;
        jpeg_read_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_decompress(jpeg);
    return OK;
}

static enum status decode_guarded(struct decoder *decoder, const struct file *file,
                                  struct arena *arena, struct image *image)
{
    if (setjmp(decoder->jump) != 0)
        return ERR_INPUT;
    jpeg_create_decompress(&decoder->jpeg);
    decoder->jpeg.progress = &decoder->progress;
    return decode(decoder, file, arena, image);
}

enum status jpeg_decode(const struct file *file, const char *path, struct arena *arena,
                        struct image *image, struct diag *diag)
{
    struct decoder *decoder = ARENA_NEW(arena, struct decoder);
    decoder->path = path;
    decoder->diag = diag;
    decoder->jpeg.err = jpeg_std_error(&decoder->errors);
    decoder->jpeg.client_data = decoder;
    decoder->errors.error_exit = on_error;
    decoder->errors.emit_message = on_message;
    decoder->progress.progress_monitor = on_progress;
    enum status status = decode_guarded(decoder, file, arena, image);
    jpeg_destroy_decompress(&decoder->jpeg);
    return status;
}
