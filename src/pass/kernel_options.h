/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels that a call may take, and which of them the calls of a network take together. */
#ifndef DTMM_PASS_KERNEL_OPTIONS_H
#define DTMM_PASS_KERNEL_OPTIONS_H

#include "product/packed.h"
#include "target/target.h"

enum { MAX_OPTIONS = 8 };

/* A kernel that a call may take. */
struct kernel_option {
    enum kernel kernel;
    double instructions; /* predicted; negative when unknown */
    size_t scratch_bytes;
    int64_t more_index_bytes; /* beyond those of the call's mask; negative when fewer */
};

/* In the order of preference where costs are unknown: the core's own first, the reference last. */
struct kernel_options {
    int n;
    struct kernel_option list[MAX_OPTIONS];
    struct dtmm_conv_2d listed; /* the layer with a list in its mask's place */
    size_t list_bytes;          /* of that list; 0 when there is none */
};

/* What is asked of the kernel of one call. */
struct option_request {
    const struct core *core; /* NULL: portable kernels only, without costs */
    int in_place;            /* a kernel whose output may overwrite its input, where there is one */
    size_t scratch_limit;    /* bytes; the reference is an option whatever it needs */
};

/* Finds the options of a call whose kernel is its layer's reference. `listed` is made in the arena.
 */
struct kernel_options kernel_options_find(const struct packed_call *call,
                                          const struct option_request *request,
                                          struct arena *arena);

/* Whether in_place changes the options of the call. */
int kernel_has_in_place_form(const struct packed_call *call);

/* Whether the kernel reads a list of kept units in the mask's place. */
int kernel_reads_list(enum kernel kernel);

/* Chooses for each call the option with the fewest predicted instructions (where predictions are
 * missing, the first); then does without a kernel wherever its code saves little:
 * CODE_BYTES_PER_PERCENT bytes of flash are worth 1 % of the network's instructions. No layer
 * becomes more than MOST_TIMES_SLOWER times slower by it. `code_bytes`, by kernel, is what its code
 * takes (cost_code_bytes()); NULL: the best for each call. */
void kernel_options_select(const struct kernel_options *const *options, int32_t n_calls,
                           const size_t *code_bytes, const struct kernel_option **chosen);

enum { CODE_BYTES_PER_PERCENT = 256, MOST_TIMES_SLOWER = 2 };

#endif
