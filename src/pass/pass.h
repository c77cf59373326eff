/* SPDX-License-Identifier: Apache-2.0 */
/* Every pass, in the order driver.c runs them. A pass reads const things and makes one new thing in
 * the arena given; it is one file with this one public function. Passes never call passes. */
#ifndef DTMM_PASS_PASS_H
#define DTMM_PASS_PASS_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"
#include "product/fake_quantization.h"
#include "product/groups.h"
#include "product/int8_origin.h"
#include "product/layout.h"
#include "product/masks.h"
#include "product/packed.h"
#include "product/ranges.h"
#include "product/recipe.h"
#include "product/scores.h"
#include "target/target.h"

/* couple.c: which filters can only leave the network together: those whose channels meet in an add,
 * sub, mul or depthwise convolution, found by walking the graph. A filter whose channel reaches an
 * output of the graph, or meets a channel of an input, never leaves. Classes are numbered in the
 * order of their first filters. */
enum status couple(const struct graph *graph, struct arena *arena, struct groups **groups,
                   struct diag *diag);

/* shrink.c: the f32 graph without what is absent. Weights with a 0 in `masks` (NULL: those that are
 * zero) are zero; filters without weights are constants, whose share of the next layers moves into
 * biases where it is the same at all positions; channels that no output depends on leave. The
 * outputs are those of the masked graph but for rounding. `masks_of_shrunk` (may be NULL) gets the
 * weights that are kept of those that are left: weights whose share has moved are absent too.
 * ERR_INPUT, with the layer's name, when an output no longer depends on the inputs, and for
 * constants that are still to be trained; ERR_UNSUPPORTED for a quantized graph. */
enum status shrink(const struct graph *graph, const struct masks *masks, struct arena *arena,
                   struct graph **shrunk, struct masks **masks_of_shrunk, struct diag *diag);

/* fold.c: an f32 graph without batch_normalization. It moves into the weights and the bias of the
 * layer before it when nothing else reads that layer's output; elsewhere it becomes a mul and an
 * add. add, sub and mul with constants that are the same at all positions move likewise, relu and
 * relu6 into the activation of the node before them. The outputs stay the same but for rounding;
 * all is computed in double. ERR_INPUT for constants that are still to be trained. */
enum status fold(const struct graph *graph, struct arena *arena, struct graph **folded,
                 struct diag *diag);

/* keep_scales.c: which scales a folded f32 graph, made from an int8 network and changed since, has
 * from there: those of its inputs and outputs, of activations that depend on nothing that has
 * changed, and of channels of weights that have not, but for zeros. Indexed as the graph; n is 0,
 * or the scale of a channel, where it is to be chosen. The scales belong to the origin. */
struct fake_quantization *keep_scales(const struct graph *graph, const struct int8_origin *origin,
                                      struct arena *arena);

/* equalize.c: the same f32 function with channels that int8 represents better: each is scaled so
 * that it, and the weights that read it, use the same part of the ranges that they share with
 * others (Nagel et al. 2019). `ranges` has the measured magnitudes of the channels; without (NULL)
 * those of the weights that make them count. Layers whose weights are exact in `kept` (NULL: none
 * is) stay as they are. Activations keep their numbers, but not their ranges. */
enum status equalize(const struct graph *graph, const struct ranges *ranges,
                     const struct fake_quantization *kept, struct arena *arena,
                     struct graph **equalized, struct diag *diag);

/* How scales are chosen. */
struct scale_request {
    struct weight_rounding rounding;
    int input_known; /* the inputs of the graph have this scale, as 8-bit data has; otherwise it
                        is chosen from their range */
    float input_scale;
    int32_t input_zero_point;
    const struct fake_quantization *kept; /* of keep_scales(): the scales that are given; NULL: none
                                             is. The graph may have more tensors by now. */
};

/* choose_scales.c: scale and zero point of everything in a folded f32 graph, from the ranges of its
 * activations, by the TensorFlow Lite 8-bit quantization specification (doc/quantize.md). ERR_INPUT
 * for ranges that are not finite, ERR_UNSUPPORTED for a graph that is quantized already. */
enum status choose_scales(const struct graph *graph, const struct ranges *ranges,
                          const struct scale_request *request, struct arena *arena,
                          struct fake_quantization **fake, struct diag *diag);

/* correct_bias.c: the f32 graph with biases that take back what rounding the weights does to the
 * mean of each channel, from the means of the activations (Nagel et al. 2019); not where they are
 * exact. Activations keep their numbers, new biases stand behind. Choose the scales again: those of
 * biases can change. */
enum status correct_bias(const struct graph *graph, const struct fake_quantization *fake,
                         const struct ranges *ranges, struct arena *arena, struct graph **corrected,
                         struct diag *diag);

