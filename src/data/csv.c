/* SPDX-License-Identifier: Apache-2.0 */
/* Time series as comma-separated values: a line a sample, with its class. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/reader.h"
#include "data/stream.h"

struct csv {
    const char *path;
    char *rest; /* the text that is still to be read */
    size_t text_bytes;
    int32_t line;    /* from 1, of the line that is read */
    int32_t columns; /* with the label */
    int32_t label_column;
    int32_t n_rows;
    float *values; /* n_rows * (columns - 1) */
    const char **labels;
};

/* ---- lines and fields ---- */

/* The next line that is not blank, or NULL. */
static char *next_line(struct csv *csv)
{
    while (*csv->rest != '\0') {
        char *line = csv->rest;
        size_t length = strcspn(line, "\n");
        csv->rest += length + (line[length] == '\n');
        csv->line++;
        line[length] = '\0';
        while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == ' '))
            line[--length] = '\0';
        if (length > 0)
            return line;
    }
    return NULL;
}

/* Unquotes in place: "a ""b""" is a "b". Gives what stands behind the closing quote. */
static char *unquote(char *field)
{
    char *to = field, *from = field + 1;
    while (*from != '\0' && (from[0] != '"' || from[1] == '"')) {
        from += *from == '"';
        *to++ = *from++;
    }
    from += *from == '"';
    *to = '\0';
    return from;
}

/* Takes a field off the line, which becomes NULL behind the last. */
static char *next_field(char **line)
{
    char *field = *line + strspn(*line, " \t");
    char *end = field;
    if (*field == '"')
        end = unquote(field);
    size_t length = strcspn(end, ",");
    *line = end[length] == ',' ? end + length + 1 : NULL;
    if (end == field) {
        while (length > 0 && (end[length - 1] == ' ' || end[length - 1] == '\t'))
            length--;
        end[length] = '\0';
    }
    return field;
}

static int parse_value(const char *field, double *value)
{
    char *end;
    *value = strtod(field, &end);
    return end != field && *end == '\0' && isfinite(*value);
}

/* ---- one file ---- */

/* Counts the columns and tells a header from data: it has a field `label`, or a field before the
 * last that is no number. `row` is the line when it is data, or NULL. */
static enum status read_first_line(struct reader *reader, struct csv *csv, char **row)
{
    int has_header = 0;
    *row = next_line(csv);
    if (*row == NULL)
        return fail(reader->diag, ERR_INPUT, "%s: is empty", csv->path);
    char *line = arena_string(reader->scratch, *row);
    csv->label_column = -1;
    while (line != NULL) {
        double value;
        const char *field = next_field(&line);
        if (strcasecmp(field, "label") == 0)
            csv->label_column = csv->columns;
        has_header |= csv->label_column >= 0 || (line != NULL && !parse_value(field, &value));
        csv->columns++;
    }
    if (csv->columns < 2)
        return fail(reader->diag, ERR_INPUT,
                    "%s: line %d has one column; values and a class are separated by commas",
                    csv->path, csv->line);
    if (csv->label_column < 0)
        csv->label_column = csv->columns - 1;
    if (has_header)
        *row = NULL;
    return OK;
}

static enum status read_row(struct reader *reader, char *line, struct csv *csv)
{
    float *values = csv->values + (size_t)csv->n_rows * (size_t)(csv->columns - 1);
    int32_t column = 0;
    for (; line != NULL && column < csv->columns; column++) {
        char *field = next_field(&line);
        double value = 0;
        if (*field == '\0')
            return fail(reader->diag, ERR_INPUT, "%s: line %d: column %d is empty", csv->path,
                        csv->line, column + 1);
        if (column == csv->label_column) {
            csv->labels[csv->n_rows] = field;
            continue;
        }
        if (!parse_value(field, &value) || !isfinite((float)value))
            return fail(reader->diag, ERR_INPUT, "%s: line %d: column %d is '%.40s', not a number",
                        csv->path, csv->line, column + 1, field);
        *values++ = (float)value;
    }
    if (line != NULL || column < csv->columns)
        return fail(reader->diag, ERR_INPUT, "%s: line %d has %s than the %d columns of the first",
                    csv->path, csv->line, line != NULL ? "more" : "fewer", csv->columns);
    csv->n_rows++;
    return OK;
}

/* The numbers are kept in `arena`. */
static enum status read_file(struct reader *reader, const char *path, struct arena *arena,
                             struct csv *csv)
{
    char *text, *first;
    TRY(stream_text(reader, path, &text));
    *csv = (struct csv){.path = path, .rest = text, .text_bytes = strlen(text)};
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* the mark of UTF-8 */
        csv->rest += 3;
    TRY(read_first_line(reader, csv, &first));
    /* A field takes two bytes at least, so that no file has more rows than this. */
    size_t rows = (csv->text_bytes + 1) / (2 * (size_t)csv->columns) + 1;
    csv->values = ARENA_ARRAY(arena, rows * (size_t)(csv->columns - 1), float);
    csv->labels = ARENA_ARRAY(reader->scratch, rows, const char *);
    if (first != NULL)
        TRY(read_row(reader, first, csv));
    for (char *line = next_line(csv); line != NULL; line = next_line(csv))
        TRY(read_row(reader, line, csv));
    if (csv->n_rows == 0)
        return fail(reader->diag, ERR_INPUT, "%s: has a header but no data", path);
    return OK;
}

/* ---- classes ---- */

static int is_whole(const char *label)
{
    double value;
    return parse_value(label, &value) && value >= 0 && value == floor(value);
}

