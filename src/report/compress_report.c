/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "graph/weights.h"
#include "report/report.h"

static const struct node *node_by_name(const struct graph *graph, const char *name)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return &graph->nodes[i];
    return NULL;
}

/* Sums of predicted instructions; negative once one is unknown. */
static double predicted_sum(double sum, double instructions)
{
    return sum < 0 || instructions < 0 ? -1 : sum + instructions;
}

static json_t *predicted_json(double instructions)
{
    return instructions < 0 ? json_null() : json_integer((json_int_t)(instructions + 0.5));
}

static json_t *layer_json(const struct report_facts *facts, int32_t index)
{
    const struct node *node = &facts->graph->nodes[index];
    const struct packed_node *packed = &facts->packed->nodes[index];
    const struct node *original = node_by_name(facts->original, node->name);
    struct weight_counts counts = weight_counts(original != NULL ? facts->original : facts->graph,
                                                original != NULL ? original : node);
    json_t *kernel = json_null();
    size_t scratch = 0;
    double predicted = 0;
    for (int32_t i = packed->first_call; i < packed->first_call + packed->n_calls; i++) {
        const struct packed_call *call = &facts->packed->calls[i];
        const struct kernel_facts *k = kernel_facts(call->kernel);
        if (json_is_null(kernel))
            kernel = json_sprintf("dtmm_%s_%s", k->name, k->isa);
        if (call->scratch_bytes > scratch)
            scratch = call->scratch_bytes;
        predicted = predicted_sum(predicted, call->instructions);
    }
    return json_pack("{s:s, s:s, s:I, s:I, s:i, s:i, s:i, s:i, s:I, s:o, s:o, s:n}", "name",
                     node->name, "op", op_name(node->op), "macs", (json_int_t)packed->macs,
                     "weight_bytes", (json_int_t)(packed->weight_bytes + packed->index_bytes),
                     "filters", counts.n_filters, "filters_kept", packed->n_filters_kept,
                     "filterlets", counts.n_filterlets, "filterlets_kept",
                     packed->n_filterlets_kept, "scratch_bytes", (json_int_t)scratch, "kernel",
                     kernel, "instructions_predicted", predicted_json(predicted), "instructions");
}

static int same_array(const struct packed_array *a, const struct packed_array *b)
{
    size_t bytes = a->n * a->element_bytes;
    return strcmp(a->c_type, b->c_type) == 0 && bytes == b->n * b->element_bytes &&
           memcmp(a->data, b->data, bytes) == 0;
}

/* Bytes of the constant arrays in flash; equal arrays are emitted once. */
static size_t constant_bytes(const struct packed *packed, struct arena *scratch)
{
    size_t n = 0, bytes = 0;
    const struct packed_array **seen =
        ARENA_ARRAY(scratch, (size_t)packed->n_calls * MAX_ARRAYS + 1, const struct packed_array *);
    for (int32_t i = 0; i < packed->n_calls; i++) {
        for (int32_t j = 0; j < packed->calls[i].n_arrays; j++) {
            const struct packed_array *array = &packed->calls[i].arrays[j];
            size_t k = 0;
            while (k < n && !same_array(seen[k], array))
                k++;
            if (k == n) {
                seen[n++] = array;
                bytes += array->n * array->element_bytes;
            }
        }
    }
    return bytes;
}

static int64_t dense_macs(const struct graph *graph, int64_t *weight_bytes)
{
    int64_t macs = 0;
    *weight_bytes = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        struct weight_counts counts = weight_counts(graph, &graph->nodes[i]);
        macs += counts.macs;
        *weight_bytes += counts.n_weights;
    }
    return macs;
}

static size_t io_bytes(const struct graph *graph)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < graph->n_inputs; i++)
        bytes += tensor_bytes(&graph->tensors[graph->inputs[i]]);
    for (int32_t i = 0; i < graph->n_outputs; i++)
        bytes += tensor_bytes(&graph->tensors[graph->outputs[i]]);
    return bytes;
}

