/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/file.h"
#include "pass/pass.h"
#include "product/packed.h"
#include "prune/pruner_internal.h"

/* ---- shares of layers of which nothing can leave ---- */

static int can_lose_filters(const struct groups *groups, int32_t node)
{
    for (int32_t f = 0; f < groups->n_filters[node]; f++)
        if (groups->of[node][f] >= 0)
            return 1;
    return 0;
}

/* Whether each filter of the layer is one such unit. */
static int is_whole_filter(const struct graph *graph, const struct node *node,
                           const struct unit *unit)
{
    const struct shape *shape = &node_input(graph, node, 1)->shape;
    return unit_count(unit, node->op, shape) == filter_count(node->op, shape);
}

/* A recipe without shares of filters: blocks and weights leave any filter, filters and what is as
 * large as they are only those that may leave. */
static enum status check_units(const struct graph *graph, const struct groups *groups, int32_t n,
                               const struct recipe_layer *layer, struct diag *diag)
{
    const struct node *node = &graph->nodes[n];
    int leaves_filters = layer->unit.kind == UNIT_FILTER || layer->unit.kind == UNIT_FILTERLET;
    if (layer->sparsity <= 0 || !leaves_filters || !is_whole_filter(graph, node, &layer->unit) ||
        can_lose_filters(groups, n))
        return OK;
    return fail(
        diag, ERR_INPUT,
        "%s '%s': no %s of it can leave: each is a whole filter, and the network's outputs or "
        "inputs have their channels; use \"unit\": \"block:4\" for it",
        op_name(node->op), node->name, layer->unit.kind == UNIT_FILTER ? "filter" : "filterlet");
}

/* A recipe with shares of filters: every filter that stays keeps its best unit. */
static enum status check_thin(const struct graph *graph, const struct groups *groups, int32_t n,
                              const struct recipe_layer *layer, struct diag *diag)
{
    const struct node *node = &graph->nodes[n];
    int is_depthwise = node->op == OP_depthwise_conv_2d;
    if (layer->filters > 0 && !can_lose_filters(groups, n))
        return fail(
            diag, ERR_INPUT,
            "%s '%s': no filter of it can leave: the network's outputs or inputs have their "
            "channels; %s",
            op_name(node->op), node->name,
            is_depthwise ? "leave it whole"
                         : "use \"sparsity\" with \"unit\": \"block:4\" for it, not "
                           "\"filters\"");
    if (layer->sparsity > 0 && layer->unit.kind != UNIT_FILTER &&
        is_whole_filter(graph, node, &layer->unit))
        return fail(diag, ERR_INPUT,
                    "%s '%s': each filter that stays keeps a unit, and has only one; use "
                    "\"filters\" for it%s",
                    op_name(node->op), node->name, is_depthwise ? "" : ", or smaller units");
    return OK;
}

/* Whether the core knows it at all; whether it computes the layer shows when that is packed. */
static enum status check_kernel(const struct pruner *p, int32_t n)
{
    const struct node *node = &p->dense->nodes[n];
    int kernel = p->recipe->layers[n].form.kernel;
    const struct core *core = p->options->core;
    const struct kernel_facts *facts = kernel >= 0 ? kernel_facts((enum kernel)kernel) : NULL;
    if (facts == NULL || strcmp(facts->isa, "c") == 0 || strcmp(facts->isa, core->isa) == 0)
        return OK;
    return fail(p->diag, ERR_INPUT,
                "%s '%s': %s is not for %s; leave \"kernel\" out, or name one for %s",
                op_name(node->op), node->name, kernel_function((enum kernel)kernel, p->arena),
                core->name, core->isa);
}

static enum status kernels_check(const struct pruner *p)
{
    for (int32_t n = 0; n < p->dense->n_nodes; n++)
        if (op_is_layer(p->dense->nodes[n].op))
            TRY(check_kernel(p, n));
    return OK;
}

/* A share that a layer has of its own is refused where nothing could leave for it. */
static enum status shares_check(const struct pruner *p)
{
    struct arena scratch = {0};
    struct groups *groups;
    int has_filters = recipe_has_filters(p->recipe);
    enum status status = has_filters ? recipe_check_filters(p->recipe, p->dense, p->diag) : OK;
    if (status == OK)
        status = couple(p->dense, &scratch, &groups, p->diag);
    for (int32_t n = 0; status == OK && n < p->dense->n_nodes; n++)
        if (op_is_layer(p->dense->nodes[n].op))
            status = (has_filters ? check_thin : check_units)(p->dense, groups, n,
                                                              &p->recipe->layers[n], p->diag);
    arena_free(&scratch);
    return status;
}

/* ---- reading ---- */

static enum status recipe_take(struct pruner *p, const char *text)
{
    TRY(recipe_parse(text, p->dense, p->arena, &p->recipe, p->diag));
    TRY(kernels_check(p));
    return shares_check(p);
}

enum status pruner_recipe_load(struct pruner *p)
{
    const struct pruner_options *options = p->options;
    struct file file;
    if (options->recipe_path == NULL && options->recipe != NULL)
        return recipe_take(p, options->recipe);
    if (options->recipe_path == NULL) {
        p->recipe = recipe_uniform(p->dense, options->unit, options->sparsity, p->arena);
        return OK;
    }
    TRY(file_read(options->recipe_path, p->arena, &file, p->diag));
    enum status status = recipe_take(p, (const char *)file.data);
    if (status != OK)
        diag_prefix(p->diag, options->recipe_path);
    return status;
}
