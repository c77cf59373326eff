/* SPDX-License-Identifier: Apache-2.0 */
/* When the fast form of requantize.h is exact. */
#ifndef DTMM_ARMV7EM_SUMS_H
#define DTMM_ARMV7EM_SUMS_H

#include <stdint.h>

/* Whether all sums of `n_weights` products and one of these biases lie in -2^30 .. 2^30 - 1. */
static inline int dtmm_dsp_sums_are_small(const int32_t *bias, int32_t n_filters, int32_t n_weights)
{
    if (n_weights >= 1 << 15)
        return 0;
    for (int32_t o = 0; o < n_filters; o++)
        if (bias[o] <= -(1 << 29) || bias[o] >= 1 << 29)
            return 0;
    return 1;
}

/* Whether the fast form of requantize.h is exact with this shift, for sums as above. */
static inline int dtmm_dsp_shift_is_fast(int32_t shift)
{
    return shift >= -22 && shift <= -1;
}

#endif