json_t *report_json(const struct report_facts *facts)
{
    struct arena scratch = {0};
    int64_t macs = 0, weights = 0, index = 0, dense_weights = 0;
    json_t *layers = json_array();
    for (int32_t i = 0; i < facts->graph->n_nodes; i++) {
        const struct packed_node *node = &facts->packed->nodes[i];
        macs += node->macs;
        weights += (int64_t)node->weight_bytes;
        index += (int64_t)node->index_bytes;
        json_array_append_new(layers, layer_json(facts, i));
    }
    int64_t macs_dense = dense_macs(facts->original, &dense_weights);
    size_t code = facts->built->flash_bytes - constant_bytes(facts->packed, &scratch);
    double predicted = 0;
    for (int32_t i = 0; i < facts->packed->n_calls; i++)
        predicted = predicted_sum(predicted, facts->packed->calls[i].instructions);
    const struct node *peak = NULL;
    if (facts->packed->n_calls > 0)
        peak = &facts->graph->nodes[facts->packed->calls[facts->layout->peak_call].node];
    json_t *report = json_pack(
        "{s:s, s:s, s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?, s:I, s:I, s:n, "
        "s:o, s:n, s:o}",
        "model", facts->model_path, "name", facts->graph->name, "target", facts->target->name,
        "core", facts->target->core->name, "sparsity", facts->sparsity, "macs", (json_int_t)macs,
        "macs_dense", (json_int_t)macs_dense, "weight_bytes", (json_int_t)(weights + index),
        "weight_bytes_dense", (json_int_t)dense_weights, "index_bytes", (json_int_t)index,
        "flash_bytes", (json_int_t)facts->built->flash_bytes, "flash_code_bytes", (json_int_t)code,
        "arena_bytes", (json_int_t)facts->layout->arena_bytes, "arena_peak_layer",
        peak != NULL ? peak->name : NULL, "sram_bytes",
        (json_int_t)(facts->layout->arena_bytes + facts->built->data_bytes), "io_bytes",
        (json_int_t)io_bytes(facts->graph), "stack_bytes", "instructions_predicted",
        predicted_json(predicted), "instructions", "layers", layers);
    arena_free(&scratch);
    return report;
}

void report_add_run(json_t *report, const struct run *run)
{
    if (run->instructions >= 0)
        json_object_set_new(report, "instructions", json_integer(run->instructions));
    if (run->stack_bytes >= 0)
        json_object_set_new(report, "stack_bytes", json_integer(run->stack_bytes));
    json_t *layers = json_object_get(report, "layers");
    for (int32_t i = 0; i < run->n_layers; i++) {
        int64_t instructions = run->layer_instructions[i];
        json_object_set_new(json_array_get(layers, (size_t)i), "instructions",
                            json_integer(instructions >= 0 ? instructions : 0));
    }
}

void report_add_schedule(json_t *report, json_t *schedule)
{
    json_object_set(report, "schedule", schedule);
    json_object_set(report, "instructions", json_object_get(schedule, "instructions"));
}

static void forget(json_t *report)
{
    json_t *layer;
    size_t i;
    json_object_set_new(report, "instructions", json_null());
    json_object_set_new(report, "stack_bytes", json_null());
    json_array_foreach(json_object_get(report, "layers"), i, layer)
        json_object_set_new(layer, "instructions", json_null());
}

