/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of pools and mean; see rules.h. */
#ifndef DTMM_ARMV7EM_POOL_RULES_H
#define DTMM_ARMV7EM_POOL_RULES_H

#include "../dtmm.h"

enum { DTMM_DSP_MOST_ADDED = 256 }; /* int8 values whose sum fits a half */

static inline int dtmm_average_pool_2d_s8_armv7em_accepts(const struct dtmm_pool_2d *p)
{
    return p->channels >= 4;
}

static inline int dtmm_max_pool_2d_s8_armv7em_accepts(const struct dtmm_pool_2d *p)
{
    return p->channels >= 4;
}

/* A mean as one over the middle of three dimensions. */
struct dtmm_dsp_mean_shape {
    int32_t outer, n, inner; /* n is 0 where the dimensions averaged are not side by side */
};

static inline struct dtmm_dsp_mean_shape dtmm_dsp_mean_shape(const struct dtmm_mean *p)
{
    struct dtmm_dsp_mean_shape shape = {1, 1, 1};
    int after = 0; /* 1: in the dimensions averaged, 2: behind them */
    for (int d = 0; d < 5; d++) {
        int is_averaged = p->axes >> d & 1;
        if (p->dims[d] == 1)
            continue;
        if (is_averaged ? after == 0 : after == 1)
            after++;
        if (is_averaged && after == 2)
            shape.n = 0;
        *(is_averaged ? &shape.n : after == 0 ? &shape.outer : &shape.inner) *= p->dims[d];
    }
    return shape;
}

static inline int dtmm_mean_s8_armv7em_accepts(const struct dtmm_mean *p)
{
    struct dtmm_dsp_mean_shape shape = dtmm_dsp_mean_shape(p);
    return shape.n > 0 && shape.inner >= 4;
}

#endif
