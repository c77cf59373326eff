/* SPDX-License-Identifier: Apache-2.0 */
#include "data/npy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/stream.h"

enum { HEADER_BYTES_MAX = 1 << 16 };

double npy_value(const struct npy *npy, int64_t index)
{
    switch (npy->type) {
#define X(suffix, name, c_type)                                                                    \
    case NPY_##suffix:                                                                             \
        return (double)((const c_type *)npy->data)[index];
        NPY_TYPE_LIST(X)
#undef X
    }
    return 0;
}

size_t npy_bytes(const struct npy *npy)
{
    static const size_t BYTES[] = {
#define X(suffix, name, c_type) sizeof(c_type),
        NPY_TYPE_LIST(X)
#undef X
    };
    return BYTES[npy->type];
}

int npy_is_float(const struct npy *npy)
{
    return npy->type == NPY_F32 || npy->type == NPY_F64;
}

static enum status malformed(struct reader *reader, const struct npy *npy)
{
    return fail(reader->diag, ERR_INPUT,
                "%s: the header of the .npy file is malformed; write it with numpy.save",
                npy->path);
}

/* What stands behind 'KEY': in the header, or NULL. */
static const char *value_of(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (at == NULL)
        return NULL;
    at += strlen(key);
    while (*at == ' ')
        at++;
    if (*at++ != ':')
        return NULL;
    while (*at == ' ')
        at++;
    return at;
}

/* '<f4' and the like. */
static enum status parse_type(struct reader *reader, const char *text, struct npy *npy)
{
    static const char *const NAMES[] = {
#define X(suffix, name, c_type) name,
        NPY_TYPE_LIST(X)
#undef X
    };
    if (text == NULL || text[0] != '\'' || strlen(text) < 5)
        return malformed(reader, npy);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if ((text[1] == '<' || text[1] == '|') && memcmp(text + 2, NAMES[i], 2) == 0 &&
            text[4] == '\'') {
            npy->type = (enum npy_type)i;
            return OK;
        }
    return fail(reader->diag, ERR_UNSUPPORTED,
                "%s: elements of type %.*s are not read; convert them with x.astype('<f4')",
                npy->path, (int)strcspn(text, ",}"), text);
}

/* (3000, 49, 10) */
static enum status parse_shape(struct reader *reader, const char *text, struct npy *npy)
{
    if (text == NULL || *text++ != '(')
        return malformed(reader, npy);
    while (*text != ')') {
        char *end;
        unsigned long long dim = strtoull(text, &end, 10);
        if (end == text || *text < '0' || *text > '9' || (*end != ',' && *end != ')'))
            return malformed(reader, npy);
        if (npy->rank == NPY_RANK_MAX)
            return fail(reader->diag, ERR_UNSUPPORTED, "%s: has more than %d dimensions", npy->path,
                        NPY_RANK_MAX);
        if (dim == 0 || dim > INT32_MAX)
            return fail(reader->diag, ERR_INPUT, "%s: dimension %d is %llu; is the array empty?",
                        npy->path, npy->rank, dim);
        npy->dims[npy->rank++] = (int32_t)dim;
        text = end;
        while (*text == ',' || *text == ' ')
            text++;
    }
    if (npy->rank == 0)
        return fail(reader->diag, ERR_INPUT, "%s: is a single number, not an array of samples",
                    npy->path);
    return OK;
}

static enum status parse_header(struct reader *reader, const char *header, struct npy *npy)
{
    TRY(parse_type(reader, value_of(header, "'descr'"), npy));
    const char *order = value_of(header, "'fortran_order'");
    if (order != NULL && strncmp(order, "True", 4) == 0)
        return fail(reader->diag, ERR_UNSUPPORTED,
                    "%s: is in Fortran order; save numpy.ascontiguousarray(x)", npy->path);
    if (order == NULL || strncmp(order, "False", 5) != 0)
        return malformed(reader, npy);
    return parse_shape(reader, value_of(header, "'shape'"), npy);
}

static enum status read_header(struct reader *reader, struct stream *stream, struct npy *npy)
{
    uint8_t start[12] = {0};
    TRY(stream_exactly(stream, start, 10));
    if (memcmp(start, "\x93NUMPY", 6) != 0)
        return fail(reader->diag, ERR_INPUT, "%s: not a .npy file; write it with numpy.save",
                    npy->path);
    size_t length = start[8] | (size_t)start[9] << 8;
    if (start[6] > 1) { /* versions 2 and 3 count in four bytes */
        TRY(stream_exactly(stream, start + 10, 2));
        length |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    if (start[6] < 1 || start[6] > 3 || length > HEADER_BYTES_MAX)
        return malformed(reader, npy);
    char *header = arena_alloc(reader->scratch, length + 1, 1);
    TRY(stream_exactly(stream, header, length));
    return parse_header(reader, header, npy);
}

static enum status read_array(struct reader *reader, struct stream *stream, struct arena *arena,
                              struct npy *npy)
{
    TRY(read_header(reader, stream, npy));
    uint64_t bytes = npy_bytes(npy);
    npy->row_elements = 1;
    for (int32_t i = 0; i < npy->rank; i++) {
        if (bytes > DATASET_BYTES_MAX) /* before it can overflow */
            break;
        bytes *= (uint64_t)npy->dims[i];
        npy->row_elements *= i > 0 ? npy->dims[i] : 1;
    }
    if (npy->row_elements > INT32_MAX)
        return fail(reader->diag, ERR_INPUT, "%s: samples have %" PRId64 " numbers; at most %d",
                    npy->path, npy->row_elements, INT32_MAX);
    TRY(stream_take(stream, bytes, arena, &npy->data));
    return stream_end(stream);
}

enum status npy_read(struct reader *reader, const char *path, struct arena *arena, struct npy *npy)
{
    struct stream *stream;
    *npy = (struct npy){.path = path};
    TRY(stream_open(reader, path, &stream));
    enum status status = read_array(reader, stream, arena, npy);
    stream_close(stream);
    return status;
}
