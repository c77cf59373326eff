/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/kernel_choice.h"

#include <assert.h>
#include <string.h>

#include "pass/kernel_options.h"
#include "target/cost.h"

static struct option_request request_of(const struct pack_request *request, int32_t node)
{
    struct option_request of = {NULL, 0, SIZE_MAX};
    if (request == NULL)
        return of;
    of.core = request->core;
    of.in_place = request->in_place != NULL && request->in_place[node];
    if (request->scratch_limit != NULL)
        of.scratch_limit = request->scratch_limit[node];
    return of;
}

static struct packed_array *find_mask(struct packed_call *call)
{
    int32_t i = 0;
    while (strcmp(call->arrays[i].field, "mask") != 0) {
        i++;
        assert(i < call->n_arrays);
    }
    return &call->arrays[i];
}

static void take_list(const struct kernel_options *options, struct packed_call *call,
                      struct packed_node *node, struct arena *arena)
{
    struct packed_array *mask = find_mask(call);
    call->parameters.conv_2d = options->listed;
    call->parameters.conv_2d.mask = mask->data =
        arena_copy(arena, options->listed.mask, options->list_bytes);
    node->index_bytes += options->list_bytes - mask->n;
    mask->n = options->list_bytes;
}

void kernels_choose(const struct pack_request *request, struct arena *arena, struct packed *packed)
{
    struct arena scratch = {0};
    size_t n = (size_t)packed->n_calls + 1, code_bytes[N_KERNELS];
    struct kernel_options *options = ARENA_ARRAY(&scratch, n, struct kernel_options);
    const struct kernel_options **all = ARENA_ARRAY(&scratch, n, const struct kernel_options *);
    const struct kernel_option **chosen = ARENA_ARRAY(&scratch, n, const struct kernel_option *);
    for (int32_t c = 0; c < packed->n_calls; c++) {
        struct option_request of = request_of(request, packed->calls[c].node);
        options[c] = kernel_options_find(&packed->calls[c], &of, &scratch);
        all[c] = &options[c];
    }
    for (int i = 0; i < N_KERNELS && request != NULL; i++)
        code_bytes[i] = cost_code_bytes(request->core, (enum kernel)i);
    kernel_options_select(all, packed->n_calls, request != NULL ? code_bytes : NULL, chosen);
    for (int32_t c = 0; c < packed->n_calls; c++) {
        struct packed_call *call = &packed->calls[c];
        if (kernel_reads_list(chosen[c]->kernel))
            take_list(&options[c], call, &packed->nodes[call->node], arena);
        call->kernel = chosen[c]->kernel;
        call->instructions = chosen[c]->instructions;
        call->scratch_bytes = chosen[c]->scratch_bytes;
    }
    arena_free(&scratch);
}
