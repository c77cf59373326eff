/* SPDX-License-Identifier: Apache-2.0 */
/* usage: paper_policy MODEL.tflite TARGET FLASH SRAM LIMIT SEED [DATA|- [HEAT]]
 * The policy of the DTMM paper (arXiv 2401.09068, code released with it), for comparison: a recipe
 * for a dense int8 network by simulated annealing over alpha and beta, with the paper's formulas of
 * flash, SRAM and latency. Prints the recipe; on stderr, a line, what the formulas make of it and
 * of the dense network. Exit code 1 when no candidate meets the budgets. The network is taken as it
 * was imported, dead channels included: so does `dtmm prune`, and so does the paper.
 *
 * FLASH and SRAM are bytes, below 1 parts of what the dense network needs by the formulas; 0 is no
 * limit. LIMIT is the paper's limit of accuracy: a filter or filterlet may leave while its
 * importance is at most LIMIT. With DATA importance is the sum of |gradient * weight|, the mean of
 * 64 batches; without (-) the sum of squared weights, as a part of the layer's mean filter's. HEAT
 * multiplies the paper's temperatures, which are far above an objective between 0 and 1: at 1
 * nearly all moves are taken; 0.001 anneals.
 *
 * As released: formulas count weights of convolutions and dense layers, tensors that are alive and
 * FLOPs, no biases, parameters, code or scratch memory; pools, activations and softmax are a part
 * of what they read; convolutions whose filters cannot leave have no latency; convolutions with 1x1
 * kernels lose filters only; beta of coupled layers is the least of theirs; where budgets are
 * exceeded, alpha and beta grow by 0.05 up to the limit of accuracy, then beta by 0.01 beyond it,
 * up to 0.8.
 *
 * Corrected, since these are plainly mistakes:
 *   1. Size of the first layer: its dense and FWCS forms were exchanged.
 *   2. SRAM of a sum: 1 - beta was cut to an integer, so that it took none once a filter had left.
 *   3. SRAM: freeing a tensor passed over the one behind it, which was freed later or never.
 *   4. Size of a layer behind a concatenation: only the first input's channels were counted.
 *   5. Size of a dense layer: its input channels were those of the layer before the one it reads.
 *   6. Repair never ended where growth was undone (coupled layers take the least beta, 0.8 cut what
 *      had grown more), where no beta at the peak could grow, or by steps of rounding errors. Now
 *      coupled layers grow together, what is at 0.8 stays, steps are at least 0.0001, and a
 *      candidate that cannot grow any more is dropped. Sums at the peak let their layers grow too.
 *   7. alpha became negative where beta was beyond alpha's limit.
 *   8. All filters of a layer, or all filterlets of a filter, could leave. One stays.
 *   9. Latency had 1 - beta where no filterlet leaves, whole filters elsewhere. Now whole filters
 *      for all, which is all that a recipe can say.
 *  10. Importance: gradients were averaged over batches before they met the weight, so that signs
 *      canceled.
 * The released code lacks the trained predictor of what a sparse layer takes in parts of the dense
 * one. Ours takes its place: predicted instructions of TARGET's best kernel for it. Depthwise
 * convolutions, which the paper does not have, lose filters only. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/driver.h"
#include "pass/pass.h"
#include "test/tool/paper_formulas.h"
#include "train/importance.h"

enum { BATCHES = 64, MOVES = 100 };
static const double HOT = 100, COLD = 20, COOLING = 0.9, DISTURBANCE = 0.1;
static const double STEP = 0.05, STEP_BEYOND = 0.01, MOST_BEYOND = 0.8, LEAST_STEP = 1e-4;

/* ---- importance ---- */

static double *sums_of(const struct layer *layer, const float *importance, int64_t n,
                       int64_t stride, double factor, struct arena *arena)
{
    double *sums = ARENA_ARRAY(arena, (size_t)n + 1, double);
    int64_t n_weights = layer->positions * layer->n_filters * layer->n_inputs;
    for (int64_t i = 0; i < n_weights; i++)
        sums[layer->op == OP_depthwise_conv_2d ? i % n : i / stride] +=
            factor * (double)importance[i];
    return sums;
}

static double share_within(const double *sums, int64_t n, double limit)
{
    int64_t within = 0;
    for (int64_t i = 0; i < n; i++)
        within += sums[i] <= limit;
    return (double)within / (double)n;
}

