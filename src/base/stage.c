/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#include "base/stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/interrupt.h"

static char *without_trailing_slashes(struct arena *arena, const char *path)
{
    char *copy = arena_string(arena, path);
    size_t length = strlen(copy);
    while (length > 1 && copy[length - 1] == '/')
        copy[--length] = '\0';
    return copy;
}

/* Cuts the last name off; returns 0 when no folder is left. */
static int cut_to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return 0;
    while (slash > path && slash[-1] == '/')
        slash--;
    *slash = '\0';
    return slash != path;
}

static const char *topmost_missing(const char *path, struct arena *arena)
{
    struct stat facts;
    char *folder = arena_string(arena, path);
    const char *missing = NULL;
    while (cut_to_parent(folder) && stat(folder, &facts) != 0 && errno == ENOENT)
        missing = arena_string(arena, folder);
    return missing;
}

static enum status make_parents(const struct stage *stage, struct arena *arena, struct diag *diag)
{
    char *parent = arena_string(arena, stage->path);
    return cut_to_parent(parent) ? folder_make(parent, diag) : OK;
}

static void remove_parents(const struct stage *stage)
{
    struct arena scratch = {0};
    char *folder = arena_string(&scratch, stage->path);
    while (stage->made != NULL && cut_to_parent(folder) && strlen(folder) >= strlen(stage->made) &&
           rmdir(folder) == 0)
        ;
    arena_free(&scratch);
}

static enum status make_staged(struct stage *stage, struct arena *arena, struct diag *diag)
{
    TRY(make_parents(stage, arena, diag));
    char *name = arena_printf(arena, "%s.partial-XXXXXX", stage->path);
    if (mkdtemp(name) == NULL)
        return fail(diag, ERR_IO, "%s: cannot write there: %s", stage->path, strerror(errno));
    stage->folder = name;
    if (chmod(name, 0755) != 0)
        return fail(diag, ERR_IO, "%s: cannot write there: %s", stage->path, strerror(errno));
    return OK;
}

enum status stage_open(const char *path, struct arena *arena, struct stage *stage,
                       struct diag *diag)
{
    *stage = (struct stage){.path = without_trailing_slashes(arena, path)};
    stage->made = topmost_missing(stage->path, arena);
    interrupt_hold();
    enum status status = make_staged(stage, arena, diag);
    if (status != OK)
        stage_discard(stage);
    return status;
}

/* Puts the staged folder in the place of what is there, which is left at *old. */
static enum status swap(const struct stage *stage, struct arena *arena, const char **old,
                        struct diag *diag)
{
    *old = arena_printf(arena, "%s.replaced-%ld", stage->path, (long)getpid());
    int had_old = rename(stage->path, *old) == 0;
    if (!had_old && errno != ENOENT)
        return fail(diag, ERR_IO, "%s: cannot replace: %s", stage->path, strerror(errno));
    if (rename(stage->folder, stage->path) == 0)
        return OK;
    int error = errno;
    if (had_old)
        rename(*old, stage->path);
    return fail(diag, ERR_IO, "%s: cannot write: %s", stage->path, strerror(error));
}

enum status stage_commit(const struct stage *stage, struct arena *arena, struct diag *diag)
{
    const char *old;
    enum status status = swap(stage, arena, &old, diag);
    if (status != OK) {
        stage_discard(stage);
        return status;
    }
    status = folder_remove(old, diag);
    interrupt_release();
    return status;
}

void stage_discard(const struct stage *stage)
{
    if (stage->folder != NULL)
        folder_remove(stage->folder, &(struct diag){0});
    remove_parents(stage);
    interrupt_release();
}
