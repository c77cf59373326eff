/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

int known_uniform(const struct known *known, int32_t tensor, int32_t channel)
{
    return known->uniform[tensor] && known->uniform[tensor][channel];
}

int known_element(const struct graph *graph, const struct known *known, int32_t tensor,
                  int64_t element, double *value)
{
    int32_t n = channel_count(&graph->tensors[tensor]);
    const double *image = known->image[tensor] ? known->image[tensor][element % n] : NULL;
    if (image)
        *value = image[element / n];
    return image != NULL;
}

/* Every channel of a constant is known. */
static void know_constant(const struct tensor *tensor, const double **image, struct arena *arena)
{
    int32_t n_channels = channel_count(tensor), n_positions = position_count(tensor);
    for (int32_t c = 0; c < n_channels; c++) {
        double *values = ARENA_ARRAY(arena, (size_t)n_positions, double);
        for (int32_t p = 0; p < n_positions; p++)
            values[p] = value_get(tensor, (size_t)p * (size_t)n_channels + (size_t)c);
        image[c] = values;
    }
}

static const double *moved_image(const struct graph *graph, const struct node *node,
                                 const struct known *known, int32_t channel, struct arena *arena)
{
    const struct tensor *output = node_output(graph, node);
    int32_t n_channels = channel_count(output), n_positions = position_count(output);
    double *image = ARENA_ARRAY(arena, (size_t)n_positions, double);
    for (int32_t p = 0; p < n_positions; p++) {
        int32_t input;
        int64_t source;
        if (!moved_from(graph, node, (int64_t)p * n_channels + channel, &input, &source))
            image[p] = value_zero(output);
        else if (!known_element(graph, known, node->inputs[input], source, &image[p]))
            return NULL;
    }
    return image;
}

/* Whether `known` speaks of the tensor at all. */
static int is_looked_at(const struct known *known, const struct tensor *tensor)
{
    return tensor->dtype == known->dtype &&
           (tensor->dtype == DTYPE_F32 || tensor->quantization.n == 1);
}

static void know_output(const struct graph *graph, const struct node *node,
                        const struct known *known, struct arena *arena)
{
    const double **image = known->image[node->output];
    int32_t n_channels = channel_count(node_output(graph, node));
    for (int32_t k = 0; k < activation_input_count(node); k++)
        if (!known->image[node->inputs[k]])
            return;
    if (has_weights(node->op)) {
        struct layer layer = layer_of(graph, node, arena);
        for (int32_t o = 0; o < n_channels; o++)
            image[o] = layer_image(&layer, known, o, arena);
    } else if (moves_elements(node->op)) {
        for (int32_t o = 0; o < n_channels && node->attrs.activation == ACTIVATION_NONE; o++)
            image[o] = moved_image(graph, node, known, o, arena);
    } else {
        evaluate(graph, node, known, image, arena);
    }
}

static void find_uniform(const struct tensor *tensor, const double *const *image, uint8_t *uniform)
{
    int32_t n_channels = channel_count(tensor), n_positions = position_count(tensor);
    for (int32_t c = 0; c < n_channels; c++) {
        uniform[c] = image[c] != NULL;
        for (int32_t p = 1; p < n_positions && uniform[c]; p++)
            uniform[c] = image[c][p] == image[c][0];
    }
}

/* Makes room for what is known of a tensor; of a constant that is everything. */
static void know_tensor(struct known *known, const struct graph *graph, int32_t id,
                        struct arena *arena)
{
    const struct tensor *tensor = &graph->tensors[id];
    size_t n_channels = (size_t)channel_count(tensor);
    if (known->image[id] || !is_looked_at(known, tensor))
        return;
    known->image[id] = ARENA_ARRAY(arena, n_channels, const double *);
    known->uniform[id] = ARENA_ARRAY(arena, n_channels, uint8_t);
    if (tensor->data) {
        know_constant(tensor, known->image[id], arena);
        find_uniform(tensor, known->image[id], known->uniform[id]);
    }
}

struct known known_find(const struct graph *graph, enum dtype dtype, struct arena *arena)
{
    size_t n_tensors = (size_t)graph->n_tensors;
    struct known known = {dtype, ARENA_ARRAY(arena, n_tensors, const double **),
                          ARENA_ARRAY(arena, n_tensors, uint8_t *)};
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        for (int32_t k = 0; k < activation_input_count(node); k++)
            know_tensor(&known, graph, node->inputs[k], arena);
        know_tensor(&known, graph, node->output, arena);
        if (!known.image[node->output])
            continue;
        know_output(graph, node, &known, arena);
        find_uniform(node_output(graph, node), known.image[node->output],
                     known.uniform[node->output]);
    }
    return known;
}
