/* SPDX-License-Identifier: Apache-2.0 */
#include "product/recipe.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "product/packed.h"

struct recipe *recipe_uniform(const struct graph *graph, struct unit unit, double sparsity,
                              struct arena *arena)
{
    struct recipe *recipe = ARENA_NEW(arena, struct recipe);
    recipe->n_nodes = graph->n_nodes;
    recipe->sparsity = sparsity;
    recipe->layers = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, struct recipe_layer);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        recipe->layers[i] = (struct recipe_layer){unit, -1, -1, {STORAGE_SMALLER, -1}};
    return recipe;
}

/* The node of the same name, or -1. */
static int32_t node_find(const struct graph *graph, const char *name)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return i;
    return -1;
}

static double weights_of(const struct graph *graph, const struct node *node)
{
    return (double)shape_elements(&node_input(graph, node, 1)->shape);
}

static double filters_of(const struct graph *graph, const struct node *node)
{
    return (double)filter_count(node->op, &node_input(graph, node, 1)->shape);
}

/* The share of what is left that has to leave. */
static double share_of_rest(double share, double n_whole, double n_rest)
{
    double n_kept = (1 - share) * n_whole;
    return n_rest > n_kept ? 1 - n_kept / n_rest : 0;
}

struct recipe *recipe_of_rest(const struct recipe *recipe, const struct graph *whole,
                              const struct graph *rest, struct arena *arena)
{
    struct recipe *result = recipe_uniform(rest, (struct unit){UNIT_FILTERLET, 0}, 0, arena);
    double n_whole = 0, n_rest = 0;
    for (int32_t i = 0; i < whole->n_nodes; i++)
        if (op_is_layer(whole->nodes[i].op) && recipe->layers[i].sparsity < 0)
            n_whole += weights_of(whole, &whole->nodes[i]);
    for (int32_t i = 0; i < rest->n_nodes; i++) {
        const struct node *node = &rest->nodes[i];
        int32_t from = node_find(whole, node->name);
        if (!op_is_layer(node->op) || from < 0)
            continue;
        result->layers[i] = recipe->layers[from];
        if (recipe->layers[from].filters > 0)
            result->layers[i].filters =
                share_of_rest(recipe->layers[from].filters, filters_of(whole, &whole->nodes[from]),
                              filters_of(rest, node));
        if (recipe->layers[from].sparsity < 0)
            n_rest += weights_of(rest, node);
        else if (!recipe_has_filters(recipe))
            result->layers[i].sparsity =
                share_of_rest(recipe->layers[from].sparsity, weights_of(whole, &whole->nodes[from]),
                              weights_of(rest, node));
    }
    result->sparsity = share_of_rest(recipe->sparsity, n_whole, n_rest);
    return result;
}

static enum status share_take(const json_t *layer, const char *key, const char *what, double *share,
                              struct diag *diag)
{
    const json_t *json = json_object_get(layer, key);
    if (json == NULL)
        return OK;
    if (!json_is_number(json) || json_number_value(json) < 0 || json_number_value(json) >= 1)
        return fail(diag, ERR_INPUT, "%s: %s must be a number from 0 to below 1", what, key);
    *share = json_number_value(json);
    return OK;
}

static enum status unit_take(const json_t *json, const char *what, struct unit *unit,
                             struct diag *diag)
{
    if (json == NULL)
        return OK;
    if (!json_is_string(json))
        return fail(diag, ERR_INPUT, "%s: unit must be a string", what);
    enum status status = unit_parse(json_string_value(json), unit, diag);
    if (status != OK)
        diag_prefix(diag, what);
    return status;
}

static const char *const STORAGES[] = {
#define X(suffix, name, meaning) name,
    STORAGE_LIST(X)
#undef X
};

/* N_STORAGES: there is none of that name. */
static int storage_find(const char *name)
{
    int i = 0;
    while (i < N_STORAGES && strcmp(STORAGES[i], name) != 0)
        i++;
    return i;
}

static enum status form_take(const json_t *layer, const char *what, struct layer_form *form,
                             struct diag *diag)
{
    const json_t *storage = json_object_get(layer, "storage");
    const json_t *kernel = json_object_get(layer, "kernel");
    if (storage != NULL) {
        int found = json_is_string(storage) ? storage_find(json_string_value(storage)) : N_STORAGES;
        if (found == N_STORAGES)
            return fail(diag, ERR_INPUT, "%s: storage must be smaller, dense or fwcs", what);
        form->storage = (enum storage)found;
    }
    if (kernel != NULL) {
        form->kernel = json_is_string(kernel) ? kernel_named(json_string_value(kernel)) : -1;
        if (form->kernel < 0)
            return fail(diag, ERR_INPUT,
                        "%s: kernel must be the name of a function as report.json has it, such as "
                        "dtmm_conv_2d_s8_c",
                        what);
    }
    return OK;
}

static enum status keys_check(json_t *json, const char *what, const char *const *known,
                              struct diag *diag)
{
    const char *key;
    json_t *value;
    json_object_foreach(json, key, value)
    {
        int found = 0;
        for (const char *const *name = known; *name != NULL; name++)
            found |= strcmp(*name, key) == 0;
        if (!found)
            return fail(diag, ERR_INPUT, "%s: '%s' is not known here", what, key);
    }
    return OK;
}

