/* SPDX-License-Identifier: Apache-2.0 */
#include "train/optimizer.h"

#include <math.h>

static const float momentum_factor = 0.9f, statistics_factor = 0.9f;

void optimizer_start(struct optimizer *optimizer, enum optimizer_kind kind, float weight_decay,
                     int64_t n_values, struct arena *arena)
{
    *optimizer =
        (struct optimizer){.kind = kind, .weight_decay = weight_decay, .n_values = n_values};
    optimizer->momentum = ARENA_ARRAY(arena, (size_t)n_values + 1, float);
    if (kind == OPTIMIZER_ADAM)
        optimizer->square = ARENA_ARRAY(arena, (size_t)n_values + 1, float);
}

static void sgd(struct optimizer *optimizer, const struct parameters *p, int64_t first, int64_t n,
                float rate, float decay)
{
    float *restrict values = p->values + first, *restrict momentum = optimizer->momentum + first;
    const float *restrict gradients = p->gradients + first;
    for (int64_t i = 0; i < n; i++) {
        float gradient = gradients[i] + decay * values[i];
        momentum[i] = momentum_factor * momentum[i] + gradient;
        values[i] -= rate * (gradient + momentum_factor * momentum[i]);
    }
}

static void adam(struct optimizer *optimizer, const struct parameters *p, int64_t first, int64_t n,
                 float rate, float decay)
{
    static const float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
    float *values = p->values + first, *momentum = optimizer->momentum + first;
    float *square = optimizer->square + first;
    const float *gradients = p->gradients + first;
    float correct1 = (float)(1 - pow(beta1, (double)optimizer->n_steps));
    float correct2 = (float)(1 - pow(beta2, (double)optimizer->n_steps));
    for (int64_t i = 0; i < n; i++) {
        momentum[i] = beta1 * momentum[i] + (1 - beta1) * gradients[i];
        square[i] = beta2 * square[i] + (1 - beta2) * gradients[i] * gradients[i];
        values[i] -= rate * (momentum[i] / correct1 / (sqrtf(square[i] / correct2) + epsilon) +
                             decay * values[i]);
    }
}

static void follow(float *value, float target)
{
    *value = statistics_factor * *value + (1 - statistics_factor) * target;
}

/* The running mean and variance; the latter is the mean square of all less the square of the mean,
 * so that it also holds what the shards' means differ by. */
static void statistics(const struct parameters *p, const struct parameter *mean,
                       const struct parameter *variance, int32_t n_shards)
{
    for (int64_t i = 0; i < mean->n; i++) {
        double m = (double)p->gradients[mean->first + i] / n_shards;
        double square = (double)p->gradients[variance->first + i] / n_shards;
        follow(&p->values[mean->first + i], (float)m);
        follow(&p->values[variance->first + i], (float)fmax(square - m * m, 0));
    }
}

static double norm(const float *values, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)values[i] * (double)values[i];
    return sqrt(sum);
}

/* Values near zero count as 0.001 each, so that they can grow. */
static void gradient_clip(const struct parameters *p, const struct parameter *parameter,
                          double clip)
{
    float *gradients = p->gradients + parameter->first;
    double size = norm(gradients, parameter->n);
    double limit = clip * fmax(norm(p->values + parameter->first, parameter->n),
                               1e-3 * sqrt((double)parameter->n));
    if (size <= limit)
        return;
    float factor = (float)(limit / size);
    for (int64_t i = 0; i < parameter->n; i++)
        gradients[i] *= factor;
}

static void hold_zeros(struct optimizer *optimizer, const struct parameters *p)
{
    for (int64_t i = 0; i < p->n_values; i++) {
        if (optimizer->kept[i])
            continue;
        p->values[i] = 0;
        optimizer->momentum[i] = 0;
        if (optimizer->square != NULL)
            optimizer->square[i] = 0;
    }
}

void optimizer_step(struct optimizer *optimizer, const struct parameters *p, double rate,
                    int32_t n_shards)
{
    optimizer->n_steps++;
    for (int32_t i = 0; i < p->n; i++) {
        const struct parameter *parameter = &p->list[i];
        float decay = parameter->role == PARAMETER_WEIGHTS ? optimizer->weight_decay : 0;
        if (parameter->role == PARAMETER_MEAN && i + 1 < p->n &&
            p->list[i + 1].role == PARAMETER_VARIANCE)
            statistics(p, parameter, &p->list[i + 1], n_shards);
        if (parameter->role != PARAMETER_WEIGHTS && parameter->role != PARAMETER_OFFSET)
            continue;
        if (optimizer->clip > 0)
            gradient_clip(p, parameter, optimizer->clip);
        (optimizer->kind == OPTIMIZER_ADAM ? adam : sgd)(optimizer, p, parameter->first,
                                                         parameter->n, (float)rate, decay);
    }
    if (optimizer->kept != NULL)
        hold_zeros(optimizer, p);
}
