/* SPDX-License-Identifier: Apache-2.0 */
/* What a scheduler decides: beta, the filters absent of each set of coupled layers, and alpha with
 * the block size, the units absent of each layer. Decisions are discrete; a decision is a knob, its
 * values are choices, and choice 0 keeps everything. */
#ifndef DTMM_SCHEDULE_SPACE_H
#define DTMM_SCHEDULE_SPACE_H

#include "base/arena.h"
#include "base/status.h"
#include "pass/filter_choice.h"
#include "product/groups.h"
#include "product/recipe.h"
#include "product/scores.h"

enum { MAX_CHOICES = 64 };

struct choice {
    struct unit unit;
    double share;     /* of units, or of classes of filters; as a recipe says it */
    int32_t n_absent; /* classes; of units 0 */
};

enum knob_kind { KNOB_FILTERS, KNOB_UNITS };

struct knob {
    enum knob_kind kind;
    int32_t of;   /* the set (filter_sets), or the node */
    int32_t node; /* the first of the set, or the node: what it is called by */
    int32_t n_choices;
    struct choice choices[MAX_CHOICES];
};

struct space {
    const struct graph *graph; /* int8, simplified: what is to be pruned */
    struct groups *groups;
    struct filter_sets sets;
    float **importance; /* by node, by weight, in parts of the layer's mean; NULL: no weights */
    int32_t n_knobs;
    struct knob *knobs;
    int32_t *filters_knob; /* by set */
    int32_t *units_knob;   /* by node; -1: no units leave it */
};

/* Which choices there are. */
struct space_options {
    int32_t n_filter_steps;    /* filters leave in steps of 1/n of a set's classes */
    double most_filters;       /* share that may be absent */
    const double *unit_shares; /* ascending, in (0, 1) */
    int32_t n_unit_shares;
    const struct unit *units; /* that may leave a layer; filterlets of 1x1 kernels are none */
    int32_t n_units;
};

/* Eighths of the filters; a quarter to three quarters of filterlets, blocks of 4, 8 and 16. */
struct space_options space_options_initial(void);

/* The space of an int8 graph. `importance` is what each weight is worth, by node of this graph;
 * NULL: its square. Sets whose channels a pad or strided_slice counts keep all filters, depthwise
 * and transposed convolutions all units. ERR_UNSUPPORTED for a float graph. Everything belongs to
 * the arena; the graph must outlive it. */
enum status space_make(const struct graph *graph, const struct importance *importance,
                       const struct space_options *options, struct arena *arena,
                       struct space **space, struct diag *diag);

/* A candidate is a choice for each knob. Its recipe, which choose_masks() makes the masks of. */
struct recipe *space_recipe(const struct space *space, const uint8_t *candidate,
                            struct arena *arena);

/* The candidate of a recipe: of each knob the choice with the nearest share, of units the same
 * unit if the layer has it. A recipe that ranks layers together is refused with ERR_INPUT, since it
 * does not say what each one loses. */
enum status space_candidate(const struct space *space, const struct recipe *recipe,
                            uint8_t *candidate, struct diag *diag);

/* By class: 1: it leaves with this candidate. n_groups bytes, set. */
void space_gone(const struct space *space, const uint8_t *candidate, uint8_t *gone);

#endif
