/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/augment.h"

enum { PIXELS_MAX = 4096 };

static int parse_pixels(const char *text, const char **end, int32_t *pixels)
{
    char *behind;
    long value = strtol(text, &behind, 10);
    if (*text < '0' || *text > '9' || value > PIXELS_MAX)
        return 0;
    *pixels = (int32_t)value;
    *end = behind;
    return 1;
}

static int parse_shift(const char *value, const char **end, int32_t shift[2])
{
    if (!parse_pixels(value, end, &shift[0]))
        return 0;
    shift[1] = shift[0];
    return **end != 'x' || parse_pixels(*end + 1, end, &shift[1]);
}

static int parse_real(const char *text, const char **end, float low, float *real)
{
    char *behind;
    *real = strtof(text, &behind);
    *end = behind;
    return behind != text && isfinite(*real) && *real >= low;
}

/* Reads what stands behind "NAME:"; `end` is set behind it. */
static int parse_value(const char *name, size_t length, const char *value, const char **end,
                       struct augmentation *augmentation)
{
    if (length == 5 && memcmp(name, "shift", 5) == 0)
        return parse_shift(value, end, augmentation->shift);
    if (length == 6 && memcmp(name, "cutout", 6) == 0)
        return parse_pixels(value, end, &augmentation->cutout);
    if (length == 5 && memcmp(name, "noise", 5) == 0)
        return parse_real(value, end, 0, &augmentation->noise);
    if (length == 5 && memcmp(name, "mixup", 5) == 0)
        return parse_real(value, end, 0, &augmentation->mixup);
    if (length == 4 && memcmp(name, "fill", 4) == 0)
        return parse_real(value, end, -INFINITY, &augmentation->fill);
    return 0;
}

enum status augmentation_parse(const char *text, struct augmentation *augmentation,
                               struct diag *diag)
{
    *augmentation = (struct augmentation){0};
    if (strcmp(text, "none") == 0)
        return OK;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",:");
        const char *end = at + length;
        int good = *end == ':' && parse_value(at, length, end + 1, &end, augmentation);
        if (!good && length == 4 && memcmp(at, "flip", 4) == 0)
            good = augmentation->flip = 1;
        if (!good || (*end != ',' && *end != '\0'))
            return fail(diag, ERR_USAGE,
                        "augmentation '%s': '%.*s' is not understood; write it as "
                        "flip,shift:4,cutout:8,noise:0.1,mixup:0.2,fill:0, or none",
                        text, (int)strcspn(at, ","), at);
        if (*end == '\0')
            return OK;
        at = end;
    }
}
