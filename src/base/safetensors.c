/* SPDX-License-Identifier: Apache-2.0 */
#include "base/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"

enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {{"F32", 4}, {"F64", 8}, {"I64", 8}, {"I32", 4}, {"U8", 1}};

static size_t dtype_bytes(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return dtypes[i].bytes;
    return 0;
}

/* ---- writing ---- */

static size_t aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Sets `*failed` when something is missing in it: a text is not UTF-8. */
static json_t *header_make(const struct safetensors *file, int *failed)
{
    json_t *header = json_object();
    *failed = 0;
    if (file->n_metadata > 0) {
        json_t *metadata = json_object();
        for (int32_t i = 0; i < file->n_metadata; i++)
            *failed |= json_object_set_new(metadata, file->metadata[i].key,
                                           json_string(file->metadata[i].value));
        *failed |= json_object_set_new(header, "__metadata__", metadata);
    }
    size_t offset = 0;
    for (int32_t i = 0; i < file->n_tensors; i++) {
        const struct safetensor *tensor = &file->tensors[i];
        json_t *shape = json_array();
        for (int32_t k = 0; k < tensor->rank; k++)
            json_array_append_new(shape, json_integer(tensor->dims[k]));
        *failed |= json_object_set_new(header, tensor->name,
                                       json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensor->dtype,
                                                 "shape", shape, "data_offsets", (json_int_t)offset,
                                                 (json_int_t)(offset + tensor->bytes)));
        offset += tensor->bytes;
    }
    return header;
}

enum status safetensors_write(const char *path, const struct safetensors *file, struct diag *diag)
{
    struct arena scratch = {0};
    struct text text = text_start(&scratch);
    int failed;
    json_t *json = header_make(file, &failed);
    char *header = failed ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (header == NULL)
        return fail(diag, ERR_INPUT, "%s: a name in the network is not UTF-8; rename it", path);
    size_t length = strlen(header), padded = aligned(length);
    char prefix[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++)
        prefix[i] = (char)(padded >> (8 * i) & 0xff);
    text_append(&text, prefix, sizeof prefix);
    text_append(&text, header, length);
    text_append(&text, "        ", padded - length);
    free(header);
    for (int32_t i = 0; i < file->n_tensors; i++)
        text_append(&text, file->tensors[i].data, file->tensors[i].bytes);
    enum status status = file_write(path, text.data, text.length, diag);
    arena_free(&scratch);
    return status;
}

/* ---- reading ---- */

static uint64_t length_read(const uint8_t *data)
{
    uint64_t length = 0;
    for (int i = 0; i < LENGTH_BYTES; i++)
        length |= (uint64_t)data[i] << (8 * i);
    return length;
}

int safetensors_is(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    return size > LENGTH_BYTES + 1 && bytes[LENGTH_BYTES] == '{' &&
           length_read(bytes) <= size - LENGTH_BYTES;
}

/* What tensor_read() reads from. */
struct source {
    const uint8_t *data; /* behind the header */
    size_t size;
    size_t room; /* bytes that no tensor has taken: they do not overlap */
    struct arena *arena;
    struct diag *diag;
};

static enum status shape_read(const json_t *json, struct safetensor *tensor, size_t *elements)
{
    size_t rank = json_array_size(json);
    *elements = 1;
    if (!json_is_array(json) || rank > SAFETENSOR_RANK)
        return ERR_INPUT;
    tensor->rank = (int32_t)rank;
    for (size_t i = 0; i < rank; i++) {
        json_int_t dim = json_integer_value(json_array_get(json, i));
        if (dim < 0 || (dim > 0 && *elements > SIZE_MAX / 8 / (size_t)dim))
            return ERR_INPUT;
        tensor->dims[i] = dim;
        *elements *= (size_t)dim;
    }
    return OK;
}

static enum status tensor_read(struct source *source, const char *name, const json_t *json,
                               struct safetensor *tensor)
{
    const json_t *offsets = json_object_get(json, "data_offsets");
    const char *dtype = json_string_value(json_object_get(json, "dtype"));
    json_int_t begin = json_integer_value(json_array_get(offsets, 0));
    json_int_t end = json_integer_value(json_array_get(offsets, 1));
    size_t elements;
    if (dtype == NULL || json_array_size(offsets) != 2 ||
        shape_read(json_object_get(json, "shape"), tensor, &elements) != OK)
        return fail(source->diag, ERR_INPUT, "tensor '%s' is not described as it must be", name);
    size_t bytes = dtype_bytes(dtype);
    if (bytes == 0)
        return fail(source->diag, ERR_UNSUPPORTED, "tensor '%s' has the element type %s", name,
                    dtype);
    if (begin < 0 || end < begin || (size_t)end > source->size ||
        (size_t)(end - begin) != elements * bytes)
        return fail(source->diag, ERR_INPUT, "tensor '%s' does not lie within the file", name);
    if ((size_t)(end - begin) > source->room)
        return fail(source->diag, ERR_INPUT, "tensor '%s' overlaps another", name);
    source->room -= (size_t)(end - begin);
    tensor->name = arena_string(source->arena, name);
    tensor->dtype = arena_string(source->arena, dtype);
    tensor->bytes = (size_t)(end - begin);
    tensor->data = arena_copy(source->arena, source->data + begin, tensor->bytes);
    return OK;
}

static enum status header_read(struct source *source, json_t *header, struct safetensors *file)
{
    const char *key, *name;
    json_t *value, *text;
    file->tensors = ARENA_ARRAY(source->arena, json_object_size(header) + 1, struct safetensor);
    json_object_foreach(header, name, value)
    {
        if (strcmp(name, "__metadata__") != 0) {
            TRY(tensor_read(source, name, value, &file->tensors[file->n_tensors++]));
            continue;
        }
        file->metadata =
            ARENA_ARRAY(source->arena, json_object_size(value) + 1, struct safetensors_metadata);
        json_object_foreach(value, key, text)
        {
            if (!json_is_string(text))
                return fail(source->diag, ERR_INPUT, "the metadata '%s' is no text", key);
            file->metadata[file->n_metadata++] =
                (struct safetensors_metadata){arena_string(source->arena, key),
                                              arena_string(source->arena, json_string_value(text))};
        }
    }
    return OK;
}

enum status safetensors_read(const void *data, size_t size, struct arena *arena,
                             struct safetensors *file, struct diag *diag)
{
    const uint8_t *bytes = data;
    json_error_t error;
    *file = (struct safetensors){0};
    if (!safetensors_is(data, size))
        return fail(diag, ERR_INPUT, "not a complete safetensors file");
    size_t length = (size_t)length_read(bytes);
    json_t *header =
        json_loadb((const char *)bytes + LENGTH_BYTES, length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(header)) {
        json_decref(header);
        return fail(diag, ERR_INPUT, "the header is not a JSON object: %s", error.text);
    }
    size_t room = size - LENGTH_BYTES - length;
    struct source source = {bytes + LENGTH_BYTES + length, room, room, arena, diag};
    enum status status = header_read(&source, header, file);
    json_decref(header);
    return status;
}

const struct safetensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (int32_t i = 0; i < file->n_tensors; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    for (int32_t i = 0; i < file->n_metadata; i++)
        if (strcmp(file->metadata[i].key, key) == 0)
            return file->metadata[i].value;
    return NULL;
}
