/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/weights.h"
#include "report/report.h"

static json_t *shape_json(const struct shape *shape)
{
    json_t *dims = json_array();
    for (int32_t i = 0; i < shape->rank; i++)
        json_array_append_new(dims, json_integer(shape->dims[i]));
    return dims;
}

static json_t *layer_json(const struct graph *graph, const struct node *node)
{
    struct weight_counts counts = weight_counts(graph, node);
    json_t *inputs = json_array();
    for (int32_t i = 0; i < node->n_inputs; i++) {
        const struct tensor *tensor = node_input(graph, node, i);
        if (tensor->data == NULL)
            json_array_append_new(inputs, shape_json(&tensor->shape));
    }
    int64_t element = 0;
    if (counts.n_filters > 0)
        element = (int64_t)dtype_bytes(node_input(graph, node, 1)->dtype);
    return json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:I}", "name",
                     node->name, "op", op_name(node->op), "input_shapes", inputs, "output_shape",
                     shape_json(&node_output(graph, node)->shape), "macs", (json_int_t)counts.macs,
                     "weights", (json_int_t)counts.n_weights, "weight_bytes",
                     (json_int_t)(counts.n_weights * element), "filters", counts.n_filters,
                     "filters_zero", counts.n_filters_zero, "filterlets", counts.n_filterlets,
                     "filterlets_zero", counts.n_filterlets_zero, "weight_bytes_live",
                     (json_int_t)(counts.n_weights_live * element));
}

static void sum_into(json_t *totals, const json_t *layer, const char *key)
{
    json_int_t sum = json_integer_value(json_object_get(totals, key)) +
                     json_integer_value(json_object_get(layer, key));
    json_object_set_new(totals, key, json_integer(sum));
}

static const char *const SUMMED[] = {
    "macs",         "weights",    "weight_bytes",    "filters",
    "filters_zero", "filterlets", "filterlets_zero", "weight_bytes_live"};

json_t *inspect_json(const struct graph *graph, const char *path)
{
    json_t *report = json_pack("{s:s, s:s}", "model", path, "name", graph->name);
    json_t *layers = json_array();
    json_t *totals = json_object();
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        json_t *layer = layer_json(graph, &graph->nodes[i]);
        for (size_t j = 0; j < sizeof SUMMED / sizeof SUMMED[0]; j++)
            sum_into(totals, layer, SUMMED[j]);
        json_array_append_new(layers, layer);
    }
    json_object_set_new(report, "totals", totals);
    json_object_set_new(report, "layers", layers);
    return report;
}

static const char *shape_text(const json_t *dims, struct arena *arena)
{
    const char *result = json_array_size(dims) == 0 ? "scalar" : "";
    for (size_t i = 0; i < json_array_size(dims); i++)
        result = arena_printf(arena, "%s%s%lld", result, i == 0 ? "" : "x",
                              (long long)json_integer_value(json_array_get(dims, i)));
    return result;
}

static void number_cell(struct table *table, struct arena *arena, const json_t *object,
                        const char *key)
{
    table_cell(table, "%s", thousands(arena, json_integer_value(json_object_get(object, key))));
}

static void zero_cell(struct table *table, const json_t *object, const char *zero, const char *all)
{
    json_int_t n = json_integer_value(json_object_get(object, all));
    if (n == 0)
        table_cell(table, "-");
    else
        table_cell(table, "%lld of %lld",
                   (long long)json_integer_value(json_object_get(object, zero)), (long long)n);
}

static void row(struct table *table, struct arena *arena, const json_t *object)
{
    number_cell(table, arena, object, "macs");
    number_cell(table, arena, object, "weight_bytes");
    zero_cell(table, object, "filters_zero", "filters");
    zero_cell(table, object, "filterlets_zero", "filterlets");
    number_cell(table, arena, object, "weight_bytes_live");
}

void inspect_print(const json_t *report, struct text *text)
{
    static const char *const HEADS[] = {
        "layer",        "op",           "input",           "output",    "MACs",
        "weight bytes", "zero filters", "zero filterlets", "live bytes"};
    struct arena *arena = text->arena;
    struct table *table = table_start(arena, "llllrrrrr");
    for (size_t i = 0; i < sizeof HEADS / sizeof HEADS[0]; i++)
        table_cell(table, "%s", HEADS[i]);
    table_rule(table);
    size_t i;
    const json_t *layer;
    json_array_foreach(json_object_get(report, "layers"), i, layer)
    {
        table_cell(table, "%s", json_string_value(json_object_get(layer, "name")));
        table_cell(table, "%s", json_string_value(json_object_get(layer, "op")));
        const json_t *inputs = json_object_get(layer, "input_shapes");
        table_cell(table, "%s",
                   json_array_size(inputs) == 0 ? "constant"
                                                : shape_text(json_array_get(inputs, 0), arena));
        table_cell(table, "%s", shape_text(json_object_get(layer, "output_shape"), arena));
        row(table, arena, layer);
    }
    table_rule(table);
    table_cell(table, "total");
    for (int blank = 0; blank < 3; blank++)
        table_cell(table, "%s", "");
    row(table, arena, json_object_get(report, "totals"));
    text_printf(text, "%s\n\n", json_string_value(json_object_get(report, "model")));
    table_print(table, text);
}
