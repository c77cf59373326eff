/* SPDX-License-Identifier: Apache-2.0 */
/* Scale and zero point of every tensor. Tensors that must have one scale form a group: what pools,
 * pads, reshapes, resizes and slices make has that of what they read, a concatenation's inputs and
 * output share the union of their intervals. Two that are given different ones stay apart: what is
 * read is brought to the other's scale. Then the scales that 32-bit arithmetic cannot bring
 * its sums to are raised, until all fit. */
#include <assert.h>
#include <math.h>

#include "graph/facts.h"
#include "pass/pass.h"

struct group {
    int32_t parent; /* a group's first tensor is its own */
    struct range range;
    int fixed; /* the scale is given */
    float scale;
    int32_t zero_point;
    float least; /* the scale may not be below */
};

struct choosing {
    const struct graph *graph;
    const struct scale_request *request;
    struct group *groups; /* by tensor */
    struct fake_quantization *fake;
    struct arena *arena, *scratch;
    struct diag *diag;
};

static struct group *group_of(struct choosing *c, int32_t tensor)
{
    while (c->groups[tensor].parent != tensor)
        tensor = c->groups[tensor].parent;
    return &c->groups[tensor];
}

static int is_near(float scale_a, int32_t zero_point_a, float scale_b, int32_t zero_point_b)
{
    /* As graph_verify() has it. */
    return fabsf(scale_a - scale_b) <= 1e-4f * fmaxf(scale_a, scale_b) &&
           zero_point_a == zero_point_b;
}

static void group_fix(struct group *group, float scale, int32_t zero_point)
{
    if (group->fixed)
        return;
    group->fixed = 1;
    group->scale = scale;
    group->zero_point = zero_point;
}

static void groups_join(struct choosing *c, int32_t a, int32_t b)
{
    struct group *to = group_of(c, a), *from = group_of(c, b);
    if (to == from || (to->fixed && from->fixed &&
                       !is_near(to->scale, to->zero_point, from->scale, from->zero_point)))
        return;
    if (from->fixed)
        group_fix(to, from->scale, from->zero_point);
    from->parent = to->parent;
    to->range.min = fminf(to->range.min, from->range.min);
    to->range.max = fmaxf(to->range.max, from->range.max);
}

/* ---- what is given ---- */

/* NULL: the tensor's scale is to be chosen. */
static const struct quantization *kept_tensor(const struct choosing *c, int32_t tensor)
{
    const struct fake_quantization *kept = c->request->kept;
    return kept == NULL || tensor >= kept->n_tensors || kept->tensors[tensor].n == 0
               ? NULL
               : &kept->tensors[tensor];
}

static const struct fake_node *kept_node(const struct choosing *c, int32_t node)
{
    static const struct fake_node nothing = {.exact = 0};
    return c->request->kept == NULL ? &nothing : &c->request->kept->nodes[node];
}

/* ---- groups ---- */

static enum status tensors_check(const struct choosing *c, const struct ranges *ranges)
{
    for (int32_t t = 0; t < c->graph->n_tensors; t++) {
        const struct tensor *tensor = &c->graph->tensors[t];
        const struct range *range = t < ranges->n_tensors ? &ranges->of[t] : NULL;
        if (tensor->dtype != DTYPE_F32)
            return fail(c->diag, ERR_UNSUPPORTED,
                        "'%s' is %s: the network is quantized already; give the float network",
                        tensor->name, dtype_name(tensor->dtype));
        assert(range != NULL || tensor->data != NULL);
        if (tensor->data == NULL &&
            (!isfinite(range->min) || !isfinite(range->max) || range->min > range->max))
            return fail(c->diag, ERR_INPUT,
                        "'%s' takes values from %g to %g on the samples: not finite; check the "
                        "weights, and the scale of the samples",
                        tensor->name, (double)range->min, (double)range->max);
    }
    return OK;
}

