/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-layer equalization (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization
 * and Bias Correction"): between two layers, dividing a channel by s and multiplying the weights
 * that read it by s changes nothing when what lies between them commutes with a positive factor.
 * s is chosen so that both layers use the same part of their range for the channel. */
#include <math.h>

#include "graph/draft.h"
#include "graph/facts.h"
#include "pass/pass.h"

enum { MAX_SWEEPS = 40 };

/* A channel is not scaled by more than this in one sweep; changes below the second end it. */
static const double LARGEST_STEP = 1024, SMALLEST_STEP = 1e-3;

/* A layer whose output only `second` reads, through nodes that commute with positive factors. */
struct pair {
    int32_t first, second; /* nodes */
    int32_t n_channels;    /* of the first's output */
};

struct equalizing {
    struct draft draft;
    struct pair *pairs;
    int32_t n_pairs;
};

static int32_t channels_of(const struct tensor *tensor)
{
    return tensor->shape.rank == 0 ? 1 : tensor->shape.dims[tensor->shape.rank - 1];
}

static int is_homogeneous(enum activation activation)
{
    return activation == ACTIVATION_NONE || activation == ACTIVATION_RELU;
}

/* Whether the node scales its output's channels when its input's are scaled, and keeps their order.
 */
static int passes_factors(const struct graph *graph, const struct node *node)
{
    const struct tensor *input = node_input(graph, node, 0), *output = node_output(graph, node);
    int32_t last = input->shape.rank - 1;
    switch (node->op) {
    case OP_relu:
    case OP_leaky_relu:
    case OP_resize_nearest_neighbor:
        return 1;
    case OP_average_pool_2d:
    case OP_max_pool_2d:
        return is_homogeneous(node->attrs.activation);
    case OP_pad:
        return node->attrs.before[last] == 0 && node->attrs.after[last] == 0;
    case OP_mean:
        return !(node->attrs.axes >> last & 1);
    case OP_reshape: /* a position may become part of the last dimension */
        return channels_of(output) % channels_of(input) == 0;
    default:
        return 0;
    }
}

/* The only node that reads the tensor, or -1. */
static int32_t only_reader(const struct draft *draft, int32_t tensor)
{
    if (draft_readers(draft, tensor) != 1)
        return -1;
    for (int32_t i = 0; i < draft->graph.n_nodes; i++)
        for (int32_t k = 0; k < draft->graph.nodes[i].n_inputs; k++)
            if (draft->graph.nodes[i].inputs[k] == tensor)
                return i;
    return -1;
}

static int pair_find(const struct draft *draft, int32_t first, struct pair *pair)
{
    const struct graph *graph = &draft->graph;
    const struct node *node = &graph->nodes[first];
    if (!op_has_weights(node->op) || !is_homogeneous(node->attrs.activation))
        return 0;
    *pair = (struct pair){first, first, channels_of(node_output(graph, node))};
    do {
        pair->second = only_reader(draft, graph->nodes[pair->second].output);
    } while (pair->second >= 0 && passes_factors(graph, &graph->nodes[pair->second]));
    return pair->second >= 0 && op_has_weights(graph->nodes[pair->second].op);
}

/* The channel of a pair that weight `i` of its second layer reads. */
static int64_t channel_read(const struct graph *graph, const struct pair *pair, int64_t i)
{
    const struct node *second = &graph->nodes[pair->second];
    const struct shape *shape = &node_input(graph, second, 1)->shape;
    int64_t columns = shape->dims[shape->rank - 1], column = i % columns;
    if (second->op == OP_depthwise_conv_2d)
        column /= columns / channels_of(node_input(graph, second, 0));
    return column % pair->n_channels;
}

static float *weights_of(const struct draft *draft, const struct node *node)
{
    /* The draft's own since the start. */
    return (float *)(uintptr_t)node_input(&draft->graph, node, 1)->data;
}

/* The factors of a pair: s = sqrt(largest weight that makes the channel / largest that reads it).
 */
static void factors_choose(const struct equalizing *e, const struct pair *pair, double *made,
                           double *read)
{
    const struct graph *graph = &e->draft.graph;
    const struct node *first = &graph->nodes[pair->first], *second = &graph->nodes[pair->second];
    const struct shape *shape = &node_input(graph, first, 1)->shape;
    const float *weights = weights_of(&e->draft, first);
    for (int32_t c = 0; c < pair->n_channels; c++)
        made[c] = read[c] = 0;
    for (int64_t i = 0; i < shape_elements(shape); i++) {
        int64_t c = weight_channel(first->op, shape, i);
        made[c] = fmax(made[c], fabs((double)weights[i]));
    }
    shape = &node_input(graph, second, 1)->shape;
    weights = weights_of(&e->draft, second);
    for (int64_t i = 0; i < shape_elements(shape); i++) {
        int64_t c = channel_read(graph, pair, i);
        read[c] = fmax(read[c], fabs((double)weights[i]));
    }
    for (int32_t c = 0; c < pair->n_channels; c++) {
        double s = made[c] > 0 && read[c] > 0 ? sqrt(made[c] / read[c]) : 1;
        made[c] = fmin(fmax(s, 1 / LARGEST_STEP), LARGEST_STEP);
    }
}

static void factors_apply(struct equalizing *e, const struct pair *pair, const double *factors)
{
    const struct graph *graph = &e->draft.graph;
    const struct node *first = &graph->nodes[pair->first], *second = &graph->nodes[pair->second];
    const struct shape *shape = &node_input(graph, first, 1)->shape;
    float *weights = weights_of(&e->draft, first);
    for (int64_t i = 0; i < shape_elements(shape); i++)
        weights[i] = (float)((double)weights[i] / factors[weight_channel(first->op, shape, i)]);
    if (first->n_inputs > 2) {
        float *bias = (float *)(uintptr_t)node_input(graph, first, 2)->data;
        for (int32_t c = 0; c < pair->n_channels; c++)
            bias[c] = (float)((double)bias[c] / factors[c]);
    }
    shape = &node_input(graph, second, 1)->shape;
    weights = weights_of(&e->draft, second);
    for (int64_t i = 0; i < shape_elements(shape); i++)
        weights[i] = (float)((double)weights[i] * factors[channel_read(graph, pair, i)]);
}

static void pairs_find(struct equalizing *e)
{
    struct draft *draft = &e->draft;
    e->pairs = ARENA_ARRAY(draft->arena, (size_t)draft->graph.n_nodes, struct pair);
    for (int32_t i = 0; i < draft->graph.n_nodes; i++)
        e->n_pairs += pair_find(draft, i, &e->pairs[e->n_pairs]);
    for (int32_t i = 0; i < draft->graph.n_nodes; i++) {
        struct node *node = &draft->graph.nodes[i];
        for (int32_t k = 1; k < node->n_inputs && op_has_weights(node->op); k++)
            draft_own_values(draft, node, k);
    }
}

/* Every pair once; returns the largest change of a channel, as a distance of its factor from 1. */
static double sweep(struct equalizing *e)
{
    double largest = 0;
    for (int32_t p = 0; p < e->n_pairs; p++) {
        const struct pair *pair = &e->pairs[p];
        struct arena scratch = {0};
        double *factors = ARENA_ARRAY(&scratch, (size_t)pair->n_channels, double);
        factors_choose(e, pair, factors, ARENA_ARRAY(&scratch, (size_t)pair->n_channels, double));
        factors_apply(e, pair, factors);
        for (int32_t c = 0; c < pair->n_channels; c++)
            largest = fmax(largest, fabs(log(factors[c])));
        arena_free(&scratch);
    }
    return largest;
}

enum status equalize(const struct graph *graph, struct arena *arena, struct graph **equalized,
                     struct diag *diag)
{
    struct arena scratch = {0};
    struct equalizing e = {.draft = draft_start(graph, &scratch)};
    pairs_find(&e);
    for (int k = 0; k < MAX_SWEEPS && sweep(&e) > SMALLEST_STEP; k++)
        ;
    enum status status = draft_finish(&e.draft, arena, equalized, diag);
    arena_free(&scratch);
    return status;
}
