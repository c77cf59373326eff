/* SPDX-License-Identifier: Apache-2.0 */
/* From integers to the numbers that they stand for. quantize and dequantize nodes leave: who reads
 * what a quantize node makes reads what went into it, and has the scale in its fake quantization.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "graph/facts.h"
#include "pass/pass.h"

/* A tensor of the int8 graph in the float graph. */
struct real {
    int32_t id; /* -1: not there yet */
    const struct quantization
        *quantization; /* where it differs from that of tensor `id`; or NULL */
};

struct dequantizing {
    const struct graph *graph;
    struct graph_builder builder;
    struct real *reals;           /* by tensor of the int8 graph */
    struct quantization *tensors; /* by tensor of the float graph */
    struct fake_node *nodes;      /* by node of the float graph */
    struct arena *arena;
    struct diag *diag;
};

static struct quantization quantization_copy(const struct quantization *from, struct arena *arena)
{
    size_t n = (size_t)from->n;
    return (struct quantization){
        .n = from->n,
        .axis = from->axis,
        .scale = n == 0 ? NULL : arena_copy(arena, from->scale, n * sizeof *from->scale),
        .zero_point =
            n == 0 ? NULL : arena_copy(arena, from->zero_point, n * sizeof *from->zero_point),
    };
}

static int quantization_equal(const struct quantization *a, const struct quantization *b)
{
    return a->n == b->n && a->n > 0 && a->scale[0] == b->scale[0] &&
           a->zero_point[0] == b->zero_point[0];
}

/* ---- tensors ---- */

/* The value of integer `q` at `i`; a constant without a scale is a bias, whose `scales` are given.
 */
static float *constant_values(const struct tensor *tensor, const struct quantization *scales,
                              struct arena *arena)
{
    int64_t n = shape_elements(&tensor->shape), inner = 1;
    float *values = ARENA_ARRAY(arena, (size_t)n, float);
    for (int32_t d = scales->axis + 1; d < tensor->shape.rank; d++)
        inner *= tensor->shape.dims[d];
    for (int64_t i = 0; i < n; i++) {
        int64_t s = scales->n > 1 ? i / inner % scales->n : 0;
        int32_t q = tensor->dtype == DTYPE_S8 ? ((const int8_t *)tensor->data)[i]
                                              : ((const int32_t *)tensor->data)[i];
        values[i] = (float)((double)scales->scale[s] * ((double)q - scales->zero_point[s]));
    }
    return values;
}

/* Adds the float tensor, with data where it is a constant. */
static int32_t tensor_add(struct dequantizing *d, int32_t from, const float *data,
                          const struct quantization *quantization)
{
    struct tensor tensor = d->graph->tensors[from];
    tensor.dtype = DTYPE_F32;
    tensor.quantization = (struct quantization){.n = 0};
    tensor.data = data;
    int32_t id = graph_add_tensor(&d->builder, &tensor);
    d->tensors[id] = quantization_copy(quantization, d->arena);
    return id;
}

static int32_t constant_add(struct dequantizing *d, int32_t from, const struct quantization *scales,
                            int is_operand)
{
    static const struct quantization none = {.n = 0};
    const struct tensor *tensor = &d->graph->tensors[from];
    if (d->reals[from].id < 0 || tensor->quantization.n == 0) /* that depends on the reader */
        d->reals[from].id = tensor_add(d, from, constant_values(tensor, scales, d->arena),
                                       is_operand ? scales : &none);
    return d->reals[from].id;
}

/* ---- layers ---- */

/* The scales of a bias: its own, or those of the input times those of the weights. */
static struct quantization bias_scales(const struct dequantizing *d, const struct node *node)
{
    const struct quantization *input = &node_input(d->graph, node, 0)->quantization;
    const struct tensor *bias = node_input(d->graph, node, 2);
    if (bias != NULL && bias->quantization.n > 0)
        return quantization_copy(&bias->quantization, d->arena);
    return quantization_of_bias(input->scale[0], &node_input(d->graph, node, 1)->quantization,
                                d->arena);
}

