/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of tensors that are alive at each call, for bounds of SRAM. */
#ifndef DTMM_SCHEDULE_ALIVE_H
#define DTMM_SCHEDULE_ALIVE_H

#include "schedule/cost_model.h"

/* Tensors in the arena that no layout can do without at a call. */
struct alive {
    struct cost_model *model;
    int32_t n_calls;
    int32_t *node;    /* by call */
    int32_t *n_alive; /* by call: besides what the call itself writes */
    int32_t **tensors;
    int32_t *output;  /* by call: in the arena, or -1 */
    int32_t *n_dying; /* by call: inputs that nobody reads later; 0: no kernel works in place */
    int32_t *dies;    /* 2 a call: those */
};

enum status alive_make(struct cost_model *model, struct arena *arena, struct alive **alive,
                       struct diag *diag);

/* The sets whose channels are alive at the call, or are its node's, ascending; returns how many. */
int32_t alive_sets(const struct alive *alive, int32_t call, int32_t *sets);

/* The least bytes at the call with this candidate: in place, an output that may be written over an
 * input that dies there counts as the larger of both. Scratch memory does not count. */
size_t alive_bytes(const struct alive *alive, int32_t call, const uint8_t *candidate, int in_place);

#endif
