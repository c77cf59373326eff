/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers the kernels of Cortex-M3 compute, and with how
 * much scratch memory; the host asks when it chooses kernels. For each kernel there is
 * dtmm_<name>_armv7m_accepts(): 1 when the kernel computes the layer of these parameters exactly;
 * it may read all arrays that they point to. Kernels of the form `scratch` also have
 * dtmm_<name>_armv7m_scratch_bytes(). */
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