static enum status number_at(struct reader *reader, const struct csv *csv, int32_t row,
                             int32_t *label)
{
    double value = strtod(csv->labels[row], NULL);
    TRY(reader_label(reader, csv->path, row, value < 1e9 ? (int64_t)value : INT32_MAX));
    *label = (int32_t)value;
    return OK;
}

/* Of test data, the labels in `train` tell how many classes there are. */
static enum status number_classes(struct reader *reader, const struct csv *csv,
                                  const struct csv *train, struct dataset *dataset, int32_t *labels)
{
    for (int32_t i = 0; i < train->n_rows; i++) {
        int32_t label;
        TRY(number_at(reader, train, i, &label));
        if (label >= dataset->n_classes)
            dataset->n_classes = label + 1;
    }
    for (int32_t i = 0; i < csv->n_rows; i++) {
        TRY(number_at(reader, csv, i, &labels[i]));
        TRY(reader_test_label(reader, csv->path, i, labels[i], dataset->n_classes));
    }
    return OK;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int32_t name_find(const char *const *names, size_t n, const char *name)
{
    const char *const *found = bsearch(&name, names, n, sizeof *names, compare_strings);
    return found != NULL ? (int32_t)(found - names) : -1;
}

/* Names in bytewise order are the classes 0, 1, ... Of test data, `train` has the names. */
static enum status name_classes(struct reader *reader, const struct csv *csv,
                                const struct csv *train, struct dataset *dataset, int32_t *labels)
{
    size_t n = (size_t)train->n_rows, n_names = 1;
    const char **names = arena_copy(reader->scratch, train->labels, n * sizeof *names);
    qsort(names, n, sizeof *names, compare_strings);
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i], names[n_names - 1]) != 0)
            names[n_names++] = names[i];
    if (n_names > DATASET_CLASSES_MAX)
        return fail(reader->diag, ERR_INPUT,
                    "%s: has %zu different labels, too many for classes (at most %d)", train->path,
                    n_names, DATASET_CLASSES_MAX);
    for (int32_t i = 0; i < csv->n_rows; i++) {
        labels[i] = name_find(names, n_names, csv->labels[i]);
        if (labels[i] < 0)
            return fail(reader->diag, ERR_INPUT,
                        "%s: sample %d has the label '%.40s', which no training sample has",
                        csv->path, i, csv->labels[i]);
    }
    for (size_t i = 0; i < n_names; i++)
        names[i] = arena_string(reader->arena, names[i]);
    dataset->n_classes = (int32_t)n_names;
    dataset->class_names = arena_copy(reader->arena, names, n_names * sizeof *names);
    return OK;
}

/* Whether all labels of a file are whole numbers. A fraction is no class at all. */
static enum status look_at_labels(struct reader *reader, const struct csv *csv, int *whole)
{
    for (int32_t i = 0; i < csv->n_rows; i++) {
        double value;
        *whole &= is_whole(csv->labels[i]);
        if (parse_value(csv->labels[i], &value) && value != floor(value))
            return fail(reader->diag, ERR_INPUT,
                        "%s: the label %.40s is not a class; numbers to be predicted are read "
                        "from .npy files",
                        csv->path, csv->labels[i]);
    }
    return OK;
}

static enum status read_classes(struct reader *reader, const struct csv *csv,
                                const struct csv *train, struct dataset *dataset)
{
    int whole = 1, unused = 1;
    int32_t *labels = ARENA_ARRAY(reader->arena, (size_t)csv->n_rows, int32_t);
    dataset->labels = labels;
    TRY(look_at_labels(reader, csv, &unused));
    TRY(look_at_labels(reader, train, &whole));
    for (int32_t i = 0; whole && i < csv->n_rows; i++)
        if (!is_whole(csv->labels[i]))
            return fail(reader->diag, ERR_INPUT,
                        "%s: sample %d has the label '%.40s', training samples have numbers",
                        csv->path, i, csv->labels[i]);
    return (whole ? number_classes : name_classes)(reader, csv, train, dataset, labels);
}

/* `train_path`: with test data, the training data that tells the classes; or NULL. */
static enum status read_files(struct reader *reader, const char *path, const char *train_path,
                              struct dataset *dataset)
{
    struct csv csv, train;
    TRY(read_file(reader, path, reader->arena, &csv));
    if (train_path != NULL)
        TRY(read_file(reader, train_path, reader->scratch, &train));
    dataset->format = "CSV";
    dataset->shape = (struct shape){2, {1, csv.columns - 1}};
    dataset->type = SAMPLE_F32;
    dataset->n_samples = csv.n_rows;
    dataset->samples = csv.values;
    return read_classes(reader, &csv, train_path != NULL ? &train : &csv, dataset);
}

enum status csv_read_file(struct reader *reader, const char *file, struct dataset *dataset)
{
    return read_files(reader, file, NULL, dataset);
}

int csv_found(struct reader *reader, const char *folder)
{
    return reader_find(reader, folder, "train.csv") != NULL ||
           reader_find(reader, folder, "test.csv") != NULL;
}

enum status csv_read_folder(struct reader *reader, const char *folder, struct dataset *dataset)
{
    const char *train = reader_find(reader, folder, "train.csv");
    const char *test = reader_find(reader, folder, "test.csv");
    int is_train = reader->part == DATASET_TRAIN;
    const char *path = is_train ? train : test;
    if (path == NULL)
        return reader_no_part(reader, folder, is_train ? "train.csv" : "test.csv");
    return read_files(reader, path, is_train ? NULL : train, dataset);
}
