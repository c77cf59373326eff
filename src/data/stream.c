/* SPDX-License-Identifier: Apache-2.0 */
#include "data/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <lzma.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { INPUT_BYTES = 1 << 16 };
#define UNPACK_MEMORY_MAX (UINT64_C(256) << 20)
/* No more than this comes out of a byte: xz makes at most 7,000 of one, gzip 1,032. */
#define PACKING_MAX UINT64_C(16384)

struct stream {
    struct reader *reader;
    const char *path;
    uint64_t file_bytes, offset;
    gzFile gz;  /* plain files and gzip */
    FILE *file; /* xz */
    lzma_stream lzma;
    int ended;
    uint8_t input[INPUT_BYTES];
};

static enum status refuse(struct stream *stream, const char *what)
{
    return fail(stream->reader->diag, ERR_INPUT, "%s: %s", stream->path, what);
}

static enum status open_xz(struct stream *stream)
{
    stream->lzma = (lzma_stream)LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream->lzma, UNPACK_MEMORY_MAX, LZMA_CONCATENATED) != LZMA_OK)
        return fail(stream->reader->diag, ERR_TOOL, "out of memory");
    rewind(stream->file);
    return OK;
}

static enum status open_gz(struct stream *stream)
{
    fclose(stream->file);
    stream->file = NULL;
    stream->gz = gzopen(stream->path, "rb");
    if (stream->gz == NULL)
        return fail(stream->reader->diag, ERR_IO, "%s: cannot open: %s", stream->path,
                    strerror(errno));
    gzbuffer(stream->gz, INPUT_BYTES);
    return OK;
}

enum status stream_open(struct reader *reader, const char *path, struct stream **opened)
{
    static const uint8_t XZ[] = {0xfd, '7', 'z', 'X', 'Z', 0};
    struct stream *stream = ARENA_NEW(reader->scratch, struct stream);
    struct stat facts;
    *stream = (struct stream){.reader = reader, .path = path};
    stream->file = fopen(path, "rb");
    if (stream->file == NULL || fstat(fileno(stream->file), &facts) != 0) {
        enum status status =
            fail(reader->diag, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
        stream_close(stream);
        return status;
    }
    if (!S_ISREG(facts.st_mode)) {
        stream_close(stream);
        return fail(reader->diag, ERR_IO, "%s: not a regular file", path);
    }
    stream->file_bytes = (uint64_t)facts.st_size;
    int is_xz = fread(stream->input, 1, sizeof XZ, stream->file) == sizeof XZ &&
                memcmp(stream->input, XZ, sizeof XZ) == 0;
    enum status status = is_xz ? open_xz(stream) : open_gz(stream);
    if (status != OK)
        stream_close(stream);
    *opened = stream;
    return status;
}

void stream_close(struct stream *stream)
{
    if (stream->gz != NULL)
        gzclose(stream->gz);
    if (stream->file != NULL)
        fclose(stream->file);
    lzma_end(&stream->lzma);
}

/* The files' own checks, and what is missing at the end, show as codes of the two libraries. */
static enum status xz_failure(struct stream *stream, lzma_ret code)
{
    if (ferror(stream->file))
        return fail(stream->reader->diag, ERR_IO, "%s: cannot read: %s", stream->path,
                    strerror(errno));
    switch (code) {
    case LZMA_BUF_ERROR:
        return refuse(stream, "the xz archive is truncated; get the file again");
    case LZMA_MEMLIMIT_ERROR:
        return refuse(stream, "takes more than 256 MiB of memory to unpack; pack it with 'xz -6'");
    case LZMA_MEM_ERROR:
        return fail(stream->reader->diag, ERR_TOOL, "out of memory");
    default:
        return refuse(stream, "the xz archive is corrupt; get the file again");
    }
}

static enum status read_xz(struct stream *stream, uint8_t *data, size_t size, size_t *got)
{
    lzma_stream *lzma = &stream->lzma;
    lzma->next_out = data;
    lzma->avail_out = size;
    while (lzma->avail_out > 0 && !stream->ended) {
        if (lzma->avail_in == 0 && !feof(stream->file)) {
            lzma->next_in = stream->input;
            lzma->avail_in = fread(stream->input, 1, INPUT_BYTES, stream->file);
        }
        lzma_ret code = lzma_code(lzma, feof(stream->file) ? LZMA_FINISH : LZMA_RUN);
        if (ferror(stream->file) || (code != LZMA_OK && code != LZMA_STREAM_END))
            return xz_failure(stream, code);
        stream->ended = code == LZMA_STREAM_END;
    }
    *got = size - lzma->avail_out;
    return OK;
}

static enum status read_gz(struct stream *stream, uint8_t *data, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size && !stream->ended) {
        size_t left = size - *got;
        unsigned wanted = left < 1u << 30 ? (unsigned)left : 1u << 30;
        int n = gzread(stream->gz, data + *got, wanted);
        int code = Z_OK;
        gzerror(stream->gz, &code);
        if (code == Z_ERRNO)
            return fail(stream->reader->diag, ERR_IO, "%s: cannot read: %s", stream->path,
                        strerror(errno));
        if (code == Z_BUF_ERROR)
            return refuse(stream, "the gzip archive is truncated; get the file again");
        if (n < 0)
            return refuse(stream, "the gzip archive is corrupt; get the file again");
        stream->ended = (unsigned)n < wanted;
        *got += (size_t)n;
    }
    return OK;
}

