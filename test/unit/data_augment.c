/* SPDX-License-Identifier: Apache-2.0 */
/* Random variations: what each does exactly, its statistics, and the same for the same seed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/augment.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { H = 5, W = 7, C = 2, PIXELS = H * W * C };

static const struct shape image = {4, {1, H, W, C}};
static struct diag diag;

static struct augmentation parsed(const char *text)
{
    struct augmentation augmentation;
    if (augmentation_parse(text, &augmentation, &diag) != OK)
        fail_msg("%s", diag.message);
    return augmentation;
}

/* Pixels that tell where they stood: 1, 2, ... */
static void count_up(float *sample)
{
    for (int i = 0; i < PIXELS; i++)
        sample[i] = (float)(i + 1);
}

static void options_are_read(void **state)
{
    (void)state;
    struct augmentation all = parsed("flip,shift:4,cutout:8,noise:0.1,mixup:0.2,fill:-1.5");
    assert_true(all.flip && all.shift[0] == 4 && all.shift[1] == 4 && all.cutout == 8 &&
                all.noise == 0.1f && all.mixup == 0.2f && all.fill == -1.5f);
    struct augmentation some = parsed("shift:3x0,flip");
    assert_true(some.flip && some.shift[0] == 3 && some.shift[1] == 0 && some.noise == 0);
    struct augmentation none = parsed("none");
    assert_true(!none.flip && none.mixup == 0);
    static const char *const BAD[][2] = {
        {"", ""},
        {"flip,", ""},
        {"flip:1", "flip:1"},
        {"flips", "flips"},
        {"flip,none", "none"},
        {"shift", "shift"},
        {"shift:-1", "shift:-1"},
        {"shift:2x", "shift:2x"},
        {"shift:5000", "shift:5000"},
        {"cutout:8x8", "cutout:8x8"},
        {"noise:-0.1,flip", "noise:-0.1"},
        {"noise:nan", "noise:nan"},
        {"noise:1e99", "noise:1e99"},
        {"mixup:", "mixup:"},
        {"fill:inf", "fill:inf"},
        {"flip;shift:4", "flip;shift:4"},
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct augmentation augmentation;
        char expected[200];
        sprintf(expected,
                "augmentation '%s': '%s' is not understood; write it as "
                "flip,shift:4,cutout:8,noise:0.1,mixup:0.2,fill:0, or none",
                BAD[i][0], BAD[i][1]);
        assert_int_equal(augmentation_parse(BAD[i][0], &augmentation, &diag), ERR_USAGE);
        assert_string_equal(diag.message, expected);
    }
}

static void nothing_changes(void **state)
{
    (void)state;
    struct augmentation augmentation = parsed("mixup:1,fill:9");
    struct random random = {1};
    float sample[PIXELS], scratch[PIXELS], expected[PIXELS];
    count_up(sample);
    count_up(expected);
    augment(&augmentation, &image, &random, sample, scratch);
    assert_memory_equal(sample, expected, sizeof sample);
    assert_int_equal(random.state, 1);
    augmentation = parsed("flip,shift:3,cutout:4");
    augment(&augmentation, &(struct shape){2, {1, PIXELS}}, &random, sample, scratch);
    assert_memory_equal(sample, expected, sizeof sample);
}

static void flips_half(void **state)
{
    (void)state;
    struct augmentation augmentation = parsed("flip");
    struct random random = {2};
    float sample[PIXELS], scratch[PIXELS];
    int n = 0;
    for (int round = 0; round < 2000; round++) {
        count_up(sample);
        augment(&augmentation, &image, &random, sample, scratch);
        int flipped = sample[0] > 2;
        n += flipped;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int c = 0; c < C; c++) {
                    int from = flipped ? W - 1 - x : x;
                    assert_true(sample[(y * W + x) * C + c] == (float)((y * W + from) * C + c + 1));
                }
    }
    assert_in_range(n, 900, 1100); /* standard deviation 22 */
}

