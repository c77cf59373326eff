/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers the kernels of Cortex-M3 compute, and with how much scratch memory. The host asks,
 * when it chooses kernels; for each kernel dtmm_<name>_armv7m there is int
 * dtmm_<name>_armv7m_accepts(const struct dtmm_<parameters> *p) 1 when the kernel computes this
 * layer exactly; may read all arrays that p points to; int32_t
 * dtmm_<name>_armv7m_scratch_bytes(const struct dtmm_<parameters> *p) for kernels of the form
 * `scratch` only. */
#ifndef DTMM_ARMV7M_RULES_H
#define DTMM_ARMV7M_RULES_H

#include "../dtmm.h"
#include "conv_2d_fwcs_pixel_rules.h"
#include "conv_2d_lanes_rules.h"
#include "conv_2d_rules.h"
#include "add_rules.h"
#include "depthwise_conv_2d_rules.h"
#include "depthwise_planes_rules.h"
#include "fully_connected_rules.h"

#endif
