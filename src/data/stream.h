/* SPDX-License-Identifier: Apache-2.0 */
/* Files read from beginning to end: plain, gzip or xz, told by their first bytes. */
#ifndef DTMM_DATA_STREAM_H
#define DTMM_DATA_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "data/reader.h"

struct stream;

/* Opens a regular file; close it with stream_close(). */
enum status stream_open(struct reader *reader, const char *path, struct stream **stream);
void stream_close(struct stream *stream);

/* Reads `size` bytes, fewer only where the data ends. What it gives is taken from the reader's
 * room. */
enum status stream_read(struct stream *stream, void *data, size_t size, size_t *got);

/* Reads `size` bytes; ERR_INPUT says that the file is truncated when there are fewer. */
enum status stream_exactly(struct stream *stream, void *data, size_t size);

/* Reads `size` bytes into memory of the arena. A size that the file cannot hold, however well it
 * is packed, is refused before memory is taken for it. */
enum status stream_take(struct stream *stream, uint64_t size, struct arena *arena, void **data);

/* ERR_INPUT when there is more. */
enum status stream_end(struct stream *stream);

/* Data of a size not known beforehand, in pieces of equal size; the last may be shorter. */
struct pieces {
    size_t piece_bytes;
    size_t n;
    uint8_t **piece;
    uint64_t bytes; /* of all */
};

/* Reads all there is into scratch memory. */
enum status stream_pieces(struct stream *stream, size_t piece_bytes, struct pieces *pieces);

/* Reads a whole file as text with a NUL byte behind it, into scratch memory. A NUL byte within is
 * ERR_INPUT. */
enum status stream_text(struct reader *reader, const char *path, char **text);

#endif
