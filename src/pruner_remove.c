/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/weights.h"
#include "pass/pass.h"
#include "pruner_internal.h"
#include "train/compensate.h"
#include "train/reconstruction.h"

enum { SCORE_BATCHES = 64 };

/* The share to be absent after step `step` of all: fast at first, slower towards the end (Zhu,
 * Gupta 2017). */
static double share_after(double share, int32_t step, int32_t n_steps)
{
    double left = 1 - (double)step / n_steps;
    return share * (1 - left * left * left);
}

/* What is to be absent after this step, of what is left. */
static struct recipe *recipe_of_step(const struct pruner *p, struct arena *arena)
{
    struct recipe recipe = *p->recipe;
    recipe.layers =
        arena_copy(arena, recipe.layers, ((size_t)recipe.n_nodes + 1) * sizeof *recipe.layers);
    recipe.sparsity = share_after(recipe.sparsity, p->step, p->options->n_steps);
    for (int32_t i = 0; i < recipe.n_nodes; i++)
        if (recipe.layers[i].sparsity > 0)
            recipe.layers[i].sparsity =
                share_after(recipe.layers[i].sparsity, p->step, p->options->n_steps);
    return recipe_of_rest(&recipe, p->dense, p->graph, arena);
}

/* ---- scores ---- */

/* Whether a layer has something to lose. */
static int is_scored(const struct graph *graph, const struct recipe *recipe, int32_t node)
{
    const struct recipe_layer *layer = &recipe->layers[node];
    return op_is_layer(graph->nodes[node].op) &&
           (layer->sparsity > 0 || (layer->sparsity < 0 && recipe->sparsity > 0));
}

static enum status check_reconstruction(const struct pruner *p, const struct recipe *recipe)
{
    for (int32_t i = 0; i < p->graph->n_nodes; i++) {
        const struct node *node = &p->graph->nodes[i];
        const struct unit *unit = &recipe->layers[i].unit;
        int is_known = (unit->kind == UNIT_FILTERLET || unit->kind == UNIT_BLOCK) &&
                       (node->op == OP_conv_2d || node->op == OP_fully_connected);
        /* choose_masks() leaves it whole */
        int stays = node->op == OP_depthwise_conv_2d && unit->kind != UNIT_FILTER &&
                    recipe->layers[i].sparsity < 0;
        if (!stays && is_scored(p->graph, recipe, i) && !is_known)
            return fail(p->diag, ERR_USAGE,
                        "%s '%s': --score reconstruction is for filterlets and blocks of conv_2d "
                        "and fully_connected; use another score, or a recipe that leaves it whole",
                        op_name(node->op), node->name);
    }
    return OK;
}

/* The scores of reconstruction are per byte; ranked by a cost, they are to be whole. */
static void scores_whole(const struct node *node, const struct shape *shape,
                         struct node_scores *scores, struct arena *arena)
{
    int64_t *counts = ARENA_ARRAY(arena, (size_t)scores->n_units + 1, int64_t);
    for (int64_t i = 0; i < shape_elements(shape); i++)
        counts[unit_of_weight(&scores->unit, node->op, shape, i)]++;
    for (int64_t u = 0; u < scores->n_units; u++)
        scores->of[u] *= (float)counts[u];
}

/* By what the others cannot undo, one kind of unit after the other. */
static enum status units_reconstruct(struct pruner *p, const struct recipe *recipe,
                                     struct arena *arena, struct scores **scores)
{
    TRY(check_reconstruction(p, recipe));
    *scores = ARENA_NEW(arena, struct scores);
    (*scores)->n_nodes = p->graph->n_nodes;
    (*scores)->nodes = ARENA_ARRAY(arena, (size_t)p->graph->n_nodes + 1, struct node_scores);
    static const int32_t blocks[] = {0, 4, 8, 16};
    for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
        struct scores *some = NULL;
        for (int32_t i = 0; i < p->graph->n_nodes; i++) {
            if (!is_scored(p->graph, recipe, i) || recipe->layers[i].unit.block != blocks[b])
                continue;
            if (some == NULL)
                TRY(score_reconstruction(p->graph, p->samples, p->n_samples, blocks[b], arena,
                                         &some, p->diag));
            (*scores)->nodes[i] = some->nodes[i];
            if (p->options->rank != RANK_SCORE && some->nodes[i].of != NULL)
                scores_whole(&p->graph->nodes[i],
                             &node_input(p->graph, &p->graph->nodes[i], 1)->shape,
                             &(*scores)->nodes[i], arena);
        }
    }
    return OK;
}

/* The outputs of the dense network alone teach it nothing. */
static enum status check_gradients(const struct pruner *p, const struct train_settings *settings)
{
    if (settings->distill_share < 1)
        return OK;
    return fail(p->diag, ERR_USAGE,
                "--score taylor and fisher need labels to learn from; use magnitude or "
                "reconstruction");
}

/* By weights or gradients. */
static enum status units_score(struct pruner *p, const struct recipe *recipe, struct arena *arena,
                               struct scores **scores)
{
    struct train_settings settings = pruner_settings(p, 1);
    struct trainer trainer = {0};
    struct importance *importance = NULL;
    enum status status = OK;
    if (p->options->score == SCORE_RECONSTRUCTION)
        return units_reconstruct(p, recipe, arena, scores);
    if (p->options->score == SCORE_TAYLOR || p->options->score == SCORE_FISHER)
        TRY(check_gradients(p, &settings));
    if (p->options->score != SCORE_MAGNITUDE) {
        int is_labeled = settings.distill_share < 1;
        settings.distill_share = !is_labeled; /* the network is still much like its teacher */
        status = trainer_make(&settings, p->graph, is_labeled ? NULL : p->dense, &p->dataset, arena,
                              &trainer, p->diag);
        if (status == OK)
            status = importance_measure(&trainer, p->options->score, SCORE_BATCHES, arena,
                                        &importance, p->diag);
        trainer_free(&trainer);
    }
    return status != OK ? status : score(p->graph, recipe, importance, arena, scores, p->diag);
}

/* ---- removal ---- */

static enum status weights_compensate(struct pruner *p, const struct masks *masks,
                                      const struct groups *groups, struct arena *arena,
                                      struct graph **pruned)
{
    const struct compensation request = {
        .masks = masks, .groups = groups, .samples = p->samples, .n_samples = p->n_samples};
    return compensate(p->graph, &request, arena, pruned, p->diag);
}

enum status pruner_remove(struct pruner *p)
{
    struct arena scratch = {0};
    struct scores *scores;
    struct masks *masks;
    struct groups *groups;
    struct graph *pruned;
    progress_begin(&p->progress);
    struct recipe *recipe = recipe_of_step(p, &scratch);
    enum status status = units_score(p, recipe, &scratch, &scores);
    if (status == OK)
        status = pruner_costs(p, scores);
    if (status == OK)
        status = couple(p->graph, &scratch, &groups, p->diag);
    if (status == OK)
        status = choose_masks(p->graph, scores, recipe, groups, &scratch, &masks, p->diag);
    if (status == OK)
        status = prune(p->graph, masks, groups, &scratch, &pruned, p->diag);
    if (status == OK && p->options->compensate)
        status = weights_compensate(p, masks_of_zeros(pruned, &scratch), groups, &scratch, &pruned);
    if (status == OK)
        status = shrink(pruned, NULL, p->arena, &p->graph, NULL, p->diag);
    arena_free(&scratch);
    progress_end(&p->progress, "prune",
                 arena_printf(p->arena, "step %d of %d", p->step, p->options->n_steps));
    return status;
}
