/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "data/metrics.h"

struct ranked {
    float score;
    int32_t is_positive;
};

static int compare_scores(const void *a, const void *b)
{
    float x = ((const struct ranked *)a)->score, y = ((const struct ranked *)b)->score;
    return (x > y) - (x < y);
}

/* Walks up the scores, group by group of equal ones. */
static double area(const struct ranked *ranked, int64_t n)
{
    double pairs = 0; /* in halves: positives above negatives count 2, ties 1 */
    int64_t n_positive = 0, n_negative = 0;
    for (int64_t i = 0; i < n;) {
        int64_t positive = 0, negative = 0;
        float score = ranked[i].score;
        for (; i < n && ranked[i].score == score; i++) {
            positive += ranked[i].is_positive;
            negative += !ranked[i].is_positive;
        }
        pairs += (double)positive * (double)(2 * n_negative + negative);
        n_positive += positive;
        n_negative += negative;
    }
    return pairs / 2 / ((double)n_positive * (double)n_negative);
}

double roc_auc(const float *scores, const int32_t *labels, int64_t n)
{
    struct arena scratch = {0};
    struct ranked *ranked = ARENA_ARRAY(&scratch, (size_t)n, struct ranked);
    int has_nan = n == 0;
    for (int64_t i = 0; i < n; i++) {
        ranked[i] = (struct ranked){scores[i], labels[i] != 0};
        has_nan |= isnan(scores[i]);
    }
    double result = NAN;
    if (!has_nan) {
        qsort(ranked, (size_t)n, sizeof *ranked, compare_scores);
        result = area(ranked, n);
    }
    arena_free(&scratch);
    return result;
}
