/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be removed from which layer. */
#ifndef DTMM_PRODUCT_RECIPE_H
#define DTMM_PRODUCT_RECIPE_H

#include "product/units.h"

/* Each name in a recipe, meaning. */
#define STORAGE_LIST(X)                                                                            \
    X(SMALLER, "smaller", "dense or FWCS, whichever takes fewer bytes")                            \
    X(DENSE, "dense", "all weights")                                                               \
    X(FWCS, "fwcs", "a mask, and the weights of the units that are kept")

enum storage {
#define X(suffix, name, meaning) STORAGE_##suffix,
    STORAGE_LIST(X)
#undef X
        N_STORAGES
};

/* How a layer is stored and computed on the device. */
struct layer_form {
    enum storage storage;
    int kernel; /* enum kernel (packed.h); -1: the one that is predicted to serve best */
};

struct recipe_layer {
    struct unit unit;
    double sparsity; /* share of the layer's weights to be absent; negative: as the ranking of all
                        layers together has it */
    double filters;  /* share of the layer's filters to be absent, and of all layers that are
                        coupled to it: the largest that one of them has; negative: not given. In a
                        recipe that gives one, `sparsity` is the share of the units of what is left
                        then (filters and input channels that stay); negative counts as 0 */
    struct layer_form form;
};

/* Indexed as the graph's nodes; those of nodes without weights are not used. */
struct recipe {
    int32_t n_nodes;
    struct recipe_layer *layers;
    double sparsity; /* of the layers without a share of their own, together */
};

/* The same unit for all layers, and one share for all together. */
struct recipe *recipe_uniform(const struct graph *graph, struct unit unit, double sparsity,
                              struct arena *arena);

/* The recipe for what removal has left of the recipe's graph, so that of every layer (and of those
 * that are ranked together) as many weights stay as the recipe's share leaves of the whole graph:
 * layers are found by name, and what has left already is no longer asked for. With shares of
 * filters, as many of these stay; units are a share of what is left in any case. */
struct recipe *recipe_of_rest(const struct recipe *recipe, const struct graph *whole,
                              const struct graph *rest, struct arena *arena);

/* Reads JSON: {"sparsity": 0.5, "unit": "filterlet", "layers": {"NAME": {"unit": "block:4",
 * "sparsity": 0.75, "filters": 0.25, "storage": "fwcs", "kernel": "dtmm_conv_2d_fwcs_s8_mve"}}};
 * everything but the first is optional, layers are named as in the graph. ERR_INPUT names what is
 * wrong. */
enum status recipe_parse(const char *text, const struct graph *graph, struct arena *arena,
                         struct recipe **recipe, struct diag *diag);

/* The same form, one line a layer with weights. */
const char *recipe_print(const struct recipe *recipe, const struct graph *graph,
                         struct arena *arena);

/* The forms that the text of a recipe, which recipe_parse() took, gives the layers of a network
 * that was made by it, by node; layers that have left are passed over. */
struct layer_form *recipe_forms(const char *text, const struct graph *graph, struct arena *arena);

/* Whether two texts ask for the same removals, whatever the forms of the layers. */
int recipe_removes_same(const char *a, const char *b);

/* Whether the recipe gives shares of filters besides those of units. */
int recipe_has_filters(const struct recipe *recipe);

/* ERR_INPUT where such a recipe of this graph asks for what cannot go with shares of filters: a
 * share of all layers together, filters as units. */
enum status recipe_check_filters(const struct recipe *recipe, const struct graph *graph,
                                 struct diag *diag);

#endif
