/* SPDX-License-Identifier: Apache-2.0 */
/* From one sum to one output. */
#ifndef DTMM_ARMV7EM_CONV_2D_FINISH_H
#define DTMM_ARMV7EM_CONV_2D_FINISH_H

#include "../dtmm.h"
#include "requantize.h"

/* Output `filter`; `sum` is twice that of the products. */
static inline int8_t dtmm_dsp_finish_single(const struct dtmm_conv_2d *p, int32_t filter,
                                            int32_t sum)
{
    int32_t bias = p->bias[filter], multiplier = p->multiplier[filter], shift = p->shift[filter];
    if (dtmm_dsp_shift_is_fast(shift) && bias < 1 << 29 && bias > -(1 << 29)) {
        struct dtmm_dsp_fast fast = dtmm_dsp_fast(multiplier, shift, p->output_zero_point);
        sum = dtmm_dsp_requantize_fast(sum + 2 * bias, &fast);
        return dtmm_clamp(sum, 0, p->output_min, p->output_max);
    }
    sum = dtmm_requantize((sum >> 1) + bias, multiplier, shift);
    return dtmm_clamp(sum, p->output_zero_point, p->output_min, p->output_max);
}

#endif
