/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#include "measure/build.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEEPEST_FOLDER 8

static void add_source(struct workshop *workshop, enum source_group group, const char *path)
{
    if (workshop->n_sources == workshop->sources_size) {
        size_t size = workshop->sources_size * 2 + 16;
        struct source *sources = ARENA_ARRAY(workshop->arena, size, struct source);
        if (workshop->n_sources > 0)
            memcpy(sources, workshop->sources, workshop->n_sources * sizeof *sources);
        workshop->sources = sources;
        workshop->sources_size = size;
    }
    const char *folder = group == GROUP_MODEL     ? "model"
                         : group == GROUP_RUNTIME ? "runtime"
                                                  : "harness";
    workshop->sources[workshop->n_sources] = (struct source){
        group, path, arena_printf(workshop->arena, "%s/%zu.o", folder, workshop->n_sources)};
    workshop->n_sources++;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The entries of a folder in alphabetical order, so that every build is the same; NULL at the end.
 * An absent folder has none. */
static const char **folder_entries(const char *folder, struct arena *arena)
{
    size_t n = 0, size = 16;
    const char **names = ARENA_ARRAY(arena, size, const char *);
    DIR *handle = opendir(folder);
    if (handle == NULL)
        return names;
    for (struct dirent *entry = readdir(handle); entry != NULL; entry = readdir(handle)) {
        if (entry->d_name[0] == '.')
            continue;
        if (n + 1 == size) {
            const char **larger = ARENA_ARRAY(arena, size * 2, const char *);
            memcpy(larger, names, n * sizeof *names);
            names = larger;
            size *= 2;
        }
        names[n++] = arena_string(arena, entry->d_name);
    }
    closedir(handle);
    qsort(names, n, sizeof *names, compare_names);
    return names;
}

/* Adds the .c files of a folder, and of the folders in it to the given depth. */
static void add_folder(struct workshop *workshop, enum source_group group, const char *folder,
                       int depth)
{
    const char **names = folder_entries(folder, workshop->arena);
    for (size_t i = 0; names[i] != NULL; i++) {
        const char *path = arena_printf(workshop->arena, "%s/%s", folder, names[i]);
        size_t length = strlen(names[i]);
        struct stat facts;
        if (stat(path, &facts) != 0)
            continue;
        if (S_ISDIR(facts.st_mode) && depth > 0)
            add_folder(workshop, group, path, depth - 1);
        else if (S_ISREG(facts.st_mode) && length > 2 && strcmp(names[i] + length - 2, ".c") == 0)
            add_source(workshop, group, path);
    }
}

enum status workshop_list_sources(struct workshop *workshop, struct diag *diag)
{
    struct arena *arena = workshop->arena;
    const char *startup = workshop->firmware->target->core->startup;
    const char *common = arena_printf(arena, "%s/common", workshop->board);
    const char *processor = arena_printf(arena, "%s/%s", workshop->board, startup);
    add_source(workshop, GROUP_GENERATED, arena_printf(arena, "%s/firmware.c", workshop->folder));
    add_folder(workshop, GROUP_BOARD, common, 0);
    size_t n = workshop->n_sources;
    add_folder(workshop, GROUP_BOARD, processor, 0);
    if (n == 1 || n == workshop->n_sources)
        return fail(diag, ERR_IO, "%s: the board support is not there", workshop->board);
    n = workshop->n_sources;
    add_folder(workshop, GROUP_MODEL, arena_printf(arena, "%s/src", workshop->library), 0);
    if (n == workshop->n_sources)
        return fail(diag, ERR_INPUT, "%s: no library of dtmm: it has no src/*.c",
                    workshop->library);
    add_folder(workshop, GROUP_RUNTIME, arena_printf(arena, "%s/runtime", workshop->library),
               DEEPEST_FOLDER);
    add_folder(workshop, GROUP_RUNTIME, arena_printf(arena, "%s/library", processor), 0);
    return OK;
}
