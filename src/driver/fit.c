/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/fit.h"

#include "pass/pass.h"
#include "schedule/fit_search.h"
#include "target/code.h"

/* What is fitted. */
struct fitting {
    const struct core *core;
    const struct graph *graph;
    struct arena *arena;
    struct core_code code;
    const struct layer_form *forms;
};

static enum status pack_and_plan(void *context, const size_t *scratch_limit,
                                 const uint8_t *in_place, struct fitted *fitted, struct diag *diag)
{
    const struct fitting *fitting = context;
    const struct pack_request request = {fitting->core, scratch_limit, in_place, fitting->forms};
    TRY(pack(fitting->graph, &request, fitting->arena, &fitted->packed, diag));
    return plan(fitting->graph, fitted->packed, fitting->arena, &fitted->layout, diag);
}

static size_t code_bytes(void *context, const struct packed *packed)
{
    const struct fitting *fitting = context;
    uint8_t used[N_KERNELS] = {0};
    for (int32_t i = 0; i < packed->n_calls; i++)
        used[packed->calls[i].kernel] = 1;
    return core_code_bytes(&fitting->code, used);
}

enum status fit(const struct compile_options *options, struct arena *arena,
                struct compiled *compiled, struct diag *diag)
{
    struct fitting fitting = {options->target->core, compiled->graph, arena,
                              core_code_load(options->target->core), NULL};
    if (options->recipe != NULL)
        fitting.forms = recipe_forms(options->recipe, compiled->graph, arena);
    struct fit_problem problem = {compiled->graph->n_nodes, options->sram_budget, &fitting,
                                  pack_and_plan, code_bytes};
    struct fitted fitted;
    TRY(fit_search(&problem, arena, &fitted, diag));
    compiled->packed = fitted.packed;
    compiled->layout = fitted.layout;
    return OK;
}
