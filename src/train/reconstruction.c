/* SPDX-License-Identifier: Apache-2.0 */
#include "train/reconstruction.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/filters.h"
#include "train/outputs.h"

static const double DAMPING = 1e-3, PROBED_SHARE = 0.3;

/* What is removed as one: filterlets, or blocks of them. */
struct units {
    int32_t depth, block; /* input channels of a filterlet, of a block at most */
    int32_t per_filterlet, n;
};

static struct units units_of(const struct shape *weights, int32_t block)
{
    int32_t depth = weights->dims[weights->rank - 1];
    int32_t n_filterlets = (int32_t)(shape_elements(weights) / weights->dims[0] / depth);
    int32_t size = block > 0 && block < depth ? block : depth;
    int32_t per_filterlet = (depth + size - 1) / size;
    return (struct units){depth, size, per_filterlet, n_filterlets * per_filterlet};
}

static int32_t unit_first(const struct units *units, int32_t unit)
{
    return unit / units->per_filterlet * units->depth + unit % units->per_filterlet * units->block;
}

static int32_t unit_length(const struct units *units, int32_t unit)
{
    int32_t left = units->depth - unit % units->per_filterlet * units->block;
    return left < units->block ? left : units->block;
}

/* One filter from which units are taken. */
struct removal {
    struct units units;
    int32_t n;            /* columns, the bias last */
    double *inverse;      /* [n][n]: of the damped Gram matrix, of what is left */
    double *weights;      /* [n]: the best ones, of what is left */
    double *block, *part; /* [length][length], [length][n]: scratch, of a unit's length */
    double *step;         /* [length] */
    uint8_t *gone;        /* by unit */
};

/* The inverse of the damped Gram matrix, symmetric; 0 when there is none. */
static int inverse_make(const struct gram *gram, double *inverse)
{
    int64_t n = gram->n_columns;
    double sum = 0;
    memcpy(inverse, gram->xx, (size_t)(n * n) * sizeof *inverse);
    for (int64_t i = 0; i < n - 1; i++)
        sum += gram->xx[i * n + i];
    for (int64_t i = 0; i < n - 1; i++)
        inverse[i * n + i] += sum > 0 ? DAMPING * sum / (double)(n - 1) : 1;
    if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', (lapack_int)n, inverse, (lapack_int)n) != 0 ||
        LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', (lapack_int)n, inverse, (lapack_int)n) != 0)
        return 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + 1; j < n; j++)
            inverse[j * n + i] = inverse[i * n + j];
    return 1;
}

/* Decomposes the filterlet's block of the inverse and solves for its weights (`step`); what its
 * removal adds to the error. Infinite where the block is singular. */
static double removal_error(struct removal *r, int32_t unit)
{
    int32_t length = unit_length(&r->units, unit), first = unit_first(&r->units, unit);
    for (int32_t i = 0; i < length; i++)
        memcpy(r->block + (int64_t)i * length, r->inverse + (int64_t)(first + i) * r->n + first,
               (size_t)length * sizeof(double));
    memcpy(r->step, r->weights + first, (size_t)length * sizeof(double));
    if (LAPACKE_dposv(LAPACK_COL_MAJOR, 'L', length, 1, r->block, length, r->step, length) != 0)
        return (double)INFINITY;
    return cblas_ddot(length, r->step, 1, r->weights + first, 1);
}

/* Takes the filterlet out: the others take over, the inverse becomes that of what is left. */
static void removal_do(struct removal *r, int32_t unit)
{
    int32_t n = r->n, length = unit_length(&r->units, unit);
    const double *rows = r->inverse + (int64_t)unit_first(&r->units, unit) * n;
    removal_error(r, unit);
    memcpy(r->part, rows, (size_t)length * (size_t)n * sizeof(double));
    cblas_dgemv(CblasRowMajor, CblasTrans, length, n, -1, rows, n, r->step, 1, 1, r->weights, 1);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, length, n, 1,
                r->block, length, r->part, n);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, n, length, -1, r->part, n, r->part, n,
                1, r->inverse, n);
}

/* The filterlets of one filter in the order in which they go; the scores ascend. */
static void filter_score(struct removal *r, double unit, float *score)
{
    double reached = 0;
    memset(r->gone, 0, (size_t)r->units.n);
    for (int32_t k = 0; k < r->units.n; k++) {
        int32_t best = -1;
        double least = (double)INFINITY;
        for (int32_t p = 0; p < r->units.n; p++) {
            double error = r->gone[p] ? (double)INFINITY : removal_error(r, p);
            if (!r->gone[p] && (best < 0 || error < least)) {
                best = p;
                least = error;
            }
        }
        r->gone[best] = 1;
        reached = fmax(reached, least);
        score[best] = (float)(reached * unit / unit_length(&r->units, best));
        if (k + 1 < r->units.n)
            removal_do(r, best);
    }
}

/* The variance of all outputs of the layer together. */
static double variance_of(const struct gram *gram)
{
    double sum = 0;
    for (int64_t f = 0; f < gram->n_filters; f++) {
        double mean = gram->xy[f * gram->n_columns + gram->n_columns - 1];
        sum += gram->yy[f] - mean * mean;
    }
    return sum;
}

