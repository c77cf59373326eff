/* SPDX-License-Identifier: Apache-2.0 */
/* Finds .npy files by their names in a folder, or as the user names them one by one. */
#include <stdlib.h>
#include <string.h>

#include "data/arrays.h"

/* ---- a folder ---- */

/* The arrays of a folder that do not say of which part they are: the only one, besides y or y_*. */
static enum status find_lone(struct reader *reader, const char *folder, struct arrays *arrays,
                             int *n_other)
{
    struct listing listing;
    TRY(reader_list(reader, folder, &listing));
    *n_other = 0;
    for (int32_t i = 0; i < listing.n; i++) {
        const char *name = listing.names[i];
        if (!name_ends(name, ".npy"))
            continue;
        const char *path = arena_printf(reader->scratch, "%s/%s", folder, name);
        if (name[0] == 'y' && (name[1] == '_' || name[1] == '.')) {
            *n_other += arrays->y != NULL;
            arrays->y = path;
        } else {
            *n_other += arrays->x != NULL;
            arrays->x = path;
        }
    }
    return OK;
}

int arrays_found(struct reader *reader, const char *folder)
{
    struct listing listing;
    if (reader_list(reader, folder, &listing) != OK)
        return 0;
    for (int32_t i = 0; i < listing.n; i++)
        if (name_ends(listing.names[i], ".npy"))
            return 1;
    return 0;
}

/* Why the arrays of a folder are not read without being named. */
static enum status lone_refused(struct reader *reader, const char *folder,
                                const struct arrays *arrays, int n_other)
{
    if (n_other == 0 && arrays->y == NULL)
        return fail(reader->diag, ERR_INPUT,
                    "%s: has no labels (y.npy); to read unlabeled samples, name the file %s itself",
                    folder, arrays->x);
    if (n_other == 0)
        return fail(reader->diag, ERR_INPUT, "%s: has no samples beside the labels in %s", folder,
                    arrays->y);
    return fail(reader->diag, ERR_INPUT,
                "%s: has several arrays; name the files and what their columns are, as in "
                "%s/x.npy,y.npy:label=0",
                folder, folder);
}

enum status arrays_read_folder(struct reader *reader, const char *folder, struct dataset *dataset)
{
    int is_train = reader->part == DATASET_TRAIN, n_other;
    const char *x_train = reader_find(reader, folder, "x_train.npy");
    const char *y_train = reader_find(reader, folder, "y_train.npy");
    const char *x_test = reader_find(reader, folder, "x_test.npy");
    const char *y_test = reader_find(reader, folder, "y_test.npy");
    struct arrays arrays = {.label_column = -1, .test_column = -1};
    if (x_train != NULL || x_test != NULL) {
        arrays.x = is_train ? x_train : x_test;
        arrays.y = is_train ? y_train : y_test;
        arrays.y_train = is_train ? NULL : y_train;
        if (arrays.x == NULL)
            return reader_no_part(reader, folder, is_train ? "x_train.npy" : "x_test.npy");
        return arrays_read(reader, &arrays, dataset);
    }
    TRY(find_lone(reader, folder, &arrays, &n_other));
    if (n_other > 0 || arrays.x == NULL || arrays.y == NULL)
        return lone_refused(reader, folder, &arrays, n_other);
    if (is_train)
        return fail(reader->diag, ERR_INPUT,
                    "%s: is test data, which training must not see; training data has the names "
                    "x_train.npy and y_train.npy",
                    folder);
    return arrays_read(reader, &arrays, dataset);
}

/* ---- files named one by one: X[,Y[:label=COLUMN][:test=COLUMN=LOW[-HIGH]]] ---- */

static enum status option_refused(struct reader *reader, const char *option)
{
    return fail(reader->diag, ERR_USAGE,
                "%s: '%s' is not understood; files are named as X.npy,Y.npy, with :label=COLUMN "
                "and :test=COLUMN=LOW-HIGH behind",
                reader->path, option);
}

/* A number, and what stands behind it. */
static int parse_number(const char **text, int32_t *number)
{
    char *end;
    long value = strtol(*text, &end, 10);
    if (**text < '0' || **text > '9' || value > INT32_MAX)
        return 0;
    *number = (int32_t)value;
    *text = end;
    return 1;
}

static int parse_option(const char *option, struct arrays *arrays)
{
    int32_t low, high;
    if (strncmp(option, "label=", 6) == 0) {
        const char *at = option + 6;
        return parse_number(&at, &arrays->label_column) && *at == '\0';
    }
    if (strncmp(option, "test=", 5) != 0)
        return 0;
    const char *at = option + 5;
    if (!parse_number(&at, &arrays->test_column) || *at++ != '=' || !parse_number(&at, &low))
        return 0;
    high = low;
    if (*at == '-' && (at++, !parse_number(&at, &high)))
        return 0;
    arrays->test_low = low;
    arrays->test_high = high;
    return *at == '\0' && low <= high;
}

/* Y without a folder lies beside X. */
static const char *beside(struct reader *reader, const char *x, const char *y)
{
    const char *slash = strrchr(x, '/');
    if (slash == NULL || strchr(y, '/') != NULL)
        return y;
    return arena_printf(reader->scratch, "%.*s/%s", (int)(slash - x), x, y);
}

enum status arrays_read_files(struct reader *reader, const char *files, struct dataset *dataset)
{
    struct arrays arrays = {.label_column = -1, .test_column = -1};
    char *x = arena_string(reader->scratch, files), *y = strchr(x, ',');
    arrays.x = x;
    if (y != NULL) {
        *y++ = '\0';
        char *next = strstr(y, ":label="), *test = strstr(y, ":test=");
        if (next == NULL || (test != NULL && test < next))
            next = test;
        while (next != NULL) {
            *next++ = '\0';
            char *option = next;
            next = strchr(option, ':');
            if (next != NULL)
                *next = '\0';
            if (!parse_option(option, &arrays))
                return option_refused(reader, option);
        }
        arrays.y = beside(reader, x, y);
    }
    if (arrays.test_column >= 0 && arrays.label_column < 0)
        return fail(reader->diag, ERR_USAGE, "%s: :test= needs :label= too", reader->path);
    return arrays_read(reader, &arrays, dataset);
}
