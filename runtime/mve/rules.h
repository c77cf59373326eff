/* SPDX-License-Identifier: Apache-2.0 */
/* Which layers the kernels of Cortex-M55 (Helium) compute, and with how
 * much scratch memory; the host asks when it chooses kernels. For each kernel there is
 * dtmm_<name>_mve_accepts(): 1 when the kernel computes the layer of these parameters exactly; it
 * may read all arrays that they point to. Kernels of the form `scratch` also have
 * dtmm_<name>_mve_scratch_bytes(). */
#ifndef DTMM_MVE_RULES_H
#define DTMM_MVE_RULES_H

#include "../dtmm.h"
#include "add_rules.h"
#include "any_rules.h"
#include "conv_2d_rules.h"
#include "depthwise_rules.h"
#include "mean_rules.h"

#endif
