/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

#include <assert.h>
#include <string.h>

struct rewriting {
    const struct graph *graph;
    const struct known *known;
    const struct needs *needs;
    const struct masks *masks; /* of the graph; NULL: nobody asks */
    struct masks *new_masks;
    struct graph_builder builder;
    int32_t *new_id; /* by tensor; -1: not yet there */
    int changed;
    struct arena *arena;
};

static int32_t count_kept(const uint8_t *kept, int32_t n)
{
    int32_t n_kept = 0;
    for (int32_t c = 0; c < n; c++)
        n_kept += kept[c];
    return n_kept;
}

/* ---- activations ---- */

/* The channels that stay of a constant. */
static const void *slice_data(struct rewriting *rewriting, int32_t id)
{
    const struct tensor *tensor = &rewriting->graph->tensors[id];
    const uint8_t *kept = rewriting->needs->kept[id];
    size_t size = dtype_bytes(tensor->dtype), n_elements = (size_t)shape_elements(&tensor->shape);
    size_t n_channels = (size_t)channel_count(tensor);
    uint8_t *data = arena_alloc(rewriting->arena, n_elements, size), *end = data;
    for (size_t e = 0; e < n_elements; e++) {
        if (!kept[e % n_channels])
            continue;
        memcpy(end, (const uint8_t *)tensor->data + e * size, size);
        end += size;
    }
    return data;
}

/* The one value of each channel that stays, for a tensor that becomes a constant. */
static const void *uniform_data(struct rewriting *rewriting, int32_t id)
{
    const struct tensor *tensor = &rewriting->graph->tensors[id];
    int32_t n_channels = channel_count(tensor);
    void *data = arena_alloc(rewriting->arena, (size_t)n_channels, dtype_bytes(tensor->dtype));
    size_t n = 0;
    for (int32_t c = 0; c < n_channels; c++) {
        const double *image = rewriting->known->image[id][c];
        if (rewriting->needs->kept[id][c])
            value_set(tensor->dtype, data, n++, image ? image[0] : value_zero(tensor));
    }
    return data;
}

static int32_t activation(struct rewriting *rewriting, int32_t id)
{
    struct tensor tensor = rewriting->graph->tensors[id];
    int32_t n_channels = channel_count(&tensor);
    int32_t n_kept = count_kept(rewriting->needs->kept[id], n_channels);
    if (rewriting->new_id[id] >= 0)
        return rewriting->new_id[id];
    assert(n_kept > 0);
    if (rewriting->needs->constant[id]) {
        tensor.data = uniform_data(rewriting, id);
        for (int32_t d = 0; d < tensor.shape.rank; d++)
            tensor.shape.dims[d] = 1;
    } else if (tensor.data) {
        tensor.data = slice_data(rewriting, id);
    }
    if (tensor.shape.rank > 0)
        tensor.shape.dims[tensor.shape.rank - 1] = n_kept;
    rewriting->changed |= n_kept < n_channels || rewriting->needs->constant[id];
    rewriting->new_id[id] = graph_add_tensor(&rewriting->builder, &tensor);
    return rewriting->new_id[id];
}

/* ---- weights ---- */

/* The new weights and bias of a layer, and the columns and outputs of the old ones they take. */
struct slicing {
    struct rewriting *rewriting;
    struct layer layer;
    int32_t n_outputs, n_columns;
    int32_t *outputs, *columns; /* old index by new index */
    void *weights, *bias;
    enum dtype bias_type;
    const uint8_t *kept; /* of the old weights; NULL: nobody asks */
    uint8_t *new_kept;
    uint8_t *folded;
    int has_bias;
};

/* The input channel that decides whether a column stays. */
static int column_stays(const struct slicing *slicing, int32_t column)
{
    const struct node *node = slicing->layer.node;
    const uint8_t *kept = slicing->rewriting->needs->kept[node->inputs[0]];
    if (node->op == OP_depthwise_conv_2d)
        return 1;
    return kept[column % channel_count(slicing->layer.input)];
}

