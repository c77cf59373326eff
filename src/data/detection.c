/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "data/metrics.h"

/* A box of the class that is looked at, and where it stood. */
struct entry {
    const struct box *box;
    int64_t index;
    int is_taken; /* a true box, by a prediction */
};

double box_iou(const struct box *a, const struct box *b)
{
    double width = fmin(a->x_high, b->x_high) - fmax(a->x_low, b->x_low);
    double height = fmin(a->y_high, b->y_high) - fmax(a->y_low, b->y_low);
    if (!(width > 0) || !(height > 0))
        return 0;
    double shared = width * height;
    double area_a = ((double)a->x_high - a->x_low) * ((double)a->y_high - a->y_low);
    double area_b = ((double)b->x_high - b->x_low) * ((double)b->y_high - b->y_low);
    return shared / (area_a + area_b - shared);
}

static int compare_index(const struct entry *a, const struct entry *b)
{
    return (a->index > b->index) - (a->index < b->index);
}

/* From the highest score down; NaN last. */
static int compare_score(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    float p = isnan(x->box->score) ? -INFINITY : x->box->score;
    float q = isnan(y->box->score) ? -INFINITY : y->box->score;
    return p != q ? (p < q) - (p > q) : compare_index(x, y);
}

static int compare_image(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int32_t p = x->box->image, q = y->box->image;
    return p != q ? (p > q) - (p < q) : compare_index(x, y);
}

static int64_t select_class(const struct box *boxes, int64_t n, int32_t label,
                            struct arena *scratch, struct entry **entries)
{
    int64_t n_entries = 0;
    *entries = ARENA_ARRAY(scratch, (size_t)n, struct entry);
    for (int64_t i = 0; i < n; i++)
        if (boxes[i].label == label)
            (*entries)[n_entries++] = (struct entry){&boxes[i], i, 0};
    return n_entries;
}

/* The first true box of an image, in a list in order of images. */
static int64_t first_of_image(const struct entry *truth, int64_t n, int32_t image)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (truth[middle].box->image < image)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Takes the true box that the prediction overlaps most. */
static int match(const struct box *box, struct entry *truth, int64_t n, double threshold)
{
    struct entry *best = NULL;
    double best_iou = 0;
    for (int64_t i = first_of_image(truth, n, box->image);
         i < n && truth[i].box->image == box->image; i++) {
        double iou = box_iou(box, truth[i].box);
        if (!truth[i].is_taken && iou >= threshold && iou > best_iou) {
            best = &truth[i];
            best_iou = iou;
        }
    }
    if (best != NULL)
        best->is_taken = 1;
    return best != NULL;
}

/* precision[i]: of the first i + 1 predictions; is_true[i]: whether recall rises there. */
static double area(const double *precision, const char *is_true, int64_t n, int64_t n_truth)
{
    double sum = 0, highest = 0;
    for (int64_t i = n - 1; i >= 0; i--) {
        highest = fmax(highest, precision[i]);
        sum += is_true[i] ? highest : 0;
    }
    return sum / (double)n_truth;
}

double average_precision(const struct box *predicted, int64_t n_predicted, const struct box *truth,
                         int64_t n_truth, int32_t label, double threshold)
{
    struct arena scratch = {0};
    struct entry *guesses, *facts;
    int64_t n = select_class(predicted, n_predicted, label, &scratch, &guesses);
    int64_t n_facts = select_class(truth, n_truth, label, &scratch, &facts);
    double *precision = ARENA_ARRAY(&scratch, (size_t)n, double), result = NAN;
    char *is_true = arena_alloc(&scratch, (size_t)n, 1);
    if (n > 0)
        qsort(guesses, (size_t)n, sizeof *guesses, compare_score);
    if (n_facts > 0) {
        qsort(facts, (size_t)n_facts, sizeof *facts, compare_image);
        int64_t n_true = 0;
        for (int64_t i = 0; i < n; i++) {
            is_true[i] = (char)match(guesses[i].box, facts, n_facts, threshold);
            n_true += is_true[i];
            precision[i] = (double)n_true / (double)(i + 1);
        }
        result = area(precision, is_true, n, n_facts);
    }
    arena_free(&scratch);
    return result;
}

double mean_average_precision(const struct box *predicted, int64_t n_predicted,
                              const struct box *truth, int64_t n_truth, int32_t n_classes,
                              double threshold)
{
    double sum = 0;
    int32_t n = 0;
    for (int32_t label = 0; label < n_classes; label++) {
        double precision =
            average_precision(predicted, n_predicted, truth, n_truth, label, threshold);
        if (isnan(precision)) /* no true box */
            continue;
        sum += precision;
        n++;
    }
    return n > 0 ? sum / n : NAN;
}
