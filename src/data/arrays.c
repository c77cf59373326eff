/* SPDX-License-Identifier: Apache-2.0 */
/* Samples and labels in .npy files: told by their names in a folder, or named one by one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/npy.h"
#include "data/reader.h"

/* One part of a dataset, or all of it. */
struct arrays {
    const char *x, *y;    /* y: NULL when unlabeled */
    const char *y_other;  /* of the other part, or NULL: its labels count for the classes */
    int32_t label_column; /* -1: y has one column */
    int32_t test_column;  /* -1: no column tells the part */
    double test_low, test_high;
};

/* ---- labels and targets ---- */

static enum status column_check(struct reader *reader, const struct npy *y, int32_t column)
{
    if (column < y->row_elements)
        return OK;
    return fail(reader->diag, ERR_INPUT, "%s: there is no column %d; the columns are 0 to %d",
                y->path, column, (int)y->row_elements - 1);
}

/* One column of whole numbers, as labels of all rows. */
static enum status label_column(struct reader *reader, const struct npy *y, int32_t column,
                                struct dataset *dataset, int32_t *labels)
{
    TRY(column_check(reader, y, column));
    for (int32_t i = 0; i < y->dims[0]; i++) {
        double value = npy_value(y, i * y->row_elements + column);
        if (!(fabs(value) < 9e15) || value != floor(value))
            return fail(reader->diag, ERR_INPUT,
                        "%s: row %d has the label %g; labels are whole numbers", y->path, i, value);
        TRY(reader_label(reader, y->path, i, (int64_t)value));
        if (value >= dataset->n_classes)
            dataset->n_classes = (int32_t)value + 1;
        if (labels != NULL)
            labels[i] = (int32_t)value;
    }
    return OK;
}

static enum status read_targets(struct reader *reader, const struct npy *y, struct dataset *dataset)
{
    int64_t n = y->dims[0] * y->row_elements;
    float *targets = ARENA_ARRAY(reader->arena, (size_t)n, float);
    for (int64_t i = 0; i < n; i++) {
        targets[i] = (float)npy_value(y, i);
        if (!isfinite(targets[i]))
            return fail(reader->diag, ERR_INPUT, "%s: row %d has a target that is not finite",
                        y->path, (int)(i / y->row_elements));
    }
    dataset->n_targets = (int32_t)y->row_elements;
    dataset->targets = targets;
    return OK;
}

/* Whole numbers are labels; real numbers are targets, unless a column is named. */
static enum status read_y(struct reader *reader, const struct arrays *arrays, struct npy *y,
                          struct dataset *dataset)
{
    TRY(npy_read(reader, arrays->y, reader->scratch, y));
    if (y->dims[0] != dataset->n_samples)
        return fail(reader->diag, ERR_INPUT, "%s: has %d rows for the %d samples of %s", arrays->y,
                    y->dims[0], dataset->n_samples, arrays->x);
    if (npy_is_float(y) && arrays->label_column < 0)
        return read_targets(reader, y, dataset);
    if (arrays->label_column < 0 && y->row_elements > 1)
        return fail(reader->diag, ERR_INPUT,
                    "%s: has %d columns; say which is the class, as in %s,%s:label=0", arrays->y,
                    (int)y->row_elements, arrays->x, arrays->y);
    int32_t *labels = ARENA_ARRAY(reader->arena, (size_t)y->dims[0], int32_t);
    int32_t column = arrays->label_column < 0 ? 0 : arrays->label_column;
    TRY(label_column(reader, y, column, dataset, labels));
    dataset->labels = labels;
    if (arrays->y_other == NULL)
        return OK;
    struct npy other;
    TRY(npy_read(reader, arrays->y_other, reader->scratch, &other));
    return label_column(reader, &other, column, dataset, NULL);
}

/* ---- samples ---- */

