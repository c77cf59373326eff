/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel each call takes, among those that compute its layer. */
#ifndef DTMM_PASS_KERNEL_CHOICE_H
#define DTMM_PASS_KERNEL_CHOICE_H

#include "pass/pass.h"

/* Replaces the reference kernel of every call by the one that kernel_options_select() chooses among
 * the kernels of the core that keep to the request's limits. Sets scratch bytes and predicted
 * instructions. A null request takes the portable kernels.
 *
 * A kernel of conv_2d_fwcs_list competes with those on the mask of the same layer, and the bytes by
 * which its lists are larger count as its code does; calls that take it get their list from
 * `arena`.
 *
 * A kernel that the request's form of a node asks for is taken as it is; ERR_UNSUPPORTED where it
 * does not compute the layer. */
enum status kernels_choose(const struct graph *graph, const struct pack_request *request,
                           struct arena *arena, struct packed *packed, struct diag *diag);

#endif
