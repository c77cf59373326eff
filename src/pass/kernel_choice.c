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

/* The one option that a recipe asks for. */
static enum status option_given(const struct graph *graph, enum kernel kernel,
                                const struct packed_call *call, const struct pack_request *request,
                                struct arena *arena, struct kernel_options *options,
                                struct diag *diag)
{
    const struct node *node = &graph->nodes[call->node];
    for (int in_place = 0; in_place < 2; in_place++) {
        const struct option_request of = {request->core, in_place, SIZE_MAX};
        *options = kernel_options_find(call, &of, arena);
        for (int i = 0; i < options->n; i++)
            if (options->list[i].kernel == kernel) {
                options->list[0] = options->list[i];
                options->n = 1;
                return OK;
            }
    }
    return fail(diag, ERR_UNSUPPORTED,
                "%s '%s': %s does not compute it on %s as it is, stored as %s; leave "
                "\"kernel\" out of its recipe, or change \"storage\"",
                op_name(node->op), node->name, kernel_function(kernel, arena), request->core->name,
                strcmp(kernel_facts(call->kernel)->name, "conv_2d_fwcs_s8") == 0 ? "fwcs"
                                                                                 : "dense");
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

static enum status options_find(const struct graph *graph, const struct pack_request *request,
                                const struct packed_call *call, struct arena *arena,
                                struct kernel_options *options, struct diag *diag)
{
    int is_given = request != NULL && request->forms != NULL;
    int given = is_given ? request->forms[call->node].kernel : -1;
    if (given >= 0)
        return option_given(graph, (enum kernel)given, call, request, arena, options, diag);
    struct option_request of = request_of(request, call->node);
    *options = kernel_options_find(call, &of, arena);
    return OK;
}

enum status kernels_choose(const struct graph *graph, const struct pack_request *request,
                           struct arena *arena, struct packed *packed, struct diag *diag)
{
    struct arena scratch = {0};
    enum status status = OK;
    size_t n = (size_t)packed->n_calls + 1, code_bytes[N_KERNELS];
    struct kernel_options *options = ARENA_ARRAY(&scratch, n, struct kernel_options);
    const struct kernel_options **all = ARENA_ARRAY(&scratch, n, const struct kernel_options *);
    const struct kernel_option **chosen = ARENA_ARRAY(&scratch, n, const struct kernel_option *);
    for (int32_t c = 0; c < packed->n_calls && status == OK; c++) {
        status = options_find(graph, request, &packed->calls[c], &scratch, &options[c], diag);
        all[c] = &options[c];
    }
    if (status != OK) {
        arena_free(&scratch);
        return status;
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
    return OK;
}