/* What a fused activation cuts off is not there to be represented. */
static void clip_to_activation(struct group *group, enum activation activation)
{
    static const struct range limits[] = {[ACTIVATION_NONE] = {-INFINITY, INFINITY},
                                          [ACTIVATION_RELU] = {0, INFINITY},
                                          [ACTIVATION_RELU6] = {0, 6},
                                          [ACTIVATION_RELU_N1_TO_1] = {-1, 1}};
    group->range.min = fmaxf(group->range.min, limits[activation].min);
    group->range.max = fminf(group->range.max, limits[activation].max);
    group->range.max = fmaxf(group->range.max, group->range.min);
}

/* A concatenation's inputs and output become one group, but for those with a given scale; when all
 * have one and it is the same, the output has it too. */
static void join_concatenation(struct choosing *c, const struct node *node)
{
    const struct group *first = group_of(c, node->inputs[0]);
    int all_same = 1;
    for (int32_t k = 0; k < node->n_inputs; k++) {
        const struct group *group = group_of(c, node->inputs[k]);
        all_same &= node_input(c->graph, node, k)->data == NULL && group->fixed && first->fixed &&
                    group->scale == first->scale && group->zero_point == first->zero_point;
    }
    if (all_same) {
        groups_join(c, node->inputs[0], node->output);
        return;
    }
    for (int32_t k = 0; k < node->n_inputs; k++)
        if (node_input(c->graph, node, k)->data == NULL && !group_of(c, node->inputs[k])->fixed)
            groups_join(c, node->inputs[k], node->output);
}

/* Whether the output must have the scale of all inputs. */
static int keeps_scale(enum op op)
{
    return op == OP_pad || op == OP_average_pool_2d || op == OP_max_pool_2d || op == OP_reshape ||
           op == OP_resize_nearest_neighbor || op == OP_strided_slice || op == OP_concatenation;
}

static void node_join(struct choosing *c, const struct node *node)
{
    clip_to_activation(&c->groups[node->output], node->attrs.activation);
    switch (node->op) {
    case OP_softmax:
    case OP_logistic:
        group_fix(&c->groups[node->output], 1.0f / 256, -128);
        break;
    case OP_tanh:
        group_fix(&c->groups[node->output], 1.0f / 128, 0);
        break;
    case OP_concatenation:
        join_concatenation(c, node);
        break;
    default:
        if (keeps_scale(node->op))
            groups_join(c, node->inputs[0], node->output);
        break;
    }
}

static void groups_make(struct choosing *c, const struct ranges *ranges)
{
    c->groups = ARENA_ARRAY(c->scratch, (size_t)c->graph->n_tensors, struct group);
    for (int32_t t = 0; t < c->graph->n_tensors; t++)
        c->groups[t] = (struct group){
            .parent = t, .range = t < ranges->n_tensors ? ranges->of[t] : (struct range){0, 0}};
    for (int32_t t = 0; t < c->graph->n_tensors; t++)
        if (c->graph->tensors[t].data == NULL && kept_tensor(c, t) != NULL)
            group_fix(&c->groups[t], kept_tensor(c, t)->scale[0], kept_tensor(c, t)->zero_point[0]);
    for (int32_t i = 0; i < c->graph->n_inputs && c->request->input_known; i++)
        group_fix(&c->groups[c->graph->inputs[i]], c->request->input_scale,
                  c->request->input_zero_point);
    for (int32_t i = 0; i < c->graph->n_nodes; i++)
        node_join(c, &c->graph->nodes[i]);
}

/* ---- scales ---- */

static struct quantization copy_of(float scale, int32_t zero_point, struct arena *arena)
{
    return (struct quantization){
        .n = 1,
        .scale = arena_copy(arena, &scale, sizeof scale),
        .zero_point = arena_copy(arena, &zero_point, sizeof zero_point),
    };
}

static struct quantization quantization_of_group(const struct group *group, struct arena *arena)
{
    if (group->fixed)
        return copy_of(group->scale, group->zero_point, arena);
    struct quantization q = quantization_of_range(group->range, arena);
    if (q.scale[0] >= group->least)
        return q;
    double min = fmin((double)group->range.min, 0);
    return copy_of(group->least, (int32_t)round(-128 - min / (double)group->least), arena);
}