static enum status layer_take(struct recipe *recipe, const struct graph *graph, const char *name,
                              json_t *json, struct diag *diag)
{
    static const char *const known[] = {"unit", "sparsity", "filters", "storage", "kernel", NULL};
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        if (strcmp(graph->nodes[i].name, name) != 0 || !op_is_layer(graph->nodes[i].op))
            continue;
        if (!json_is_object(json))
            return fail(diag, ERR_INPUT, "%s: must be an object, such as {\"sparsity\": 0.5}",
                        name);
        TRY(keys_check(json, name, known, diag));
        TRY(unit_take(json_object_get(json, "unit"), name, &recipe->layers[i].unit, diag));
        TRY(share_take(json, "filters", name, &recipe->layers[i].filters, diag));
        TRY(form_take(json, name, &recipe->layers[i].form, diag));
        return share_take(json, "sparsity", name, &recipe->layers[i].sparsity, diag);
    }
    return fail(diag, ERR_INPUT, "the network has no layer '%s' with weights", name);
}

static enum status recipe_take(json_t *json, const struct graph *graph, struct arena *arena,
                               struct recipe **recipe, struct diag *diag)
{
    static const char *const known[] = {"unit", "sparsity", "layers", NULL};
    struct unit unit = {UNIT_FILTERLET, 0};
    double sparsity = 0;
    const char *name;
    json_t *layer, *layers = json_object_get(json, "layers");
    TRY(keys_check(json, "recipe", known, diag));
    if (layers != NULL && !json_is_object(layers))
        return fail(diag, ERR_INPUT,
                    "recipe: layers must be an object, such as {\"conv\": {\"sparsity\": 0.5}}");
    TRY(unit_take(json_object_get(json, "unit"), "recipe", &unit, diag));
    TRY(share_take(json, "sparsity", "recipe", &sparsity, diag));
    *recipe = recipe_uniform(graph, unit, sparsity, arena);
    json_object_foreach(layers, name, layer)
    {
        TRY(layer_take(*recipe, graph, name, layer, diag));
    }
    return OK;
}

enum status recipe_parse(const char *text, const struct graph *graph, struct arena *arena,
                         struct recipe **recipe, struct diag *diag)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(json)) {
        json_decref(json);
        return fail(diag, ERR_INPUT, "not a recipe: line %d: %s", error.line,
                    json == NULL ? error.text : "no JSON object");
    }
    enum status status = recipe_take(json, graph, arena, recipe, diag);
    json_decref(json);
    return status;
}

const char *recipe_print(const struct recipe *recipe, const struct graph *graph,
                         struct arena *arena)
{
    struct text text = text_start(arena);
    const char *separator = "\n";
    text_printf(&text, "{\"sparsity\": %.6g, \"layers\": {", recipe->sparsity);
    for (int32_t i = 0; i < recipe->n_nodes; i++) {
        const struct recipe_layer *layer = &recipe->layers[i];
        if (!op_is_layer(graph->nodes[i].op))
            continue;
        text_printf(&text, "%s  \"%s\": {\"unit\": \"%s\"", separator, graph->nodes[i].name,
                    unit_name(&layer->unit, arena));
        if (layer->sparsity >= 0)
            text_printf(&text, ", \"sparsity\": %.6g", layer->sparsity);
        if (layer->filters >= 0)
            text_printf(&text, ", \"filters\": %.6g", layer->filters);
        if (layer->form.storage != STORAGE_SMALLER)
            text_printf(&text, ", \"storage\": \"%s\"", STORAGES[layer->form.storage]);
        if (layer->form.kernel >= 0)
            text_printf(&text, ", \"kernel\": \"%s\"",
                        kernel_function((enum kernel)layer->form.kernel, arena));
        text_printf(&text, "}");
        separator = ",\n";
    }
    text_printf(&text, "\n}}\n");
    return text.data;
}

struct layer_form *recipe_forms(const char *text, const struct graph *graph, struct arena *arena)
{
    struct layer_form *forms = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, struct layer_form);
    struct diag unused;
    json_t *json = json_loads(text, 0, NULL), *layers = json_object_get(json, "layers");
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const char *name = graph->nodes[i].name;
        forms[i] = (struct layer_form){STORAGE_SMALLER, -1};
        if (op_is_layer(graph->nodes[i].op))
            (void)form_take(json_object_get(layers, name), name, &forms[i], &unused);
    }
    json_decref(json);
    return forms;
}

/* Without the forms of the layers; the caller owns the reference. */
static json_t *removals_load(const char *text)
{
    const char *name;
    json_t *layer, *json = json_loads(text, 0, NULL);
    json_object_foreach(json_object_get(json, "layers"), name, layer)
    {
        json_object_del(layer, "storage");
        json_object_del(layer, "kernel");
    }
    return json;
}

int recipe_removes_same(const char *a, const char *b)
{
    json_t *left = removals_load(a), *right = removals_load(b);
    int is_same = json_equal(left, right);
    json_decref(left);
    json_decref(right);
    return is_same;
}

int recipe_has_filters(const struct recipe *recipe)
{
    for (int32_t i = 0; i < recipe->n_nodes; i++)
        if (recipe->layers[i].filters >= 0)
            return 1;
    return 0;
}

enum status recipe_check_filters(const struct recipe *recipe, const struct graph *graph,
                                 struct diag *diag)
{
    if (recipe->sparsity > 0)
        return fail(diag, ERR_INPUT,
                    "a recipe with shares of \"filters\" ranks no layers together; give every "
                    "layer a \"sparsity\" of its own");
    for (int32_t n = 0; n < graph->n_nodes; n++)
        if (op_is_layer(graph->nodes[n].op) && recipe->layers[n].unit.kind == UNIT_FILTER &&
            recipe->layers[n].sparsity > 0)
            return fail(diag, ERR_INPUT,
                        "%s: a recipe with shares of \"filters\" has no unit \"filter\" besides; "
                        "give the layer \"filters\" instead of \"sparsity\"",
                        graph->nodes[n].name);
    return OK;
}
