/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding the weights of a layer shifts the mean of each of its sums by the error of the weights
 * times the mean of what they read (Nagel et al. 2019, section 4.2, with means measured on
 * samples). The bias takes that back. */
#include <math.h>

#include "graph/draft.h"
#include "graph/facts.h"
#include "pass/pass.h"

/* One layer, and the share of output positions at which a tap meets the input, by row and by column
 * of the kernel. */
struct corrected {
    const struct graph *graph;
    const struct node *node;
    const struct shape *weights;
    double *row_share, *column_share; /* NULL: a fully_connected layer has no taps */
};

/* Output positions along one dimension whose tap lies inside, divided by all. */
static double tap_share(const struct node *node, int32_t input, int32_t output, int32_t tap, int i)
{
    const struct attrs *attrs = &node->attrs;
    /* A transposed convolution walks over its input and writes where a convolution would read. */
    int transposed = node->op == OP_transpose_conv;
    int32_t dilation = transposed ? 1 : attrs->dilation[i], n = 0;
    int32_t from = transposed ? input : output, limit = transposed ? output : input;
    for (int32_t position = 0; position < from; position++) {
        int64_t at =
            (int64_t)position * attrs->stride[i] + (int64_t)tap * dilation - attrs->pads[2 * i];
        n += at >= 0 && at < limit;
    }
    return (double)n / output;
}

static double *shares(const struct corrected *layer, int i, struct arena *arena)
{
    const struct shape *input = &node_input(layer->graph, layer->node, 0)->shape;
    const struct shape *output = &node_output(layer->graph, layer->node)->shape;
    int32_t n = layer->weights->dims[1 + i];
    double *share = ARENA_ARRAY(arena, (size_t)n, double);
    for (int32_t tap = 0; tap < n; tap++)
        share[tap] = tap_share(layer->node, input->dims[1 + i], output->dims[1 + i], tap, i);
    return share;
}

static struct corrected layer_of(const struct graph *graph, const struct node *node,
                                 struct arena *arena)
{
    struct corrected layer = {graph, node, &node_input(graph, node, 1)->shape, NULL, NULL};
    if (node->op != OP_fully_connected) {
        layer.row_share = shares(&layer, 0, arena);
        layer.column_share = shares(&layer, 1, arena);
    }
    return layer;
}

/* The mean of what weight `i` reads, zeros outside of the input included. */
static double mean_read(const struct corrected *layer, const double *mean, int64_t i)
{
    const int32_t *dims = layer->weights->dims;
    int64_t last = dims[layer->weights->rank - 1];
    int32_t n_inputs = node_input(layer->graph, layer->node, 0)->shape.dims[3];
    if (layer->row_share == NULL)
        return mean[i % last];
    int64_t channel =
        layer->node->op == OP_depthwise_conv_2d ? i % last / (last / n_inputs) : i % last;
    int64_t tap = i / last;
    return mean[channel] * layer->row_share[tap / dims[2] % dims[1]] *
           layer->column_share[tap % dims[2]];
}

static void bias_correct(struct draft *draft, int32_t index, const struct fake_node *fake,
                         const double *mean)
{
    struct node *node = &draft->graph.nodes[index];
    struct corrected layer = layer_of(&draft->graph, node, draft->arena);
    const float *weights = node_input(&draft->graph, node, 1)->data;
    int32_t channels = weight_channels(node->op, layer.weights);
    double *shift = ARENA_ARRAY(draft->arena, (size_t)channels, double);
    for (int64_t i = 0; i < shape_elements(layer.weights); i++) {
        int64_t o = weight_channel(node->op, layer.weights, i);
        float scale = fake->weights.scale[fake->weights.n > 1 ? o : 0];
        int32_t q = quantize_value((double)weights[i], scale, 0, -127);
        shift[o] += ((double)scale * q - (double)weights[i]) * mean_read(&layer, mean, i);
    }
    if (node->n_inputs == 2) {
        struct tensor bias = {
            .name = arena_printf(draft->arena, "%s/bias", node->name),
            .dtype = DTYPE_F32,
            .shape = {.rank = 1, .dims = {channels}},
            .data = ARENA_ARRAY(draft->arena, (size_t)channels, float),
        };
        node->inputs[node->n_inputs++] = draft_add_tensor(draft, &bias);
    }
    float *bias = draft_own_values(draft, node, 2);
    for (int32_t o = 0; o < channels; o++)
        bias[o] = (float)((double)bias[o] - shift[o]);
}

/* The means of a fully_connected layer's input are by its last dimension, which must be a row. */
static int has_means(const struct graph *graph, const struct node *node,
                     const struct ranges *ranges)
{
    if (!op_has_weights(node->op) || ranges->mean[node->inputs[0]] == NULL)
        return 0;
    const struct shape *input = &node_input(graph, node, 0)->shape;
    return node->op != OP_fully_connected ||
           input->dims[input->rank - 1] == node_input(graph, node, 1)->shape.dims[1];
}

enum status correct_bias(const struct graph *graph, const struct fake_quantization *fake,
                         const struct ranges *ranges, struct arena *arena, struct graph **corrected,
                         struct diag *diag)
{
    struct arena scratch = {0};
    struct draft draft = draft_start(graph, &scratch);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (!fake->nodes[i].exact && has_means(&draft.graph, &graph->nodes[i], ranges))
            bias_correct(&draft, i, &fake->nodes[i], ranges->mean[graph->nodes[i].inputs[0]]);
    enum status status = draft_finish(&draft, arena, corrected, diag);
    arena_free(&scratch);
    return status;
}
