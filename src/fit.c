/* SPDX-License-Identifier: Apache-2.0 */
#include "fit.h"

#include "pass/pass.h"
#include "schedule/fit_search.h"

/* What is fitted. */
struct fitting {
    const struct core *core;
    const struct graph *graph;
    struct arena *arena;
};

static enum status pack_and_plan(void *context, const size_t *scratch_limit,
                                 const uint8_t *in_place, struct fitted *fitted, struct diag *diag)
{
    const struct fitting *fitting = context;
    const struct pack_request request = {fitting->core, scratch_limit, in_place};
    TRY(pack(fitting->graph, &request, fitting->arena, &fitted->packed, diag));
    return plan(fitting->graph, fitted->packed, fitting->arena, &fitted->layout, diag);
}

enum status fit(const struct compile_options *options, struct arena *arena,
                struct compiled *compiled, struct diag *diag)
{
    struct fitting fitting = {options->target->core, compiled->graph, arena};
    struct fit_problem problem = {compiled->graph->n_nodes, options->sram_budget, &fitting,
                                  pack_and_plan};
    struct fitted fitted;
    TRY(fit_search(&problem, arena, &fitted, diag));
    compiled->packed = fitted.packed;
    compiled->layout = fitted.layout;
    return OK;
}