/* How much may leave: alpha of filters and filterlets together, and beta. */
static void limits_take(struct policy *policy, const struct importance *measured, double limit)
{
    struct arena scratch = {0};
    for (int32_t l = 0; l < policy->n_layers; l++) {
        struct layer *layer = &policy->layers[l];
        int64_t n_filters = layer->n_filters, n_filterlets = n_filters * layer->positions;
        const float *importance =
            measured != NULL ? measured->of[layer->node] : policy->space->importance[layer->node];
        double a_filter = (double)(layer->positions * layer->n_inputs);
        double factor = measured != NULL ? 1.0 / BATCHES : 1 / a_filter;
        if (!layer->may_lose)
            continue;
        double *sums = sums_of(layer, importance, n_filters, layer->positions * layer->n_inputs,
                               factor, &scratch);
        layer->beta_limit = share_within(sums, n_filters, limit);
        if (!layer->has_filterlets)
            continue;
        sums = sums_of(layer, importance, n_filterlets, layer->n_inputs, factor, &scratch);
        layer->alpha_limit = share_within(sums, n_filterlets, limit);
    }
    arena_free(&scratch);
}

/* By node of the int8 graph. */
static struct importance *importance_by_name(const struct importance *importance,
                                             const struct graph *real, const struct graph *graph,
                                             struct arena *arena)
{
    struct importance *result = ARENA_NEW(arena, struct importance);
    result->n_nodes = graph->n_nodes;
    result->of = ARENA_ARRAY(arena, (size_t)graph->n_nodes + 1, float *);
    for (int32_t n = 0; n < graph->n_nodes; n++)
        for (int32_t r = 0; r < real->n_nodes; r++)
            if (op_is_layer(graph->nodes[n].op) &&
                strcmp(graph->nodes[n].name, real->nodes[r].name) == 0)
                result->of[n] = importance->of[r];
    return result;
}

static struct importance *taylor(const char *model, const char *data, const struct graph *graph,
                                 uint64_t seed, struct arena *arena)
{
    struct train_settings settings = train_settings_initial();
    struct graph *real;
    struct fake_quantization *scales;
    struct dataset dataset;
    struct trainer trainer = {0};
    struct importance *importance;
    check(dequantize(graph, arena, &real, &scales, &diag));
    check(dataset_read(data, DATASET_TRAIN, arena, &dataset, &diag));
    if (dataset.labels == NULL) {
        fprintf(stderr, "%s: has no classes to take gradients by\n", data);
        exit(1);
    }
    settings.seed = seed;
    if (dataset.type != SAMPLE_F32)
        check(driver_scale_like(model, dataset.type, &settings.scale, &diag));
    check(trainer_make(&settings, real, NULL, &dataset, arena, &trainer, &diag));
    check(importance_measure(&trainer, SCORE_TAYLOR, BATCHES, arena, &importance, &diag));
    trainer_free(&trainer);
    return importance_by_name(importance, real, graph, arena);
}

/* ---- moves ---- */

static double draw(struct policy *policy)
{
    return (double)(random_bits(&policy->random) >> 11) * 0x1p-53;
}

static double within(double x, double low, double high)
{
    return x > high ? (high > low ? high : low) : x < low ? low : x;
}

/* What a layer that loses filters only has drawn for alpha goes to beta, and coupled layers take
 * the least beta. Nothing leaves a layer that keeps its filters. */
static void align(const struct policy *policy, struct shares *shares)
{
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        if (!layer->has_filterlets) {
            shares->beta[l] += layer->op == OP_conv_2d ? shares->alpha[l] : 0;
            shares->alpha[l] = 0;
        }
        if (!layer->may_lose)
            shares->beta[l] = 0;
    }
    for (int32_t l = 0; l < policy->n_layers; l++)
        for (int32_t m = 0; m < policy->n_layers; m++)
            if (policy->layers[l].set >= 0 && policy->layers[l].set == policy->layers[m].set)
                shares->beta[l] = fmin(shares->beta[l], shares->beta[m]);
}

static void disturb(struct policy *policy, struct shares *shares)
{
    for (int32_t l = 0; l < policy->n_layers; l++)
        shares->alpha[l] += DISTURBANCE * (2 * draw(policy) - 1);
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        shares->beta[l] =
            within(shares->beta[l] + DISTURBANCE * (2 * draw(policy) - 1), 0, layer->beta_limit);
        double most = layer->has_filterlets ? layer->alpha_limit : layer->beta_limit;
        shares->alpha[l] = within(shares->alpha[l], 0, most - shares->beta[l]);
    }
    align(policy, shares);
}

