/* SPDX-License-Identifier: Apache-2.0 */
/* Losses against their definitions in plain double precision, and their gradients against central
 * differences. Values and steps are multiples of powers of two, so that they are exact in f32. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "train/loss.h"
#include "train/task.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { MAX_VALUES = 400, N_ROUNDS = 200 };
static const double step = 1.0 / 1024, weight = 0.75;

/* A loss of `n` values with everything else bound; adds `weight` times the gradient. */
struct problem {
    const char *name;
    int32_t n;
    float values[MAX_VALUES], target[MAX_VALUES];
    double temperature;
    struct yolo_grid grid;
    int32_t n_boxes;
    double (*loss)(const struct problem *problem, double factor, float *gradient);
    double (*plain)(const struct problem *problem);
};

/* A multiple of 1/256 in [-bound, bound]. */
static float draw(struct random *random, int32_t bound)
{
    return (float)random_range(random, -256 * bound, 256 * bound) / 256;
}

static double worst_loss, worst_gradient;

/* The value against the plain one, the gradient against differences, and that it is added. */
static void check(struct problem *problem)
{
    static const float before = 0.5F;
    float gradient[MAX_VALUES], unused[MAX_VALUES] = {0};
    for (int32_t i = 0; i < problem->n; i++)
        gradient[i] = before;
    double loss = problem->loss(problem, weight, gradient), plain = problem->plain(problem);
    double error = fabs(loss - plain) / fmax(1, fabs(plain));
    if (!(error < 1e-9))
        fail_msg("%s of %d: %.12g, plainly %.12g", problem->name, problem->n, loss, plain);
    worst_loss = fmax(worst_loss, error);
    for (int32_t i = 0; i < problem->n; i++) {
        float kept = problem->values[i];
        problem->values[i] = kept + (float)step;
        double above = problem->plain(problem);
        problem->values[i] = kept - (float)step;
        double below = problem->plain(problem);
        problem->values[i] = kept;
        double slope = weight * (above - below) / (2 * step);
        double given = (double)(gradient[i] - before);
        error = fabs(given - slope) / fmax(1, fabs(slope));
        if (!(error < 1e-5))
            fail_msg("%s of %d: gradient %d is %.9g, measured %.9g", problem->name, problem->n, i,
                     given, slope);
        worst_gradient = fmax(worst_gradient, error);
    }
    /* The weight is that of the gradient alone. */
    assert_true(problem->loss(problem, 0, unused) == loss);
    for (int32_t i = 0; i < problem->n; i++)
        assert_true(unused[i] == 0);
}

/* ---- classification and regression ---- */

static void softmax_of(const float *values, int32_t n, double temperature, double *result)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += exp((double)values[i] / temperature);
    for (int32_t i = 0; i < n; i++)
        result[i] = exp((double)values[i] / temperature) / sum;
}

static double cross_entropy(const struct problem *p, double factor, float *gradient)
{
    return loss_cross_entropy(p->values, p->n, p->target, factor, gradient);
}

static double plain_cross_entropy(const struct problem *p)
{
    double probability[MAX_VALUES], loss = 0;
    softmax_of(p->values, p->n, 1, probability);
    for (int32_t i = 0; i < p->n; i++)
        loss -= (double)p->target[i] * log(probability[i]);
    return loss;
}

static double mse(const struct problem *p, double factor, float *gradient)
{
    return loss_mse(p->values, p->n, p->target, factor, gradient);
}

static double plain_mse(const struct problem *p)
{
    double sum = 0;
    for (int32_t i = 0; i < p->n; i++)
        sum += pow((double)p->values[i] - (double)p->target[i], 2);
    return sum / p->n;
}

static double binary(const struct problem *p, double factor, float *gradient)
{
    return loss_binary(p->values, p->n, p->target, factor, gradient);
}

/* Of a logit x and a target: -target log s(x) - (1 - target) log(1 - s(x)), with 1 - s(x) = s(-x).
 */
