/* SPDX-License-Identifier: Apache-2.0 */
/* Pooling on RV32: all layers. */
#ifndef DTMM_RV32_POOL_2D_RULES_H
#define DTMM_RV32_POOL_2D_RULES_H

#include "../dtmm.h"

static inline int dtmm_max_pool_2d_s8_rv32_accepts(const struct dtmm_pool_2d *p)
{
    (void)p;
    return 1;
}

static inline int dtmm_average_pool_2d_s8_rv32_accepts(const struct dtmm_pool_2d *p)
{
    (void)p;
    return 1;
}

#endif
