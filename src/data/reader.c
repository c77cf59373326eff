/* SPDX-License-Identifier: Apache-2.0 */
#include "data/reader.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

const char *reader_part_name(const struct reader *reader)
{
    return reader->part == DATASET_TRAIN ? "train" : "test";
}

const char *reader_find(struct reader *reader, const char *folder, const char *name)
{
    static const char *const ENDINGS[] = {"", ".gz", ".xz"};
    for (int i = 0; i < 3; i++) {
        struct stat facts;
        const char *path = arena_printf(reader->scratch, "%s/%s%s", folder, name, ENDINGS[i]);
        if (stat(path, &facts) == 0 && S_ISREG(facts.st_mode))
            return path;
    }
    return NULL;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum status reader_list(struct reader *reader, const char *folder, struct listing *listing)
{
    DIR *handle = opendir(folder);
    if (handle == NULL)
        return fail(reader->diag, ERR_IO, "%s: cannot open the folder: %s", folder,
                    strerror(errno));
    *listing = (struct listing){0};
    int32_t room = 0;
    struct dirent *entry;
    while ((entry = readdir(handle)) != NULL && listing->n < INT32_MAX / 2) {
        if (entry->d_name[0] == '.')
            continue;
        if (listing->n == room) {
            room = room > 0 ? 2 * room : 64;
            const char **more = ARENA_ARRAY(reader->scratch, (size_t)room, const char *);
            if (listing->n > 0)
                memcpy(more, listing->names, (size_t)listing->n * sizeof *more);
            listing->names = more;
        }
        listing->names[listing->n++] = arena_string(reader->scratch, entry->d_name);
    }
    closedir(handle);
    if (listing->n > 0)
        qsort(listing->names, (size_t)listing->n, sizeof *listing->names, compare_names);
    return OK;
}

static int ends_exactly(const char *name, size_t length, const char *ending)
{
    size_t n = strlen(ending);
    return length > n && memcmp(name + length - n, ending, n) == 0;
}

int name_ends(const char *name, const char *ending)
{
    size_t length = strlen(name);
    if (ends_exactly(name, length, ".gz") || ends_exactly(name, length, ".xz"))
        length -= 3;
    return ends_exactly(name, length, ending);
}

enum status reader_no_part(struct reader *reader, const char *folder, const char *files)
{
    return fail(reader->diag, ERR_INPUT, "%s: has no %s data; that would be %s", folder,
                reader_part_name(reader), files);
}

enum status reader_claim(struct reader *reader, const char *path, uint64_t bytes)
{
    if (bytes > reader->room)
        return fail(reader->diag, ERR_INPUT,
                    "%s: unpacks to more than %" PRIu64 " MiB; give a part of the data", path,
                    DATASET_BYTES_MAX >> 20);
    reader->room -= bytes;
    return OK;
}

enum status reader_label(struct reader *reader, const char *path, int64_t row, int64_t label)
{
    if (label < 0 || label >= DATASET_CLASSES_MAX)
        return fail(reader->diag, ERR_INPUT,
                    "%s: sample %" PRId64 " has the label %" PRId64
                    "; labels are numbers from 0 to %d",
                    path, row, label, DATASET_CLASSES_MAX - 1);
    return OK;
}

enum status reader_test_label(struct reader *reader, const char *path, int64_t row, int64_t label,
                              int32_t n_classes)
{
    if (label < n_classes)
        return OK;
    return fail(reader->diag, ERR_INPUT,
                "%s: sample %" PRId64 " has the label %" PRId64
                ", the training samples only 0 to %d",
                path, row, label, n_classes - 1);
}

enum status reader_class_names(struct reader *reader, const char *folder, const char *file,
                               struct dataset *dataset)
{
    struct stat facts;
    const char *path = arena_printf(reader->scratch, "%s/%s", folder, file);
    if (stat(path, &facts) != 0 || !S_ISREG(facts.st_mode))
        return OK;
    struct file text;
    TRY(file_read(path, reader->scratch, &text, reader->diag));
    const char **names = ARENA_ARRAY(reader->arena, (size_t)dataset->n_classes, const char *);
    int32_t n = 0;
    for (char *line = strtok((char *)text.data, "\r\n"); line != NULL; line = strtok(NULL, "\r\n"))
        if (n++ < dataset->n_classes)
            names[n - 1] = arena_string(reader->arena, line);
    if (n != dataset->n_classes)
        return fail(reader->diag, ERR_INPUT, "%s: names %d classes but the labels tell %d apart",
                    path, n, dataset->n_classes);
    dataset->class_names = names;
    return OK;
}