static double plain_binary_of(double logit, double target)
{
    return target * log(1 + exp(-logit)) + (1 - target) * log(1 + exp(logit));
}

static double plain_binary(const struct problem *p)
{
    double sum = 0;
    for (int32_t i = 0; i < p->n; i++)
        sum += plain_binary_of((double)p->values[i], (double)p->target[i]);
    return sum / p->n;
}

static double distillation(const struct problem *p, double factor, float *gradient)
{
    return loss_distillation(p->values, p->target, p->n, p->temperature, factor, gradient);
}

static double plain_distillation(const struct problem *p)
{
    double student[MAX_VALUES], teacher[MAX_VALUES], sum = 0;
    softmax_of(p->values, p->n, p->temperature, student);
    softmax_of(p->target, p->n, p->temperature, teacher);
    for (int32_t i = 0; i < p->n; i++)
        sum += teacher[i] * log(teacher[i] / student[i]);
    return p->temperature * p->temperature * sum;
}

static void note_errors(const char *name)
{
    printf("note: loss: %s: within %.1e of plain values, gradients within %.1e of differences\n",
           name, worst_loss, worst_gradient);
    worst_loss = worst_gradient = 0;
}

/* Targets that are one class, one class smoothed, and any probabilities. */
static void cross_entropy_is_right(void **state)
{
    (void)state;
    struct random random = {1};
    for (int round = 0; round < N_ROUNDS; round++) {
        struct problem p = {
            .name = "cross-entropy", .loss = cross_entropy, .plain = plain_cross_entropy};
        p.n = random_range(&random, 2, 20);
        double smoothing = round % 3 * 0.1, sum = 0;
        int32_t class = random_range(&random, 0, p.n - 1);
        for (int32_t i = 0; i < p.n; i++) {
            p.values[i] = draw(&random, 8);
            p.target[i] = (float)((i == class ? 1 - smoothing : 0) + smoothing / p.n);
            if (round % 4 == 3)
                p.target[i] = (float)random_range(&random, 1, 100);
            sum += (double)p.target[i];
        }
        for (int32_t i = 0; i < p.n; i++)
            p.target[i] = (float)((double)p.target[i] / sum);
        check(&p);
    }
    note_errors("cross-entropy");
}

static void mse_is_right(void **state)
{
    (void)state;
    struct random random = {2};
    for (int round = 0; round < N_ROUNDS; round++) {
        struct problem p = {.name = "mse", .loss = mse, .plain = plain_mse};
        p.n = random_range(&random, 1, 300);
        for (int32_t i = 0; i < p.n; i++) {
            p.values[i] = draw(&random, 4);
            p.target[i] = draw(&random, 4);
        }
        check(&p);
    }
    note_errors("mse");
}

static void binary_is_right(void **state)
{
    (void)state;
    struct random random = {3};
    for (int round = 0; round < N_ROUNDS; round++) {
        struct problem p = {.name = "binary", .loss = binary, .plain = plain_binary};
        p.n = random_range(&random, 1, 10);
        for (int32_t i = 0; i < p.n; i++) {
            p.values[i] = draw(&random, 8);
            p.target[i] = (float)random_range(&random, 0, round % 2 ? 1 : 4) / (round % 2 ? 1 : 4);
        }
        check(&p);
    }
    note_errors("binary");
}

static void distillation_is_right(void **state)
{
    (void)state;
    struct random random = {4};
    for (int round = 0; round < N_ROUNDS; round++) {
        struct problem p = {
            .name = "distillation", .loss = distillation, .plain = plain_distillation};
        p.n = random_range(&random, 2, 20);
        p.temperature = random_range(&random, 1, 8) * 0.5 + 0.5;
        for (int32_t i = 0; i < p.n; i++) {
            p.values[i] = draw(&random, 6);
            p.target[i] = draw(&random, 6);
        }
        check(&p);
    }
    note_errors("distillation");
}