static struct slicing slicing_start(struct rewriting *rewriting, const struct node *node)
{
    struct arena *arena = rewriting->arena;
    struct slicing slicing = {.rewriting = rewriting,
                              .layer = layer_of(rewriting->graph, node, arena)};
    const struct layer *layer = &slicing.layer;
    slicing.outputs = ARENA_ARRAY(arena, (size_t)layer->n_outputs, int32_t);
    slicing.columns = ARENA_ARRAY(arena, (size_t)layer->n_columns, int32_t);
    slicing.folded = ARENA_ARRAY(arena, (size_t)layer->n_columns, uint8_t);
    for (int32_t o = 0; o < layer->n_outputs; o++)
        if (rewriting->needs->kept[node->output][o])
            slicing.outputs[slicing.n_outputs++] = o;
    for (int32_t c = 0; c < layer->n_columns; c++)
        if (column_stays(&slicing, c))
            slicing.columns[slicing.n_columns++] = c;
    slicing.weights = arena_alloc(arena, tensor_bytes(layer->weights), 1);
    slicing.bias_type = layer->weights->dtype == DTYPE_F32 ? DTYPE_F32 : DTYPE_S32;
    slicing.bias = arena_alloc(arena, (size_t)layer->n_outputs, dtype_bytes(slicing.bias_type));
    slicing.has_bias = layer->bias != NULL;
    if (rewriting->masks) {
        slicing.kept = rewriting->masks->kept[node - rewriting->graph->nodes];
        slicing.new_kept =
            ARENA_ARRAY(arena, (size_t)shape_elements(&layer->weights->shape), uint8_t);
    }
    return slicing;
}

/* Fills the bias of filter `o` of the new weights, and marks the columns that it includes. */
static void slice_bias(struct slicing *slicing, int32_t o)
{
    const struct layer *layer = &slicing->layer;
    int32_t old_o = slicing->outputs[o];
    double bias = 0;
    if (slicing->rewriting->needs->needed[layer->node->output][old_o])
        bias = layer_fold(layer, slicing->rewriting->known, old_o, slicing->folded);
    else /* nobody reads the values of this output: anything will do */
        memset(slicing->folded, 1, (size_t)layer->n_columns);
    if (slicing->bias_type == DTYPE_F32)
        bias = (double)(float)bias;
    value_set(slicing->bias_type, slicing->bias, (size_t)o, bias);
    slicing->has_bias |= bias != 0;
    slicing->rewriting->changed |= bias != layer_bias(layer, old_o);
}

/* Copies a weight, `from` and `to` index the old ones and the new ones; `lost`: it is included in
 * the bias, or reaches nothing. */
static void slice_weight(struct slicing *slicing, size_t from, size_t to, int lost)
{
    const struct tensor *weights = slicing->layer.weights;
    double old = value_get(weights, from), weight = lost ? 0 : old;
    slicing->rewriting->changed |= old != weight;
    value_set(weights->dtype, slicing->weights, to, weight);
    if (slicing->new_kept)
        slicing->new_kept[to] = (uint8_t)(slicing->kept[from] && !lost);
}

/* Fills filter `o` of the new weights, and its bias. */
static void slice_filter(struct slicing *slicing, int32_t o)
{
    const struct layer *layer = &slicing->layer;
    int32_t old_o = slicing->outputs[o], n_taps = layer->kernel_h * layer->kernel_w;
    struct layer new_layer = *layer;
    new_layer.n_outputs = slicing->n_outputs;
    new_layer.n_columns = slicing->n_columns;
    slice_bias(slicing, o);
    for (int32_t tap = 0; tap < n_taps; tap++)
        for (int32_t c = 0; c < slicing->n_columns; c++) {
            int32_t column = slicing->columns[c];
            slice_weight(slicing, layer_weight_index(layer, old_o, tap, column),
                         layer_weight_index(&new_layer, o, tap, c),
                         slicing->folded[column] || !layer->tap_reaches[tap]);
        }
}

/* The scales of the outputs that stay. */
static struct quantization slice_quantization(const struct slicing *slicing,
                                              const struct quantization *quantization)
{
    struct quantization sliced = *quantization;
    size_t n_outputs = (size_t)slicing->n_outputs;
    if (quantization->n < 2)
        return sliced;
    float *scale = ARENA_ARRAY(slicing->rewriting->arena, n_outputs, float);
    int32_t *zero_point = ARENA_ARRAY(slicing->rewriting->arena, n_outputs, int32_t);
    for (size_t o = 0; o < n_outputs; o++) {
        scale[o] = quantization->scale[slicing->outputs[o]];
        zero_point[o] = quantization->zero_point[slicing->outputs[o]];
    }
    sliced.n = slicing->n_outputs;
    sliced.scale = scale;
    sliced.zero_point = zero_point;
    return sliced;
}

static int32_t add_weights(const struct slicing *slicing)
{
    struct tensor weights = *slicing->layer.weights;
    int32_t *dims = weights.shape.dims, last = weights.shape.rank - 1;
    if (slicing->layer.node->op == OP_depthwise_conv_2d) {
        dims[last] = slicing->n_outputs;
    } else {
        dims[0] = slicing->n_outputs;
        dims[last] = slicing->n_columns;
    }
    weights.data = slicing->weights;
    weights.quantization = slice_quantization(slicing, &weights.quantization);
    return graph_add_tensor(&slicing->rewriting->builder, &weights);
}