/* How much beta of a layer may grow within the limit of accuracy: with coupled layers, the least.
 */
static double beta_margin(const struct policy *policy, const struct shares *shares, int32_t l)
{
    double margin = policy->layers[l].beta_limit - shares->beta[l];
    for (int32_t m = 0; m < policy->n_layers; m++)
        if (policy->layers[m].set == policy->layers[l].set)
            margin = fmin(margin, policy->layers[m].beta_limit - shares->beta[m]);
    return policy->layers[l].may_lose ? margin : 0;
}

/* Of a layer and all coupled to it. */
static void beta_grow(const struct policy *policy, struct shares *shares, int32_t l, double step)
{
    double beta = shares->beta[l] + step;
    for (int32_t m = 0; m < policy->n_layers; m++)
        if (policy->layers[m].set == policy->layers[l].set)
            shares->beta[m] = beta;
}

/* beta of the layers marked by set grows within the limit of accuracy. Each set grows once. */
static int grow_within(const struct policy *policy, struct shares *shares, const uint8_t *sets)
{
    int grown = 0;
    uint8_t *left = calloc((size_t)policy->space->sets.n_sets + 1, 1);
    if (left == NULL)
        exit(2);
    memcpy(left, sets, (size_t)policy->space->sets.n_sets);
    for (int32_t l = 0; l < policy->n_layers; l++) {
        double margin = beta_margin(policy, shares, l);
        int32_t set = policy->layers[l].set;
        if (set < 0 || !left[set] || margin <= LEAST_STEP)
            continue;
        beta_grow(policy, shares, l, fmin(STEP, margin));
        left[set] = 0;
        grown = 1;
    }
    free(left);
    return grown;
}

/* Beyond it; sets that an earlier layer has made grow have grown. */
static int grow_beyond(const struct policy *policy, struct shares *shares, const uint8_t *sets)
{
    int grown = 0;
    for (int32_t l = 0; l < policy->n_layers; l++) {
        int32_t set = policy->layers[l].set, is_first = 1;
        for (int32_t m = 0; m < l; m++)
            is_first &= policy->layers[m].set != set;
        if (set < 0 || !is_first || !sets[set] || !policy->layers[l].may_lose ||
            shares->beta[l] >= MOST_BEYOND)
            continue;
        beta_grow(policy, shares, l, fmin(STEP_BEYOND, MOST_BEYOND - shares->beta[l]));
        grown = 1;
    }
    return grown;
}

/* alpha gives way to beta where both exceed the limit, and grows below it. */
static int alpha_grow(const struct policy *policy, struct shares *shares)
{
    int grown = 0;
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        double margin = layer->alpha_limit - shares->alpha[l] - shares->beta[l];
        if (!layer->has_filterlets)
            continue;
        if (margin < 0)
            shares->alpha[l] = fmax(shares->alpha[l] + margin, 0);
        if (margin <= LEAST_STEP)
            continue;
        shares->alpha[l] += fmin(STEP, margin);
        grown = 1;
    }
    return grown;
}

static void mark_peak(const struct policy *policy, int32_t peak, uint8_t *sets)
{
    memset(sets, 0, (size_t)policy->space->sets.n_sets);
    for (int32_t t = 0; t < policy->graph->n_tensors; t++) {
        const int32_t *classes = policy->groups->channels[t];
        for (int32_t c = 0;
             classes != NULL && is_alive_at(policy, t, peak) && c < policy->groups->n_channels[t];
             c++)
            if (classes[c] >= 0)
                sets[policy->space->sets.of_class[classes[c]]] = 1;
    }
}

/* All sets but those of the first two convolutions. */
static void mark_later(const struct policy *policy, uint8_t *sets)
{
    int32_t n = 0;
    memset(sets, 1, (size_t)policy->space->sets.n_sets);
    for (int32_t l = 0; l < policy->n_layers && n < 2; l++)
        if (is_convolution(policy->layers[l].op)) {
            if (policy->layers[l].set >= 0)
                sets[policy->layers[l].set] = 0;
            n++;
        }
}

/* Removes more until the budgets are met; 0: nothing more can be removed. Each round makes some
 * beta grow, or alpha where none does, and no beta shrinks. */
