/* SPDX-License-Identifier: Apache-2.0 */
#include "emit/runtime_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { MAX_FILES = 2 * N_KERNELS + 64 };

struct finding {
    const char *folder;
    struct arena *arena;
    struct runtime_file *files;
    size_t n;
    struct diag *diag;
};

static enum status add_file(struct finding *finding, const char *path)
{
    for (size_t i = 0; i < finding->n; i++)
        if (strcmp(finding->files[i].path, path) == 0)
            return OK;
    if (finding->n == MAX_FILES)
        return fail(finding->diag, ERR_INPUT, "%s: includes too many files", finding->folder);
    struct file file;
    TRY(file_read(arena_printf(finding->arena, "%s/%s", finding->folder, path), finding->arena,
                  &file, finding->diag));
    finding->files[finding->n++] = (struct runtime_file){path, file.data, file.size};
    return OK;
}

/* The path of `included`, which is relative to the folder of `from`, relative to runtime/. */
static enum status resolve(struct finding *finding, const char *from, const char *included,
                           const char **path)
{
    char *folder = arena_string(finding->arena, from);
    char *slash = strrchr(folder, '/');
    folder[slash == NULL ? 0 : slash - folder] = '\0';
    for (; strncmp(included, "../", 3) == 0; included += 3) {
        if (folder[0] == '\0')
            return fail(finding->diag, ERR_INPUT, "%s/%s: includes a file outside of the runtime",
                        finding->folder, from);
        slash = strrchr(folder, '/');
        folder[slash == NULL ? 0 : slash - folder] = '\0';
    }
    *path = arena_printf(finding->arena, "%s%s%s", folder, folder[0] == '\0' ? "" : "/", included);
    return OK;
}

/* Adds what the `#include "..."` lines of a file name. */
static enum status follow_includes(struct finding *finding, const struct runtime_file *file)
{
    static const char directive[] = "#include \"";
    const char *line = file->data;
    while (line != NULL && *line != '\0') {
        if (*line == '\n')
            line++;
        const char *name = line + sizeof directive - 1;
        if (strncmp(line, directive, sizeof directive - 1) == 0 && strchr(name, '"') != NULL) {
            char *included = arena_string(finding->arena, name);
            *strchr(included, '"') = '\0';
            const char *path = NULL;
            TRY(resolve(finding, file->path, included, &path));
            TRY(add_file(finding, path));
        }
        line = strchr(line, '\n');
    }
    return OK;
}

static int compare_paths(const void *left, const void *right)
{
    const struct runtime_file *a = left, *b = right;
    return strcmp(a->path, b->path);
}

enum status runtime_files_find(const struct packed *packed, const char *runtime_folder,
                               struct arena *arena, struct runtime_file **files, size_t *n,
                               struct diag *diag)
{
    struct finding finding = {.folder = runtime_folder,
                              .arena = arena,
                              .files = ARENA_ARRAY(arena, MAX_FILES, struct runtime_file),
                              .diag = diag};
    TRY(add_file(&finding, "dtmm.h"));
    for (int32_t c = 0; c < packed->n_calls; c++) {
        const struct kernel_facts *facts = kernel_facts(packed->calls[c].kernel);
        TRY(add_file(&finding, arena_printf(arena, "%s/%s.c", facts->isa, facts->name)));
    }
    for (size_t i = 0; i < finding.n; i++)
        TRY(follow_includes(&finding, &finding.files[i]));
    qsort(finding.files, finding.n, sizeof *finding.files, compare_paths);
    *files = finding.files;
    *n = finding.n;
    return OK;
}