/* A bias for a layer that had none gets the scale of the products. */
static struct tensor make_bias(const struct slicing *slicing)
{
    struct arena *arena = slicing->rewriting->arena;
    const struct quantization *weights = &slicing->layer.weights->quantization;
    const char *name = arena_printf(arena, "%s.bias", slicing->layer.node->name);
    size_t n = (size_t)weights->n;
    if (slicing->bias_type == DTYPE_F32)
        return (struct tensor){.name = name, .dtype = DTYPE_F32, .shape = {.rank = 1}};
    float *scale = ARENA_ARRAY(arena, n, float);
    for (size_t i = 0; i < n; i++)
        scale[i] = slicing->layer.input->quantization.scale[0] * weights->scale[i];
    return (struct tensor){.name = name,
                           .dtype = DTYPE_S32,
                           .shape = {.rank = 1},
                           .quantization = {.n = weights->n,
                                            .scale = scale,
                                            .zero_point = ARENA_ARRAY(arena, n, int32_t)}};
}

static int32_t add_bias(const struct slicing *slicing)
{
    const struct tensor *old = node_input(slicing->rewriting->graph, slicing->layer.node, 2);
    struct tensor bias = old ? *old : make_bias(slicing);
    bias.shape.dims[0] = slicing->n_outputs;
    bias.data = slicing->bias;
    bias.quantization = slice_quantization(slicing, &bias.quantization);
    return graph_add_tensor(&slicing->rewriting->builder, &bias);
}

static void rewrite_weights(struct rewriting *rewriting, const struct node *node, struct node *to)
{
    struct slicing slicing = slicing_start(rewriting, node);
    for (int32_t o = 0; o < slicing.n_outputs; o++)
        slice_filter(&slicing, o);
    to->inputs[to->n_inputs++] = add_weights(&slicing);
    if (slicing.has_bias)
        to->inputs[to->n_inputs++] = add_bias(&slicing);
    if (rewriting->masks)
        rewriting->new_masks->kept[rewriting->builder.graph->n_nodes] = slicing.new_kept;
}

/* ---- attributes that count channels ---- */

static void rewrite_attributes(const struct rewriting *rewriting, const struct node *node,
                               struct node *to)
{
    int32_t last = node_output(rewriting->graph, node)->shape.rank - 1;
    const uint8_t *input = rewriting->needs->kept[node->inputs[0]];
    const uint8_t *output = rewriting->needs->kept[node->output];
    if (last < 0)
        return;
    if (node->op == OP_strided_slice && node->attrs.step[last] == 1)
        to->attrs.begin[last] = count_kept(input, node->attrs.begin[last]);
    if (node->op == OP_pad) {
        int32_t before = node->attrs.before[last], after = node->attrs.after[last];
        int32_t n = channel_count(node_output(rewriting->graph, node));
        to->attrs.before[last] = count_kept(output, before);
        to->attrs.after[last] = count_kept(output + n - after, after);
    }
}

/* ---- nodes ---- */

static int is_graph_output(const struct graph *graph, int32_t tensor)
{
    for (int32_t i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i] == tensor)
            return 1;
    return 0;
}

static int same_quantization(const struct quantization *a, const struct quantization *b)
{
    if (a->n == 0 && b->n == 0)
        return 1;
    return a->n == 1 && b->n == 1 && a->zero_point[0] == b->zero_point[0] &&
           memcmp(a->scale, b->scale, sizeof *a->scale) == 0;
}

/* Whether what is left of a node hands its only input on as it is. */
static int does_nothing(const struct rewriting *rewriting, const struct node *old,
                        const struct node *to)
{
    const struct tensor *input = &rewriting->builder.graph->tensors[to->inputs[0]];
    const struct tensor *output = node_output(rewriting->graph, old);
    struct shape shape = output->shape;
    if (!moves_elements(to->op) || to->n_inputs != 1 || input->data || shape.rank == 0 ||
        to->attrs.activation != ACTIVATION_NONE || is_graph_output(rewriting->graph, old->output))
        return 0;
    for (int32_t d = 0; d < shape.rank; d++)
        if (to->op == OP_strided_slice && to->attrs.step[d] != 1)
            return 0;
    shape.dims[shape.rank - 1] =
        count_kept(rewriting->needs->kept[old->output], channel_count(output));
    return shape_equal(&input->shape, &shape) &&
           same_quantization(&input->quantization, &output->quantization);
}

