/* SPDX-License-Identifier: Apache-2.0 */
#include "train/rate.h"

#include <math.h>

static double half_cosine(double time)
{
    return 0.5 * (1 + cos(acos(-1.0) * time));
}

double rate_factor(enum rate_kind kind, double warmup, double time)
{
    static const double rise = 0.3;
    if (kind == RATE_ONE_CYCLE)
        return time < rise ? 0.04 + 0.96 * time / rise : half_cosine((time - rise) / (1 - rise));
    if (time < warmup)
        return time / warmup;
    if (kind == RATE_COSINE)
        return half_cosine(warmup < 1 ? (time - warmup) / (1 - warmup) : 1);
    if (kind == RATE_STEP)
        return time < 0.5 ? 1 : time < 0.75 ? 0.1 : 0.01;
    return 1;
}
