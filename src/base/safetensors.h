/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors file format: named arrays behind a JSON header
 * (https://huggingface.co/docs/safetensors). */
#ifndef DTMM_BASE_SAFETENSORS_H
#define DTMM_BASE_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum { SAFETENSOR_RANK = 8 };

struct safetensor {
    const char *name;
    const char *dtype; /* "F32", "F64", "I64", "I32", "U8" */
    int32_t rank;
    int64_t dims[SAFETENSOR_RANK];
    size_t bytes;
    const void *data; /* row-major, little endian; aligned to 8 bytes */
};

struct safetensors_metadata {
    const char *key, *value;
};

struct safetensors {
    int32_t n_tensors;
    struct safetensor *tensors;
    int32_t n_metadata;
    struct safetensors_metadata *metadata;
};

/* Writes a file that appears complete or not at all. ERR_IO leaves what was there as it was. */
enum status safetensors_write(const char *path, const struct safetensors *file, struct diag *diag);

/* Whether the bytes start like such a file. */
int safetensors_is(const void *data, size_t size);

/* Reads hostile bytes. Data is copied into the arena. ERR_INPUT says what is wrong. */
enum status safetensors_read(const void *data, size_t size, struct arena *arena,
                             struct safetensors *file, struct diag *diag);

/* A tensor or the value of a key; NULL when there is none. */
const struct safetensor *safetensors_find(const struct safetensors *file, const char *name);
const char *safetensors_metadata(const struct safetensors *file, const char *key);

#endif
