/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>

#include "data/metrics.h"

static float or_lowest(float score)
{
    return isnan(score) ? -INFINITY : score;
}

int32_t scores_argmax(const float *scores, int32_t n)
{
    int32_t best = 0;
    for (int32_t i = 1; i < n; i++)
        if (or_lowest(scores[i]) > or_lowest(scores[best]))
            best = i;
    return best;
}

struct classification classification_start(int32_t n_classes, struct arena *arena)
{
    size_t n = (size_t)n_classes;
    return (struct classification){.n_classes = n_classes,
                                   .confusion = ARENA_ARRAY(arena, n * n, int64_t)};
}

void classification_add(struct classification *classification, const float *scores, int32_t label)
{
    int32_t n = classification->n_classes, rank = 0;
    assert(label >= 0 && label < n);
    float own = or_lowest(scores[label]);
    for (int32_t i = 0; i < n; i++) {
        float score = or_lowest(scores[i]);
        rank += score > own || (score == own && i < label);
    }
    for (int32_t k = rank; k < TOP_K_MAX; k++)
        classification->top[k]++;
    classification->n_samples++;
    classification->confusion[(int64_t)label * n + scores_argmax(scores, n)]++;
}

double classification_top(const struct classification *classification, int32_t k)
{
    assert(k >= 1 && k <= TOP_K_MAX);
    return (double)classification->top[k - 1] / (double)classification->n_samples;
}

static double ratio(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

struct class_quality classification_class(const struct classification *classification,
                                          int32_t label)
{
    int64_t n = classification->n_classes;
    const int64_t *confusion = classification->confusion;
    struct class_quality quality = {0};
    for (int64_t i = 0; i < n; i++) {
        quality.n_labels += confusion[label * n + i];
        quality.n_predictions += confusion[i * n + label];
    }
    int64_t right = confusion[label * n + label];
    quality.precision = ratio(right, quality.n_predictions);
    quality.recall = ratio(right, quality.n_labels);
    quality.f1 = ratio(2 * right, quality.n_labels + quality.n_predictions);
    return quality;
}

double classification_macro_f1(const struct classification *classification)
{
    double sum = 0;
    int32_t n = 0;
    for (int32_t i = 0; i < classification->n_classes; i++) {
        struct class_quality quality = classification_class(classification, i);
        n += quality.n_labels + quality.n_predictions > 0;
        sum += quality.f1;
    }
    return sum / n;
}
