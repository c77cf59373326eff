/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels layers take so that the arena fits: pack and plan, again and again. Knows neither
 * how to pack nor how to plan, so that a network that exists and one that is only thought of are
 * fitted alike. */
#ifndef DTMM_SCHEDULE_FIT_SEARCH_H
#define DTMM_SCHEDULE_FIT_SEARCH_H

#include "base/status.h"
#include "product/layout.h"
#include "product/packed.h"

/* A network lowered to calls, and laid out. Read of the calls: node, kernel, scratch_bytes,
 * instructions; of the layout: live_bytes, peak_call, arena_bytes. */
struct fitted {
    struct packed *packed;
    struct layout *layout;
};

struct fit_problem {
    int32_t n_nodes;
    size_t sram_budget; /* bytes of arena */
    void *context;
    /* Makes what struct pack_request (pass.h) asks for by node. */
    enum status (*pack_and_plan)(void *context, const size_t *scratch_limit,
                                 const uint8_t *in_place, struct fitted *fitted, struct diag *diag);
    /* Bytes of the code of all its kernels. */
    size_t (*code_bytes)(void *context, const struct packed *packed);
};

/* While the arena exceeds the SRAM budget, layers at its peak take kernels with less scratch
 * memory, then kernels that work in place. Within the budget layers work in place where that
 * lowers the peak and is predicted to cost no instruction and no byte of code. `scratch` holds what
 * is asked for. */
enum status fit_search(const struct fit_problem *problem, struct arena *scratch,
                       struct fitted *best, struct diag *diag);

#endif
