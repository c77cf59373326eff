/* SPDX-License-Identifier: Apache-2.0 */
/* Inside simplify and shrink: what their steps hand to each other, in this order.
 *   known    forward: which channels hold values that no input can change, and which values
 *   needs    backward: which channels influence an output, which must stay because the shapes of
 *            other channels that are needed depend on them, and which leave
 *   rewrite  the graph without the channels that leave
 * A channel is an index into the last dimension of a tensor; a position counts everything before
 * it: element = position * n_channels + channel. */
#ifndef DTMM_PASS_SIMPLIFY_H
#define DTMM_PASS_SIMPLIFY_H

#include "base/arena.h"
#include "graph/graph.h"
#include "product/masks.h"

/* ---- values: of s8 and s32 the integers, of f32 the numbers; doubles hold all of them ---- */

static inline double value_get(const struct tensor *tensor, size_t i)
{
    switch (tensor->dtype) {
    case DTYPE_S8:
        return ((const int8_t *)tensor->data)[i];
    case DTYPE_S32:
        return ((const int32_t *)tensor->data)[i];
    default:
        return (double)((const float *)tensor->data)[i];
    }
}

static inline void value_set(enum dtype dtype, void *data, size_t i, double value)
{
    switch (dtype) {
    case DTYPE_S8:
        ((int8_t *)data)[i] = (int8_t)value;
        break;
    case DTYPE_S32:
        ((int32_t *)data)[i] = (int32_t)value;
        break;
    default:
        ((float *)data)[i] = (float)value;
    }
}

/* The value of an activation that stands for zero. */
static inline double value_zero(const struct tensor *tensor)
{
    return tensor->quantization.n > 0 ? tensor->quantization.zero_point[0] : 0;
}

/* ---- channels ---- */

int32_t channel_count(const struct tensor *tensor);
int32_t position_count(const struct tensor *tensor);

/* Activations among the inputs; those behind them are weights and bias. */
int32_t activation_input_count(const struct node *node);

/* conv_2d, depthwise_conv_2d, transpose_conv, fully_connected. */
int has_weights(enum op op);

/* ---- simplify_known.c ---- */

struct known {
    enum dtype dtype;      /* of the activations that are looked at: s8 or f32 */
    const double ***image; /* by tensor, by channel: the values at all positions, NULL: not known;
                              NULL for tensors that are not looked at */
    uint8_t **uniform;     /* by tensor, by channel: known, with one value at all positions */
};

struct known known_find(const struct graph *graph, enum dtype dtype, struct arena *arena);

/* Whether the channel is known and has one value at all positions. */
int known_uniform(const struct known *known, int32_t tensor, int32_t channel);

/* Whether an element is known; leaves its value in *value. */
int known_element(const struct graph *graph, const struct known *known, int32_t tensor,
                  int64_t element, double *value);

/* ---- simplify_evaluate.c: the channels of a node without weights that are known ---- */

/* Sets image[channel] of the node's output for each channel whose inputs are known: with the values
 * that the runtime's kernels compute, or for f32 with those of evaluate_f32(). */
void evaluate(const struct graph *graph, const struct node *node, const struct known *known,
              const double **image, struct arena *arena);

/* What is known of the operand that a channel of the output is made from, or NULL. */
const double *operand_image(const struct graph *graph, const struct node *node,
                            const struct known *known, int32_t k, int32_t channel);

/* The position of an operand that is read for a position of the output; dimensions of size 1 are
 * repeated. */
int64_t broadcast_position(const struct shape *output, const struct shape *operand,
                           int64_t position);

/* ---- simplify_evaluate_f32.c ---- */

double activate(enum activation activation, double x);

/* The channel of the node's output at all positions, in double precision. An operand that is not
 * known does not matter. NULL when it cannot be computed. */
const double *evaluate_f32(const struct graph *graph, const struct node *node,
                           const struct known *known, int32_t channel, struct arena *arena);

/* ---- simplify_layer.c: layers with weights, seen as one sum an output channel ---- */

/* output channel o = finish(bias[o] + sum over taps and columns of
 * weight(o, tap, column) * (input - zero point)), where finish requantizes int8 and applies the
 * activation. Sums are computed in doubles, which hold those of int8 exactly. A column is an input
 * channel (conv_2d), an element of a row (fully_connected), or the one input channel of o
 * (depthwise_conv_2d). */
