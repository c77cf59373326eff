/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files and folders. A written file or folder appears complete or not at all. */
#ifndef DTMM_BASE_FILE_H
#define DTMM_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* The contents of a file; `data[size]` is a NUL byte that `size` does not count. */
struct file {
    uint8_t *data;
    size_t size;
};

/* Reads a whole regular file (at most 1 GiB) into the arena. */
enum status file_read(const char *path, struct arena *arena, struct file *file, struct diag *diag);

/* Writes a file under a temporary name in the same folder, then renames it. */
enum status file_write(const char *path, const void *data, size_t size, struct diag *diag);

/* Makes a folder and its missing parents. An existing folder is fine. */
enum status folder_make(const char *path, struct diag *diag);

/* Removes a folder and all that is in it. A missing one is fine. */
enum status folder_remove(const char *path, struct diag *diag);

/* Whether `path` is a folder with at least one entry. */
int folder_has_entries(const char *path);

/* Makes an empty folder beside `path` with a name of its own, to be filled and then renamed to
 * `path` by folder_commit(). Fails when the place cannot be written. */
enum status folder_stage(const char *path, struct arena *arena, const char **staged,
                         struct diag *diag);

/* Renames `staged` to `path`, replacing a folder that is there. */
enum status folder_commit(const char *staged, const char *path, struct arena *arena,
                          struct diag *diag);

/* Makes a private folder for temporary files (under $TMPDIR or /tmp). The caller removes it. */
enum status folder_temporary(struct arena *arena, const char **path, struct diag *diag);

#endif
