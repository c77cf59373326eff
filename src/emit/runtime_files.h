/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DTMM_EMIT_RUNTIME_FILES_H
#define DTMM_EMIT_RUNTIME_FILES_H

#include "base/arena.h"
#include "base/status.h"
#include "product/packed.h"

/* A file below runtime/ and its contents. */
struct runtime_file {
    const char *path; /* "c/add_s8.c" */
    const void *data;
    size_t size;
};

/* Reads the files that the kernels of `packed` need: dtmm.h, a source file a kernel, and what they
 * include with quotes, found by following the #include lines. Sorted by path. */
enum status runtime_files_find(const struct packed *packed, const char *runtime_folder,
                               struct arena *arena, struct runtime_file **files, size_t *n,
                               struct diag *diag);

#endif
