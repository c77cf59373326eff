/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/node_costs.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pass/pass.h"
#include "schedule/thin_node.h"
#include "target/code.h"

/* Costs of one node: open addressing by the choices of its knobs, one number. */
struct table {
    int32_t n_knobs;
    int32_t *knobs;
    int32_t n_calls; /* 0: the node shares its input's memory and never has a call */
    size_t size, used;
    uint64_t *keys; /* plus one; 0: empty */
    struct node_cost **values;
};

struct node_costs {
    const struct space *space;
    const struct core *core;
    struct core_code code;
    struct arena arena;
    struct table *tables; /* by node */
    uint8_t *gone;        /* by class */
    uint8_t *equal;       /* a candidate */
    struct ranking_cache ranking;
    struct arena scratch;
    int64_t n_packed;
};

/* ---- which knobs change a node ---- */

static void mark_channels(const struct space *space, int32_t tensor, uint8_t *marked)
{
    const int32_t *classes = tensor < 0 ? NULL : space->groups->channels[tensor];
    for (int32_t c = 0; classes != NULL && c < space->groups->n_channels[tensor]; c++)
        if (classes[c] >= 0)
            marked[space->filters_knob[space->sets.of_class[classes[c]]]] = 1;
}

static enum status knobs_find(struct node_costs *costs, int32_t id, struct table *table,
                              struct diag *diag)
{
    const struct space *space = costs->space;
    const struct node *node = &space->graph->nodes[id];
    uint8_t *marked = ARENA_ARRAY(&costs->arena, (size_t)space->n_knobs + 1, uint8_t);
    for (int32_t i = 0; i < node->n_inputs; i++)
        mark_channels(space, node->inputs[i], marked);
    mark_channels(space, node->output, marked);
    if (space->units_knob[id] >= 0)
        marked[space->units_knob[id]] = 1;
    table->knobs = ARENA_ARRAY(&costs->arena, (size_t)space->n_knobs + 1, int32_t);
    double combinations = 1;
    for (int32_t k = 0; k < space->n_knobs; k++)
        if (marked[k]) {
            table->knobs[table->n_knobs++] = k;
            combinations *= space->knobs[k].n_choices;
        }
    if (combinations < 9e18)
        return OK;
    return fail(diag, ERR_UNSUPPORTED,
                "%s '%s': %d sets of layers meet here, more than choices can be numbered for",
                op_name(node->op), node->name, (int)table->n_knobs);
}

/* ---- one cost ---- */

static size_t array_bytes(const struct packed_array *array)
{
    return (array->n * array->element_bytes + 3) / 4 * 4;
}

static void least_add(const struct core_code *code, const struct kernel_option *option,
                      int is_first, struct call_cost *call)
{
    size_t parameters = parameter_bytes(option->kernel);
    size_t bytes = core_kernel_bytes(code, option->kernel);
    if (is_first || parameters < call->least_parameters)
        call->least_parameters = parameters;

    if (is_first || bytes < call->least_code)
        call->least_code = bytes;
    if (is_first || option->more_index_bytes < call->least_index)
        call->least_index = option->more_index_bytes;
}

static double fewest_instructions(const struct kernel_options *options)
{
    double fewest = options->list[0].instructions;
    for (int i = 1; i < options->n; i++)
        if (options->list[i].instructions < fewest)
            fewest = options->list[i].instructions;
    return fewest;
}

/* Kernels of element-wise ops work in place without a form of their own (plan.c). */
static void note_scratch(const struct call_cost *from, int has_form, struct call_cost *call)
{
    const struct kernel_options *forms[] = {&from->plain, &from->in_place};
    call->fast_scratch[0] = call->fast_scratch[1] = (double)INFINITY;
    for (int form = 0; form < 2; form++)
        for (int i = 0; i < forms[form]->n; i++) {
            const struct kernel_option *option = &forms[form]->list[i];
            double scratch = (double)option->scratch_bytes;
            if (option->instructions <= MOST_TIMES_SLOWER * call->least_instructions &&
                (form == 1 || !has_form ||
                 strstr(kernel_facts(option->kernel)->name, "inplace") == NULL))
                call->fast_scratch[form] = fmin(call->fast_scratch[form], scratch);
        }
}