/* Every shift is as likely; with a flip the pixels are those of the flipped image. */
static void shifts(void **state)
{
    (void)state;
    struct augmentation augmentation = parsed("flip,shift:2x9,fill:-1");
    struct random random = {3};
    float sample[PIXELS], scratch[PIXELS];
    int down_counts[5] = {0}, right_counts[15] = {0};
    for (int round = 0; round < 4000; round++) {
        struct random peek = random;
        int flip = (int)(random_bits(&peek) >> 63);
        int down = random_range(&peek, -2, 2), right = random_range(&peek, -9, 9);
        right = right < -W ? -W : right > W ? W : right;
        down_counts[down + 2]++;
        right_counts[right + W]++;
        count_up(sample);
        augment(&augmentation, &image, &random, sample, scratch);
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                int from_y = y - down, from_x = x - right;
                int inside = from_y >= 0 && from_y < H && from_x >= 0 && from_x < W;
                if (flip)
                    from_x = W - 1 - from_x;
                float expected = inside ? (float)((from_y * W + from_x) * C + 1) : -1;
                assert_true(sample[(y * W + x) * C] == expected);
                assert_true(sample[(y * W + x) * C + 1] == (inside ? expected + 1 : -1));
            }
    }
    for (int i = 0; i < 5; i++)
        assert_in_range(down_counts[i], 650, 950); /* 800, standard deviation 25 */
    for (int i = 1; i < 14; i++)
        assert_in_range(right_counts[i], 140, 280); /* 211, standard deviation 14 */
}

static void cuts_out(void **state)
{
    (void)state;
    struct augmentation augmentation = parsed("cutout:3,fill:-1");
    struct random random = {4};
    float sample[PIXELS], scratch[PIXELS];
    int whole = 0;
    for (int round = 0; round < 1000; round++) {
        struct random peek = random;
        int center_y = random_range(&peek, 0, H - 1), center_x = random_range(&peek, 0, W - 1);
        int n = 0;
        count_up(sample);
        augment(&augmentation, &image, &random, sample, scratch);
        for (int i = 0; i < PIXELS; i++) {
            int y = i / C / W, x = i / C % W;
            int cut = abs(y - center_y) <= 1 && abs(x - center_x) <= 1;
            assert_true(sample[i] == (cut ? -1 : (float)(i + 1)));
            n += cut;
        }
        whole += n == 9 * C;
    }
    assert_in_range(whole, 370, 490); /* 15 of 35 centers */
    augmentation = parsed("cutout:100,fill:2");
    augment(&augmentation, &image, &random, sample, scratch);
    for (int i = 0; i < PIXELS; i++)
        assert_true(sample[i] == 2);
}

/* Mean, deviation, skewness, kurtosis and the tails are nearly those of a Gaussian, exactly those
 * of the sum of eight uniform bytes. */
static void noise_is_gaussian(void **state)
{
    (void)state;
    enum { N = 400000 };
    struct augmentation augmentation = parsed("noise:0.5");
    struct random random = {5};
    float *noise = calloc(N, sizeof *noise);
    assert_non_null(noise);
    augment(&augmentation, &(struct shape){2, {1, N}}, &random, noise, NULL);
    double moments[5] = {0};
    int beyond_1 = 0, beyond_2 = 0, beyond_3 = 0;
    for (int i = 0; i < N; i++) {
        double z = (double)noise[i] / 0.5, power = 1;
        for (int k = 1; k <= 4; k++)
            moments[k] += (power *= z) / N;
        beyond_1 += fabs(z) > 1;
        beyond_2 += fabs(z) > 2;
        beyond_3 += fabs(z) > 3;
    }
    free(noise);
    assert_true(fabs(moments[1]) < 0.008);
    assert_true(fabs(moments[2] - 1) < 0.01);
    assert_true(fabs(moments[3]) < 0.02);
    assert_true(fabs(moments[4] - (3 - 0.15)) < 0.05); /* of eight uniform numbers: 3 - 1.2 / 8 */
    assert_true(fabs(beyond_1 / (double)N - 0.3233) < 0.003);
    assert_true(fabs(beyond_2 / (double)N - 0.0455) < 0.002);
    assert_true(fabs(beyond_3 / (double)N - 0.0018) < 0.0003);
}

