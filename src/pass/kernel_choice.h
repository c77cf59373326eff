/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel each call takes, among those that compute its layer. */
#ifndef DTMM_PASS_KERNEL_CHOICE_H
#define DTMM_PASS_KERNEL_CHOICE_H

#include "pass/pass.h"

/* Replaces the reference kernel of every call by the kernel of the core with the fewest predicted
 * instructions (where predictions are missing, the first of the core's list), keeping to the
 * request's limits; then does without a kernel wherever its code saves little:
 * CODE_BYTES_PER_PERCENT bytes of flash are worth 1 % of the network's instructions. No layer
 * becomes more than MOST_TIMES_SLOWER times slower by it. Sets scratch bytes and predicted
 * instructions. A null request takes the portable kernels.
 *
 * A kernel of conv_2d_fwcs_list competes with those on the mask of the same layer, and the bytes by
 * which its lists are larger count as its code does; calls that take it get their list from
 * `arena`. */
void kernels_choose(const struct pack_request *request, struct arena *arena, struct packed *packed);

enum { CODE_BYTES_PER_PERCENT = 256, MOST_TIMES_SLOWER = 2 };

#endif
