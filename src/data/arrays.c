/* SPDX-License-Identifier: Apache-2.0 */
/* Samples with labels or targets from .npy files. */
#include "data/arrays.h"

#include <math.h>
#include <string.h>

#include "data/npy.h"

/* ---- labels and targets ---- */

static enum status column_check(struct reader *reader, const struct npy *y, int32_t column)
{
    if (column < y->row_elements)
        return OK;
    return fail(reader->diag, ERR_INPUT, "%s: there is no column %d; the columns are 0 to %d",
                y->path, column, (int)y->row_elements - 1);
}

/* Whether a row is test data by the column that tells; without one none is. */
static int is_test_row(const struct arrays *arrays, const struct npy *y, int32_t row)
{
    if (arrays->test_column < 0)
        return 0;
    double value = npy_value(y, row * y->row_elements + arrays->test_column);
    return value >= arrays->test_low && value <= arrays->test_high;
}

/* Whether a row is of the part that is read. Without the column all rows are. */
static int is_wanted(const struct reader *reader, const struct arrays *arrays, const struct npy *y,
                     int32_t row)
{
    return arrays->test_column < 0 || is_test_row(arrays, y, row) == (reader->part == DATASET_TEST);
}

static enum status label_at(struct reader *reader, const struct npy *y, int32_t column, int32_t row,
                            int32_t *label)
{
    double value = npy_value(y, row * y->row_elements + column);
    if (!(fabs(value) < 9e15) || value != floor(value))
        return fail(reader->diag, ERR_INPUT,
                    "%s: row %d has the label %g; labels are whole numbers", y->path, row, value);
    TRY(reader_label(reader, y->path, row, (int64_t)value));
    *label = (int32_t)value;
    return OK;
}

/* The classes of the rows that are, or are not, test data. */
static enum status count_classes(struct reader *reader, const struct arrays *arrays,
                                 const struct npy *y, int32_t column, int of_test,
                                 struct dataset *dataset)
{
    for (int32_t i = 0; i < y->dims[0]; i++) {
        int32_t label;
        if (is_test_row(arrays, y, i) != of_test)
            continue;
        TRY(label_at(reader, y, column, i, &label));
        if (label >= dataset->n_classes)
            dataset->n_classes = label + 1;
    }
    return OK;
}

/* Training rows tell the classes, in Y or in a file of their own; where there are none, test rows
 * do. */
static enum status find_classes(struct reader *reader, const struct arrays *arrays,
                                const struct npy *y, int32_t column, struct dataset *dataset)
{
    struct npy train = *y;
    if (arrays->y_train != NULL)
        TRY(npy_read(reader, arrays->y_train, reader->scratch, &train));
    if (train.row_elements != y->row_elements)
        return fail(reader->diag, ERR_INPUT, "%s: has %d columns but %s has %d", train.path,
                    (int)train.row_elements, y->path, (int)y->row_elements);
    TRY(count_classes(reader, arrays, &train, column, 0, dataset));
    if (dataset->n_classes == 0 && reader->part == DATASET_TEST)
        TRY(count_classes(reader, arrays, y, column, 1, dataset));
    return OK;
}

/* One column of whole numbers, as labels of the rows that are wanted. */
static enum status read_labels(struct reader *reader, const struct arrays *arrays,
                               const struct npy *y, struct dataset *dataset)
{
    int32_t *labels = ARENA_ARRAY(reader->arena, (size_t)y->dims[0], int32_t);
    int32_t column = arrays->label_column < 0 ? 0 : arrays->label_column;
    TRY(column_check(reader, y, column));
    if (arrays->test_column >= 0)
        TRY(column_check(reader, y, arrays->test_column));
    TRY(find_classes(reader, arrays, y, column, dataset));
    for (int32_t i = 0; i < y->dims[0]; i++) {
        if (!is_wanted(reader, arrays, y, i))
            continue;
        TRY(label_at(reader, y, column, i, &labels[i]));
        TRY(reader_test_label(reader, y->path, i, labels[i], dataset->n_classes));
    }
    dataset->labels = labels;
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
    return read_labels(reader, arrays, y, dataset);
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
    size_t bytes = sample_bytes(dataset);
    char *samples = (char *)(uintptr_t)dataset->samples;
    int32_t *labels = (int32_t *)(uintptr_t)dataset->labels, n = 0;
    for (int32_t i = 0; i < dataset->n_samples; i++) {
        if (!is_wanted(reader, arrays, y, i))
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

enum status arrays_read(struct reader *reader, const struct arrays *arrays, struct dataset *dataset)
{
    struct npy y;
    dataset->format = "NumPy arrays";
    TRY(read_x(reader, arrays->x, dataset));
    if (arrays->y == NULL)
        return OK;
    TRY(read_y(reader, arrays, &y, dataset));
    return arrays->test_column < 0 ? OK : keep_part(reader, arrays, &y, dataset);
}
