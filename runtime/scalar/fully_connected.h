/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected layers on cores without SIMD: which of them, and the end of each output. */
#ifndef DTMM_SCALAR_FULLY_CONNECTED_H
#define DTMM_SCALAR_FULLY_CONNECTED_H

#include "../dtmm.h"
#include "requantize.h"

static inline int dtmm_scalar_fully_connected_accepts(const struct dtmm_fully_connected *p)
{
    return dtmm_scalar_shifts(p->shift, p->per_channel ? p->output_channels : 1) &&
           dtmm_scalar_bounds(p->weights, p->input_channels, 1, p->input_channels, p->bias,
                              p->output_channels);
}

/* Output `o` from the sum of its products. */
static inline int8_t dtmm_scalar_fully_connected_finish(const struct dtmm_fully_connected *p,
                                                        int32_t o, int32_t sum)
{
    int32_t scale = p->per_channel ? o : 0;
    sum = dtmm_scalar_requantize(sum + p->bias[o], p->multiplier[scale], p->shift[scale]);
    return dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
}

#endif
