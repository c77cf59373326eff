/* SPDX-License-Identifier: Apache-2.0 */
#include "train/least_squares.h"

#include <assert.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { ATTEMPTS = 8, WEIGHT_MAX = 127 };

/* The columns that some filters keep, and the decomposition for them. */
struct kept_columns {
    int32_t n;       /* the bias last */
    int32_t *column; /* those with the largest mean square first */
    double damping;
    double mean;    /* of the diagonal, without the bias */
    double *matrix; /* [n][n], its upper triangle: of the damped Gram matrix L^T, the transposed
                       factor of Cholesky; or that of its inverse */
};

static double diagonal(const struct least_squares *problem, int32_t column)
{
    return problem->xx[(int64_t)column * problem->n_columns + column];
}

/* ---- columns ---- */

struct ranked {
    double square;
    int32_t column;
};

static int ranked_compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->square != y->square)
        return x->square > y->square ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

static struct kept_columns columns_of(const struct least_squares *problem, int32_t filter,
                                      struct arena *arena)
{
    const uint8_t *kept = problem->kept + (int64_t)filter * problem->n_columns;
    struct kept_columns columns = {.column =
                                       ARENA_ARRAY(arena, (size_t)problem->n_columns, int32_t)};
    struct ranked *ranked = ARENA_ARRAY(arena, (size_t)problem->n_columns, struct ranked);
    double sum = 0;
    for (int32_t i = 0; i < problem->n_columns - 1; i++)
        if (kept[i]) {
            sum += diagonal(problem, i);
            ranked[columns.n++] = (struct ranked){diagonal(problem, i), i};
        }
    qsort(ranked, (size_t)columns.n, sizeof *ranked, ranked_compare);
    for (int32_t i = 0; i < columns.n; i++)
        columns.column[i] = ranked[i].column;
    columns.mean = sum > 0 ? sum / columns.n : 1;
    columns.damping = sum > 0 ? problem->damping * columns.mean : 1;
    columns.column[columns.n++] = problem->n_columns - 1;
    return columns;
}

static void matrix_fill(const struct least_squares *problem, const struct kept_columns *columns)
{
    int64_t n = columns->n;
    for (int64_t i = 0; i < n; i++) {
        const double *from = problem->xx + (int64_t)columns->column[i] * problem->n_columns;
        for (int64_t j = i; j < n; j++)
            columns->matrix[i * n + j] = from[columns->column[j]];
        if (i < n - 1)
            columns->matrix[i * n + i] += columns->damping;
    }
}

/* With more damping where there is not enough for the numbers to be positive. */
static int columns_decompose(const struct least_squares *problem, struct kept_columns *columns,
                             struct arena *arena)
{
    size_t n = (size_t)columns->n;
    columns->matrix = ARENA_ARRAY(arena, n * n, double);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        matrix_fill(problem, columns);
        /* Row-major and upper is column-major and lower. */
        if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', columns->n, columns->matrix, columns->n) == 0)
            return 1;
        columns->damping = fmax(columns->damping * 10, columns->mean * 1e-12);
    }
    return 0;
}

/* ---- filters ---- */

/* The weights of the columns alone, solved; the damping holds them to w0. */
static double *filter_solve(const struct least_squares *problem, const struct kept_columns *columns,
                            int32_t filter, struct arena *arena)
{
    int64_t at = (int64_t)filter * problem->n_columns;
    double *weights = ARENA_ARRAY(arena, (size_t)columns->n, double);
    for (int32_t i = 0; i < columns->n; i++) {
        weights[i] = problem->xy[at + columns->column[i]];
        if (i < columns->n - 1)
            weights[i] += columns->damping * problem->weights[at + columns->column[i]];
    }
    LAPACKE_dpotrs(LAPACK_COL_MAJOR, 'L', columns->n, 1, columns->matrix, columns->n, weights,
                   columns->n);
    return weights;
}

/* Turns the decomposition of the matrix into that of its inverse: U with inverse = U^T U. */
static int columns_invert(struct kept_columns *columns)
{
    int64_t n = columns->n;
    if (LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', columns->n, columns->matrix, columns->n) != 0)
        return 0;
    return LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', (lapack_int)n, columns->matrix, (lapack_int)n) ==
           0;
}

static double rounded(double weight, double scale)
{
    double q = round(weight / scale);
    return scale * (q > WEIGHT_MAX ? WEIGHT_MAX : q < -WEIGHT_MAX ? -WEIGHT_MAX : q);
}

/* Rounds one weight after another; the error goes on to those behind. The bias stays real. */
static void filter_round(const struct kept_columns *columns, double scale, double *weights)
{
    int64_t n = columns->n;
    for (int64_t i = 0; i < n - 1; i++) {
        const double *row = columns->matrix + i * n;
        double value = rounded(weights[i], scale), error = (weights[i] - value) / row[i];
        weights[i] = value;
        for (int64_t j = i + 1; j < n; j++)
            weights[j] -= error * row[j];
    }
}

static int all_finite(const double *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return 0;
    return 1;
}

static void absent_clear(const struct least_squares *problem, int32_t filter)
{
    int64_t at = (int64_t)filter * problem->n_columns;
    for (int32_t i = 0; i < problem->n_columns - 1; i++)
        if (!problem->kept[at + i])
            problem->weights[at + i] = 0;
}

/* Solves filters that keep the same columns; returns how many could not be. */
static int32_t group_solve(const struct least_squares *problem, const int32_t *filters, int32_t n)
{
    struct arena scratch = {0};
    struct kept_columns columns = columns_of(problem, filters[0], &scratch);
    double **solved = ARENA_ARRAY(&scratch, (size_t)n, double *);
    int fits = columns_decompose(problem, &columns, &scratch);
    int32_t n_unsolved = 0;
    for (int32_t f = 0; f < n && fits; f++)
        solved[f] = filter_solve(problem, &columns, filters[f], &scratch);
    if (problem->scale != NULL)
        fits = fits && columns_invert(&columns);
    for (int32_t f = 0; f < n; f++) {
        double *to = problem->weights + (int64_t)filters[f] * problem->n_columns;
        absent_clear(problem, filters[f]);
        if (fits && problem->scale != NULL)
            filter_round(&columns, (double)problem->scale[filters[f]], solved[f]);
        if (!fits || !all_finite(solved[f], columns.n)) {
            n_unsolved++;
            continue;
        }
        for (int32_t i = 0; i < columns.n; i++)
            to[columns.column[i]] = solved[f][i];
    }
    arena_free(&scratch);
    return n_unsolved;
}

int32_t least_squares_solve(const struct least_squares *problem)
{
    struct arena scratch = {0};
    size_t n = (size_t)problem->n_filters, bytes = (size_t)problem->n_columns - 1;
    uint8_t *done = ARENA_ARRAY(&scratch, n, uint8_t);
    int32_t *filters = ARENA_ARRAY(&scratch, n, int32_t), n_unsolved = 0;
    for (size_t first = 0; first < n; first++) {
        int32_t n_same = 0;
        for (size_t f = first; f < n; f++) {
            const uint8_t *a = problem->kept + first * (bytes + 1);
            if (done[f] || memcmp(a, problem->kept + f * (bytes + 1), bytes) != 0)
                continue;
            done[f] = 1;
            filters[n_same++] = (int32_t)f;
        }
        if (n_same > 0)
            n_unsolved += group_solve(problem, filters, n_same);
    }
    arena_free(&scratch);
    return n_unsolved;
}
