/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of add, sub and mul; see rules.h. */
#ifndef DTMM_ARMV7EM_ELEMENTWISE_RULES_H
#define DTMM_ARMV7EM_ELEMENTWISE_RULES_H

#include "../dtmm.h"
#include "sums.h"

/* The scale 1/2, which the operand of the larger scale has. */
static inline int dtmm_dsp_is_half(int32_t multiplier, int32_t shift)
{
    return multiplier == 1 << 30 && shift == 0;
}

/* Neither operand repeats one element along the innermost dimension. */
static inline int dtmm_dsp_rows_are_dense(const int32_t dims[4], const int32_t stride_a[4],
                                          const int32_t stride_b[4])
{
    return (stride_a[3] == 1 && stride_b[3] == 1) || dims[3] == 1;
}

static inline int dtmm_add_s8_armv7em_accepts(const struct dtmm_add *p)
{
    int a_is_half = dtmm_dsp_is_half(p->multiplier_a, p->shift_a);
    int b_is_half = dtmm_dsp_is_half(p->multiplier_b, p->shift_b);
    return dtmm_dsp_rows_are_dense(p->dims, p->stride_a, p->stride_b) &&
           dtmm_dsp_shift_is_fast(p->shift_output) &&
           ((a_is_half && (b_is_half || dtmm_dsp_shift_is_fast(p->shift_b))) ||
            (b_is_half && dtmm_dsp_shift_is_fast(p->shift_a)));
}

static inline int dtmm_sub_s8_armv7em_accepts(const struct dtmm_add *p)
{
    return dtmm_add_s8_armv7em_accepts(p);
}

static inline int dtmm_mul_s8_armv7em_accepts(const struct dtmm_mul *p)
{
    return dtmm_dsp_rows_are_dense(p->dims, p->stride_a, p->stride_b) &&
           dtmm_dsp_shift_is_fast(p->shift);
}

#endif
