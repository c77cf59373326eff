/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-layer equalization (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization
 * and Bias Correction"): dividing a channel by s where layers make it and multiplying the weights
 * that read it by s changes nothing, when what lies between commutes with positive factors. Here
 * the tensors between may be many: all that residual sums, pooling and relu tie together form one
 * group, with the layers that make it and those that read it. */
#include <math.h>
#include <string.h>

#include "graph/draft.h"
#include "graph/facts.h"
#include "pass/pass.h"

enum { MAX_SWEEPS = 40 };

/* A channel is not scaled by more than this in one sweep; changes below the second end it. */
static const double LARGEST_STEP = 1024, SMALLEST_STEP = 1e-3;
static const double MEASURED_EXPONENT = 0.75;

/* By tensor. A group's first tensor is its own parent, and its members count for the group. */
struct group {
    int32_t parent;
    int32_t n_channels;   /* of a tensor of the group: a multiple of the group's; the smallest */
    int is_fixed;         /* something reads or makes it that does not commute */
    int is_made, is_read; /* by a layer */
};

struct equalizing {
    struct draft draft;
    const struct ranges *ranges;          /* NULL: go by the weights that make a channel */
    const struct fake_quantization *kept; /* NULL: all layers may change */
    struct group *groups;
};

static int32_t channels_of(const struct tensor *tensor)
{
    return tensor->shape.rank == 0 ? 1 : tensor->shape.dims[tensor->shape.rank - 1];
}

static struct group *group_of(const struct equalizing *e, int32_t tensor)
{
    while (e->groups[tensor].parent != tensor)
        tensor = e->groups[tensor].parent;
    return &e->groups[tensor];
}

static void groups_join(struct equalizing *e, int32_t a, int32_t b)
{
    struct group *to = group_of(e, a), *from = group_of(e, b);
    if (to == from)
        return;
    int32_t smaller = to->n_channels < from->n_channels ? to->n_channels : from->n_channels;
    to->is_fixed |= from->is_fixed || to->n_channels % smaller || from->n_channels % smaller;
    to->n_channels = smaller;
    from->parent = to->parent;
}

/* ---- groups ---- */

static int is_homogeneous(enum activation activation)
{
    return activation == ACTIVATION_NONE || activation == ACTIVATION_RELU;
}

/* Whether scaling the channels of all inputs that are computed scales those of the output, in the
 * same order. */
static int commutes(const struct graph *graph, const struct node *node)
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
    case OP_add:
    case OP_sub:
        return is_homogeneous(node->attrs.activation) && input->data == NULL &&
               node_input(graph, node, 1)->data == NULL &&
               channels_of(input) == channels_of(node_input(graph, node, 1));
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

static void node_group(struct equalizing *e, int32_t index)
{
    const struct graph *graph = &e->draft.graph;
    const struct node *node = &graph->nodes[index];
    if (op_has_weights(node->op)) {
        group_of(e, node->inputs[0])->is_read = 1;
        group_of(e, node->output)->is_made = 1;
        group_of(e, node->output)->is_fixed |= !is_homogeneous(node->attrs.activation);
        if (e->kept != NULL && e->kept->nodes[index].exact)
            group_of(e, node->inputs[0])->is_fixed = group_of(e, node->output)->is_fixed = 1;
        /* A row of fully_connected may span positions and channels in any way. */
        if (channels_of(node_input(graph, node, 0)) % group_of(e, node->inputs[0])->n_channels ||
            (node->op == OP_fully_connected &&
             channels_of(node_input(graph, node, 0)) != node_input(graph, node, 1)->shape.dims[1]))
            group_of(e, node->inputs[0])->is_fixed = 1;
        return;
    }
    int joins = commutes(graph, node);
    for (int32_t k = 0; k < node->n_inputs; k++) {
        if (joins)
            groups_join(e, node->inputs[k], node->output);
        else
            group_of(e, node->inputs[k])->is_fixed = 1;
    }
    group_of(e, node->output)->is_fixed |= !joins;
}

static void groups_find(struct equalizing *e)
{
    const struct graph *graph = &e->draft.graph;
    e->groups = ARENA_ARRAY(e->draft.arena, (size_t)graph->n_tensors, struct group);
    for (int32_t t = 0; t < graph->n_tensors; t++)
        e->groups[t] = (struct group){.parent = t, .n_channels = channels_of(&graph->tensors[t])};
    for (int32_t i = 0; i < graph->n_nodes; i++)
        node_group(e, i);
    for (int32_t i = 0; i < graph->n_inputs; i++)
        group_of(e, graph->inputs[i])->is_fixed = 1;
    for (int32_t i = 0; i < graph->n_outputs; i++)
        group_of(e, graph->outputs[i])->is_fixed = 1;
}

/* ---- factors ---- */

/* The channel of the group that weight `i` of a layer reads. */
static int64_t channel_read(const struct equalizing *e, const struct node *node, int64_t i)
{
    const struct graph *graph = &e->draft.graph;
    const struct shape *shape = &node_input(graph, node, 1)->shape;
    int64_t columns = shape->dims[shape->rank - 1], column = i % columns;
    if (node->op == OP_depthwise_conv_2d)
        column /= columns / channels_of(node_input(graph, node, 0));
    return column % group_of(e, node->inputs[0])->n_channels;
}

/* The draft's own values. */
static float *values_of(const struct equalizing *e, const struct node *node, int k)
{
    return (float *)(uintptr_t)node_input(&e->draft.graph, node, k)->data;
}

/* One layer's part in the largest magnitudes of a group's channels: the weights that read them, and
 * those that make them. */
static void layer_magnitudes(const struct equalizing *e, const struct group *group,
                             const struct node *node, double *made, double *read)
{
    const struct shape *shape = &node_input(&e->draft.graph, node, 1)->shape;
    const float *weights = values_of(e, node, 1);
    for (int64_t i = 0; i < shape_elements(shape); i++) {
        double magnitude = fabs((double)weights[i]);
        if (group_of(e, node->inputs[0]) == group) {
            int64_t c = channel_read(e, node, i);
            read[c] = fmax(read[c], magnitude);
        }
        if (group_of(e, node->output) == group && e->ranges == NULL) {
            int64_t c = weight_channel(node->op, shape, i) % group->n_channels;
            made[c] = fmax(made[c], magnitude);
        }
    }
}

/* The largest magnitudes of the channels themselves. */
static void activation_magnitudes(const struct equalizing *e, const struct group *group,
                                  double *made)
{
    for (int32_t t = 0; t < e->ranges->n_tensors; t++) {
        if (group_of(e, t) != group || e->ranges->largest[t] == NULL)
            continue;
        for (int32_t c = 0; c < channels_of(&e->draft.graph.tensors[t]); c++)
            made[c % group->n_channels] =
                fmax(made[c % group->n_channels], e->ranges->largest[t][c]);
    }
}

/* s = m^e / r^(1 - e), with the largest magnitude m of the channel and r of the weights that read
 * it; a channel without either has the mean of the others. Where the magnitudes are of weights, e
 * is one half, so that both end alike. Measured activations count for more than the weights that
 * read them: they share one scale, the weights have one for each filter. */
static void factors_choose(const struct equalizing *e, const struct group *group, double *factors,
                           double *read)
{
    const struct graph *graph = &e->draft.graph;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (op_has_weights(graph->nodes[i].op))
            layer_magnitudes(e, group, &graph->nodes[i], factors, read);
    if (e->ranges != NULL)
        activation_magnitudes(e, group, factors);
    double sum = 0, exponent = e->ranges != NULL ? MEASURED_EXPONENT : 0.5;
    int32_t n = 0;
    for (int32_t c = 0; c < group->n_channels; c++) {
        int is_known = factors[c] > 0 && read[c] > 0;
        factors[c] =
            is_known ? exponent * log(factors[c]) - (1 - exponent) * log(read[c]) : (double)NAN;
        sum += is_known ? factors[c] : 0;
        n += is_known;
    }
    double mean = n > 0 ? sum / n : 0, limit = log(LARGEST_STEP);
    for (int32_t c = 0; c < group->n_channels; c++) {
        double step = isnan(factors[c]) ? mean : factors[c];
        if (e->ranges != NULL) /* magnitudes stay as they are on the whole */
            step -= mean;
        factors[c] = exp(fmin(fmax(step, -limit), limit));
    }
}

static void factors_apply(struct equalizing *e, const struct group *group, const double *factors)
{
    const struct graph *graph = &e->draft.graph;
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (!op_has_weights(node->op))
            continue;
        const struct shape *shape = &node_input(graph, node, 1)->shape;
        int makes = group_of(e, node->output) == group,
            reads = group_of(e, node->inputs[0]) == group;
        float *weights = values_of(e, node, 1);
        for (int64_t i = 0; i < shape_elements(shape) && (makes || reads); i++) {
            double value = (double)weights[i];
            if (makes)
                value /= factors[weight_channel(node->op, shape, i) % group->n_channels];
            if (reads)
                value *= factors[channel_read(e, node, i)];
            weights[i] = (float)value;
        }
        for (int32_t o = 0; makes && node->n_inputs > 2 && o < weight_channels(node->op, shape);
             o++)
            values_of(e, node, 2)[o] =
                (float)((double)values_of(e, node, 2)[o] / factors[o % group->n_channels]);
    }
}

