/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "graph/weights.h"
#include "pass/pass.h"
#include "prune/pruner_internal.h"
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

/* What is to be absent after this step. */
static struct recipe recipe_of_step(const struct pruner *p, int32_t step, struct arena *arena)
{
    struct recipe recipe = *p->recipe;
    recipe.layers =
        arena_copy(arena, recipe.layers, ((size_t)recipe.n_nodes + 1) * sizeof *recipe.layers);
    recipe.sparsity = share_after(recipe.sparsity, step, p->options->n_steps);
    for (int32_t i = 0; i < recipe.n_nodes; i++) {
        struct recipe_layer *layer = &recipe.layers[i];
        if (layer->sparsity > 0)
            layer->sparsity = share_after(layer->sparsity, step, p->options->n_steps);
        if (layer->filters > 0)
            layer->filters = share_after(layer->filters, step, p->options->n_steps);
    }
    return recipe;
}

/* Weights that are to stay, of the whole network. */
static double weights_wanted(const struct pruner *p, const struct recipe *recipe)
{
    double n = 0;
    for (int32_t i = 0; i < p->dense->n_nodes; i++) {
        double share = recipe->layers[i].sparsity;
        n += (double)weight_counts(p->dense, &p->dense->nodes[i]).n_weights *
             (1 - (share < 0 ? recipe->sparsity : share));
    }
    return n;
}

/* The same recipe with all shares less. */
static struct recipe *recipe_scaled(const struct recipe *recipe, double factor, struct arena *arena)
{
    struct recipe *scaled = arena_copy(arena, recipe, sizeof *recipe);
    scaled->layers =
        arena_copy(arena, recipe->layers, ((size_t)recipe->n_nodes + 1) * sizeof *recipe->layers);
    scaled->sparsity *= factor;
    for (int32_t i = 0; i < recipe->n_nodes; i++)
        if (scaled->layers[i].sparsity > 0)
            scaled->layers[i].sparsity *= factor;
    return scaled;
}

struct masks *pruner_masks(const struct pruner *p, const struct graph *graph, struct arena *arena)
{
    const struct recipe *recipe = recipe_of_rest(p->recipe, p->dense, graph, arena);
    return masks_of_zeros(graph, p->origin.graph != NULL ? recipe : NULL, arena);
}

int64_t pruner_weights_left(const struct pruner *p, const struct graph *graph)
{
    struct arena scratch = {0};
    const struct masks *masks = pruner_masks(p, graph, &scratch);
    int64_t n_left = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        int64_t n = weight_counts(graph, &graph->nodes[i]).n_weights;
        for (int64_t k = 0; k < n; k++)
            n_left += masks->kept[i][k];
    }
    arena_free(&scratch);
    return n_left;
}

int64_t pruner_weights(const struct graph *graph)
{
    int64_t n = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        n += weight_counts(graph, &graph->nodes[i]).n_weights;
    return n;
}

static double weights_whole(const struct pruner *p)
{
    return (double)pruner_weights(p->dense);
}

/* ---- scores ---- */

/* Whether a layer has something to lose. */
static int is_scored(const struct graph *graph, const struct recipe *recipe, int32_t node)
{
    const struct recipe_layer *layer = &recipe->layers[node];
    return op_is_layer(graph->nodes[node].op) &&
           (layer->sparsity > 0 || (layer->sparsity < 0 && recipe->sparsity > 0));
}

/* The first layer whose units have no score of reconstruction, but may leave; or NULL. */
static const struct node *find_unknown(const struct graph *graph, const struct recipe *recipe)
{
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        const struct unit *unit = &recipe->layers[i].unit;
        int is_known = (unit->kind == UNIT_FILTERLET || unit->kind == UNIT_BLOCK) &&
                       (node->op == OP_conv_2d || node->op == OP_fully_connected);
        /* choose_masks() leaves it whole */
        int stays = node->op == OP_depthwise_conv_2d && unit->kind != UNIT_FILTER &&
                    recipe->layers[i].sparsity < 0;
        if (!stays && is_scored(graph, recipe, i) && !is_known)
            return node;
    }
    return NULL;
}

