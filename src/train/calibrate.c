/* SPDX-License-Identifier: Apache-2.0 */
#include "train/calibrate.h"

#include <math.h>
#include <string.h>

#include "product/fake_quantization.h"

enum { N_BINS = 2048, BATCH = 16, CLIP_STEPS = 100, CLIP_ROUNDS = 3 };

/* What is known of one activation. */
struct observed {
    int32_t n_channels;
    int64_t n;
    float min, max;
    double *sum, *largest; /* by channel */
    int64_t *count;        /* by bin, between min and max */
};

struct observing {
    const struct graph *graph;
    struct observed *observed; /* by tensor */
};

/* ---- the two times that the samples run through the network ---- */

static void see_range(void *context, int32_t tensor, const float *values, int32_t n)
{
    const struct observing *observing = context;
    struct observed *to = &observing->observed[tensor];
    int64_t elements = n * shape_elements(&observing->graph->tensors[tensor].shape);
    for (int64_t i = 0; i < elements; i++) {
        float value = values[i];
        int first = to->n + i == 0;
        /* What is not a number stays, so that it is found. */
        to->min = first || value < to->min || isnan(value) ? value : to->min;
        to->max = first || value > to->max || isnan(value) ? value : to->max;
        int64_t c = i % to->n_channels;
        to->sum[c] += (double)value;
        to->largest[c] = fmax(to->largest[c], fabs((double)value));
    }
    to->n += elements;
}

static void see_values(void *context, int32_t tensor, const float *values, int32_t n)
{
    const struct observing *observing = context;
    struct observed *to = &observing->observed[tensor];
    int64_t elements = n * shape_elements(&observing->graph->tensors[tensor].shape);
    double width = ((double)to->max - (double)to->min) / N_BINS;
    if (!(width > 0) || !isfinite(width))
        return;
    for (int64_t i = 0; i < elements; i++) {
        double bin = ((double)values[i] - (double)to->min) / width;
        to->count[bin < 0 ? 0 : bin >= N_BINS ? N_BINS - 1 : (int)bin]++;
    }
}

static void observe(struct network *network, const float *samples, int32_t n,
                    network_observer *observer, struct observing *observing)
{
    int64_t elements =
        shape_elements(&observing->graph->tensors[observing->graph->inputs[0]].shape);
    for (int32_t i = 0; i < n; i += BATCH)
        network_observe(network, samples + i * elements, n - i < BATCH ? n - i : BATCH, observer,
                        observing);
}

/* ---- from a histogram to an interval ---- */

static double bin_value(const struct observed *of, double bin)
{
    return (double)of->min + bin * ((double)of->max - (double)of->min) / N_BINS;
}

/* The value that `rank` values are below, as if those of a bin lay evenly in it. */
static double value_at_rank(const struct observed *of, double rank)
{
    double below = 0;
    for (int bin = 0; bin < N_BINS; bin++) {
        double count = (double)of->count[bin];
        if (below + count >= rank && count > 0)
            return bin_value(of, bin + fmax(rank - below, 0) / count);
        below += count;
    }
    return (double)of->max;
}

static struct range range_of_percentile(const struct observed *of, double percentile)
{
    double outside = (double)of->n * (1 - percentile / 100);
    return (struct range){(float)value_at_rank(of, outside),
                          (float)value_at_rank(of, (double)of->n - outside)};
}

/* What is lost when all values are rounded to that interval's integers. */
static double squared_error(const struct observed *of, struct range range)
{
    struct arena scratch = {0};
    struct quantization q = quantization_of_range(range, &scratch);
    double sum = 0;
    for (int bin = 0; bin < N_BINS; bin++) {
        if (of->count[bin] == 0)
            continue;
        double value = bin_value(of, bin + 0.5);
        int32_t integer = quantize_value(value, q.scale[0], q.zero_point[0], INT8_MIN);
        double error = value - (double)q.scale[0] * (integer - q.zero_point[0]);
        sum += error * error * (double)of->count[bin];
    }
    arena_free(&scratch);
    return sum;
}

