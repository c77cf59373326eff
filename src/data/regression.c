/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "data/metrics.h"

void regression_add(struct regression *regression, const float *predicted, const float *target,
                    int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double error = (double)predicted[i] - (double)target[i];
        regression->absolute += fabs(error);
        regression->squared += error * error;
    }
    regression->n += n;
}

double regression_mae(const struct regression *regression)
{
    return regression->n > 0 ? regression->absolute / (double)regression->n : NAN;
}

double regression_mse(const struct regression *regression)
{
    return regression->n > 0 ? regression->squared / (double)regression->n : NAN;
}
