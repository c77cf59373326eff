/* SPDX-License-Identifier: Apache-2.0 */
/* Where every tensor lives at run time. */
#ifndef DTMM_PRODUCT_LAYOUT_H
#define DTMM_PRODUCT_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

enum place {
    PLACE_NONE,     /* never in memory at run time */
    PLACE_CONSTANT, /* flash: the data of tensor `index`, which a reshape may share */
    PLACE_INPUT,    /* the caller's input buffer `index` */
    PLACE_OUTPUT,   /* the caller's output buffer `index` */
    PLACE_ARENA     /* arena + offset */
};

struct tensor_place {
    enum place place;
    int32_t index;
    size_t offset;
    /* Lifetime in calls, both included (arena only); a tensor and its reshapes have one. The output
     * of a call that works in place has the offset of the input that dies there. */
    int32_t first_call, last_call;
};

struct layout {
    int32_t n_tensors;
    struct tensor_place *tensors;
    int32_t n_calls;
    size_t *scratch_offset;   /* by call; into the arena */
    size_t arena_bytes;       /* peak, scratch included; offsets of tensors are multiples of 4, of
                                 scratch of 8, in an arena aligned to 8 */
    size_t lower_bound_bytes; /* largest sum of live tensor bytes at any call, in-place counted
                                 once, scratch not included */
    size_t *live_bytes;       /* by call: tensors alive, scratch included */
    int32_t peak_call; /* the call that causes the peak: the first with the most live bytes */
};

#endif