/* Tries to clip one end, the other as it is. */
static void clip_end(const struct observed *of, struct range *range, int upper)
{
    struct range tried = *range;
    float all = upper ? of->max : of->min, best = upper ? range->max : range->min;
    double best_error = squared_error(of, tried);
    for (int k = 0; k < CLIP_STEPS; k++) {
        float end = all * (float)(1 - (double)k / CLIP_STEPS);
        *(upper ? &tried.max : &tried.min) = end;
        double error = squared_error(of, tried);
        if (error < best_error) {
            best_error = error;
            best = end;
        }
    }
    *(upper ? &range->max : &range->min) = best;
}

static struct range range_of_least_error(const struct observed *of)
{
    struct range range = {of->min, of->max};
    for (int round = 0; round < CLIP_ROUNDS; round++) {
        if (of->max > 0)
            clip_end(of, &range, 1);
        if (of->min < 0)
            clip_end(of, &range, 0);
    }
    return range;
}

static struct range range_choose(const struct observed *of, const struct calibration *calibration)
{
    struct range all = {of->min, of->max};
    if (calibration->method == CALIBRATION_MINMAX || !(of->max > of->min) || !isfinite(of->min) ||
        !isfinite(of->max))
        return all;
    if (calibration->method == CALIBRATION_PERCENTILE)
        return range_of_percentile(of, calibration->percentile);
    return range_of_least_error(of);
}

/* ---- all of them ---- */

static const char *const names[] = {
#define X(suffix, name) #name,
    CALIBRATION_LIST(X)
#undef X
};

const char *calibration_method_name(enum calibration_method method)
{
    return names[method];
}

int calibration_method_find(const char *name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

static struct observed *observed_start(const struct graph *graph, struct arena *arena)
{
    struct observed *observed = ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct observed);
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        if (tensor->data != NULL)
            continue;
        int32_t rank = tensor->shape.rank;
        observed[t].n_channels = rank == 0 ? 1 : tensor->shape.dims[rank - 1];
        observed[t].sum = ARENA_ARRAY(arena, (size_t)observed[t].n_channels, double);
        observed[t].largest = ARENA_ARRAY(arena, (size_t)observed[t].n_channels, double);
        observed[t].count = ARENA_ARRAY(arena, N_BINS, int64_t);
    }
    return observed;
}

static double *means_of(const struct observed *of, struct arena *arena)
{
    double *mean = ARENA_ARRAY(arena, (size_t)of->n_channels, double);
    for (int32_t c = 0; c < of->n_channels; c++)
        mean[c] = of->sum[c] * of->n_channels / (double)of->n;
    return mean;
}

struct ranges *calibrate(struct network *network, const struct graph *graph,
                         const struct calibration *calibration, const float *samples, int32_t n,
                         struct arena *arena)
{
    struct arena scratch = {0};
    struct observing observing = {graph, observed_start(graph, &scratch)};
    observe(network, samples, n, see_range, &observing);
    if (calibration->method != CALIBRATION_MINMAX)
        observe(network, samples, n, see_values, &observing);
    struct ranges *ranges = ARENA_NEW(arena, struct ranges);
    ranges->method = calibration_method_name(calibration->method);
    ranges->n_tensors = graph->n_tensors;
    ranges->of = ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct range);
    ranges->largest = ARENA_ARRAY(arena, (size_t)graph->n_tensors, double *);
    ranges->mean = ARENA_ARRAY(arena, (size_t)graph->n_tensors, double *);
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        const struct observed *of = &observing.observed[t];
        if (of->n == 0)
            continue;
        ranges->of[t] = range_choose(of, calibration);
        ranges->largest[t] =
            arena_copy(arena, of->largest, (size_t)of->n_channels * sizeof *of->largest);
        ranges->mean[t] = means_of(of, arena);
    }
    arena_free(&scratch);
    return ranges;
}
