/* SPDX-License-Identifier: Apache-2.0 */
/* Where every tensor lives at run time. */
#ifndef DTMM_PRODUCT_LAYOUT_H
#define DTMM_PRODUCT_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

enum place {
    PLACE_NONE,     /* never in memory at run time */
    PLACE_CONSTANT, /* flash */
    PLACE_INPUT,    /* the caller's input buffer `index` */
    PLACE_OUTPUT,   /* the caller's output buffer `index` */
    PLACE_ARENA     /* arena + offset */
};

struct tensor_place {
    enum place place;
    int32_t index;
    size_t offset;
    int32_t first_call, last_call; /* lifetime in calls; both included (arena only) */
};

struct layout {
    int32_t n_tensors;
    struct tensor_place *tensors;
    int32_t n_calls;
    size_t *scratch_offset;   /* by call; into the arena */
    size_t arena_bytes;       /* peak, scratch included */
    size_t lower_bound_bytes; /* largest sum of live tensor bytes at any call, in-place counted
                                 once, scratch not included */
    int32_t peak_call;        /* the call that causes the peak */
};

#endif
