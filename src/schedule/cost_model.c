/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/cost_model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schedule/fit_search.h"
#include "target/cost.h"

struct cost_model {
    const struct space *space;
    const struct core *core;
    struct core_code code;
    size_t code_bytes[N_KERNELS]; /* as the choice of kernels weighs them */
    struct node_costs *nodes;
    struct layouts *layouts;
    struct arena arena, scratch;
    const struct node_cost **costs; /* by node, of the candidate at hand */
    int32_t n_calls;
    const struct kernel_options **options; /* by call */
    struct kernel_options *limited;        /* by call: where scratch memory is limited */
    const struct kernel_option **chosen;   /* by call */
};

/* A candidate at hand. */
struct predicting {
    struct cost_model *model;
    const uint8_t *candidate;
    int is_exact;
    struct arena *scratch;
};

/* ---- lowering ---- */

/* The options that keep to a limit; the reference is one whatever it needs. */
static const struct kernel_options *limit(const struct kernel_options *options, size_t most,
                                          struct kernel_options *limited)
{
    if (most == SIZE_MAX)
        return options;
    limited->n = 0;
    for (int i = 0; i < options->n; i++) {
        const struct kernel_option *option = &options->list[i];
        int is_reference = kernel_facts(option->kernel)->reference == option->kernel;
        if (is_reference || option->scratch_bytes <= most)
            limited->list[limited->n++] = *option;
    }
    return limited;
}

/* Chooses kernels for the calls of the candidate's nodes; model->chosen has what it chose. */
static void kernels_take(struct cost_model *model, const size_t *scratch_limit,
                         const uint8_t *in_place)
{
    int32_t n = 0;
    for (int32_t i = 0; i < model->space->graph->n_nodes; i++)
        for (int32_t c = 0; c < model->costs[i]->n_calls; c++, n++) {
            const struct call_cost *call = &model->costs[i]->calls[c];
            model->options[n] = limit(in_place[i] ? &call->in_place : &call->plain,
                                      scratch_limit[i], &model->limited[n]);
        }
    assert(n == model->n_calls);
    kernel_options_select(model->options, n, model->code_bytes, model->chosen);
}

/* The calls as far as fit_search() and plan() read them; parameters are not made. */
static struct packed *calls_write(const struct cost_model *model, struct arena *arena)
{
    const struct graph *graph = model->space->graph;
    struct packed *packed = ARENA_NEW(arena, struct packed);
    packed->n_calls = model->n_calls;
    packed->calls = ARENA_ARRAY(arena, (size_t)model->n_calls + 1, struct packed_call);
    packed->n_nodes = graph->n_nodes;
    packed->nodes = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, struct packed_node);
    int32_t n = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        packed->nodes[i].first_call = n;
        packed->nodes[i].n_calls = model->costs[i]->n_calls;
        for (int32_t c = 0; c < model->costs[i]->n_calls; c++, n++) {
            const struct call_cost *from = &model->costs[i]->calls[c];
            struct packed_call *call = &packed->calls[n];
            call->node = i;
            call->kernel = model->chosen[n]->kernel;
            call->instructions = model->chosen[n]->instructions;
            call->scratch_bytes = model->chosen[n]->scratch_bytes;
            call->n_inputs = from->n_inputs;
            memcpy(call->inputs, from->inputs, sizeof call->inputs);
            call->output = from->output;
            call->output_offset = from->output_offset;
        }
    }
    return packed;
}

static enum status pack_and_plan(void *context, const size_t *scratch_limit,
                                 const uint8_t *in_place, struct fitted *fitted, struct diag *diag)
{
    struct predicting *p = context;
    const struct layout *layout;
    kernels_take(p->model, scratch_limit, in_place);
    fitted->packed = calls_write(p->model, p->scratch);
    TRY(layouts_get(p->model->layouts, p->candidate, fitted->packed, p->is_exact, &layout, diag));
    fitted->layout = arena_copy(p->scratch, layout, sizeof *layout);
    return OK;
}

static size_t code_bytes(void *context, const struct packed *packed)
{
    const struct predicting *p = context;
    uint8_t used[N_KERNELS] = {0};
    for (int32_t i = 0; i < packed->n_calls; i++)
        used[packed->calls[i].kernel] = 1;
    return core_code_bytes(&p->model->code, used);
}

/* ---- prediction ---- */

static int64_t index_bytes_more(const struct call_cost *call, enum kernel kernel)
{
    for (int form = 0; form < 2; form++) {
        const struct kernel_options *options = form == 0 ? &call->plain : &call->in_place;
        for (int i = 0; i < options->n; i++)
            if (options->list[i].kernel == kernel)
                return options->list[i].more_index_bytes;
    }
    assert(0);
    return 0;
}

