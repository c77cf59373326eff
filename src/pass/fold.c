/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a layer without need of a node of its own moves into it: batch normalization,
 * factors and offsets of channels into weights and bias, relu and relu6 into the activation. */
#include <math.h>
#include <string.h>

#include "graph/draft.h"
#include "graph/facts.h"
#include "pass/pass.h"

/* One factor and one offset a channel: y = factor * x + offset. */
struct affine {
    int32_t n; /* channels */
    double *factor, *offset;
};

static int32_t channels_of(const struct tensor *tensor)
{
    return tensor->shape.rank == 0 ? 1 : tensor->shape.dims[tensor->shape.rank - 1];
}

static struct affine affine_make(int32_t n, struct arena *arena)
{
    struct affine affine = {n, ARENA_ARRAY(arena, (size_t)n, double),
                            ARENA_ARRAY(arena, (size_t)n, double)};
    for (int32_t c = 0; c < n; c++)
        affine.factor[c] = 1;
    return affine;
}

static const float *values_of(const struct graph *graph, const struct node *node, int k)
{
    return node_input(graph, node, k)->data;
}

static struct affine affine_of_normalization(const struct draft *draft, const struct node *node)
{
    const struct graph *graph = &draft->graph;
    const float *gamma = values_of(graph, node, 1), *beta = values_of(graph, node, 2);
    const float *mean = values_of(graph, node, 3), *variance = values_of(graph, node, 4);
    struct affine affine = affine_make(channels_of(node_input(graph, node, 1)), draft->arena);
    for (int32_t c = 0; c < affine.n; c++) {
        affine.factor[c] =
            (double)gamma[c] / sqrt((double)variance[c] + (double)node->attrs.epsilon);
        affine.offset[c] = (double)beta[c] - affine.factor[c] * (double)mean[c];
    }
    return affine;
}

/* Whether the constant has one value for all, or one a channel of a last dimension of `n`. */
static int is_per_channel(const struct tensor *constant, int32_t n)
{
    int64_t elements = shape_elements(&constant->shape);
    return elements == 1 || (elements == n && channels_of(constant) == n);
}

/* What add, sub or mul with a constant does to each channel of its other input `*data`; returns 0
 * when the node is none of these. */
static int affine_of_binary(const struct draft *draft, const struct node *node, int32_t *data,
                            struct affine *affine)
{
    const struct graph *graph = &draft->graph;
    if (node->op != OP_add && node->op != OP_sub && node->op != OP_mul)
        return 0;
    int k = node_input(graph, node, 0)->data != NULL ? 0 : 1; /* the constant */
    const struct tensor *constant = node_input(graph, node, k);
    const struct tensor *other = node_input(graph, node, 1 - k);
    int32_t n = channels_of(other);
    if (constant->data == NULL || constant->dtype != DTYPE_F32 || !is_per_channel(constant, n) ||
        !shape_equal(&other->shape, &node_output(graph, node)->shape))
        return 0;
    const float *values = constant->data;
    *data = node->inputs[1 - k];
    *affine = affine_make(n, draft->arena);
    for (int32_t c = 0; c < n; c++) {
        double value = (double)values[shape_elements(&constant->shape) == 1 ? 0 : c];
        if (node->op == OP_mul)
            affine->factor[c] = value;
        else
            affine->offset[c] = node->op == OP_sub && k == 1 ? -value : value;
        if (node->op == OP_sub && k == 0)
            affine->factor[c] = -1;
    }
    return 1;
}

/* The node that makes `tensor`, when `tensor` is nothing but the input of one node; otherwise NULL.
 */
static struct node *only_maker(const struct draft *draft, int32_t tensor)
{
    int32_t maker = draft_maker(draft, tensor);
    if (maker < 0 || draft_readers(draft, tensor) != 1)
        return NULL;
    return &draft->graph.nodes[maker];
}

static void scale_weights(struct draft *draft, struct node *layer, const struct affine *affine)
{
    float *weights = draft_own_values(draft, layer, 1);
    const struct shape *shape = &node_input(&draft->graph, layer, 1)->shape;
    int64_t n = shape_elements(shape), step = n / affine->n;
    for (int64_t i = 0; i < n; i++) {
        int64_t o = layer->op == OP_depthwise_conv_2d ? i % affine->n : i / step;
        weights[i] = (float)((double)weights[i] * affine->factor[o]);
    }
}

static void change_bias(struct draft *draft, struct node *layer, const struct affine *affine)
{
    if (layer->n_inputs == 2) {
        struct tensor bias = {
            .name = arena_printf(draft->arena, "%s/bias", layer->name),
            .dtype = DTYPE_F32,
            .shape = {.rank = 1, .dims = {affine->n}},
            .data = ARENA_ARRAY(draft->arena, (size_t)affine->n, float),
        };
        layer->inputs[layer->n_inputs++] = draft_add_tensor(draft, &bias);
    }
    float *bias = draft_own_values(draft, layer, 2);
    for (int32_t o = 0; o < affine->n; o++)
        bias[o] = (float)((double)bias[o] * affine->factor[o] + affine->offset[o]);
}