static struct range range_of_constant(const struct tensor *tensor)
{
    const float *values = tensor->data;
    struct range range = {values[0], values[0]};
    for (int64_t i = 1; i < shape_elements(&tensor->shape); i++) {
        range.min = fminf(range.min, values[i]);
        range.max = fmaxf(range.max, values[i]);
    }
    return range;
}

static void tensor_scales(struct choosing *c)
{
    for (int32_t t = 0; t < c->graph->n_tensors; t++)
        if (kept_tensor(c, t) != NULL)
            c->fake->tensors[t] = *kept_tensor(c, t);
        else if (c->graph->tensors[t].data == NULL)
            c->fake->tensors[t] = quantization_of_group(group_of(c, t), c->arena);
    for (int32_t i = 0; i < c->graph->n_nodes; i++) {
        const struct node *node = &c->graph->nodes[i];
        for (int32_t k = 0; k < node->n_inputs; k++) {
            const struct tensor *tensor = node_input(c->graph, node, k);
            int is_operand = node->op == OP_add || node->op == OP_sub || node->op == OP_mul;
            if (tensor->data != NULL && is_operand && kept_tensor(c, node->inputs[k]) == NULL)
                c->fake->tensors[node->inputs[k]] =
                    quantization_of_range(range_of_constant(tensor), c->arena);
        }
    }
}

static float scale_of(const struct choosing *c, int32_t tensor)
{
    return c->fake->tensors[tensor].scale[0];
}

/* The scale with which the node reads its input. */
static float scale_read(const struct choosing *c, int32_t index, int32_t k)
{
    const struct quantization *own = &c->fake->nodes[index].inputs[k];
    return own->n > 0 ? own->scale[0] : scale_of(c, c->graph->nodes[index].inputs[k]);
}

static struct weighted_layer layer_of(const struct choosing *c, int32_t index)
{
    const struct node *node = &c->graph->nodes[index];
    const struct tensor *bias = node_input(c->graph, node, 2);
    return (struct weighted_layer){
        .op = node->op,
        .shape = &node_input(c->graph, node, 1)->shape,
        .weights = node_input(c->graph, node, 1)->data,
        .bias = bias != NULL ? bias->data : NULL,
        .input_scale = scale_read(c, index, 0),
        .output_scale = scale_of(c, node->output),
    };
}

/* The scales chosen, but those that are kept, where the bias fits them. */
static struct quantization weights_merge(const struct choosing *c,
                                         const struct weighted_layer *layer,
                                         const struct quantization *kept,
                                         const struct quantization *chosen, int *exact)
{
    struct quantization merged = *kept;
    float *scale = arena_copy(c->arena, kept->scale, (size_t)kept->n * sizeof *scale);
    *exact = 1;
    for (int32_t s = 0; s < kept->n; s++)
        if (!(scale[s] > 0 && scale[s] >= smallest_weight_scale(layer, kept->n, s))) {
            *exact = 0;
            scale[s] = chosen->scale[chosen->n == kept->n ? s : 0];
        }
    merged.scale = scale;
    return *exact || chosen->n == kept->n ? merged : *chosen;
}

static void weight_scales(struct choosing *c, int32_t index)
{
    struct weighted_layer layer = layer_of(c, index);
    struct fake_node *fake = &c->fake->nodes[index];
    const struct fake_node *kept = kept_node(c, index);
    fake->weights = quantization_of_weights(&layer, &c->request->rounding, c->arena);
    if (kept->weights.n > 0)
        fake->weights = weights_merge(c, &layer, &kept->weights, &fake->weights, &fake->exact);
    fake->bias = quantization_of_bias(layer.input_scale, &fake->weights, c->arena);
}

/* Whether input `k` must be brought to the scale of the output. */
static int is_rescaled(struct choosing *c, const struct node *node, int32_t k)
{
    const struct quantization *from = &c->fake->tensors[node->inputs[k]];
    const struct quantization *to = &c->fake->tensors[node->output];
    return keeps_scale(node->op) && (from->n == 0 || !is_near(from->scale[0], from->zero_point[0],
                                                              to->scale[0], to->zero_point[0]));
}