/* The mean of the larger share, and its square, against integrals of the Beta distribution. */
static void shares_are_beta(void **state)
{
    (void)state;
    static const struct {
        float a;
        double mean, square; /* of max(s, 1 - s) */
    } CASES[] = {{0.2f, 0.89881, 0.82738},
                 {1, 0.75, 7.0 / 12},
                 {2, 0.6875, 0.4875},
                 {0.5f, 0.5 + 0.31831, 0.5 * 0.5 + 0.31831 + 0.125}};
    enum { N = 200000 };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct augmentation augmentation = {.mixup = CASES[i].a};
        struct random random = {6 + i};
        double sum = 0, squares = 0;
        for (int n = 0; n < N; n++) {
            float share = augment_share(&augmentation, &random);
            assert_true(share >= 0.5f && share <= 1);
            sum += (double)share;
            squares += (double)share * (double)share;
        }
        if (fabs(sum / N - CASES[i].mean) > 0.003 || fabs(squares / N - CASES[i].square) > 0.004)
            fail_msg("Beta(%g): mean %g, square %g", (double)CASES[i].a, sum / N, squares / N);
    }
    struct augmentation none = {0}, tiny = {.mixup = 1e-6f}, huge = {.mixup = 1e6f};
    struct random random = {1};
    assert_true(augment_share(&none, &random) == 1 && random.state == 1);
    for (int i = 0; i < 1000; i++) {
        assert_true(augment_share(&tiny, &random) == 1);
        assert_true(fabsf(augment_share(&huge, &random) - 0.5f) < 0.01f);
    }
}

/* The same on every host: no library of mathematics is involved. */
static void seeds_decide(void **state)
{
    (void)state;
    struct augmentation augmentation = parsed("flip,shift:2,noise:0.25,cutout:2");
    struct random a = {42}, b = {42}, c = {43};
    float first[PIXELS], second[PIXELS], third[PIXELS], scratch[PIXELS];
    count_up(first);
    count_up(second);
    count_up(third);
    augment(&augmentation, &image, &a, first, scratch);
    augment(&augmentation, &image, &b, second, scratch);
    augment(&augmentation, &image, &c, third, scratch);
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(a.state, b.state);
    assert_memory_not_equal(first, third, sizeof first);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof first; i++)
        hash = (hash ^ ((const unsigned char *)first)[i]) * UINT64_C(0x100000001b3);
    assert_int_equal(hash, UINT64_C(0xe83c53a48c64ddd3));
}

static int compare_bits(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

/* No number comes twice among epochs and samples. */
static void sequences_have_nothing_in_common(void **state)
{
    (void)state;
    enum { EPOCHS = 32, SAMPLES = 16, DRAWS = 32, N = EPOCHS * SAMPLES * DRAWS };
    static uint64_t bits[N];
    for (int k = 0; k < N / DRAWS; k++) {
        struct random random = augment_random(1, k / SAMPLES, k % SAMPLES);
        for (int i = 0; i < DRAWS; i++)
            bits[k * DRAWS + i] = random_bits(&random);
    }
    qsort(bits, N, sizeof *bits, compare_bits);
    for (int i = 1; i < N; i++)
        assert_true(bits[i] != bits[i - 1]);
    assert_true(augment_random(3, 1, 4).state == augment_random(3, 1, 4).state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(nothing_changes),
        cmocka_unit_test(flips_half),
        cmocka_unit_test(shifts),
        cmocka_unit_test(cuts_out),
        cmocka_unit_test(noise_is_gaussian),
        cmocka_unit_test(shares_are_beta),
        cmocka_unit_test(seeds_decide),
        cmocka_unit_test(sequences_have_nothing_in_common),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