struct layer {
    const struct graph *graph;
    const struct node *node;
    const struct tensor *input, *weights, *output;
    const struct tensor *bias; /* NULL: none */
    int32_t n_outputs, n_columns, kernel_h, kernel_w;
    uint8_t *tap_reaches; /* by tap: it meets the input at some position */
    int all_inside;       /* every tap meets the input at every position */
};

struct layer layer_of(const struct graph *graph, const struct node *node, struct arena *arena);

/* Where weight(o, tap, column) is stored. */
size_t layer_weight_index(const struct layer *layer, int32_t o, int32_t tap, int32_t column);

double layer_bias(const struct layer *layer, int32_t o);

/* The weight, or 0 when its tap always lies outside the input. */
double layer_weight(const struct layer *layer, int32_t o, int32_t tap, int32_t column);

/* The channel's values at all positions if they are known, otherwise NULL. */
const double *layer_image(const struct layer *layer, const struct known *known, int32_t o,
                          struct arena *arena);

/* What output channel o is without the columns that add the same known amount at every position:
 * returns the bias that includes them, and marks them in folded[n_columns]. A column whose weights
 * are all zero is folded too; all are when o itself is known and uniform. */
double layer_fold(const struct layer *layer, const struct known *known, int32_t o, uint8_t *folded);

/* ---- simplify_edges.c: which input channels an output channel is made from ---- */

struct edge {
    int32_t input; /* index into the node's inputs */
    int32_t input_channel, output_channel;
};

/* Calls `visit` for each pair of channels of a node without weights such that the output channel
 * depends on the input channel; a pair may come several times. */
void edges_visit(const struct graph *graph, const struct node *node,
                 void (*visit)(void *context, const struct edge *edge), void *context);

/* Whether the op mixes the channels of its input, so that all of them stay or none. */
int mixes_channels(const struct graph *graph, const struct node *node);

/* For ops that only move elements (reshape, concatenation, pad, strided_slice): where an output
 * element comes from. Returns 0 for padding. */
int moves_elements(enum op op);
int moved_from(const struct graph *graph, const struct node *node, int64_t output_element,
               int32_t *input, int64_t *input_element);

/* ---- simplify_groups.c: which channels leave together ---- */

/* Channels of all tensors are numbered through: first[tensor] + channel. */
struct channel_groups {
    const struct graph *graph;
    int32_t *first;  /* by tensor; n_tensors + 1 */
    int32_t *parent; /* by channel: union-find */
};

/* Every channel is a group of its own. */
struct channel_groups channel_groups_start(const struct graph *graph, struct arena *arena);
void channel_groups_reset(struct channel_groups *groups);

/* Joins the channels of the node's inputs and of its output that only leave together. */
void channel_groups_join(struct channel_groups *groups, const struct node *node);

/* The group of a channel: the number of one of its channels. */
int32_t channel_group(const struct channel_groups *groups, int32_t tensor, int32_t channel);

/* ---- simplify_needs.c ---- */

struct needs {
    uint8_t **needed;  /* by tensor, by channel: its values influence an output */
    uint8_t **kept;    /* by tensor, by channel: stays */
    uint8_t *constant; /* by tensor: becomes a constant, 1 x .. x 1 x channels */
    uint8_t *alive;    /* by node */
};

struct needs needs_find(const struct graph *graph, const struct known *known, struct arena *arena);

/* ---- simplify_rewrite.c ---- */

/* The new graph, and whether it differs from the old one. */
struct rewritten {
    const struct graph *graph;
    const struct masks *masks; /* which of its weights are kept; NULL: nobody asks */
    int changed;
};

/* `masks`, or NULL, has the kept weights of each layer; those that are folded into a bias or reach
 * nothing are absent from the new ones. */
struct rewritten rewrite(const struct graph *graph, const struct known *known,
                         const struct needs *needs, const struct masks *masks, struct arena *arena);

/* ---- simplify_rounds.c ---- */

struct graph *graph_copy(const struct graph *graph, struct arena *arena);

struct simplified {
    struct graph *graph;
    struct masks *masks; /* NULL when nobody asked */
};

/* Known, needs, rewrite until nothing changes, on activations of the type given. The result is in
 * memory of the arena, all data copied. `masks` is NULL or has the weights of all layers. */
struct simplified simplify_rounds(const struct graph *graph, enum dtype dtype,
                                  const struct masks *masks, struct arena *arena);

#endif
