/* SPDX-License-Identifier: Apache-2.0 */
/* The list of kept units, which takes the mask's place in FWCS; doc/fwcs.md. */
#ifndef DTMM_PASS_FWCS_LIST_H
#define DTMM_PASS_FWCS_LIST_H

#include "base/arena.h"
#include "product/packed.h"

/* Makes `listed` of a layer in FWCS with a mask, its list in `arena`; returns the list's bytes, or
 * 0 when the layer has no such form. */
size_t fwcs_list_make(const struct dtmm_conv_2d *masked, struct arena *arena,
                      struct dtmm_conv_2d *listed);

#endif