/* The same logits as the teacher: nothing to learn. */
static void distillation_ends_at_the_teacher(void **state)
{
    (void)state;
    static const float logits[4] = {1, -2, 0.5F, 3};
    float gradient[4] = {0};
    assert_true(fabs(loss_distillation(logits, logits, 4, 3, 1, gradient)) < 1e-12);
    for (int i = 0; i < 4; i++)
        assert_true(fabsf(gradient[i]) < 1e-7F);
}

/* Logits that overflow a careless exp(). */
static void large_logits_stay_finite(void **state)
{
    (void)state;
    static const float logits[3] = {2000, -2000, 0}, teacher[3] = {-3000, 3000, 0};
    static const float target[3] = {0, 1, 0};
    float gradient[3] = {0};
    assert_true(fabs(loss_cross_entropy(logits, 3, target, 1, gradient) - 4000) < 1e-6);
    assert_true(gradient[0] == 1 && gradient[1] == -1 && gradient[2] == 0);
    float binary_gradient[3] = {0};
    double loss = loss_binary(logits, 3, target, 3, binary_gradient);
    assert_true(fabs(loss - (4000 + log(2)) / 3) < 1e-6);
    assert_true(binary_gradient[0] == 1 && binary_gradient[1] == -1);
    float distilled[3] = {0};
    assert_true(isfinite(loss_distillation(logits, teacher, 3, 1, 1, distilled)));
    assert_true(distilled[0] == 1 && distilled[1] == -1);
}

/* ---- boxes ---- */

static double yolo(const struct problem *p, double factor, float *gradient)
{
    return loss_yolo(&p->grid, p->values, p->target, p->n_boxes, factor, gradient);
}

/* Where the values of the box's anchor in its cell start; the best anchor has the largest overlap
 * with the box when both have one center. */
static int32_t place_of(const struct yolo_grid *grid, const float *box, int32_t *anchor)
{
    double best = -1, w = (double)box[3], h = (double)box[4];
    for (int32_t i = 0; i < grid->n_anchors; i++) {
        double aw = (double)grid->anchors[2 * i], ah = (double)grid->anchors[2 * i + 1];
        double both = fmin(w, aw) * fmin(h, ah), overlap = both / (w * h + aw * ah - both);
        if (overlap > best) {
            best = overlap;
            *anchor = i;
        }
    }
    int32_t x = (int32_t)((double)box[1] * grid->width);
    int32_t y = (int32_t)((double)box[2] * grid->height);
    return ((y * grid->width + x) * grid->n_anchors + *anchor) * (5 + grid->n_classes);
}

/* Five times the error of place and size, where a box is; objectness everywhere, at half the weight
 * where none is; cross-entropy of the class, where a box is. */
static double plain_yolo(const struct problem *p)
{
    const struct yolo_grid *grid = &p->grid;
    int has_box[MAX_VALUES] = {0};
    double loss = 0, probability[MAX_VALUES];
    for (int32_t i = 0; i < p->n_boxes && p->target[5 * i] >= 0; i++) {
        const float *box = p->target + 5 * i;
        int32_t anchor = 0, at = place_of(grid, box, &anchor);
        const float *values = p->values + at;
        double x = (double)box[1] * grid->width, y = (double)box[2] * grid->height;
        double w = log((double)box[3] / (double)grid->anchors[2 * anchor]);
        double h = log((double)box[4] / (double)grid->anchors[2 * anchor + 1]);
        has_box[at] = 1;
        loss += 5 * plain_binary_of((double)values[0], x - floor(x));
        loss += 5 * plain_binary_of((double)values[1], y - floor(y));
        loss += 5 * pow((double)values[2] - w, 2) + 5 * pow((double)values[3] - h, 2);
        softmax_of(values + 5, grid->n_classes, 1, probability);
        if (grid->n_classes > 0)
            loss -= log(probability[(int32_t)box[0]]);
    }
    for (int32_t at = 0; at < p->n; at += 5 + grid->n_classes)
        loss += has_box[at] ? plain_binary_of((double)p->values[at + 4], 1)
                            : 0.5 * plain_binary_of((double)p->values[at + 4], 0);
    return loss;
}