void pruner_choose_score(struct pruner *p)
{
    const struct pruner_options *options = p->options;
    int is_known = find_unknown(p->dense, p->recipe) == NULL;
    p->score = options->has_score ? options->score
               : is_known         ? SCORE_RECONSTRUCTION
                                  : SCORE_MAGNITUDE;
    p->rank = options->has_rank                  ? options->rank
              : p->score == SCORE_RECONSTRUCTION ? RANK_BOTH
                                                 : RANK_SCORE;
}

static enum status check_reconstruction(const struct pruner *p, const struct recipe *recipe)
{
    const struct node *node = find_unknown(p->graph, recipe);
    return node == NULL
               ? OK
               : fail(p->diag, ERR_USAGE,
                      "%s '%s': --score reconstruction is for filterlets and blocks of conv_2d "
                      "and fully_connected; use another score, or a recipe that leaves it whole",
                      op_name(node->op), node->name);
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

static void see_scored(void *context, int32_t done, int32_t total)
{
    struct pruner *p = context;
    progress_count(&p->progress, "layers scored", done, total);
}

static void see_solved(void *context, int32_t done, int32_t total)
{
    struct pruner *p = context;
    progress_count(&p->progress, "layers solved anew", done, total);
}

/* By what the others cannot undo, one kind of unit after the other. */
static enum status units_reconstruct(struct pruner *p, const struct recipe *recipe,
                                     struct arena *arena, struct scores **scores)
{
    const struct layer_watch watch = {see_scored, p};
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
                TRY(score_reconstruction(p->graph, p->samples, p->n_samples, blocks[b], &watch,
                                         arena, &some, p->diag));
            (*scores)->nodes[i] = some->nodes[i];
            if (p->rank != RANK_SCORE && some->nodes[i].of != NULL)
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
static enum status units_score(struct pruner *p, enum score_kind kind, const struct recipe *recipe,
                               struct arena *arena, struct scores **scores)
{
    struct train_settings settings = pruner_settings(p, 1);
    struct trainer trainer = {0};
    struct importance *importance = NULL;
    enum status status = OK;
    if (kind == SCORE_RECONSTRUCTION)
        return units_reconstruct(p, recipe, arena, scores);
    if (kind == SCORE_TAYLOR || kind == SCORE_FISHER)
        TRY(check_gradients(p, &settings));
    if (kind != SCORE_MAGNITUDE) {
        int is_labeled = settings.distill_share < 1;
        settings.distill_share = !is_labeled; /* the network is still much like its teacher */
        status = trainer_make(&settings, p->graph, is_labeled ? NULL : p->dense, &p->dataset, arena,
                              &trainer, p->diag);
        if (status == OK)
            status = importance_measure(&trainer, kind, SCORE_BATCHES, arena, &importance, p->diag);
        trainer_free(&trainer);
    }
    return status != OK ? status : score(p->graph, recipe, importance, arena, scores, p->diag);
}

/* ---- removal ---- */

static enum status weights_compensate(struct pruner *p, const struct masks *masks,
                                      const struct groups *groups, struct arena *arena,
                                      struct graph **pruned)
{
    const struct layer_watch watch = {see_solved, p};
    const struct compensation request = {.masks = masks,
                                         .groups = groups,
                                         .samples = p->samples,
                                         .n_samples = p->n_samples,
                                         .watch = p->step > 0 ? &watch : NULL};
    return compensate(p->graph, &request, arena, pruned, p->diag);
}

/* What a removal is made of. */
struct removal {
    struct pruner *p;
    const struct recipe *recipe; /* of the graph as it is */
    const struct scores *scores;
    const struct groups *groups;
    struct graph *pruned; /* with zeros, before it is shrunk */
};

/* Weights that are left once all that is dead has left. */
static enum status weights_left(struct removal *removal, const struct recipe *recipe,
                                struct arena *arena, double *n_left)
{
    struct pruner *p = removal->p;
    struct masks *masks;
    struct graph *shrunk;
    TRY(choose_masks(p->graph, removal->scores, recipe, removal->groups, arena, &masks, p->diag));
    TRY(prune(p->graph, masks, removal->groups, arena, &removal->pruned, p->diag));
    TRY(shrink(removal->pruned, NULL, arena, &shrunk, NULL, p->diag));
    *n_left = (double)pruner_weights_left(p, shrunk);
    return OK;
}

/* Removes until `n_wanted` weights are left. With a filter the weights that read its channel leave
 * too, or even all that the outputs depend on: then the shares are made smaller, as far as they can
 * be. */
static enum status shares_find(struct removal *removal, const struct recipe *recipe,
                               double n_wanted, struct arena *arena, double *n_left)
{
    enum { TRIES = 12 };
    struct graph *enough = NULL, *most = NULL; /* removes what is wanted; less, but all that can */
    double n = 0, low = 0, high = 1, n_enough = 0, n_most = 0;
    enum status status = weights_left(removal, recipe, arena, &n);
    *n_left = n;
    if (recipe_has_filters(removal->p->recipe) || (status == OK && n >= n_wanted))
        return status;
    for (int i = 0; i <= TRIES; i++) {
        if (status != OK && status != ERR_INPUT)
            return status;
        if (status == OK && n > n_wanted) {
            most = removal->pruned;
            n_most = n;
        } else if (status == OK) {
            enough = removal->pruned;
            n_enough = n;
        }
        if (i == TRIES || (status == OK && n == n_wanted))
            break;
        double factor = (low + high) / 2;
        status = weights_left(removal, recipe_scaled(recipe, factor, arena), arena, &n);
        *(status == OK && n > n_wanted ? &low : &high) = factor;
    }
    removal->pruned = enough != NULL ? enough : most;
    *n_left = enough != NULL ? n_enough : n_most;
    return removal->pruned != NULL ? OK : status;
}

/* Whether the aim can be met is said before the first training, not after it. */
static enum status aim_check(struct removal *removal, struct arena *arena)
{
    static const double slack = 0.02;
    struct pruner *p = removal->p;
    struct recipe last = recipe_of_step(p, p->options->n_steps, arena);
    double n_left, n_wanted = weights_wanted(p, &last), n_whole = weights_whole(p);
    TRY(shares_find(removal, recipe_of_rest(&last, p->dense, p->graph, arena), n_wanted, arena,
                    &n_left));
    if (n_left <= n_wanted + slack * n_whole)
        return OK;
    return fail(p->diag, ERR_USAGE,
                "%.1f %% of the weights cannot leave, only %.1f %%: each layer keeps some of its "
                "units, and the outputs keep their filters; remove less, or finer units (block:4)",
                100 * (1 - n_wanted / n_whole), 100 * (1 - n_left / n_whole));
}

static enum status units_remove(struct removal *removal, struct arena *arena)
{
    struct pruner *p = removal->p;
    struct recipe whole = recipe_of_step(p, p->step, arena);
    double n_left, n_wanted = weights_wanted(p, &whole);
    TRY(shares_find(removal, removal->recipe, n_wanted, arena, &n_left));
    if (n_left > n_wanted + 0.001 * weights_whole(p) && !recipe_has_filters(p->recipe))
        fprintf(stderr,
                "note: step %d: %.1f %% of the weights absent were asked for, %.1f %% are\n",
                p->step, 100 * (1 - n_wanted / weights_whole(p)),
                100 * (1 - n_left / weights_whole(p)));
    return OK;
}

/* Removes what a recipe for the graph as it is asks for, by a score: p->graph without it. */
static enum status remove_by(struct pruner *p, enum score_kind kind, const struct recipe *recipe)
{
    struct arena scratch = {0};
    struct scores *scores;
    struct groups *groups;
    struct removal removal = {.p = p, .recipe = recipe};
    enum status status = units_score(p, kind, recipe, &scratch, &scores);
    if (status == OK)
        status = pruner_costs(p, scores);
    if (status == OK)
        status = couple(p->graph, &scratch, &groups, p->diag);
    removal.scores = scores;
    removal.groups = groups;
    if (status == OK && p->step == 1 && !recipe_has_filters(p->recipe))
        status = aim_check(&removal, &scratch);
    if (status == OK)
        status = units_remove(&removal, &scratch);
    if (status == OK && p->options->compensate)
        status = weights_compensate(p, pruner_masks(p, removal.pruned, &scratch), groups, &scratch,
                                    &removal.pruned);
    if (status == OK)
        status = shrink(removal.pruned, NULL, p->arena, &p->graph, NULL, p->diag);
    arena_free(&scratch);
    return status;
}

/* The filters' part of a recipe, or that of the units of what is left then. */
static struct recipe *recipe_part(const struct recipe *recipe, int of_filters, struct arena *arena)
{
    struct recipe *part = arena_copy(arena, recipe, sizeof *recipe);
    part->layers =
        arena_copy(arena, recipe->layers, ((size_t)recipe->n_nodes + 1) * sizeof *recipe->layers);
    for (int32_t i = 0; i < recipe->n_nodes; i++) {
        struct recipe_layer *layer = &part->layers[i];
        if (of_filters)
            layer->sparsity = 0;
        else
            layer->filters = -1;
        if (layer->sparsity < 0)
            layer->sparsity = 0;
    }
    return part;
}

static int removes_filters(const struct recipe *recipe)
{
    for (int32_t i = 0; i < recipe->n_nodes; i++)
        if (recipe->layers[i].filters > 0)
            return 1;
    return 0;
}

/* Filters have no score of reconstruction: those of a recipe leave by their magnitude, before the
 * units of what is left are scored. */
static enum status remove_apart(struct pruner *p, const struct recipe *whole, struct arena *arena)
{
    const struct recipe *recipe = recipe_of_rest(whole, p->dense, p->graph, arena);
    if (removes_filters(recipe)) {
        TRY(remove_by(p, SCORE_MAGNITUDE, recipe_part(recipe, 1, arena)));
        recipe = recipe_of_rest(whole, p->dense, p->graph, arena);
    }
    return remove_by(p, SCORE_RECONSTRUCTION, recipe_part(recipe, 0, arena));
}

static const char *step_words(const struct pruner *p)
{
    double absent = 1 - (double)pruner_weights_left(p, p->graph) / weights_whole(p);
    return arena_printf(p->arena, "step %d of %d: %.1f %% of the weights absent", p->step,
                        p->options->n_steps, 100 * absent);
}

enum status pruner_remove(struct pruner *p)
{
    struct arena scratch = {0};
    progress_begin(&p->progress);
    const struct recipe whole = recipe_of_step(p, p->step, &scratch);
    enum status status =
        p->score == SCORE_RECONSTRUCTION && recipe_has_filters(&whole)
            ? remove_apart(p, &whole, &scratch)
            : remove_by(p, p->score, recipe_of_rest(&whole, p->dense, p->graph, &scratch));
    arena_free(&scratch);
    if (status == OK)
        progress_end(&p->progress, "prune", step_words(p));
    return status;
}

enum status pruner_try(struct pruner *p, struct arena *arena, struct graph **pruned)
{
    struct scores *scores;
    struct groups *groups;
    struct masks *masks;
    p->graph = p->dense;
    TRY(units_score(p, p->score, p->recipe, arena, &scores));
    TRY(couple(p->dense, arena, &groups, p->diag));
    TRY(choose_masks(p->dense, scores, p->recipe, groups, arena, &masks, p->diag));
    TRY(prune(p->dense, masks, groups, arena, pruned, p->diag));
    return p->options->compensate
               ? weights_compensate(p, pruner_masks(p, *pruned, arena), groups, arena, pruned)
               : OK;
}