static int repair(const struct policy *policy, struct shares *shares, struct counts *counts,
                  uint8_t *sets)
{
    int32_t peak = 0;
    for (counts_take(policy, shares, counts); sram_of(policy, counts, &peak) > policy->sram;
         counts_take(policy, shares, counts)) {
        mark_peak(policy, peak, sets);
        if (!grow_within(policy, shares, sets) && !grow_beyond(policy, shares, sets))
            return 0;
    }
    for (; flash_of(policy, counts) > policy->flash; counts_take(policy, shares, counts)) {
        memset(sets, 1, (size_t)policy->space->sets.n_sets);
        int grown = grow_within(policy, shares, sets);
        grown |= alpha_grow(policy, shares);
        mark_later(policy, sets);
        if (!grown && !grow_beyond(policy, shares, sets))
            return 0;
    }
    return 1;
}

/* ---- annealing ---- */

static struct shares shares_make(const struct policy *policy)
{
    size_t n = (size_t)policy->n_layers + 1;
    return (struct shares){ARENA_ARRAY(policy->arena, n, double),
                           ARENA_ARRAY(policy->arena, n, double)};
}

static void shares_copy(const struct policy *policy, const struct shares *from, struct shares *to)
{
    memcpy(to->alpha, from->alpha, (size_t)policy->n_layers * sizeof *to->alpha);
    memcpy(to->beta, from->beta, (size_t)policy->n_layers * sizeof *to->beta);
}

static struct counts counts_make(const struct policy *policy)
{
    size_t n = (size_t)policy->n_layers + 1;
    return (struct counts){
        ARENA_ARRAY(policy->arena, (size_t)policy->space->sets.n_sets + 1, int32_t),
        ARENA_ARRAY(policy->arena, n, int64_t), ARENA_ARRAY(policy->arena, n, int64_t),
        ARENA_ARRAY(policy->arena, n, int64_t)};
}

/* The best latency of candidates that meet the budgets; INFINITY: there was none. */
static double anneal(struct policy *policy, double heat, struct shares *best)
{
    struct shares now = shares_make(policy), next = shares_make(policy);
    struct counts counts = counts_make(policy);
    uint8_t *sets = ARENA_ARRAY(policy->arena, (size_t)policy->space->sets.n_sets + 1, uint8_t);
    double least = (double)INFINITY, latency = (double)INFINITY;
    for (double temperature = HOT; temperature > COLD; temperature *= COOLING)
        for (int i = 0; i < MOVES; i++) {
            shares_copy(policy, &now, &next);
            disturb(policy, &next);
            if (!repair(policy, &next, &counts, sets))
                continue;
            double found = latency_of(policy, &counts), worse = found - latency;
            if (worse >= 0 && exp(-worse / (heat * temperature)) <= draw(policy))
                continue;
            latency = found;
            shares_copy(policy, &next, &now);
            if (found >= least)
                continue;
            least = found;
            shares_copy(policy, &next, best);
        }
    return least;
}

/* ---- the result ---- */

static struct recipe *recipe_of(const struct policy *policy, const struct counts *counts)
{
    struct unit filterlet = {UNIT_FILTERLET, 0};
    struct recipe *recipe = recipe_uniform(policy->graph, filterlet, 0, policy->arena);
    for (int32_t n = 0; n < recipe->n_nodes; n++)
        recipe->layers[n].sparsity = recipe->layers[n].filters = 0;
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        int64_t filterlets = counts->filters[l] * layer->positions;
        if (!layer->may_lose)
            continue;
        recipe->layers[layer->node].filters =
            (double)counts->absent[layer->set] / policy->space->sets.n_classes[layer->set];
        recipe->layers[layer->node].sparsity = (double)counts->removed[l] / (double)filterlets;
    }
    return recipe;
}

/* The masks of the printed recipe keep as many weights of every layer as the formulas count. */
static void recipe_check(const struct policy *policy, const char *text, const struct counts *counts)
{
    struct recipe *recipe;
    struct scores *scores;
    struct masks *masks;
    check(recipe_parse(text, policy->graph, policy->arena, &recipe, &diag));
    check(score(policy->graph, recipe, NULL, policy->arena, &scores, &diag));
    check(
        choose_masks(policy->graph, scores, recipe, policy->groups, policy->arena, &masks, &diag));
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        int64_t counted =
            (counts->filters[l] * layer->positions - counts->removed[l]) * counts->inputs[l];
        int64_t n = shape_elements(weights_of(policy, layer)), kept = 0;
        for (int64_t i = 0; i < n; i++)
            kept += masks->kept[layer->node] == NULL || masks->kept[layer->node][i];
        if (kept != counted) {
            fprintf(stderr, "%s: the recipe keeps %lld weights, not %lld\n",
                    policy->graph->nodes[layer->node].name, (long long)kept, (long long)counted);
            exit(2);
        }
    }
}

