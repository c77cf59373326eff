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

/* Whether a file could be written there, as far as that is known before it is tried. ERR_IO: its
 * folder is missing, or the path is a folder; ERR_USAGE: the path is empty. */
enum status file_check_writable(const char *path, struct diag *diag);

/* Whether both paths lead to one file that exists. */
int file_is_same(const char *path, const char *other);

/* Makes a folder and its missing parents. An existing folder is fine. */
enum status folder_make(const char *path, struct diag *diag);

/* Removes a folder and all that is in it. A missing one is fine. */
enum status folder_remove(const char *path, struct diag *diag);

/* What is at a path that is to be a folder. */
enum folder_state {
    FOLDER_MISSING,
    FOLDER_EMPTY,
    FOLDER_FULL,   /* has at least one entry */
    FOLDER_CLOSED, /* cannot be looked at; errno tells why */
    FOLDER_OTHER   /* not a folder */
};
enum folder_state folder_look(const char *path);

/* The name of an entry of a folder that `is_wanted`; NULL: there is none, or the folder cannot be
 * looked at. */
const char *folder_find(const char *path, int (*is_wanted)(const char *name), struct arena *arena);

/* Whether `path` is the folder or lies in it. Both must exist. */
int folder_holds(const char *folder, const char *path);

/* Makes a private folder for temporary files under $TMPDIR or /tmp; its path is absolute. The
 * caller removes it. */
enum status folder_temporary(struct arena *arena, const char **path, struct diag *diag);

#endif
