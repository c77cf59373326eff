/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays as numpy.save() writes them. */
#ifndef DTMM_DATA_NPY_H
#define DTMM_DATA_NPY_H

#include <stdint.h>

#include "data/reader.h"

/* Element types: suffix of the enumerator, NumPy's name without the byte order, C type. */
#define NPY_TYPE_LIST(X)                                                                           \
    X(U8, "u1", uint8_t)                                                                           \
    X(BOOL, "b1", uint8_t)                                                                         \
    X(I8, "i1", int8_t)                                                                            \
    X(U16, "u2", uint16_t)                                                                         \
    X(I16, "i2", int16_t)                                                                          \
    X(U32, "u4", uint32_t)                                                                         \
    X(I32, "i4", int32_t)                                                                          \
    X(U64, "u8", uint64_t)                                                                         \
    X(I64, "i8", int64_t)                                                                          \
    X(F32, "f4", float)                                                                            \
    X(F64, "f8", double)

enum npy_type {
#define X(suffix, name, c_type) NPY_##suffix,
    NPY_TYPE_LIST(X)
#undef X
};

enum { NPY_RANK_MAX = 5 };

/* An array in row-major order; dims[0] counts the samples. */
struct npy {
    const char *path;
    enum npy_type type;
    int32_t rank;
    int32_t dims[NPY_RANK_MAX]; /* each at least 1 */
    int64_t row_elements;       /* of one sample */
    void *data;
};

/* Reads a file into memory of the arena. */
enum status npy_read(struct reader *reader, const char *path, struct arena *arena, struct npy *npy);

/* An element as a real number: exact up to 2^53. */
double npy_value(const struct npy *npy, int64_t index);

int npy_is_float(const struct npy *npy);

/* The number of bytes of an element. */
size_t npy_bytes(const struct npy *npy);

#endif
