/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers the kernels of RV32IMC and RV32IMAC compute, and with how
 * much scratch memory; the host asks when it chooses kernels. For each kernel there is
 * dtmm_<name>_rv32_accepts(): 1 when the kernel computes the layer of these parameters exactly; it
 * may read all arrays that they point to. Kernels of the form `scratch` also have
 * dtmm_<name>_rv32_scratch_bytes(). */
#ifndef DTMM_RV32_RULES_H
#define DTMM_RV32_RULES_H

#include "../dtmm.h"
#include "add_rules.h"
#include "conv_2d_rules.h"
#include "depthwise_conv_2d_rules.h"
#include "fully_connected_rules.h"
#include "mean_rules.h"
#include "pool_2d_rules.h"

static inline int dtmm_mul_s8_rv32_accepts(const struct dtmm_mul *p)
{
    (void)p;
    return 1;
}

static inline int dtmm_softmax_s8_rv32_accepts(const struct dtmm_softmax *p)
{
    (void)p;
    return 1;
}

#endif