/* Random boxes; the second may be in the place of the first. */
static void draw_boxes(struct random *random, struct problem *p)
{
    int32_t n = random_range(random, 0, 3);
    p->n_boxes = 4;
    for (int32_t i = 0; i < n; i++) {
        float *box = p->target + 5 * i;
        box[0] = (float)random_range(random, 0, p->grid.n_classes > 0 ? p->grid.n_classes - 1 : 0);
        for (int k = 1; k < 3; k++)
            box[k] = (float)random_range(random, 1, 254) / 255;
        for (int k = 3; k < 5; k++)
            box[k] = (float)random_range(random, 10, 200) / 255;
        if (i == 1 && random_range(random, 0, 1) == 1)
            memcpy(box + 1, p->target + 1, 4 * sizeof *box);
    }
    p->target[5 * n] = -1; /* and nothing behind it counts */
    memset(&p->target[5 * (n + 1)], 0, (size_t)(3 - n) * 5 * sizeof(float));
}

static void yolo_is_right(void **state)
{
    (void)state;
    static const float anchors[6] = {0.1F, 0.15F, 0.4F, 0.3F, 0.6F, 0.9F};
    struct random random = {5};
    for (int round = 0; round < N_ROUNDS; round++) {
        struct problem p = {.name = "yolo", .loss = yolo, .plain = plain_yolo};
        p.grid = (struct yolo_grid){.height = random_range(&random, 2, 4),
                                    .width = random_range(&random, 2, 4),
                                    .n_anchors = random_range(&random, 1, 3),
                                    .n_classes = random_range(&random, 0, 3),
                                    .anchors = anchors};
        p.n = p.grid.height * p.grid.width * p.grid.n_anchors * (5 + p.grid.n_classes);
        for (int32_t i = 0; i < p.n; i++)
            p.values[i] = draw(&random, 4);
        draw_boxes(&random, &p);
        check(&p);
    }
    note_errors("yolo");
}

/* ---- of a sample ---- */

/* A sample that is mixed of two is as much about either as it is of it. */
static void mixed_targets_are_both_learned(void **state)
{
    (void)state;
    static const float values[2] = {0.5F, -1}, targets[4] = {1, 0, 0, 1};
    const struct shape head = {2, {1, 2}};
    const struct dataset dataset = {.n_samples = 2, .n_targets = 2, .targets = targets};
    const struct train_settings settings[] = {{.loss = LOSS_MSE}, {.loss = LOSS_BINARY}};
    for (int k = 0; k < 2; k++) {
        const struct task task = {&settings[k], &dataset, &head};
        const struct task_sample first = {0, 0, 1, NULL}, second = {1, 1, 1, NULL};
        const struct task_sample mixed = {0, 1, 0.75F, NULL};
        float parts[2] = {0}, whole[2] = {0};
        double loss = 0.75 * task_loss(&task, &first, values, 0.75, parts);
        loss += 0.25 * task_loss(&task, &second, values, 0.25, parts);
        assert_true(fabs(task_loss(&task, &mixed, values, 1, whole) - loss) < 1e-12);
        for (int i = 0; i < 2; i++)
            assert_true(fabsf(whole[i] - parts[i]) < 1e-6F);
        assert_true(fabsf(whole[0]) > 0.01F);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_entropy_is_right),
        cmocka_unit_test(mse_is_right),
        cmocka_unit_test(binary_is_right),
        cmocka_unit_test(distillation_is_right),
        cmocka_unit_test(distillation_ends_at_the_teacher),
        cmocka_unit_test(large_logits_stay_finite),
        cmocka_unit_test(yolo_is_right),
        cmocka_unit_test(mixed_targets_are_both_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
