/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the driver: pack and plan, repeated until the arena fits. */
#ifndef DTMM_DRIVER_FIT_H
#define DTMM_DRIVER_FIT_H

#include "driver/driver.h"

/* Sets packed and layout of compiled->graph, as fit_search() (schedule/fit_search.h) finds them. */
enum status fit(const struct compile_options *options, struct arena *arena,
                struct compiled *compiled, struct diag *diag);

#endif
