/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers the kernels of Cortex-M4, M7 and M33 (the DSP extension) compute, and with how much
 * scratch memory. The host asks, when it chooses kernels; for each kernel dtmm_<name>_armv7em there
 * is int dtmm_<name>_armv7em_accepts(const struct dtmm_<parameters> *p) 1 when the kernel computes
 * this layer exactly; may read all arrays that p points to; int32_t
 * dtmm_<name>_armv7em_scratch_bytes(const struct dtmm_<parameters> *p) for kernels of the form
 * `scratch` only. */
#ifndef DTMM_ARMV7EM_RULES_H
#define DTMM_ARMV7EM_RULES_H

#include "../dtmm.h"
#include "conv_2d_rules.h"
#include "depthwise_rules.h"
#include "elementwise_rules.h"
#include "fully_connected_rules.h"
#include "pool_rules.h"

#endif