static void node_scales(struct choosing *c, int32_t index)
{
    const struct node *node = &c->graph->nodes[index];
    const struct fake_node *kept = kept_node(c, index);
    struct fake_node *fake = &c->fake->nodes[index];
    *fake = (struct fake_node){.exact = 0};
    for (int32_t k = 0; k < node->n_inputs; k++) {
        fake->inputs[k] = kept->inputs[k];
        if (kept->inputs[k].n == 0 && is_rescaled(c, node, k))
            fake->inputs[k] = c->fake->tensors[node->output];
    }
    if (op_has_weights(node->op) && kept->bias.n > 0) /* all of the layer is kept */
        *fake = *kept;
    else if (op_has_weights(node->op))
        weight_scales(c, index);
}

/* ---- what 32 bits can do ---- */

/* The smallest scale that the node's output may have. */
static float least_output_scale(const struct choosing *c, int32_t index)
{
    const struct node *node = &c->graph->nodes[index];
    float a = scale_read(c, index, 0);
    struct weighted_layer layer;
    switch (node->op) {
    case OP_conv_2d:
    case OP_depthwise_conv_2d:
    case OP_transpose_conv:
    case OP_fully_connected:
        layer = layer_of(c, index);
        return smallest_output_scale(&layer, &c->fake->nodes[index].weights);
    case OP_add:
    case OP_sub: /* the sum of inputs times 2^20 is scaled by less than 1 */
        return fmaxf(a, scale_read(c, index, 1)) / (1 << 18);
    case OP_mul:
        return a * scale_read(c, index, 1) / (1 << 13);
    case OP_mean:
    case OP_relu:
    case OP_relu6:
    case OP_leaky_relu:
    case OP_concatenation:
        return a / (1 << 18);
    case OP_hard_swish: /* its intermediate numbers have 16 bits */
        return a / 100;
    default:
        return 0;
    }
}

/* Raises the scale of the tensor's group; whether that changes it. */
static int scale_raise(struct choosing *c, int32_t tensor, float least)
{
    struct group *group = group_of(c, tensor);
    if (group->fixed || scale_of(c, tensor) >= least)
        return 0;
    group->least = least * 1.01f;
    return 1;
}

static int scales_raise(struct choosing *c)
{
    int raised = 0;
    for (int32_t i = 0; i < c->graph->n_nodes; i++) {
        const struct node *node = &c->graph->nodes[i];
        raised |= scale_raise(c, node->output, least_output_scale(c, i));
        if (node->op == OP_softmax) /* its exponent has 26 bits of fraction */
            raised |= scale_raise(c, node->inputs[0], 1.0f / (1 << 25) / node->attrs.beta);
    }
    return raised;
}

enum status choose_scales(const struct graph *graph, const struct ranges *ranges,
                          const struct scale_request *request, struct arena *arena,
                          struct fake_quantization **fake, struct diag *diag)
{
    struct arena scratch = {0};
    struct choosing c = {.graph = graph,
                         .request = request,
                         .fake = ARENA_NEW(arena, struct fake_quantization),
                         .arena = arena,
                         .scratch = &scratch,
                         .diag = diag};
    c.fake->n_tensors = graph->n_tensors;
    c.fake->n_nodes = graph->n_nodes;
    c.fake->tensors = ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct quantization);
    c.fake->nodes = ARENA_ARRAY(arena, (size_t)graph->n_nodes, struct fake_node);
    enum status status = tensors_check(&c, ranges);
    if (status == OK) {
        groups_make(&c, ranges);
        int raised = 1;
        /* A raised scale may ask for others behind it, never more than there are nodes. */
        for (int32_t round = 0; raised && round <= graph->n_nodes; round++) {
            tensor_scales(&c);
            for (int32_t i = 0; i < graph->n_nodes; i++)
                node_scales(&c, i);
            raised = scales_raise(&c);
        }
    }
    arena_free(&scratch);
    *fake = c.fake;
    return status;
}