static void note_least(const struct core_code *code, struct call_cost *call)
{
    const struct kernel_options *forms[] = {&call->plain, &call->in_place};
    int is_first = 1;
    for (int form = 0; form < 2; form++) {
        double fewest = fewest_instructions(forms[form]);
        if (form == 0 || fewest < call->least_instructions)
            call->least_instructions = fewest;
        for (int i = 0; i < forms[form]->n; i++)
            if (forms[form]->list[i].instructions <= MOST_TIMES_SLOWER * fewest) {
                least_add(code, &forms[form]->list[i], is_first, call);
                is_first = 0;
            }
    }
}

static struct call_cost call_cost_of(const struct node_costs *costs, int32_t node,
                                     const struct graph *thin, const struct packed_call *packed,
                                     struct arena *scratch)
{
    const struct node *from = &costs->space->graph->nodes[node];
    struct call_cost call = {.n_inputs = packed->n_inputs,
                             .output = from->output,
                             .output_offset = packed->output_offset};
    struct option_request plain = {costs->core, 0, SIZE_MAX}, in_place = {costs->core, 1, SIZE_MAX};
    call.plain = kernel_options_find(packed, &plain, scratch);
    call.in_place = kernel_has_in_place_form(packed)
                        ? kernel_options_find(packed, &in_place, scratch)
                        : call.plain;
    for (int32_t i = 0; i < packed->n_inputs; i++) {
        const struct tensor *input = &thin->tensors[packed->inputs[i]];
        call.inputs[i] = from->inputs[packed->inputs[i]];
        if (input->data != NULL)
            call.constant_bytes += (tensor_bytes(input) + 3) / 4 * 4;
    }
    for (int32_t i = 0; i < packed->n_arrays; i++)
        call.constant_bytes += array_bytes(&packed->arrays[i]);
    note_least(&costs->code, &call);
    note_scratch(&call, kernel_has_in_place_form(packed), &call);
    /* Their arrays go with the scratch memory. */
    memset(&call.plain.listed, 0, sizeof call.plain.listed);
    memset(&call.in_place.listed, 0, sizeof call.in_place.listed);
    return call;
}

static enum status cost_make(struct node_costs *costs, int32_t node, const uint8_t *candidate,
                             struct node_cost **cost, struct diag *diag)
{
    struct arena *scratch = &costs->scratch;
    struct packed *packed;
    struct graph *thin =
        thin_node(costs->space, node, candidate, costs->gone, &costs->ranking, scratch);
    enum status status = pack(thin, NULL, scratch, &packed, diag);
    *cost = ARENA_NEW(&costs->arena, struct node_cost);
    if (status == OK) {
        (*cost)->n_calls = packed->n_calls;
        (*cost)->calls = ARENA_ARRAY(&costs->arena, (size_t)packed->n_calls + 1, struct call_cost);
        for (int32_t c = 0; c < packed->n_calls; c++)
            (*cost)->calls[c] = call_cost_of(costs, node, thin, &packed->calls[c], scratch);
        costs->n_packed++;
    }
    arena_reset(scratch);
    return status;
}

/* ---- tables ---- */

static uint64_t key_of(const struct space *space, const struct table *table,
                       const uint8_t *candidate)
{
    uint64_t key = 0;
    for (int32_t i = 0; i < table->n_knobs; i++) {
        int32_t k = table->knobs[i];
        key = key * (uint64_t)space->knobs[k].n_choices + candidate[k];
    }
    return key + 1;
}

/* Where the key is, or would be. */
static size_t slot_of(const struct table *table, uint64_t key)
{
    uint64_t mixed = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t slot = (size_t)(mixed >> 32) & (table->size - 1);
    while (table->keys[slot] != 0 && table->keys[slot] != key)
        slot = (slot + 1) & (table->size - 1);
    return slot;
}

static void table_grow(struct table *table, struct arena *arena)
{
    struct table old = *table;
    table->size = old.size == 0 ? 64 : 2 * old.size;
    table->keys = ARENA_ARRAY(arena, table->size, uint64_t);
    table->values = ARENA_ARRAY(arena, table->size, struct node_cost *);
    for (size_t i = 0; i < old.size; i++)
        if (old.keys[i] != 0) {
            size_t slot = slot_of(table, old.keys[i]);
            table->keys[slot] = old.keys[i];
            table->values[slot] = old.values[i];
        }
}

/* Input channels that a unit spans of those that stay. */
static int32_t unit_width(const struct unit *unit, int32_t channels)
{
    return unit->kind == UNIT_BLOCK && unit->block < channels ? unit->block : channels;
}

/* The first choice of units that removes the same as the candidate's where so few input channels
 * stay: a block that spans all of them is a filterlet. After space_gone(). */