/* quantize.c: the int8 graph, inputs and outputs included. */
enum status quantize(const struct graph *graph, const struct fake_quantization *fake,
                     struct arena *arena, struct graph **quantized, struct diag *diag);

/* dequantize.c: the f32 graph that an int8 graph stands for, and the scales that it had: quantize()
 * with these gives back its scales, its weights (but -128, which becomes -127) and its biases (to
 * 24 bits, all that float has). quantize and dequantize nodes leave. A layer whose output's
 * integers end at 0 (zero point -128) gets the activation relu, or relu6 where they end at 6, if it
 * has none; other clipping is not in the float graph. ERR_UNSUPPORTED for a node that computes in
 * f32. */
enum status dequantize(const struct graph *graph, struct arena *arena, struct graph **real,
                       struct fake_quantization **fake, struct diag *diag);

/* renormalize.c: the f32 graph with a batch normalization behind every layer that has none, but the
 * last: an identity with the layer's bias and activation, for training to fill
 * (train/normalization.h). fold() takes them out again. */
enum status renormalize(const struct graph *graph, struct arena *arena, struct graph **normalized,
                        struct diag *diag);

/* score.c: what each unit of the recipe is worth: the sum of the importance of its weights, or
 * their L2 norm where that is NULL (quantized weights count as scale * q), divided by the layer's
 * mean so that layers compare. Layers that the recipe removes nothing from have no scores. */
enum status score(const struct graph *graph, const struct recipe *recipe,
                  const struct importance *importance, struct arena *arena, struct scores **scores,
                  struct diag *diag);

/* choose_masks.c: takes the units with the lowest scores (per cost, where scores have one) away
 * until the shares of the recipe are absent, weighed by the number of weights; each layer keeps at
 * least one unit. With `groups` filters leave only as whole classes, ranked by the sum of their
 * scores, and those of the outputs stay; a layer that is ranked with others keeps a twentieth of
 * its units, so that no path ends; so do the channels of a depthwise convolution that is ranked
 * with filterlets or blocks. Where the recipe has shares of filters, these leave first, then units
 * of what is left (unit_choice.h); that takes `groups`, and a share for each layer. */
enum status choose_masks(const struct graph *graph, const struct scores *scores,
                         const struct recipe *recipe, const struct groups *groups,
                         struct arena *arena, struct masks **masks, struct diag *diag);

/* prune.c: the graph with the absent weights set to zero. The weights keep their shape; simplify
 * and pack, or shrink, take out what is zero. With `groups` the biases of those classes that keep
 * no weight become zero too: their channels then die, which changes what the network computes. */
enum status prune(const struct graph *graph, const struct masks *masks, const struct groups *groups,
                  struct arena *arena, struct graph **pruned, struct diag *diag);

/* simplify.c: removes, from an int8 graph, what cannot influence the outputs: filters whose weights
 * are all zero become constants that are folded forward, dead channels and channels nobody reads
 * leave the graph. The outputs stay bit for bit the same. */
enum status simplify(const struct graph *graph, struct arena *arena, struct graph **simplified,
                     struct diag *diag);

/* What kernels are chosen for. */
struct pack_request {
    const struct core *core;
    const size_t *scratch_limit; /* by node, in bytes; null: no limits. A portable kernel is taken
                                    where no other keeps to it. */
    const uint8_t *in_place; /* by node: take a kernel whose output may overwrite its input, where
                                there is one for the layer; null: nowhere */
    const struct layer_form *forms; /* by node: storage and kernel that a recipe asks for, whatever
                                       the two above say; null: none does */
};

/* pack.c: lowers an int8 graph to kernel calls: chooses each kernel, folds zero points into biases,
 * computes fixed-point multipliers, and stores each layer's weights dense or in FWCS, whichever is
 * smaller. Of the core's kernels that compute a layer it takes the one that is predicted to execute
 * the fewest instructions. A null `request` takes the portable kernels, for the host.
 * ERR_UNSUPPORTED for f32 layers (says: quantize first), and for a form that a layer cannot have
 * (names the layer and what to change in the recipe). */
enum status pack(const struct graph *graph, const struct pack_request *request, struct arena *arena,
                 struct packed **packed, struct diag *diag);

/* plan.c: arena offsets of every tensor and scratch buffer from exact lifetimes; in place where the
 * kernel allows. */
enum status plan(const struct graph *graph, const struct packed *packed, struct arena *arena,
                 struct layout **layout, struct diag *diag);

/* The same without offsets: arena_bytes is the largest sum at any call, which no layout undercuts
 * and most reach. For searches over many networks. */
enum status plan_least(const struct graph *graph, const struct packed *packed, struct arena *arena,
                       struct layout **layout, struct diag *diag);

#endif