/* Every group once; returns the largest change of a channel, as a distance of its factor from 1. */
static double sweep(struct equalizing *e)
{
    double largest = 0;
    for (int32_t t = 0; t < e->draft.graph.n_tensors; t++) {
        const struct group *group = &e->groups[t];
        if (group->parent != t || group->is_fixed || !group->is_made || !group->is_read)
            continue;
        struct arena scratch = {0};
        size_t n = (size_t)group->n_channels;
        double *factors = ARENA_ARRAY(&scratch, n, double);
        factors_choose(e, group, factors, ARENA_ARRAY(&scratch, n, double));
        factors_apply(e, group, factors);
        for (size_t c = 0; c < n; c++)
            largest = fmax(largest, fabs(log(factors[c])));
        arena_free(&scratch);
    }
    return largest;
}

enum status equalize(const struct graph *graph, const struct ranges *ranges,
                     const struct fake_quantization *kept, struct arena *arena,
                     struct graph **equalized, struct diag *diag)
{
    struct arena scratch = {0};
    struct equalizing e = {.draft = draft_start(graph, &scratch), .ranges = ranges, .kept = kept};
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        struct node *node = &e.draft.graph.nodes[i];
        for (int32_t k = 1; k < node->n_inputs && op_has_weights(node->op); k++)
            draft_own_values(&e.draft, node, k);
    }
    groups_find(&e);
    /* Measured magnitudes are those before the first sweep. */
    for (int k = 0; k < (ranges != NULL ? 1 : MAX_SWEEPS) && sweep(&e) > SMALLEST_STEP; k++)
        ;
    enum status status = draft_finish(&e.draft, arena, equalized, diag);
    arena_free(&scratch);
    return status;
}