/* The activation that the integers imply: an output that ends at 0, or at 6 too, cuts off there. */
static enum activation activation_of(const struct dequantizing *d, const struct node *node)
{
    const struct quantization *output = &node_output(d->graph, node)->quantization;
    int sums =
        op_has_weights(node->op) || node->op == OP_add || node->op == OP_sub || node->op == OP_mul;
    if (!sums || node->attrs.activation != ACTIVATION_NONE || output->zero_point[0] != -128)
        return node->attrs.activation;
    return round(6 / (double)output->scale[0]) == 255 ? ACTIVATION_RELU6 : ACTIVATION_RELU;
}

static int32_t input_add(struct dequantizing *d, const struct node *node, int32_t k,
                         struct fake_node *fake)
{
    int32_t from = node->inputs[k];
    const struct tensor *tensor = &d->graph->tensors[from];
    if (op_has_weights(node->op) && k == 1)
        return constant_add(d, from, &tensor->quantization, 0);
    if (op_has_weights(node->op) && k == 2)
        return constant_add(d, from, &fake->bias, 0);
    if (tensor->data != NULL)
        return constant_add(d, from, &tensor->quantization, 1);
    if (d->reals[from].quantization != NULL)
        fake->inputs[k] = quantization_copy(d->reals[from].quantization, d->arena);
    return d->reals[from].id;
}

static enum status node_add(struct dequantizing *d, const struct node *from)
{
    struct node node = *from;
    struct fake_node fake = {.weights.n = 0};
    const struct tensor *output = node_output(d->graph, from);
    if (output->dtype != DTYPE_S8)
        return fail(d->diag, ERR_UNSUPPORTED,
                    "%s '%s' computes in f32 within an int8 network: there is no scale for it",
                    op_name(from->op), from->name);
    if (op_has_weights(node.op)) {
        fake.weights = quantization_copy(&node_input(d->graph, from, 1)->quantization, d->arena);
        fake.bias = bias_scales(d, from);
    }
    for (int32_t k = 0; k < node.n_inputs; k++)
        node.inputs[k] = input_add(d, from, k, &fake);
    node.attrs.activation = activation_of(d, from);
    node.output = d->reals[from->output].id =
        tensor_add(d, from->output, NULL, &output->quantization);
    int32_t id = graph_add_node(&d->builder, &node);
    d->nodes[id] = fake;
    return OK;
}

/* ---- nodes that leave ---- */

static int is_output(const struct graph *graph, int32_t tensor)
{
    for (int32_t i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i] == tensor)
            return 1;
    return 0;
}

/* Whether an output may be the tensor that its dequantize node reads: no other output is, and a
 * node makes it. */
static int is_same_output(const struct graph *graph, const struct node *node)
{
    int32_t read = node->inputs[0];
    int made = 0, n_outputs = is_output(graph, read);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *other = &graph->nodes[i];
        made |= other->output == read && other->op != OP_quantize && other->op != OP_dequantize;
        n_outputs += other->op == OP_dequantize && other->inputs[0] == read &&
                     is_output(graph, other->output);
    }
    return node->op == OP_dequantize && made && n_outputs == 1;
}

/* A node that is the identity in float; for an output that must be a tensor of its own. */
static void identity_add(struct dequantizing *d, const struct node *from)
{
    const struct tensor *output = node_output(d->graph, from);
    const struct real *read = &d->reals[from->inputs[0]];
    const struct quantization *scales = &d->tensors[read->id];
    struct node node = {.name = from->name, .op = OP_reshape, .n_inputs = 1, .inputs = {read->id}};
    struct fake_node fake = {.weights.n = 0};
    if (read->quantization != NULL)
        scales = read->quantization;
    if (output->dtype == DTYPE_S8 && !quantization_equal(scales, &output->quantization)) {
        node.op = OP_leaky_relu; /* it may change the scale */
        node.attrs = attrs_initial(node.op, output->shape.rank);
        node.attrs.alpha = 1;
    }
    if (output->dtype == DTYPE_S8)
        scales = &output->quantization;
    if (read->quantization != NULL)
        fake.inputs[0] = quantization_copy(read->quantization, d->arena);
    node.output = d->reals[from->output].id = tensor_add(d, from->output, NULL, scales);
    d->nodes[graph_add_node(&d->builder, &node)] = fake;
}