/* Moves what node `index` does to each channel of `data` into the layer that makes it. */
static int fold_affine(struct draft *draft, int32_t index, int32_t data,
                       const struct affine *affine)
{
    struct node *layer = only_maker(draft, data), *node = &draft->graph.nodes[index];
    if (layer == NULL || !op_has_weights(layer->op) || layer->attrs.activation != ACTIVATION_NONE)
        return 0;
    scale_weights(draft, layer, affine);
    change_bias(draft, layer, affine);
    layer->output = node->output;
    layer->attrs.activation = node->attrs.activation;
    draft_remove_node(draft, index);
    return 1;
}

static int32_t constant_add(struct draft *draft, const char *name, const double *values, int32_t n)
{
    float *data = ARENA_ARRAY(draft->arena, (size_t)n, float);
    for (int32_t i = 0; i < n; i++)
        data[i] = (float)values[i];
    struct tensor tensor = {
        .name = name, .dtype = DTYPE_F32, .shape = {.rank = 1, .dims = {n}}, .data = data};
    return draft_add_tensor(draft, &tensor);
}

/* A normalization with no layer before it becomes a mul and an add. */
static void normalization_split(struct draft *draft, int32_t index, const struct affine *affine)
{
    struct arena *arena = draft->arena;
    struct node node = draft->graph.nodes[index];
    struct tensor scaled = {.name = arena_printf(arena, "%s/scaled", node.name),
                            .dtype = DTYPE_F32,
                            .shape = node_output(&draft->graph, &node)->shape};
    int32_t between = draft_add_tensor(draft, &scaled);
    int32_t factor =
        constant_add(draft, arena_printf(arena, "%s/scale", node.name), affine->factor, affine->n);
    int32_t offset =
        constant_add(draft, arena_printf(arena, "%s/offset", node.name), affine->offset, affine->n);
    struct node mul = {.name = arena_printf(arena, "%s_scale", node.name),
                       .op = OP_mul,
                       .n_inputs = 2,
                       .inputs = {node.inputs[0], factor},
                       .output = between};
    struct node add = {.name = node.name,
                       .op = OP_add,
                       .n_inputs = 2,
                       .inputs = {between, offset},
                       .output = node.output,
                       .attrs.activation = node.attrs.activation};
    draft->graph.nodes[index] = add;
    draft_insert_node(draft, index, &mul);
}

/* The activation that is `outer` of `inner`; -1: no single one is. */
static int activation_compose(enum activation inner, enum op outer)
{
    enum activation last = outer == OP_relu ? ACTIVATION_RELU : ACTIVATION_RELU6;
    if (inner == ACTIVATION_NONE || inner == ACTIVATION_RELU)
        return (int)last;
    return inner == ACTIVATION_RELU6 ? (int)inner : -1;
}

static int fold_activation(struct draft *draft, int32_t index)
{
    struct node *node = &draft->graph.nodes[index];
    if ((node->op != OP_relu && node->op != OP_relu6) ||
        node_input(&draft->graph, node, 0)->dtype != DTYPE_F32)
        return 0;
    struct node *layer = only_maker(draft, node->inputs[0]);
    if (layer == NULL || !(op_facts(layer->op)->attributes & ATTR_activation))
        return 0;
    int activation = activation_compose(layer->attrs.activation, node->op);
    if (activation < 0)
        return 0;
    layer->attrs.activation = (enum activation)activation;
    layer->output = node->output;
    draft_remove_node(draft, index);
    return 1;
}

/* Whether the node at `index` is gone. */
static int fold_node(struct draft *draft, int32_t index)
{
    struct node *node = &draft->graph.nodes[index];
    struct affine affine;
    int32_t data;
    if (node->op == OP_batch_normalization) {
        affine = affine_of_normalization(draft, node);
        if (fold_affine(draft, index, node->inputs[0], &affine))
            return 1;
        normalization_split(draft, index, &affine);
        return 0;
    }
    if (affine_of_binary(draft, node, &data, &affine))
        return fold_affine(draft, index, data, &affine);
    return fold_activation(draft, index);
}

enum status fold(const struct graph *graph, struct arena *arena, struct graph **folded,
                 struct diag *diag)
{
    for (int32_t t = 0; t < graph->n_tensors; t++)
        if (graph->tensors[t].initializer != INITIALIZER_NONE)
            return fail(diag, ERR_INPUT,
                        "'%s' has no trained values yet; train the network first (dtmm train)",
                        graph->tensors[t].name);
    struct arena scratch = {0};
    struct draft draft = draft_start(graph, &scratch);
    for (int32_t i = 0; i < draft.graph.n_nodes;)
        if (!fold_node(&draft, i))
            i++;
    enum status status = draft_finish(&draft, arena, folded, diag);
    arena_free(&scratch);
    return status;
}