static uint8_t first_equal(const struct node_costs *costs, int32_t node, const uint8_t *candidate)
{
    const struct space *space = costs->space;
    const struct knob *knob = &space->knobs[space->units_knob[node]];
    uint8_t units = candidate[space->units_knob[node]];
    int32_t channels = 0;
    for (int32_t i = 0; i < space->groups->n_inputs[node]; i++) {
        int32_t class = space->groups->inputs[node][i];
        channels += class < 0 || !costs->gone[class];
    }
    for (uint8_t u = 1; u < units; u++)
        if (knob->choices[u].share == knob->choices[units].share &&
            unit_width(&knob->choices[u].unit, channels) ==
                unit_width(&knob->choices[units].unit, channels))
            return u;
    return units;
}

static enum status cost_find(struct node_costs *costs, int32_t node, const uint8_t *candidate,
                             struct node_cost **cost, struct diag *diag);

static enum status cost_get(struct node_costs *costs, int32_t node, const uint8_t *candidate,
                            struct node_cost **cost, struct diag *diag)
{
    struct table *table = &costs->tables[node];
    uint64_t key = key_of(costs->space, table, candidate);
    if (2 * table->used >= table->size)
        table_grow(table, &costs->arena);
    size_t slot = slot_of(table, key);
    if (table->keys[slot] == 0) {
        struct node_cost *found;
        TRY(cost_find(costs, node, candidate, &found, diag));
        slot = slot_of(table, key); /* it may have added another */
        table->keys[slot] = key;
        table->values[slot] = found;
        table->used++;
    }
    *cost = table->values[slot];
    return OK;
}

/* Of what is not in the table: that of an equal choice, or a new one. */
static enum status cost_find(struct node_costs *costs, int32_t node, const uint8_t *candidate,
                             struct node_cost **cost, struct diag *diag)
{
    int32_t knob = costs->space->units_knob[node];
    if (costs->tables[node].n_calls == 0) {
        *cost = ARENA_NEW(&costs->arena, struct node_cost);
        return OK;
    }
    space_gone(costs->space, candidate, costs->gone);
    uint8_t units = knob < 0 ? 0 : first_equal(costs, node, candidate);
    if (knob < 0 || units == candidate[knob])
        return cost_make(costs, node, candidate, cost, diag);
    memcpy(costs->equal, candidate, (size_t)costs->space->n_knobs);
    costs->equal[knob] = units;
    return cost_get(costs, node, costs->equal, cost, diag);
}

enum status node_cost_get(struct node_costs *costs, int32_t node, const uint8_t *candidate,
                          const struct node_cost **cost, struct diag *diag)
{
    struct node_cost *found;
    TRY(cost_get(costs, node, candidate, &found, diag));
    *cost = found;
    return OK;
}

int32_t node_knobs(const struct node_costs *costs, int32_t node, const int32_t **knobs)
{
    *knobs = costs->tables[node].knobs;
    return costs->tables[node].n_knobs;
}

int64_t node_costs_packed(const struct node_costs *costs)
{
    return costs->n_packed;
}

enum status node_costs_make(const struct space *space, const struct core *core,
                            struct node_costs **costs, struct diag *diag)
{
    struct arena scratch = {0};
    struct packed *packed;
    struct node_costs *made = calloc(1, sizeof *made);
    assert(made != NULL);
    *made = (struct node_costs){.space = space, .core = core, .code = core_code_load(core)};
    made->tables = ARENA_ARRAY(&made->arena, (size_t)space->graph->n_nodes + 1, struct table);
    made->gone = ARENA_ARRAY(&made->arena, (size_t)space->groups->n_groups + 1, uint8_t);
    made->equal = ARENA_ARRAY(&made->arena, (size_t)space->n_knobs + 1, uint8_t);
    enum status status = pack(space->graph, NULL, &scratch, &packed, diag);
    for (int32_t n = 0; status == OK && n < space->graph->n_nodes; n++) {
        made->tables[n].n_calls = packed->nodes[n].n_calls;
        status = knobs_find(made, n, &made->tables[n], diag);
    }
    arena_free(&scratch);
    *costs = made;
    if (status != OK) {
        node_costs_free(made);
        *costs = NULL;
    }
    return status;
}

void node_costs_free(struct node_costs *costs)
{
    if (costs == NULL)
        return;
    ranking_cache_free(&costs->ranking);
    arena_free(&costs->scratch);
    arena_free(&costs->arena);
    free(costs);
}
