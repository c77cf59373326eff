/* SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"

#include <math.h>
#include <string.h>

struct random augment_random(uint64_t seed, int32_t epoch, int32_t index)
{
    struct random random = {seed * UINT64_C(0x9e3779b97f4a7c15) + ((uint64_t)epoch << 32) +
                            (uint64_t)index};
    random_bits(&random);
    return random;
}

/* ---- images ---- */

static void fill(float *to, int32_t n, float value)
{
    for (int32_t i = 0; i < n; i++)
        to[i] = value;
}

static void copy_row(float *to, const float *from, int32_t width, int32_t channels, int flip)
{
    if (!flip) {
        memcpy(to, from, (size_t)(width * channels) * sizeof *to);
        return;
    }
    for (int32_t x = 0; x < width; x++)
        for (int32_t c = 0; c < channels; c++)
            to[x * channels + c] = from[(width - 1 - x) * channels + c];
}

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* One row, `shift` pixels to the right, and the other way round before that. */
static void move_row(const struct augmentation *augmentation, const int32_t *dims, int32_t shift,
                     int flip, const float *from, float *to)
{
    int32_t width = dims[2], channels = dims[3];
    int32_t kept = width - (shift < 0 ? -shift : shift);
    int32_t source = shift < 0 ? -shift : 0, target = shift < 0 ? 0 : shift;
    if (flip) /* the same pixels, counted from the right */
        source = width - kept - source;
    copy_row(to + target * channels, from + source * channels, kept, channels, flip);
    fill(to, target * channels, augmentation->fill);
    fill(to + (target + kept) * channels, (width - kept - target) * channels, augmentation->fill);
}

/* Flip and shift in one go. */
static void move(const struct augmentation *augmentation, const int32_t *dims,
                 struct random *random, float *sample, float *scratch)
{
    const int32_t *limit = augmentation->shift;
    int flip = augmentation->flip && (random_bits(random) >> 63) != 0;
    int32_t down = 0, right = 0;
    if (limit[0] > 0)
        down = clamp(random_range(random, -limit[0], limit[0]), -dims[1], dims[1]);
    if (limit[1] > 0)
        right = clamp(random_range(random, -limit[1], limit[1]), -dims[2], dims[2]);
    if (!flip && down == 0 && right == 0)
        return;
    int32_t row = dims[2] * dims[3];
    memcpy(scratch, sample, (size_t)(dims[1] * row) * sizeof *sample);
    for (int32_t y = 0; y < dims[1]; y++) {
        int32_t from = y - down;
        if (from < 0 || from >= dims[1])
            fill(sample + y * row, row, augmentation->fill);
        else
            move_row(augmentation, dims, right, flip, scratch + from * row, sample + y * row);
    }
}

static void cut_out(const struct augmentation *augmentation, const int32_t *dims,
                    struct random *random, float *sample)
{
    int32_t side = augmentation->cutout, channels = dims[3];
    int32_t top = random_range(random, 0, dims[1] - 1) - side / 2;
    int32_t left = random_range(random, 0, dims[2] - 1) - side / 2;
    int32_t y_end = clamp(top + side, 0, dims[1]), x_end = clamp(left + side, 0, dims[2]);
    left = clamp(left, 0, dims[2]);
    for (int32_t y = clamp(top, 0, dims[1]); y < y_end; y++)
        fill(sample + (y * dims[2] + left) * channels, (x_end - left) * channels,
             augmentation->fill);
}

/* ---- noise ---- */

/* The sum of the eight bytes: four pairs, then all of them by a multiplication. */
static int32_t byte_sum(uint64_t bits)
{
    const uint64_t pairs = UINT64_C(0x00ff00ff00ff00ff);
    return (int32_t)(((bits & pairs) + (bits >> 8 & pairs)) * UINT64_C(0x0001000100010001) >> 48);
}

static void add_noise(float deviation, int64_t n, struct random *random, float *sample)
{
    /* A byte is uniform in [0, 255]: the mean of eight, and the deviation of their sum. */
    const int32_t center = 4 * 255;
    const float scale = (float)(deviation / sqrt(8 * (256.0 * 256.0 - 1) / 12));
    for (int64_t i = 0; i < n; i++)
        sample[i] += scale * (float)(byte_sum(random_bits(random)) - center);
}

void augment(const struct augmentation *augmentation, const struct shape *shape,
             struct random *random, float *sample, float *scratch)
{
    int is_image = shape->rank == 4;
    if (is_image)
        move(augmentation, shape->dims, random, sample, scratch);
    if (augmentation->noise > 0)
        add_noise(augmentation->noise, shape_elements(shape), random, sample);
    if (is_image && augmentation->cutout > 0)
        cut_out(augmentation, shape->dims, random, sample);
}

/* ---- mixup ---- */

/* In (0, 1). */
static double uniform(struct random *random)
{
    return ((double)(random_bits(random) >> 11) + 0.5) * 0x1p-53;
}

/* By the polar method of Marsaglia. */
static double normal(struct random *random)
{
    for (;;) {
        double x = 2 * uniform(random) - 1, y = 2 * uniform(random) - 1, r = x * x + y * y;
        if (r < 1 && r > 0)
            return x * sqrt(-2 * log(r) / r);
    }
}

/* The logarithm of a number from Gamma(a, 1): a small `a` gives numbers too small for a double. */
static double log_gamma_number(double a, struct random *random)
{
    /* Gamma(a) = Gamma(a + 1) * U^(1/a) */
    double boost = a < 1 ? log(uniform(random)) / a : 0;
    double d = (a < 1 ? a + 1 : a) - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = normal(random), v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (log(uniform(random)) < 0.5 * x * x + d - d * v + d * log(v))
            return log(d * v) + boost;
    }
}

float augment_share(const struct augmentation *augmentation, struct random *random)
{
    if (!(augmentation->mixup > 0))
        return 1;
    double x = log_gamma_number(augmentation->mixup, random);
    double y = log_gamma_number(augmentation->mixup, random);
    return (float)(1 / (1 + exp(-fabs(x - y))));
}