static int is_zero(const struct tensor *tensor)
{
    int64_t n = tensor->data && tensor->dtype == DTYPE_F32 ? shape_elements(&tensor->shape) : 0;
    for (int64_t i = 0; i < n; i++)
        if (value_get(tensor, (size_t)i) != 0)
            return 0;
    return n > 0;
}

/* Makes what an f32 node that adds zero does besides: nothing (a reshape) or its activation. */
static void drop_zero_operand(const struct rewriting *rewriting, const struct node *old,
                              struct node *to)
{
    const struct tensor *tensors = rewriting->builder.graph->tensors;
    enum activation activation = to->attrs.activation;
    if ((to->op != OP_add && to->op != OP_sub) || activation == ACTIVATION_RELU_N1_TO_1)
        return;
    int32_t zero = is_zero(&tensors[to->inputs[1]]) ? 1 : to->op == OP_add ? 0 : -1;
    if (zero < 0 || !is_zero(&tensors[to->inputs[zero]]))
        return;
    struct shape shape = node_output(rewriting->graph, old)->shape;
    const uint8_t *kept = rewriting->needs->kept[old->output];
    if (shape.rank > 0)
        shape.dims[shape.rank - 1] = count_kept(kept, shape.dims[shape.rank - 1]);
    if (!shape_equal(&tensors[to->inputs[!zero]].shape, &shape))
        return;
    to->op = activation == ACTIVATION_RELU    ? OP_relu
             : activation == ACTIVATION_RELU6 ? OP_relu6
                                              : OP_reshape;
    to->inputs[0] = to->inputs[!zero];
    to->n_inputs = 1;
    to->attrs = (struct attrs){0};
}

static void rewrite_node(struct rewriting *rewriting, const struct node *node)
{
    struct node to = *node;
    to.n_inputs = 0;
    for (int32_t k = 0; k < activation_input_count(node); k++) {
        int32_t id = node->inputs[k];
        int32_t n = channel_count(&rewriting->graph->tensors[id]);
        if (count_kept(rewriting->needs->kept[id], n) > 0)
            to.inputs[to.n_inputs++] = activation(rewriting, id);
    }
    if (has_weights(node->op))
        rewrite_weights(rewriting, node, &to);
    rewrite_attributes(rewriting, node, &to);
    drop_zero_operand(rewriting, node, &to);
    rewriting->changed |= to.op != node->op;
    if (does_nothing(rewriting, node, &to)) {
        rewriting->new_id[node->output] = to.inputs[0];
        rewriting->changed = 1;
        return;
    }
    to.output = activation(rewriting, node->output);
    graph_add_node(&rewriting->builder, &to);
}

struct rewritten rewrite(const struct graph *graph, const struct known *known,
                         const struct needs *needs, const struct masks *masks, struct arena *arena)
{
    struct rewriting rewriting = {.graph = graph,
                                  .known = known,
                                  .needs = needs,
                                  .masks = masks,
                                  .new_masks = ARENA_NEW(arena, struct masks),
                                  .builder = graph_start(arena, graph->name),
                                  .new_id = ARENA_ARRAY(arena, (size_t)graph->n_tensors, int32_t),
                                  .arena = arena};
    memset(rewriting.new_id, -1, (size_t)graph->n_tensors * sizeof *rewriting.new_id);
    rewriting.new_masks->kept = ARENA_ARRAY(arena, (size_t)graph->n_nodes, uint8_t *);
    int32_t *inputs = ARENA_ARRAY(arena, (size_t)graph->n_inputs, int32_t);
    int32_t *outputs = ARENA_ARRAY(arena, (size_t)graph->n_outputs, int32_t);
    for (int32_t i = 0; i < graph->n_inputs; i++)
        inputs[i] = activation(&rewriting, graph->inputs[i]);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        rewriting.changed |= !needs->alive[n];
        if (needs->alive[n])
            rewrite_node(&rewriting, &graph->nodes[n]);
    }
    for (int32_t i = 0; i < graph->n_outputs; i++)
        outputs[i] = activation(&rewriting, graph->outputs[i]);
    graph_set_inputs(&rewriting.builder, inputs, graph->n_inputs);
    graph_set_outputs(&rewriting.builder, outputs, graph->n_outputs);
    rewriting.new_masks->n_nodes = rewriting.builder.graph->n_nodes;
    return (struct rewritten){rewriting.builder.graph, masks ? rewriting.new_masks : NULL,
                              rewriting.changed};
}