/* A list is as long as it is; a mask was rounded up to a multiple of 4. */
static struct prediction sum_up(const struct cost_model *model, const struct fitted *fitted)
{
    struct prediction sum = {.sram_bytes = fitted->layout->arena_bytes};
    uint8_t used[N_KERNELS] = {0};
    int32_t n = 0;
    for (int32_t i = 0; i < model->space->graph->n_nodes; i++)
        for (int32_t c = 0; c < model->costs[i]->n_calls; c++, n++) {
            const struct call_cost *call = &model->costs[i]->calls[c];
            const struct packed_call *packed = &fitted->packed->calls[n];
            used[packed->kernel] = 1;
            sum.flash_bytes += call->constant_bytes + parameter_bytes(packed->kernel);
            sum.flash_bytes =
                (size_t)((int64_t)sum.flash_bytes + index_bytes_more(call, packed->kernel));
            sum.instructions = sum.instructions < 0 || packed->instructions < 0
                                   ? -1
                                   : sum.instructions + packed->instructions;
        }
    sum.code_bytes =
        core_code_bytes(&model->code, used) + (size_t)model->n_calls * call_bytes(model->core);
    sum.flash_bytes += sum.code_bytes;
    return sum;
}

static enum status costs_look_up(struct cost_model *model, const uint8_t *candidate,
                                 struct diag *diag)
{
    for (int32_t i = 0; i < model->space->graph->n_nodes; i++)
        TRY(node_cost_get(model->nodes, i, candidate, &model->costs[i], diag));
    return OK;
}

static enum status predict(struct cost_model *model, const uint8_t *candidate, size_t sram_budget,
                           int is_exact, struct prediction *prediction, struct diag *diag)
{
    struct predicting p = {model, candidate, is_exact, &model->scratch};
    struct fit_problem problem = {model->space->graph->n_nodes, sram_budget, &p, pack_and_plan,
                                  code_bytes};
    struct fitted fitted;
    enum status status = costs_look_up(model, candidate, diag);
    if (status == OK)
        status = fit_search(&problem, &model->scratch, &fitted, diag);
    if (status == OK)
        *prediction = sum_up(model, &fitted);
    arena_reset(&model->scratch);
    return status;
}

enum status cost_predict(struct cost_model *model, const uint8_t *candidate, size_t sram_budget,
                         struct prediction *prediction, struct diag *diag)
{
    return predict(model, candidate, sram_budget, 1, prediction, diag);
}

enum status cost_estimate(struct cost_model *model, const uint8_t *candidate, size_t sram_budget,
                          struct prediction *prediction, struct diag *diag)
{
    return predict(model, candidate, sram_budget, 0, prediction, diag);
}

/* ---- memory ---- */

static enum status model_fill(struct cost_model *model, struct diag *diag)
{
    const struct space *space = model->space;
    TRY(node_costs_make(space, model->core, &model->nodes, diag));
    model->layouts = layouts_make(space);
    model->costs =
        ARENA_ARRAY(&model->arena, (size_t)space->graph->n_nodes + 1, const struct node_cost *);
    uint8_t *all = ARENA_ARRAY(&model->arena, (size_t)space->n_knobs + 1, uint8_t);
    TRY(costs_look_up(model, all, diag));
    for (int32_t i = 0; i < space->graph->n_nodes; i++)
        model->n_calls += model->costs[i]->n_calls;
    size_t n = (size_t)model->n_calls + 1;
    model->options = ARENA_ARRAY(&model->arena, n, const struct kernel_options *);
    model->limited = ARENA_ARRAY(&model->arena, n, struct kernel_options);
    model->chosen = ARENA_ARRAY(&model->arena, n, const struct kernel_option *);
    return OK;
}

enum status cost_model_make(const struct space *space, const struct core *core,
                            struct cost_model **model, struct diag *diag)
{
    struct cost_model *made = calloc(1, sizeof *made);
    assert(made != NULL);
    made->space = space;
    made->core = core;
    made->code = core_code_load(core);
    for (int i = 0; i < N_KERNELS; i++)
        made->code_bytes[i] = cost_code_bytes(core, (enum kernel)i);
    enum status status = model_fill(made, diag);
    *model = made;
    if (status != OK) {
        cost_model_free(made);
        *model = NULL;
    }
    return status;
}

void cost_model_free(struct cost_model *model)
{
    if (model == NULL)
        return;
    node_costs_free(model->nodes);
    layouts_free(model->layouts);
    arena_free(&model->scratch);
    arena_free(&model->arena);
    free(model);
}

struct node_costs *cost_model_nodes(const struct cost_model *model)
{
    return model->nodes;
}

struct layouts *cost_model_layouts(const struct cost_model *model)
{
    return model->layouts;
}

const struct core_code *cost_model_code(const struct cost_model *model)
{
    return &model->code;
}

const struct space *cost_model_space(const struct cost_model *model)
{
    return model->space;
}

const struct core *cost_model_core(const struct cost_model *model)
{
    return model->core;
}
