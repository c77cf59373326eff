/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/interrupt.h"

#define FILE_SIZE_MAX ((off_t)1 << 30)

static enum status read_all(int handle, struct file *file, const char *path, struct diag *diag)
{
    size_t done = 0;
    while (done < file->size) {
        ssize_t n = read(handle, file->data + done, file->size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(diag, ERR_IO, "%s: cannot read: %s", path,
                        n < 0 ? strerror(errno) : "the file became shorter while it was read");
        done += (size_t)n;
    }
    return OK;
}

enum status file_read(const char *path, struct arena *arena, struct file *file, struct diag *diag)
{
    enum status status = OK;
    struct stat facts;
    int handle = open(path, O_RDONLY | O_CLOEXEC);
    if (handle < 0)
        return fail(diag, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(handle, &facts) != 0) {
        status = fail(diag, ERR_IO, "%s: cannot read: %s", path, strerror(errno));
    } else if (!S_ISREG(facts.st_mode)) {
        status = fail(diag, ERR_IO, "%s: not a regular file", path);
    } else if (facts.st_size > FILE_SIZE_MAX) {
        status = fail(diag, ERR_INPUT, "%s: larger than 1 GiB", path);
    } else {
        file->size = (size_t)facts.st_size;
        file->data = arena_alloc(arena, file->size + 1, 1);
        status = read_all(handle, file, path, diag);
    }
    close(handle);
    return status;
}

enum status file_check_writable(const char *path, struct diag *diag)
{
    struct arena scratch = {0};
    const char *slash = strrchr(path, '/');
    struct stat facts;
    enum status status = OK;
    if (path[0] == '\0')
        return fail(diag, ERR_USAGE, "the name of the file to write is empty");
    if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
        return fail(diag, ERR_IO, "%s: cannot write: is a folder", path);
    if (slash == NULL || slash == path)
        return OK;
    const char *folder = arena_printf(&scratch, "%.*s", (int)(slash - path), path);
    enum folder_state state = folder_look(folder);
    if (state == FOLDER_MISSING || state == FOLDER_OTHER)
        status = fail(diag, ERR_IO, "%s: there is no folder '%s'; make it first", path, folder);
    arena_free(&scratch);
    return status;
}

int file_is_same(const char *path, const char *other)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

enum status file_write(const char *path, const void *data, size_t size, struct diag *diag)
{
    struct arena scratch = {0};
    char *temporary = arena_printf(&scratch, "%s.partial-%ld", path, (long)getpid());
    enum status status = OK;
    interrupt_hold();
    FILE *file = fopen(temporary, "wb");
    if (file == NULL) {
        status = fail(diag, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
        goto done;
    }
    size_t written = fwrite(data, 1, size, file);
    int error = written == size && fflush(file) == 0 && fsync(fileno(file)) == 0 ? 0 : errno;
    if (fclose(file) != 0 && error == 0)
        error = errno;
    if (error == 0 && rename(temporary, path) != 0)
        error = errno;
    if (error != 0) {
        status = fail(diag, ERR_IO, "%s: cannot write: %s", path, strerror(error));
        remove(temporary);
    }
done:
    interrupt_release();
    arena_free(&scratch);
    return status;
}

enum status folder_make(const char *path, struct diag *diag)
{
    struct arena scratch = {0};
    char *copy = arena_string(&scratch, path);
    enum status status = OK;
    for (char *c = copy + 1; status == OK && copy[0] != '\0'; c++) {
        if (*c != '/' && *c != '\0')
            continue;
        char kept = *c;
        *c = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            status = fail(diag, ERR_IO, "%s: cannot make the folder: %s", path, strerror(errno));
        *c = kept;
        if (kept == '\0')
            break;
    }
    struct stat facts;
    if (status == OK && (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode)))
        status = fail(diag, ERR_IO, "%s: cannot make the folder: a file has this name", path);
    arena_free(&scratch);
    return status;
}

static int remove_entry(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    (void)facts;
    (void)type;
    (void)place;
    return remove(path);
}

enum status folder_remove(const char *path, struct diag *diag)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
        return fail(diag, ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
    return OK;
}

enum folder_state folder_look(const char *path)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return errno == ENOENT ? FOLDER_MISSING : FOLDER_CLOSED;
    if (!S_ISDIR(facts.st_mode))
        return FOLDER_OTHER;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return FOLDER_CLOSED;
    int n_entries = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        n_entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return n_entries > 0 ? FOLDER_FULL : FOLDER_EMPTY;
}

const char *folder_find(const char *path, int (*is_wanted)(const char *name), struct arena *arena)
{
    const char *found = NULL;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return NULL;
    for (struct dirent *entry = readdir(folder); entry != NULL && found == NULL;
         entry = readdir(folder))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            is_wanted(entry->d_name))
            found = arena_string(arena, entry->d_name);
    closedir(folder);
    return found;
}

int folder_holds(const char *folder, const char *path)
{
    char *outer = realpath(folder, NULL), *inner = realpath(path, NULL);
    size_t length = outer != NULL ? strlen(outer) : 0;
    int holds = outer != NULL && inner != NULL && strncmp(outer, inner, length) == 0 &&
                (inner[length] == '\0' || inner[length] == '/' || outer[length - 1] == '/');
    free(outer);
    free(inner);
    return holds;
}

enum status folder_temporary(struct arena *arena, const char **path, struct diag *diag)
{
    const char *root = getenv("TMPDIR");
    if (root == NULL || root[0] == '\0')
        root = "/tmp";
    char *absolute = realpath(root, NULL);
    char *name = arena_printf(arena, "%s/dtmm-XXXXXX", absolute != NULL ? absolute : root);
    free(absolute);
    if (mkdtemp(name) == NULL)
        return fail(diag, ERR_IO, "%s: cannot make a temporary folder: %s", root, strerror(errno));
    *path = name;
    return OK;
}
