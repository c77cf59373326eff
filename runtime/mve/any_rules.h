/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of the kernels that compute every layer, or nearly so, without scratch memory; see rules.h.
 */
#ifndef DTMM_MVE_ANY_RULES_H
#define DTMM_MVE_ANY_RULES_H

#include "../dtmm.h"

#define DTMM_MVE_ANY(name, parameters)                                                             \
    static inline int dtmm_##name##_mve_accepts(const struct dtmm_##parameters *p)                 \
    {                                                                                              \
        (void)p;                                                                                   \
        return 1;                                                                                  \
    }

DTMM_MVE_ANY(fully_connected_s8, fully_connected)
DTMM_MVE_ANY(add_s8, add)
DTMM_MVE_ANY(sub_s8, add)
DTMM_MVE_ANY(mul_s8, mul)
DTMM_MVE_ANY(average_pool_2d_s8, pool_2d)
DTMM_MVE_ANY(max_pool_2d_s8, pool_2d)
DTMM_MVE_ANY(softmax_s8, softmax)
DTMM_MVE_ANY(lookup_s8, lookup)
DTMM_MVE_ANY(quantize_f32_s8, quantize)
DTMM_MVE_ANY(copy_s8, copy)
DTMM_MVE_ANY(pad_s8, pad)
DTMM_MVE_ANY(resize_nearest_s8, resize_nearest)

/* Helium flushes numbers below 2^-126 to zero; no product is that small. */
static inline int dtmm_dequantize_s8_f32_mve_accepts(const struct dtmm_quantize *p)
{
    return p->scale >= 1e-30F;
}

static inline int32_t
dtmm_fully_connected_s8_mve_scratch_bytes(const struct dtmm_fully_connected *p)
{
    (void)p;
    return 0;
}

#endif
