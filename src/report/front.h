/* SPDX-License-Identifier: Apache-2.0 */
/* Networks of different size and accuracy, side by side. */
#ifndef DTMM_REPORT_FRONT_H
#define DTMM_REPORT_FRONT_H

#include <jansson.h>
#include <stdint.h>

#include "base/text.h"

struct front_point {
    const char *name;
    int64_t flash_bytes, sram_bytes, instructions;
    double latency_ms;       /* an estimate; 0: the target has no clock */
    double validation, test; /* accuracy, 0 .. 1; NaN: not known */
};

struct front {
    const char *network, *target;
    int32_t n;
    struct front_point *points; /* the dense network first, then less and less */
    int32_t knee;               /* of front_knee() */
};

/* The point from which on accuracy falls fastest for what is saved: the farthest above the straight
 * line between the ends, accuracy (on validation data) against flash, both in parts of their range
 * (Satopaa et al. 2011). 0: there are no three points with an accuracy. */
int32_t front_knee(const struct front *front);

/* A line a point, with a head. */
void front_csv(const struct front *front, struct text *text);

/* Two diagrams side by side as SVG: accuracy against flash, and against instructions. */
void front_svg(const struct front *front, struct text *text);

/* The same as a table for people and as JSON for programs, whose reference the caller owns. */
void front_print(const struct front *front, struct text *text);
json_t *front_json(const struct front *front);

#endif
