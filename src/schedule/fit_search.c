/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/fit_search.h"

#include <stdint.h>

/* A kernel that is another entry into code that is there takes no more. */
enum { ENTRY_BYTES = 32 };

/* What is asked of pack, by node, and what came of it. */
struct fitting {
    const struct fit_problem *problem;
    size_t *scratch_limit;
    uint8_t *in_place;
    struct fitted current;
};

static int exceeds_budget(const struct fitting *fitting, const struct fitted *fitted)
{
    return fitted->layout->arena_bytes > fitting->problem->sram_budget;
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
static int may_help(const struct fitting *fitting, const struct fitted *way)
{
    return exceeds_budget(fitting, way) || costs_no_more(way->packed, fitting->current.packed);
}

/* Half of the layers of a kind in place take both kernels' code; all of them, or none, only one's.
 */
static int is_better(const struct fitting *fitting, const struct fitted *best)
{
    const struct fit_problem *problem = fitting->problem;
    const struct fitted *now = &fitting->current;
    if (now->layout->arena_bytes >= best->layout->arena_bytes)
        return 0;
    return exceeds_budget(fitting, best) ||
           problem->code_bytes(problem->context, now->packed) <=
               problem->code_bytes(problem->context, best->packed) + ENTRY_BYTES;
}

static enum status pack_and_plan(struct fitting *fitting, struct diag *diag)
{
    const struct fit_problem *problem = fitting->problem;
    return problem->pack_and_plan(problem->context, fitting->scratch_limit, fitting->in_place,
                                  &fitting->current, diag);
}

enum status fit_search(const struct fit_problem *problem, struct arena *scratch,
                       struct fitted *best, struct diag *diag)
{
    size_t n = (size_t)problem->n_nodes + 1;
    struct fitting fitting = {.problem = problem,
                              .scratch_limit = ARENA_ARRAY(scratch, n, size_t),
                              .in_place = ARENA_ARRAY(scratch, n, uint8_t)};
    for (size_t i = 0; i < n; i++)
        fitting.scratch_limit[i] = SIZE_MAX;
    TRY(pack_and_plan(&fitting, diag));
    struct fitted way = *best = fitting.current; /* that leads on, though its code may be more */
    while (ask_for_less(&fitting)) {
        TRY(pack_and_plan(&fitting, diag));
        if (!may_help(&fitting, &way))
            break;
        if (fitting.current.layout->arena_bytes < way.layout->arena_bytes)
            way = fitting.current;
        if (is_better(&fitting, best))
            *best = fitting.current;
    }
    return OK;
}
