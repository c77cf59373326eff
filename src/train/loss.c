/* SPDX-License-Identifier: Apache-2.0 */
#include "train/loss.h"

#include <math.h>

/* log(sum(exp(values / temperature))) */
static double log_sum_exp(const float *values, int32_t n, double temperature)
{
    double largest = values[0], sum = 0;
    for (int32_t i = 1; i < n; i++)
        largest = fmax(largest, values[i]);
    for (int32_t i = 0; i < n; i++)
        sum += exp((values[i] - largest) / temperature);
    return largest / temperature + log(sum);
}

double loss_cross_entropy(const float *logits, int32_t n, const float *target, double weight,
                          float *gradient)
{
    double norm = log_sum_exp(logits, n, 1), loss = 0, mass = 0;
    for (int32_t i = 0; i < n; i++)
        mass += target[i];
    for (int32_t i = 0; i < n; i++) {
        double log_probability = logits[i] - norm;
        loss -= target[i] * log_probability;
        gradient[i] += (float)(weight * (mass * exp(log_probability) - target[i]));
    }
    return loss;
}

double loss_mse(const float *values, int32_t n, const float *target, double weight, float *gradient)
{
    double loss = 0;
    for (int32_t i = 0; i < n; i++) {
        double error = (double)values[i] - target[i];
        loss += error * error / n;
        gradient[i] += (float)(weight * 2 * error / n);
    }
    return loss;
}

/* log(1 + exp(x)) */
static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* Binary cross-entropy of one logit. */
static double binary(double logit, double target, double weight, float *gradient)
{
    *gradient += (float)(weight * (sigmoid(logit) - target));
    return softplus(logit) - target * logit;
}

double loss_binary(const float *logits, int32_t n, const float *target, double weight,
                   float *gradient)
{
    double loss = 0;
    for (int32_t i = 0; i < n; i++)
        loss += binary(logits[i], target[i], weight / n, &gradient[i]) / n;
    return loss;
}

double loss_distillation(const float *logits, const float *teacher, int32_t n, double temperature,
                         double weight, float *gradient)
{
    double norm = log_sum_exp(logits, n, temperature);
    double teacher_norm = log_sum_exp(teacher, n, temperature), loss = 0;
    for (int32_t i = 0; i < n; i++) {
        double log_p = teacher[i] / temperature - teacher_norm;
        double log_q = logits[i] / temperature - norm;
        loss += exp(log_p) * (log_p - log_q);
        gradient[i] += (float)(weight * temperature * (exp(log_q) - exp(log_p)));
    }
    return temperature * temperature * loss;
}

/* ---- boxes ---- */

/* Intersection over union of two boxes with one center. */
static double size_overlap(double w1, double h1, double w2, double h2)
{
    double common = fmin(w1, w2) * fmin(h1, h2);
    return common / (w1 * h1 + w2 * h2 - common);
}

static int32_t anchor_of(const struct yolo_grid *grid, double width, double height)
{
    int32_t best = 0;
    double best_overlap = -1;
    for (int32_t i = 0; i < grid->n_anchors; i++) {
        double overlap =
            size_overlap(width, height, grid->anchors[2 * i], grid->anchors[2 * i + 1]);
        if (overlap > best_overlap) {
            best_overlap = overlap;
            best = i;
        }
    }
    return best;
}

static int32_t cell_of(double position, int32_t size)
{
    double cell = floor(position * size);
    return cell < 0 ? 0 : cell >= size ? size - 1 : (int32_t)cell;
}

/* Where the values of a box's anchor in its cell begin. */
static int64_t place_of(const struct yolo_grid *grid, const float *box)
{
    int64_t cell =
        (int64_t)cell_of(box[2], grid->height) * grid->width + cell_of(box[1], grid->width);
    return (cell * grid->n_anchors + anchor_of(grid, box[3], box[4])) * (5 + grid->n_classes);
}

/* Objectness was taken for absent before; that is taken back. */
static double object_loss(const float *values, double weight, float *gradient)
{
    return binary(values[4], 1, weight, &gradient[4]) -
           0.5 * binary(values[4], 0, -0.5 * weight, &gradient[4]);
}

/* Place, size and class of one box against the values of its anchor in its cell. */
static double box_loss(const struct yolo_grid *grid, const float *values, const float *box,
                       double weight, float *gradient)
{
    static const double box_weight = 5;
    int32_t anchor = anchor_of(grid, box[3], box[4]);
    double x = (double)box[1] * grid->width - cell_of(box[1], grid->width);
    double y = (double)box[2] * grid->height - cell_of(box[2], grid->height);
    double size[2] = {log(fmax(box[3], 1e-6) / grid->anchors[2 * anchor]),
                      log(fmax(box[4], 1e-6) / grid->anchors[2 * anchor + 1])};
    double loss = box_weight * (binary(values[0], x, weight * box_weight, &gradient[0]) +
                                binary(values[1], y, weight * box_weight, &gradient[1]));
    for (int i = 0; i < 2; i++) {
        double error = values[2 + i] - size[i];
        loss += box_weight * error * error;
        gradient[2 + i] += (float)(weight * box_weight * 2 * error);
    }
    double norm = grid->n_classes > 0 ? log_sum_exp(values + 5, grid->n_classes, 1) : 0;
    for (int32_t i = 0; i < grid->n_classes; i++) {
        double target = i == (int32_t)box[0], log_probability = values[5 + i] - norm;
        loss -= target * log_probability;
        gradient[5 + i] += (float)(weight * (exp(log_probability) - target));
    }
    return loss;
}

double loss_yolo(const struct yolo_grid *grid, const float *output, const float *boxes,
                 int32_t n_boxes, double weight, float *gradient)
{
    int32_t n_values = 5 + grid->n_classes;
    int64_t n = (int64_t)grid->height * grid->width * grid->n_anchors;
    double loss = 0;
    for (int64_t i = 0; i < n; i++) /* every place is empty, at half the weight */
        loss +=
            0.5 * binary(output[i * n_values + 4], 0, 0.5 * weight, &gradient[i * n_values + 4]);
    for (int32_t i = 0; i < n_boxes && boxes[5 * i] >= 0; i++) {
        int64_t at = place_of(grid, boxes + 5 * i);
        int32_t before = 0;
        while (before < i && place_of(grid, boxes + 5 * before) != at)
            before++;
        if (before == i)
            loss += object_loss(output + at, weight, gradient + at);
        loss += box_loss(grid, output + at, boxes + 5 * i, weight, gradient + at);
    }
    return loss;
}