static int64_t integer(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

void report_other_run(json_t *report, const struct run *run)
{
    forget(report);
    report_add_run(report, run);
    if (run->instructions < 0)
        return;
    int64_t flash = (int64_t)run->built.flash_bytes;
    int64_t constants = integer(report, "flash_bytes") - integer(report, "flash_code_bytes");
    json_object_set_new(report, "flash_bytes", json_integer(flash));
    json_object_set_new(report, "flash_code_bytes", json_integer(flash - constants));
    json_object_set_new(
        report, "sram_bytes",
        json_integer(integer(report, "arena_bytes") + (int64_t)run->built.data_bytes));
}

static void optional_cell(struct table *table, struct arena *arena, const json_t *object,
                          const char *key)
{
    const json_t *value = json_object_get(object, key);
    table_cell(table, "%s",
               json_is_integer(value) ? thousands(arena, json_integer_value(value)) : "-");
}

static void kept_cell(struct table *table, const json_t *layer, const char *kept, const char *all)
{
    if (integer(layer, all) == 0)
        table_cell(table, "-");
    else
        table_cell(table, "%lld of %lld", (long long)integer(layer, kept),
                   (long long)integer(layer, all));
}

static void print_layers(const json_t *layers, struct text *text)
{
    static const char *const HEADS[] = {"layer",   "op",         "MACs",         "weight bytes",
                                        "filters", "filterlets", "instructions", "kernel"};
    struct arena *arena = text->arena;
    struct table *table = table_start(arena, "llrrrrrl");
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_cell(table, "%s", HEADS[i]);
    table_rule(table);
    size_t i;
    const json_t *layer;
    json_array_foreach(layers, i, layer)
    {
        const char *kernel = json_string_value(json_object_get(layer, "kernel"));
        table_cell(table, "%s", json_string_value(json_object_get(layer, "name")));
        table_cell(table, "%s", json_string_value(json_object_get(layer, "op")));
        table_cell(table, "%s", thousands(arena, integer(layer, "macs")));
        table_cell(table, "%s", thousands(arena, integer(layer, "weight_bytes")));
        kept_cell(table, layer, "filters_kept", "filters");
        kept_cell(table, layer, "filterlets_kept", "filterlets");
        optional_cell(table, arena, layer, "instructions");
        table_cell(table, "%s", kernel != NULL ? kernel : "(shares memory)");
    }
    table_print(table, text);
}

/* "35,206 B (17.0 % of 207,600)" */
static const char *against(struct arena *arena, int64_t now, int64_t dense, const char *unit)
{
    if (dense == 0)
        return arena_printf(arena, "%s%s", thousands(arena, now), unit);
    return arena_printf(arena, "%s%s (%.1f %% of %s)", thousands(arena, now), unit,
                        100.0 * (double)now / (double)dense, thousands(arena, dense));
}

/* "83.24 %" */
static const char *percent(const json_t *number, struct arena *arena)
{
    return arena_printf(arena, "%.2f %%", 100 * json_number_value(number));
}

/* A row for each budget that was given, and the accuracies. */
static void schedule_cells(struct table *table, const json_t *schedule, struct arena *arena)
{
    const json_t *budgets = json_object_get(schedule, "budgets");
    const json_t *most = json_object_get(budgets, "instructions");
    const json_t *latency = json_object_get(schedule, "latency_ms_estimate");
    const json_t *reference = json_object_get(schedule, "validation_reference");
    const json_t *test = json_object_get(schedule, "test");
    if (json_is_number(latency)) {
        table_cell(table, "latency");
        table_cell(table, "%.3g ms (an estimate from the instructions)",
                   json_number_value(latency));
    }
    table_cell(table, "budgets");
    table_cell(table, "flash %s B, SRAM %s B%s", thousands(arena, integer(budgets, "flash_bytes")),
               thousands(arena, integer(budgets, "sram_bytes")),
               json_is_number(most)
                   ? arena_printf(arena, ", %s instructions",
                                  thousands(arena, (int64_t)json_number_value(most)))
                   : "");
    if (json_is_number(reference)) {
        table_cell(table, "validation");
        table_cell(table, "%s, compared with %s",
                   percent(json_object_get(schedule, "validation"), arena),
                   percent(reference, arena));
    }
    if (test != NULL) {
        table_cell(table, "test");
        table_cell(table, "%s, the dense network in int8 %s", percent(test, arena),
                   percent(json_object_get(schedule, "test_dense"), arena));
    }
    table_cell(table, "equal to the host");
    table_cell(table, "%lld of %lld samples on the emulated device",
               (long long)integer(schedule, "samples_equal"),
               (long long)integer(schedule, "samples_compared"));
}

void report_print(const json_t *report, struct text *text)
{
    struct arena *arena = text->arena;
    print_layers(json_object_get(report, "layers"), text);
    struct table *table = table_start(arena, "ll");
    table_cell(table, "MACs");
    table_cell(table, "%s",
               against(arena, integer(report, "macs"), integer(report, "macs_dense"), ""));
    table_cell(table, "weights and index");
    table_cell(table, "%s",
               against(arena, integer(report, "weight_bytes"),
                       integer(report, "weight_bytes_dense"), " B"));
    table_cell(table, "flash");
    table_cell(table, "%s B, of which code %s B", thousands(arena, integer(report, "flash_bytes")),
               thousands(arena, integer(report, "flash_code_bytes")));
    const char *peak = json_string_value(json_object_get(report, "arena_peak_layer"));
    table_cell(table, "SRAM");
    table_cell(table, "%s B (arena %s B, largest at '%s'); caller's input and output %s B",
               thousands(arena, integer(report, "sram_bytes")),
               thousands(arena, integer(report, "arena_bytes")), peak != NULL ? peak : "-",
               thousands(arena, integer(report, "io_bytes")));
    const json_t *stack = json_object_get(report, "stack_bytes");
    table_cell(table, "stack");
    table_cell(table, "%s",
               json_is_integer(stack)
                   ? arena_printf(arena, "%s B", thousands(arena, json_integer_value(stack)))
                   : "not measured yet: dtmm run");
    const json_t *instructions = json_object_get(report, "instructions");
    table_cell(table, "instructions");
    table_cell(table, "%s",
               json_is_integer(instructions) ? thousands(arena, json_integer_value(instructions))
                                             : "not measured yet: dtmm run");
    const json_t *schedule = json_object_get(report, "schedule");
    if (schedule != NULL)
        schedule_cells(table, schedule, arena);
    text_printf(text, "\n");
    table_print(table, text);
}
