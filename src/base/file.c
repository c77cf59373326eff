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

enum status file_write(const char *path, const void *data, size_t size, struct diag *diag)
{
    struct arena scratch = {0};
    char *temporary = arena_printf(&scratch, "%s.partial-%ld", path, (long)getpid());
    enum status status = OK;
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

int folder_has_entries(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    int n_entries = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        n_entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return n_entries > 0;
}

static char *without_trailing_slashes(struct arena *arena, const char *path)
{
    char *copy = arena_string(arena, path);
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    return copy;
}

enum status folder_stage(const char *path, struct arena *arena, const char **staged,
                         struct diag *diag)
{
    char *base = without_trailing_slashes(arena, path);
    char *slash = strrchr(base, '/');
    if (slash != NULL && slash != base) {
        char *parent = arena_string(arena, base);
        parent[slash - base] = '\0';
        TRY(folder_make(parent, diag));
    }
    char *name = arena_printf(arena, "%s.partial-XXXXXX", base);
    if (mkdtemp(name) == NULL)
        return fail(diag, ERR_IO, "%s: cannot write there: %s", path, strerror(errno));
    if (chmod(name, 0755) != 0) {
        int error = errno;
        rmdir(name);
        return fail(diag, ERR_IO, "%s: cannot write there: %s", path, strerror(error));
    }
    *staged = name;
    return OK;
}

enum status folder_commit(const char *staged, const char *path, struct arena *arena,
                          struct diag *diag)
{
    char *base = without_trailing_slashes(arena, path);
    char *old = arena_printf(arena, "%s.replaced-%ld", base, (long)getpid());
    int had_old = rename(base, old) == 0;
    if (!had_old && errno != ENOENT)
        return fail(diag, ERR_IO, "%s: cannot replace: %s", path, strerror(errno));
    if (rename(staged, base) != 0) {
        int error = errno;
        if (had_old)
            rename(old, base);
        return fail(diag, ERR_IO, "%s: cannot write: %s", path, strerror(error));
    }
    return had_old ? folder_remove(old, diag) : OK;
}

enum status folder_temporary(struct arena *arena, const char **path, struct diag *diag)
{
    const char *root = getenv("TMPDIR");
    char *name =
        arena_printf(arena, "%s/dtmm-XXXXXX", root != NULL && root[0] != '\0' ? root : "/tmp");
    if (mkdtemp(name) == NULL)
        return fail(diag, ERR_IO, "%s: cannot make a temporary folder: %s", name, strerror(errno));
    *path = name;
    return OK;
}
