/* SPDX-License-Identifier: Apache-2.0 */
#include "train/boxes.h"

#include <math.h>
#include <stdlib.h>

int64_t boxes_limit(const struct yolo_grid *grid)
{
    return (int64_t)grid->height * grid->width * grid->n_anchors * grid->n_classes;
}

static struct box box_around(double x, double y, double width, double height)
{
    return (struct box){.x_low = (float)(x - width / 2),
                        .y_low = (float)(y - height / 2),
                        .x_high = (float)(x + width / 2),
                        .y_high = (float)(y + height / 2)};
}

/* One anchor's values in one cell: the box is the same for all classes. */
static int64_t anchor_decode(const struct yolo_grid *grid, const float *values, int64_t place,
                             float threshold, struct box *boxes)
{
    int64_t cell = place / grid->n_anchors, anchor = place % grid->n_anchors, n = 0;
    double objectness = sigmoid((double)values[4]), largest = -INFINITY, sum = 0;
    if (!(objectness >= (double)threshold))
        return 0;
    struct box box =
        box_around(((double)(cell % grid->width) + sigmoid((double)values[0])) / grid->width,
                   ((double)(cell / grid->width) + sigmoid((double)values[1])) / grid->height,
                   (double)grid->anchors[2 * anchor] * exp((double)values[2]),
                   (double)grid->anchors[2 * anchor + 1] * exp((double)values[3]));
    for (int32_t i = 0; i < grid->n_classes; i++)
        largest = fmax(largest, (double)values[5 + i]);
    for (int32_t i = 0; i < grid->n_classes; i++)
        sum += exp((double)values[5 + i] - largest);
    for (int32_t i = 0; i < grid->n_classes; i++) {
        double score = objectness * exp((double)values[5 + i] - largest) / sum;
        if (!(score >= (double)threshold))
            continue;
        box.label = i;
        box.score = (float)score;
        boxes[n++] = box;
    }
    return n;
}

int64_t boxes_decode(const struct yolo_grid *grid, const float *output, int32_t image,
                     float threshold, struct box *boxes)
{
    int64_t n_places = (int64_t)grid->height * grid->width * grid->n_anchors, n = 0;
    for (int64_t i = 0; i < n_places; i++)
        n += anchor_decode(grid, output + i * (5 + grid->n_classes), i, threshold, boxes + n);
    for (int64_t i = 0; i < n; i++)
        boxes[i].image = image;
    return n;
}

int64_t boxes_of_targets(const float *targets, int32_t n_targets, int32_t image, struct box *boxes)
{
    int64_t n = 0;
    for (; 5 * (n + 1) <= n_targets && targets[5 * n] >= 0; n++) {
        const float *target = targets + 5 * n;
        boxes[n] =
            box_around((double)target[1], (double)target[2], (double)target[3], (double)target[4]);
        boxes[n].image = image;
        boxes[n].label = (int32_t)target[0];
    }
    return n;
}

/* From the highest score down; equal ones by class and place, so that the order is always the same.
 */
static int compare_score(const void *a, const void *b)
{
    const struct box *x = a, *y = b;
    if (x->score != y->score)
        return (x->score < y->score) - (x->score > y->score);
    if (x->label != y->label)
        return (x->label > y->label) - (x->label < y->label);
    if (x->y_low != y->y_low)
        return (x->y_low > y->y_low) - (x->y_low < y->y_low);
    return (x->x_low > y->x_low) - (x->x_low < y->x_low);
}

int64_t boxes_suppress(struct box *boxes, int64_t n, double threshold)
{
    int64_t n_kept = 0;
    if (n > 0)
        qsort(boxes, (size_t)n, sizeof *boxes, compare_score);
    for (int64_t i = 0; i < n; i++) {
        int is_kept = 1;
        for (int64_t j = 0; j < n_kept && is_kept; j++)
            is_kept =
                boxes[j].label != boxes[i].label || box_iou(&boxes[j], &boxes[i]) <= threshold;
        if (is_kept)
            boxes[n_kept++] = boxes[i];
    }
    return n_kept;
}