/* Layers of which more leaves than the limit of accuracy lets go. */
static int32_t layers_beyond(const struct policy *policy, const struct shares *shares)
{
    int32_t n = 0;
    for (int32_t l = 0; l < policy->n_layers; l++) {
        const struct layer *layer = &policy->layers[l];
        double both = shares->alpha[l] + shares->beta[l];
        n += shares->beta[l] > layer->beta_limit + LEAST_STEP ||
             (layer->has_filterlets && both > layer->alpha_limit + LEAST_STEP);
    }
    return n;
}

static double budget(const char *text, double dense)
{
    double value = atof(text);
    return value <= 0 ? (double)INFINITY : value < 1 ? value * dense : value;
}

static struct policy policy_make(const struct graph *graph, const char *target_name,
                                 const struct importance *importance, struct arena *arena)
{
    static double shares[GRID - 1];
    static const struct unit filterlet = {UNIT_FILTERLET, 0};
    struct space_options options = space_options_initial();
    struct policy policy = {.arena = arena, .graph = graph};
    const struct target *target;
    for (int i = 1; i < GRID; i++)
        shares[i - 1] = (double)i / GRID;
    options.unit_shares = shares;
    options.n_unit_shares = GRID - 1;
    options.units = &filterlet;
    options.n_units = 1;
    check(target_find(target_name, &target, &diag));
    check(space_make(graph, importance, &options, arena, &policy.space, &diag));
    check(node_costs_make(policy.space, target->core, &policy.costs, &diag));
    policy.groups = policy.space->groups;
    policy.candidate = ARENA_ARRAY(arena, (size_t)policy.space->n_knobs + 1, uint8_t);
    layers_make(&policy);
    lives_make(&policy);
    policy.relative = ARENA_ARRAY(arena, (size_t)policy.n_layers * GRID * GRID + 1, double);
    return policy;
}

int main(int argc, char **argv)
{
    struct arena arena = {0};
    struct graph *graph;
    struct importance *importance = NULL;
    int32_t peak;
    if (argc < 7)
        return fprintf(stderr, "usage: see the source\n"), 2;
    uint64_t seed = strtoull(argv[6], NULL, 10);
    check(driver_load(argv[1], &arena, &graph, &diag));
    if (argc > 7 && strcmp(argv[7], "-") != 0)
        importance = taylor(argv[1], argv[7], graph, seed, &arena);
    struct policy policy = policy_make(graph, argv[2], importance, &arena);
    struct shares best = shares_make(&policy);
    struct counts counts = counts_make(&policy);
    limits_take(&policy, importance, atof(argv[5]));
    counts_take(&policy, &best, &counts);
    double flash = flash_of(&policy, &counts), sram = sram_of(&policy, &counts, &peak);
    double latency = latency_of(&policy, &counts);
    policy.flash = budget(argv[3], flash);
    policy.sram = budget(argv[4], sram);
    policy.random = (struct random){seed};
    int found = anneal(&policy, argc > 8 ? atof(argv[8]) : 1, &best) < (double)INFINITY;
    counts_take(&policy, &best, &counts);
    if (found) {
        const char *text = recipe_print(recipe_of(&policy, &counts), graph, &arena);
        recipe_check(&policy, text, &counts);
        fputs(text, stdout);
        fprintf(stderr,
                "flash %.0f of %.0f, SRAM %.0f of %.0f, latency %.6f, %d layers beyond the "
                "limit; ",
                flash_of(&policy, &counts), policy.flash, sram_of(&policy, &counts, &peak),
                policy.sram, latency_of(&policy, &counts), (int)layers_beyond(&policy, &best));
    } else {
        fprintf(stderr, "no candidate meets flash %.0f and SRAM %.0f; ", policy.flash, policy.sram);
    }
    fprintf(stderr, "dense: flash %.0f, SRAM %.0f, latency %.6f\n", flash, sram, latency);
    node_costs_free(policy.costs);
    arena_free(&arena);
    return !found;
}