/* quantize and dequantize: whoever reads the output reads the input. */
static void node_leave(struct dequantizing *d, const struct node *node)
{
    const struct tensor *output = node_output(d->graph, node);
    const struct real *read = &d->reals[node->inputs[0]];
    struct real *real = &d->reals[node->output];
    if (is_output(d->graph, node->output) && !is_same_output(d->graph, node)) {
        identity_add(d, node);
        return;
    }
    *real = *read;
    if (node->op == OP_dequantize)
        return;
    if (d->tensors[read->id].n == 0) /* an f32 input of the graph */
        d->tensors[read->id] = quantization_copy(&output->quantization, d->arena);
    real->quantization = quantization_equal(&d->tensors[read->id], &output->quantization)
                             ? NULL
                             : &output->quantization;
}

static void inputs_add(struct dequantizing *d, struct arena *scratch)
{
    const struct graph *graph = d->graph;
    int32_t *ids = ARENA_ARRAY(scratch, (size_t)graph->n_inputs, int32_t);
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        int32_t from = graph->inputs[i];
        ids[i] = tensor_add(d, from, NULL, &graph->tensors[from].quantization);
        d->reals[from].id = ids[i];
    }
    graph_set_inputs(&d->builder, ids, graph->n_inputs);
}

/* An f32 input that nobody reads has any scale. */
static void inputs_complete(struct dequantizing *d)
{
    static const float one = 1;
    static const int32_t zero = 0;
    static const struct quantization any = {1, 0, &one, &zero};
    const struct graph *graph = d->builder.graph;
    for (int32_t i = 0; i < graph->n_inputs; i++)
        if (d->tensors[graph->inputs[i]].n == 0)
            d->tensors[graph->inputs[i]] = quantization_copy(&any, d->arena);
}

enum status dequantize(const struct graph *graph, struct arena *arena, struct graph **real,
                       struct fake_quantization **fake, struct diag *diag)
{
    struct arena scratch = {0};
    size_t n_tensors = (size_t)graph->n_tensors, n_nodes = (size_t)graph->n_nodes;
    struct dequantizing d = {
        .graph = graph,
        .builder = graph_start(arena, graph->name),
        .reals = ARENA_ARRAY(&scratch, n_tensors, struct real),
        .tensors = ARENA_ARRAY(arena, n_tensors, struct quantization),
        .nodes = ARENA_ARRAY(arena, n_nodes, struct fake_node),
        .arena = arena,
        .diag = diag,
    };
    int32_t *outputs = ARENA_ARRAY(&scratch, (size_t)graph->n_outputs, int32_t);
    enum status status = OK;
    for (size_t t = 0; t < n_tensors; t++)
        d.reals[t].id = -1;
    inputs_add(&d, &scratch);
    for (int32_t i = 0; i < graph->n_nodes && status == OK; i++) {
        const struct node *node = &graph->nodes[i];
        if (node->op == OP_quantize || node->op == OP_dequantize)
            node_leave(&d, node);
        else
            status = node_add(&d, node);
    }
    inputs_complete(&d);
    for (int32_t i = 0; i < graph->n_outputs && status == OK; i++)
        outputs[i] = d.reals[graph->outputs[i]].id;
    graph_set_outputs(&d.builder, outputs, graph->n_outputs);
    arena_free(&scratch);
    *real = d.builder.graph;
    *fake = ARENA_NEW(arena, struct fake_quantization);
    **fake = (struct fake_quantization){d.builder.graph->n_tensors, d.tensors,
                                        d.builder.graph->n_nodes, d.nodes};
    return status == OK ? graph_verify(*real, diag) : status;
}
