/* SPDX-License-Identifier: Apache-2.0 */
#include "fit.h"

#include <string.h>

#include "pass/pass.h"

/* What is asked of pack, by node, and what came of it. */
struct fitting {
    const struct compile_options *options;
    size_t *scratch_limit;
    uint8_t *in_place;
    struct compiled current;
};

static int exceeds_budget(const struct fitting *fitting, const struct compiled *compiled)
{
    return compiled->layout->arena_bytes > fitting->options->sram_budget;
}

static int has_smaller_scratch(const struct packed_call *call)
{
    return call->scratch_bytes > 0 && kernel_facts(call->kernel)->reference != call->kernel;
}

/* Asks for less at every call at the peak; 0 when one of them has nothing left to give. Each node
 * is asked finitely often. */
static int ask_for_less(struct fitting *fitting)
{
    const struct packed *packed = fitting->current.packed;
    const struct layout *layout = fitting->current.layout;
    int over = exceeds_budget(fitting, &fitting->current);
    for (int32_t i = 0; i < packed->n_calls; i++) {
        const struct packed_call *call = &packed->calls[i];
        if (layout->live_bytes[i] < layout->live_bytes[layout->peak_call])
            continue;
        if (over && has_smaller_scratch(call))
            fitting->scratch_limit[call->node] = call->scratch_bytes - 1;
        else if (!fitting->in_place[call->node]) {
            fitting->in_place[call->node] = 1;
            fitting->scratch_limit[call->node] = SIZE_MAX; /* of other kernels now */
        } else
            return 0;
    }
    return packed->n_calls > 0 && layout->arena_bytes > 0;
}

/* Whether `b` is known to execute no more instructions than `a`, of the same graph. */
static int costs_no_more(const struct packed *a, const struct packed *b)
{
    double more = 0;
    for (int32_t i = 0; i < a->n_calls; i++) {
        if (a->calls[i].kernel == b->calls[i].kernel)
            continue;
        if (a->calls[i].instructions < 0 || b->calls[i].instructions < 0)
            return 0;
        more += b->calls[i].instructions - a->calls[i].instructions;
    }
    return more <= 0;
}

/* Whether going on may still help: within the budget, only what costs nothing does. */
static int may_take(const struct fitting *fitting, const struct compiled *best)
{
    return exceeds_budget(fitting, best) || costs_no_more(best->packed, fitting->current.packed);
}

static enum status pack_and_plan(struct fitting *fitting, struct arena *arena, struct diag *diag)
{
    struct compiled *current = &fitting->current;
    const struct pack_request request = {fitting->options->target->core, fitting->scratch_limit,
                                         fitting->in_place};
    TRY(pack(current->graph, &request, arena, &current->packed, diag));
    return plan(current->graph, current->packed, arena, &current->layout, diag);
}

enum status fit(const struct compile_options *options, struct arena *arena,
                struct compiled *compiled, struct diag *diag)
{
    size_t n = (size_t)compiled->graph->n_nodes + 1;
    struct fitting fitting = {.options = options,
                              .scratch_limit = ARENA_ARRAY(arena, n, size_t),
                              .in_place = ARENA_ARRAY(arena, n, uint8_t),
                              .current = *compiled};
    for (size_t i = 0; i < n; i++)
        fitting.scratch_limit[i] = SIZE_MAX;
    TRY(pack_and_plan(&fitting, arena, diag));
    *compiled = fitting.current;
    while (ask_for_less(&fitting)) {
        TRY(pack_and_plan(&fitting, arena, diag));
        if (!may_take(&fitting, compiled))
            break;
        if (fitting.current.layout->arena_bytes < compiled->layout->arena_bytes)
            *compiled = fitting.current;
    }
    return OK;
}
