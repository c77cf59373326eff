/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of pruning work on. */
#ifndef DTMM_PRUNE_PRUNER_INTERNAL_H
#define DTMM_PRUNE_PRUNER_INTERNAL_H

#include "driver/progress.h"
#include "product/recipe.h"
#include "product/scores.h"
#include "prune/pruner.h"

#define PRUNER_STOPPED "stopped; go on with the same options and --resume"

struct pruner {
    const struct pruner_options *options;
    struct pruner_result *result;
    struct graph *dense;       /* f32, folded: what is to be removed from, and the teacher */
    struct graph *graph;       /* what is left of it: folded, absent weights are zero */
    struct int8_origin origin; /* of an int8 network; graph NULL: it came in float */
    enum score_kind score;     /* of the units of this recipe */
    enum rank_kind rank;
    struct recipe *recipe; /* of the dense network */
    int32_t step;          /* steps of removal that are done */
    int32_t epochs_done;   /* before those of the training that runs */
    int32_t n_epochs_now;  /* of the training that runs */
    struct dataset dataset;
    struct split split;
    struct sample_scale scale;
    const float *samples; /* some training samples, for statistics */
    int32_t n_samples;
    struct progress progress;
    struct arena *arena;
    struct diag *diag;
};

/* Loads the network and the samples. */
enum status pruner_open(struct pruner *p);

/* pruner_recipe.c: the recipe of the options, for the dense network. ERR_INPUT says what is wrong
 * with it, a share of a layer that it cannot lose included. */
enum status pruner_recipe_load(struct pruner *p);

/* pruner_remove.c: score, couple, choose masks, prune or compensate, shrink: the graph of the next
 * step, before training. */
enum status pruner_remove(struct pruner *p);

/* The same file: the dense graph without what the pruner's recipe, which has a share for each
 * layer, removes, compensated when the options say so, but not shrunk. */
enum status pruner_try(struct pruner *p, struct arena *arena, struct graph **pruned);

/* What is absent from a graph that is left of the dense one: what is zero; of an int8 network, in
 * which many weights are, units that are. */
struct masks *pruner_masks(const struct pruner *p, const struct graph *graph, struct arena *arena);

/* How many weights a graph has, absent ones included. */
int64_t pruner_weights(const struct graph *graph);

/* How many weights these masks keep. */
int64_t pruner_weights_left(const struct pruner *p, const struct graph *graph);

/* The same file: scores and ranking, as they are wanted or as the recipe's units allow. */
void pruner_choose_score(struct pruner *p);

/* pruner_cost.c: what a weight of each layer costs, by the ranking that is wanted: a byte, or the
 * instructions that the core is predicted to execute for it. */
enum status pruner_costs(struct pruner *p, struct scores *scores);

/* How a network of this step is trained, for so many epochs. */
struct train_settings pruner_settings(const struct pruner *p, int32_t n_epochs);

/* pruner_train.c: renormalize, train with absent weights held at zero, fold. `resume` goes on from
 * the saved state. */
enum status pruner_train(struct pruner *p, int32_t n_epochs, int resume);

/* An observer of trainings: shows the user the course of all of them together; `context` is the
 * pruner. */
void pruner_see_epoch(void *context, const struct epoch_result *result);

/* What is trained of, in float, to be the best accuracy on; NaN without classes. */
enum status pruner_validate(struct pruner *p, const struct graph *graph, double *accuracy);

/* pruner_state.c: the graph of a step before it is trained, in a folder, and where its training
 * saves. Files appear complete or not at all, and a state is read whole or refused. */
enum status pruner_state_write(const struct pruner *p);
enum status pruner_state_read(struct pruner *p);
const char *pruner_checkpoint(const struct pruner *p);
/* A run was cut off before its first state was complete: the folder is all that there is. */
int pruner_state_begun(const struct pruner *p);
/* Removes the folder; ERR_USAGE when it holds what no run leaves there. */
enum status pruner_state_clear(const struct pruner *p);

#endif