/* Types that a dataset does not store become float. */
static enum status store_samples(struct reader *reader, const struct npy *x,
                                 struct dataset *dataset)
{
    int64_t n = x->dims[0] * x->row_elements;
    dataset->samples = x->data;
    dataset->type = x->type == NPY_I8 ? SAMPLE_S8 : SAMPLE_U8;
    if (x->type == NPY_I8 || x->type == NPY_U8 || x->type == NPY_BOOL)
        return OK;
    float *values = x->data;
    if (npy_bytes(x) < sizeof(float))
        values = ARENA_ARRAY(reader->arena, (size_t)n, float);
    for (int64_t i = 0; i < n; i++) {
        float value = (float)npy_value(x, i);
        if (!isfinite(value))
            return fail(reader->diag, ERR_INPUT, "%s: sample %d has a value that is not finite",
                        x->path, (int)(i / x->row_elements));
        memcpy(values + i, &value, sizeof value); /* over what was read already */
    }
    dataset->type = SAMPLE_F32;
    dataset->samples = values;
    return OK;
}

static enum status read_x(struct reader *reader, const char *path, struct dataset *dataset)
{
    struct npy x;
    TRY(npy_read(reader, path, reader->arena, &x));
    const int32_t *dims = x.dims;
    switch (x.rank) {
    case 1:
        dataset->shape = (struct shape){2, {1, 1}};
        break;
    case 2:
        dataset->shape = (struct shape){2, {1, dims[1]}};
        break;
    case 3:
        dataset->shape = (struct shape){4, {1, dims[1], dims[2], 1}};
        break;
    case 4:
        dataset->shape = (struct shape){4, {1, dims[1], dims[2], dims[3]}};
        break;
    default:
        return fail(reader->diag, ERR_UNSUPPORTED,
                    "%s: samples have %d dimensions; at most 3 (height, width, channels) are read",
                    path, x.rank - 1);
    }
    dataset->n_samples = dims[0];
    return store_samples(reader, &x, dataset);
}

/* ---- which rows ---- */

static size_t sample_bytes(const struct dataset *dataset)
{
    return (size_t)shape_elements(&dataset->shape) *
           (dataset->type == SAMPLE_F32 ? sizeof(float) : 1);
}

/* Keeps the rows of the part, as the column tells. */
static enum status keep_part(struct reader *reader, const struct arrays *arrays,
                             const struct npy *y, struct dataset *dataset)
{
    TRY(column_check(reader, y, arrays->test_column));
    size_t bytes = sample_bytes(dataset);
    char *samples = (char *)(uintptr_t)dataset->samples;
    int32_t *labels = (int32_t *)(uintptr_t)dataset->labels, n = 0;
    for (int32_t i = 0; i < dataset->n_samples; i++) {
        double value = npy_value(y, i * y->row_elements + arrays->test_column);
        int is_test = value >= arrays->test_low && value <= arrays->test_high;
        if (is_test != (reader->part == DATASET_TEST))
            continue;
        memmove(samples + (size_t)n * bytes, samples + (size_t)i * bytes, bytes);
        labels[n++] = labels[i];
    }
    if (n == 0)
        return fail(reader->diag, ERR_INPUT, "%s: column %d leaves no %s data", y->path,
                    arrays->test_column, reader_part_name(reader));
    dataset->n_samples = n;
    return OK;
}

static enum status read_arrays(struct reader *reader, const struct arrays *arrays,
                               struct dataset *dataset)
{
    struct npy y;
    dataset->format = "NumPy arrays";
    TRY(read_x(reader, arrays->x, dataset));
    if (arrays->y == NULL)
        return OK;
    TRY(read_y(reader, arrays, &y, dataset));
    return arrays->test_column < 0 ? OK : keep_part(reader, arrays, &y, dataset);
}

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

static enum status lone_refused(struct reader *reader, const char *folder)
{
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
        arrays.y_other = is_train ? y_test : y_train;
        if (arrays.x == NULL)
            return reader_no_part(reader, folder, is_train ? "x_train.npy" : "x_test.npy");
        return read_arrays(reader, &arrays, dataset);
    }
    TRY(find_lone(reader, folder, &arrays, &n_other));
    if (n_other > 0 || arrays.x == NULL || arrays.y == NULL)
        return lone_refused(reader, folder);
    if (is_train)
        return fail(reader->diag, ERR_INPUT,
                    "%s: is test data, which training must not see; training data has the names "
                    "x_train.npy and y_train.npy",
                    folder);
    return read_arrays(reader, &arrays, dataset);
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
    return read_arrays(reader, &arrays, dataset);
}
