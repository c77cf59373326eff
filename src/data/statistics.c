/* SPDX-License-Identifier: Apache-2.0 */
#include "data/statistics.h"

#include <math.h>

enum { CHANNELS_MAX = 16 };

static const int32_t *count_classes(const struct dataset *dataset, struct arena *arena)
{
    int32_t *counts = ARENA_ARRAY(arena, (size_t)dataset->n_classes, int32_t);
    for (int32_t i = 0; dataset->labels != NULL && i < dataset->n_samples; i++)
        counts[dataset->labels[i]]++;
    return counts;
}

/* Sums of a sample's values and squares, less `center`, by channel. */
static void add_sample(const float *values, int64_t n, struct statistics *statistics,
                       const double *center, double *sum, double *squares)
{
    int32_t channel = 0;
    for (int64_t i = 0; i < n; i++) {
        double value = values[i], distance = value - center[channel];
        statistics->low = fmin(statistics->low, value);
        statistics->high = fmax(statistics->high, value);
        sum[channel] += distance;
        squares[channel] += distance * distance;
        channel = channel + 1 == statistics->n_channels ? 0 : channel + 1;
    }
}

struct statistics dataset_statistics(const struct dataset *dataset, struct arena *arena)
{
    const struct shape *shape = &dataset->shape;
    int64_t n = shape_elements(shape);
    struct statistics statistics = {.low = INFINITY, .high = -INFINITY, .n_channels = 1};
    if (shape->rank == 4 && shape->dims[3] <= CHANNELS_MAX)
        statistics.n_channels = shape->dims[3];
    statistics.class_counts = count_classes(dataset, arena);
    float *values = ARENA_ARRAY(arena, (size_t)n, float);
    double center[CHANNELS_MAX] = {0}, sum[CHANNELS_MAX] = {0}, squares[CHANNELS_MAX] = {0};
    for (int32_t i = 0; i < dataset->n_samples; i++) {
        dataset_sample(dataset, i, (struct sample_scale){1, 0}, values);
        for (int32_t c = 0; i == 0 && c < statistics.n_channels; c++)
            center[c] = values[c]; /* near the mean, so that little cancels */
        add_sample(values, n, &statistics, center, sum, squares);
    }
    double *mean = ARENA_ARRAY(arena, (size_t)statistics.n_channels, double);
    double *deviation = ARENA_ARRAY(arena, (size_t)statistics.n_channels, double);
    double count = (double)n / statistics.n_channels * dataset->n_samples;
    for (int32_t c = 0; c < statistics.n_channels; c++) {
        double off = sum[c] / count;
        mean[c] = center[c] + off;
        deviation[c] = sqrt(fmax(squares[c] / count - off * off, 0));
    }
    statistics.mean = mean;
    statistics.deviation = deviation;
    return statistics;
}
