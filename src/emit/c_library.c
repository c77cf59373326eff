/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/file.h"
#include "emit/emit.h"
#include "emit/library.h"
#include "emit/runtime_files.h"

/* include/<model>.h would be found in place of a header of the same name. */
static enum status check_name(const char *model, struct diag *diag)
{
    static const char *const headers[] = {
        "assert",  "complex", "ctype",  "errno",  "fenv",   "float",       "inttypes", "iso646",
        "limits",  "locale",  "math",   "setjmp", "signal", "stdalign",    "stdarg",   "stdatomic",
        "stdbool", "stddef",  "stdint", "stdio",  "stdlib", "stdnoreturn", "string",   "tgmath",
        "threads", "time",    "uchar",  "wchar",  "wctype",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (strcmp(model, headers[i]) == 0)
            return fail(diag, ERR_USAGE,
                        "the model '%s' would hide the C header <%s.h>; rename the model's file",
                        model, model);
    return OK;
}

static enum status write_text(const char *folder, const char *path, const struct text *text,
                              struct diag *diag)
{
    return file_write(arena_printf(text->arena, "%s/%s", folder, path), text->data, text->length,
                      diag);
}

static enum status write_runtime(const struct library *library, const struct runtime_file *files,
                                 const char *folder, struct diag *diag)
{
    struct arena *arena = library->arena;
    for (size_t i = 0; i < library->n_runtime_files; i++) {
        char *path = arena_printf(arena, "%s/runtime/%s", folder, files[i].path);
        char *parent = arena_string(arena, path);
        *strrchr(parent, '/') = '\0';
        TRY(folder_make(parent, diag));
        TRY(file_write(path, files[i].data, files[i].size, diag));
    }
    return OK;
}

static enum status write_library(struct library *library, const char *runtime_folder,
                                 const char *folder, struct diag *diag)
{
    struct arena *arena = library->arena;
    struct runtime_file *files;
    TRY(check_name(library->graph->name, diag));
    TRY(runtime_files_find(library->packed, runtime_folder, arena, &files,
                           &library->n_runtime_files, diag));
    library->runtime_files = ARENA_ARRAY(arena, library->n_runtime_files, const char *);
    for (size_t i = 0; i < library->n_runtime_files; i++)
        library->runtime_files[i] = files[i].path;
    library_prepare(library);

    struct text header = text_start(arena), source = text_start(arena);
    struct text cmake = text_start(arena), readme = text_start(arena);
    library_header(library, &header);
    library_source(library, &source);
    library_cmake(library, &cmake);
    library_readme(library, &readme);

    TRY(folder_make(arena_printf(arena, "%s/include", folder), diag));
    TRY(folder_make(arena_printf(arena, "%s/src", folder), diag));
    TRY(write_text(folder, arena_printf(arena, "include/%s.h", library->model), &header, diag));
    TRY(write_text(folder, arena_printf(arena, "src/%s.c", library->model), &source, diag));
    TRY(write_text(folder, "CMakeLists.txt", &cmake, diag));
    TRY(write_text(folder, "README.md", &readme, diag));
    return write_runtime(library, files, folder, diag);
}

enum status emit_c_library(const struct graph *graph, const struct packed *packed,
                           const struct layout *layout, const struct target *target,
                           const char *runtime_folder, const char *folder, struct diag *diag)
{
    struct arena arena = {0};
    struct library library = {
        .arena = &arena, .graph = graph, .packed = packed, .layout = layout, .target = target};
    enum status status = write_library(&library, runtime_folder, folder, diag);
    arena_free(&arena);
    return status;
}
