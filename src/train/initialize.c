/* SPDX-License-Identifier: Apache-2.0 */
#include "train/initialize.h"

#include <math.h>

#include "base/random.h"

/* A uniform number in (0, 1). */
static double uniform(struct random *random)
{
    return ((double)(random_bits(random) >> 11) + 0.5) / 9007199254740992.0;
}

/* A normal number, none beyond two standard deviations (Box and Muller 1958). */
static double truncated_normal(struct random *random)
{
    for (;;) {
        double radius = sqrt(-2 * log(uniform(random)));
        double normal = radius * cos(2 * acos(-1.0) * uniform(random));
        if (fabs(normal) <= 2)
            return normal;
    }
}

/* Products that end in one output (in), and that one input takes part in (out). */
static void fans(const struct shape *shape, double *in, double *out)
{
    const int32_t *d = shape->dims;
    *in = *out = (double)shape_elements(shape);
    if (shape->rank == 4 && d[0] == 1) { /* 1HWO of a depthwise convolution */
        *in = *out = (double)d[1] * d[2];
    } else if (shape->rank >= 2) {
        *in /= d[0];
        *out /= d[shape->rank - 1];
    }
}

static void draw(const struct tensor *tensor, struct random *random, float *values)
{
    /* standard deviation of a normal distribution cut off at two */
    static const double truncated_deviation = 0.87962566103423978;
    double in, out;
    int64_t n = shape_elements(&tensor->shape);
    fans(&tensor->shape, &in, &out);
    for (int64_t i = 0; i < n; i++) {
        if (tensor->initializer == INITIALIZER_ONES)
            values[i] = 1;
        else if (tensor->initializer == INITIALIZER_HE_NORMAL)
            values[i] = (float)(truncated_normal(random) * sqrt(2 / in) / truncated_deviation);
        else if (tensor->initializer == INITIALIZER_GLOROT_UNIFORM)
            values[i] = (float)((2 * uniform(random) - 1) * sqrt(6 / (in + out)));
    }
}

/* FNV-1a, so that a tensor's values do not depend on what else is in the graph. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash;
}

struct graph *initialize(const struct graph *graph, uint64_t seed, struct arena *arena)
{
    struct graph *drawn = arena_copy(arena, graph, sizeof *graph);
    drawn->tensors =
        arena_copy(arena, graph->tensors, (size_t)graph->n_tensors * sizeof *graph->tensors);
    for (int32_t i = 0; i < drawn->n_tensors; i++) {
        struct tensor *tensor = &drawn->tensors[i];
        if (tensor->initializer == INITIALIZER_NONE)
            continue;
        struct random random = {seed ^ name_hash(tensor->name)};
        float *values = ARENA_ARRAY(arena, (size_t)shape_elements(&tensor->shape), float);
        draw(tensor, &random, values);
        tensor->data = values;
        tensor->initializer = INITIALIZER_NONE;
    }
    return drawn;
}