static enum status read_unclaimed(struct stream *stream, void *data, size_t size, size_t *got)
{
    TRY(stream->gz != NULL ? read_gz(stream, data, size, got) : read_xz(stream, data, size, got));
    stream->offset += *got;
    return OK;
}

enum status stream_read(struct stream *stream, void *data, size_t size, size_t *got)
{
    TRY(read_unclaimed(stream, data, size, got));
    return reader_claim(stream->reader, stream->path, *got);
}

enum status stream_exactly(struct stream *stream, void *data, size_t size)
{
    size_t got = 0;
    TRY(stream_read(stream, data, size, &got));
    if (got < size)
        return fail(stream->reader->diag, ERR_INPUT,
                    "%s: truncated: ends after %" PRIu64 " bytes where %" PRIu64
                    " are needed; get the file again",
                    stream->path, stream->offset, stream->offset - got + size);
    return OK;
}

enum status stream_take(struct stream *stream, uint64_t size, struct arena *arena, void **data)
{
    struct reader *reader = stream->reader;
    TRY(reader_claim(reader, stream->path, size));
    reader->room += size; /* reading takes it again */
    if (size / PACKING_MAX > stream->file_bytes)
        return fail(reader->diag, ERR_INPUT,
                    "%s: truncated: %" PRIu64 " bytes cannot hold the %" PRIu64
                    " that its header promises; get the file again",
                    stream->path, stream->file_bytes, size);
    *data = arena_alloc(arena, (size_t)size, 1);
    return stream_exactly(stream, *data, (size_t)size);
}

enum status stream_end(struct stream *stream)
{
    uint8_t byte;
    size_t got = 0;
    TRY(read_unclaimed(stream, &byte, 1, &got));
    if (got != 0)
        return fail(stream->reader->diag, ERR_INPUT,
                    "%s: has more than the %" PRIu64 " bytes that its header promises",
                    stream->path, stream->offset - 1);
    return OK;
}

enum status stream_pieces(struct stream *stream, size_t piece_bytes, struct pieces *pieces)
{
    struct arena *scratch = stream->reader->scratch;
    size_t room = 0, got = piece_bytes;
    *pieces = (struct pieces){.piece_bytes = piece_bytes};
    while (got == piece_bytes) {
        if (pieces->n == room) {
            room = room > 0 ? 2 * room : 16;
            uint8_t **more = ARENA_ARRAY(scratch, room, uint8_t *);
            if (pieces->n > 0)
                memcpy(more, pieces->piece, pieces->n * sizeof *more);
            pieces->piece = more;
        }
        pieces->piece[pieces->n] = arena_alloc(scratch, piece_bytes, 1);
        TRY(stream_read(stream, pieces->piece[pieces->n++], piece_bytes, &got));
        pieces->bytes += got;
    }
    return OK;
}

static enum status text_join(struct stream *stream, char **text)
{
    struct pieces pieces;
    TRY(stream_pieces(stream, (size_t)1 << 20, &pieces));
    size_t left = (size_t)pieces.bytes;
    char *to = *text = arena_alloc(stream->reader->scratch, left + 1, 1);
    for (size_t i = 0; i < pieces.n; i++) {
        size_t n = left < pieces.piece_bytes ? left : pieces.piece_bytes;
        memcpy(to, pieces.piece[i], n);
        to += n;
        left -= n;
    }
    if (strlen(*text) != pieces.bytes)
        return refuse(stream, "not a text file: it has a NUL byte");
    return OK;
}

enum status stream_text(struct reader *reader, const char *path, char **text)
{
    struct stream *stream;
    TRY(stream_open(reader, path, &stream));
    enum status status = text_join(stream, text);
    stream_close(stream);
    return status;
}
