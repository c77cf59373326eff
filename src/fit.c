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

static const struct packed_call *peak_of(const struct compiled *compiled)
{
    return &compiled->packed->calls[compiled->layout->peak_call];
}

static int exceeds_budget(const struct fitting *fitting, const struct compiled *compiled)
{
    return compiled->layout->arena_bytes > fitting->options->sram_budget;
}

static int has_smaller_scratch(const struct packed_call *call)
{
    return call->scratch_bytes > 0 && kernel_facts(call->kernel)->reference != call->kernel;
}

/* Asks for less at the peak; 0 when there is nothing left to ask for. Each node is asked finitely
 * often. */
static int ask_for_less(struct fitting *fitting)
{
    if (fitting->current.packed->n_calls == 0 || fitting->current.layout->arena_bytes == 0)
        return 0;
    const struct packed_call *peak = peak_of(&fitting->current);
    if (exceeds_budget(fitting, &fitting->current) && has_smaller_scratch(peak)) {
        fitting->scratch_limit[peak->node] = peak->scratch_bytes - 1;
        return 1;
    }
    if (fitting->in_place[peak->node])
        return 0;
    fitting->in_place[peak->node] = 1;
    return 1;
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

static int is_better(const struct fitting *fitting, const struct compiled *best)
{
    const struct compiled *current = &fitting->current;
    if (current->layout->arena_bytes >= best->layout->arena_bytes)
        return 0;
    return exceeds_budget(fitting, best) || costs_no_more(best->packed, current->packed);
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
        if (is_better(&fitting, compiled))
            *compiled = fitting.current;
    }
    return OK;
}
