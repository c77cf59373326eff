/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the driver: pack and plan, repeated until the arena fits. */
#ifndef DTMM_FIT_H
#define DTMM_FIT_H

#include "driver.h"

/* Sets packed and layout of compiled->graph. While the arena exceeds the SRAM budget, layers at its
 * peak take kernels with less scratch memory, then kernels that work in place. Within the budget a
 * layer works in place where that lowers the peak and is predicted to cost no instruction. */
enum status fit(const struct compile_options *options, struct arena *arena,
                struct compiled *compiled, struct diag *diag);

#endif