static void layer_score(const struct tensor *tensor, int32_t block, const struct gram *gram,
                        struct node_scores *scores, struct arena *arena)
{
    struct arena scratch = {0};
    const float *weights = tensor->data;
    size_t n = (size_t)gram->n_columns;
    struct removal r = {.units = units_of(&tensor->shape, block),
                        .n = gram->n_columns,
                        .inverse = ARENA_ARRAY(&scratch, n * n, double),
                        .weights = ARENA_ARRAY(&scratch, n, double)};
    size_t length = (size_t)r.units.block;
    double *inverse = ARENA_ARRAY(&scratch, n * n, double);
    int fits = inverse_make(gram, inverse);
    double variance = variance_of(gram), unit = variance > 0 ? 1 / variance : 1;
    r.block = ARENA_ARRAY(&scratch, length * length, double);
    r.part = ARENA_ARRAY(&scratch, length * n, double);
    r.step = ARENA_ARRAY(&scratch, length, double);
    r.gone = ARENA_ARRAY(&scratch, (size_t)r.units.n, uint8_t);
    scores->unit = (struct unit){block > 0 ? UNIT_BLOCK : UNIT_FILTERLET, block};
    scores->n_units = (int64_t)gram->n_filters * r.units.n;
    scores->of = ARENA_ARRAY(arena, (size_t)scores->n_units, float);
    for (int32_t f = 0; f < gram->n_filters && fits; f++) {
        memcpy(r.inverse, inverse, n * n * sizeof *inverse);
        for (size_t i = 0; i + 1 < n; i++)
            r.weights[i] = (double)weights[(size_t)f * (n - 1) + i];
        filter_score(&r, unit, scores->of + (int64_t)f * r.units.n);
    }
    arena_free(&scratch);
}

/* ---- layers among each other ---- */

static int score_compare(const void *a, const void *b)
{
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Without the units of the lowest scores, a share of all; by weight. */
static uint8_t *probe_kept(const struct tensor *weights, const struct units *units,
                           const struct node_scores *scores, struct arena *arena)
{
    size_t n = (size_t)scores->n_units;
    float *sorted = arena_copy(arena, scores->of, n * sizeof *sorted);
    uint8_t *kept = ARENA_ARRAY(arena, (size_t)shape_elements(&weights->shape), uint8_t),
            *to = kept;
    qsort(sorted, n, sizeof *sorted, score_compare);
    float threshold = sorted[(size_t)(PROBED_SHARE * (double)n)];
    for (size_t i = 0; i < n; i++)
        for (int32_t k = 0; k < unit_length(units, (int32_t)(i % (size_t)units->n)); k++)
            *to++ = scores->of[i] >= threshold;
    return kept;
}

/* What an error of this layer alone does to the outputs: theirs in parts of the layer's own. */
static enum status layer_probe(const struct graph *graph, int32_t node, int32_t block,
                               const struct gram *gram, const struct node_scores *scores,
                               const struct outputs *outputs, double *factor, struct diag *diag)
{
    struct arena scratch = {0};
    struct draft draft = draft_start(graph, &scratch);
    const struct tensor *weights = node_input(graph, &graph->nodes[node], 1);
    struct units units = units_of(&weights->shape, block);
    struct filters_problem problem = {
        .gram = gram,
        .kept = filters_kept(graph, node, probe_kept(weights, &units, scores, &scratch), &scratch),
        .damping = DAMPING,
        .filters = filters_read(graph, node, &scratch),
    };
    double own = 0, of_outputs;
    filters_solve(&problem);
    filters_write(&draft, node, problem.filters);
    for (int32_t f = 0; f < gram->n_filters; f++)
        own += gram_error(gram, 0, f, problem.filters + (int64_t)f * gram->n_columns);
    enum status status = outputs_error(outputs, &draft.graph, &of_outputs, diag);
    own /= variance_of(gram);
    *factor = own > 0 && isfinite(own) ? of_outputs / own : 1;
    arena_free(&scratch);
    return status;
}

static enum status node_score(const struct graph *graph, int32_t node, int32_t block,
                              const struct outputs *outputs, struct node_scores *scores,
                              struct arena *arena, struct diag *diag)
{
    struct arena scratch = {0};
    struct gram gram;
    struct gram_request request = {graph, graph, node, -1, outputs->samples, outputs->n_samples, 0};
    double factor = 1;
    const struct tensor *weights = node_input(graph, &graph->nodes[node], 1);
    enum status status = gram_measure(&request, &scratch, &gram, diag);
    if (status == OK) {
        layer_score(weights, block, &gram, scores, arena);
        status = layer_probe(graph, node, block, &gram, scores, outputs, &factor, diag);
    }
    for (int64_t i = 0; i < scores->n_units && status == OK; i++)
        scores->of[i] *= (float)factor;
    arena_free(&scratch);
    return status;
}

enum status score_reconstruction(const struct graph *graph, const float *samples, int32_t n,
                                 int32_t block, const struct layer_watch *watch,
                                 struct arena *arena, struct scores **scores, struct diag *diag)
{
    struct arena scratch = {0};
    struct outputs outputs;
    struct scores *made = ARENA_NEW(arena, struct scores);
    made->n_nodes = graph->n_nodes;
    made->nodes = ARENA_ARRAY(arena, (size_t)graph->n_nodes, struct node_scores);
    enum status status = outputs_make(graph, samples, n, &scratch, &outputs, diag);
    for (int32_t i = 0; i < graph->n_nodes && status == OK; i++) {
        layer_watch_tell(watch, i, graph->n_nodes);
        if (graph->nodes[i].op == OP_conv_2d || graph->nodes[i].op == OP_fully_connected)
            status = node_score(graph, i, block, &outputs, &made->nodes[i], arena, diag);
    }
    layer_watch_tell(watch, graph->n_nodes, graph->n_nodes);
    arena_free(&scratch);
    *scores = made;
    return status;
}
