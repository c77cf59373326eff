/* SPDX-License-Identifier: Apache-2.0 */
#include "train/calibrate.h"

#include <math.h>
#include <string.h>

#include "product/fake_quantization.h"

enum { N_BINS = 2048, BATCH = 16, CLIP_STEPS = 100, CLIP_ROUNDS = 3 };

/* What is known of one activation. */
struct observed {
    int32_t n_channels;
    int32_t sum_node; /* the add with relu that alone reads it, or -1 */
    int64_t n;
    float min, max;
    double *sum, *largest; /* by channel */
    int64_t *count;        /* by bin, between min and max */
    const float *values;   /* of the samples at work */
};

struct observing {
    const struct graph *graph;
    struct observed *observed; /* by tensor */
    void (*see)(struct observed *to, const float *values, int64_t n);
    int sees_channels;
};

/* ---- the two times that the samples run through the network ---- */

static void see_range(struct observed *to, const float *values, int64_t n)
{
    float min = to->n == 0 ? values[0] : to->min, max = to->n == 0 ? values[0] : to->max;
    for (int64_t i = 0; i < n; i++) {
        /* What is not a number stays, so that it is found. */
        min = values[i] < min || isnan(values[i]) ? values[i] : min;
        max = values[i] > max || isnan(values[i]) ? values[i] : max;
    }
    to->min = min;
    to->max = max;
    to->n += n;
}

static void see_values(struct observed *to, const float *values, int64_t n)
{
    double width = ((double)to->max - (double)to->min) / N_BINS;
    double per_width = width > 0 ? 1 / width : 0, min = (double)to->min;
    for (int64_t i = 0; i < n; i++) {
        double bin = ((double)values[i] - min) * per_width;
        to->count[!(bin >= 0) ? 0 : bin >= N_BINS ? N_BINS - 1 : (int)bin]++;
    }
    to->n += n;
}

static void see_channels(struct observed *to, const float *values, int64_t n)
{
    for (int64_t i = 0; i < n; i += to->n_channels)
        for (int32_t c = 0; c < to->n_channels; c++) {
            double value = (double)values[i + c], magnitude = value < 0 ? -value : value;
            to->sum[c] += value;
            to->largest[c] = magnitude > to->largest[c] ? magnitude : to->largest[c];
        }
}

/* relu(a + b) does not tell a from any other number up to -b, so that a may be raised to it. What
 * is nearest to 0 asks for the smallest interval. (Where both are raised to the lower ends of their
 * intervals, neither above 0, the sum stays below 0.) */
static float raised(float value, float other)
{
    float limit = -other < 0 ? -other : 0;
    return value < limit ? limit : value;
}

static void see_summands(const struct observing *observing, const struct node *node, int64_t n)
{
    for (int k = 0; k < 2; k++) {
        struct observed *to = &observing->observed[node->inputs[k]];
        const float *other = observing->observed[node->inputs[1 - k]].values;
        if (to->sum_node < 0)
            continue;
        struct arena scratch = {0};
        float *values = ARENA_ARRAY(&scratch, (size_t)n, float);
        for (int64_t i = 0; i < n; i++)
            values[i] = raised(to->values[i], other[i]);
        observing->see(to, values, n);
        arena_free(&scratch);
    }
}

static void see(void *context, int32_t tensor, const float *values, int32_t n_samples)
{
    const struct observing *observing = context;
    const struct node *node = tensor_maker(observing->graph, tensor);
    struct observed *to = &observing->observed[tensor];
    int64_t n = n_samples * shape_elements(&observing->graph->tensors[tensor].shape);
    to->values = values;
    if (observing->sees_channels)
        see_channels(to, values, n);
    if (to->sum_node < 0)
        observing->see(to, values, n);
    if (node != NULL && node->op == OP_add)
        see_summands(observing, node, n);
}

static void observe(struct network *network, const float *samples, int32_t n,
                    struct observing *observing)
{
    int64_t elements =
        shape_elements(&observing->graph->tensors[observing->graph->inputs[0]].shape);
    for (int32_t t = 0; t < observing->graph->n_tensors; t++)
        observing->observed[t].n = 0;
    for (int32_t i = 0; i < n; i += BATCH)
        network_observe(network, samples + i * elements, n - i < BATCH ? n - i : BATCH, see,
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

/* The add with relu or relu6 that alone reads the tensor, both inputs computed and of its shape; -1
 * when there is none. */
static int32_t sum_node_of(const struct graph *graph, int32_t tensor)
{
    int32_t found = -1, n_readers = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        for (int32_t k = 0; k < node->n_inputs; k++) {
            if (node->inputs[k] != tensor)
                continue;
            const struct tensor *other = node_input(graph, node, k == 0 ? 1 : 0);
            n_readers++;
            if (node->op == OP_add && other->data == NULL &&
                shape_equal(&other->shape, &graph->tensors[tensor].shape) &&
                (node->attrs.activation == ACTIVATION_RELU ||
                 node->attrs.activation == ACTIVATION_RELU6))
                found = i;
        }
    }
    for (int32_t i = 0; i < graph->n_outputs; i++)
        n_readers += graph->outputs[i] == tensor;
    return n_readers == 1 ? found : -1;
}

static struct observed *observed_start(const struct graph *graph, struct arena *arena)
{
    struct observed *observed = ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct observed);
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        observed[t].sum_node = tensor->data != NULL ? -1 : sum_node_of(graph, t);
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
    struct observing observing = {graph, observed_start(graph, &scratch), see_range, 1};
    observe(network, samples, n, &observing);
    observing.see = see_values;
    observing.sees_channels = 0;
    if (calibration->method != CALIBRATION_MINMAX)
        observe(network, samples, n, &observing);
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
