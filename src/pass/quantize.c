/* SPDX-License-Identifier: Apache-2.0 */
/* From numbers to integers: every rule is in the scales already (choose_scales). */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "graph/facts.h"
#include "pass/pass.h"

enum { WEIGHT_MIN = -127 };

/* A constant that is in the new graph. */
struct made {
    int32_t from; /* tensor of the float graph */
    const struct quantization *quantization;
    int32_t id;
};

struct quantizing {
    const struct graph *graph;
    const struct fake_quantization *fake;
    struct graph_builder builder;
    int32_t *ids; /* of activations in the new graph */
    struct made *made;
    int32_t n_made;
    struct arena *arena;
};

static int quantization_equal(const struct quantization *a, const struct quantization *b)
{
    size_t n = (size_t)a->n;
    return a->n == b->n && a->axis == b->axis &&
           memcmp(a->scale, b->scale, n * sizeof *a->scale) == 0 &&
           memcmp(a->zero_point, b->zero_point, n * sizeof *a->zero_point) == 0;
}

/* The constant, which `data` holds now; nodes that quantize it alike share it. */
static int32_t constant_add(struct quantizing *q, int32_t from, enum dtype dtype, const void *data,
                            const struct quantization *quantization)
{
    for (int32_t i = 0; i < q->n_made; i++)
        if (q->made[i].from == from && quantization_equal(q->made[i].quantization, quantization))
            return q->made[i].id;
    struct tensor tensor = q->graph->tensors[from];
    tensor.dtype = dtype;
    tensor.quantization = *quantization;
    tensor.data = data;
    int32_t id = graph_add_tensor(&q->builder, &tensor);
    q->made[q->n_made++] = (struct made){from, quantization, id};
    return id;
}

static int32_t weights_add(struct quantizing *q, const struct node *node,
                           const struct quantization *scales)
{
    const struct tensor *tensor = node_input(q->graph, node, 1);
    const float *weights = tensor->data;
    int64_t n = shape_elements(&tensor->shape);
    int8_t *data = ARENA_ARRAY(q->arena, (size_t)n, int8_t);
    for (int64_t i = 0; i < n; i++) {
        int64_t s = scales->n > 1 ? weight_channel(node->op, &tensor->shape, i) : 0;
        data[i] = (int8_t)quantize_value((double)weights[i], scales->scale[s], 0, WEIGHT_MIN);
    }
    return constant_add(q, node->inputs[1], DTYPE_S8, data, scales);
}

static int32_t bias_add(struct quantizing *q, const struct node *node,
                        const struct quantization *scales)
{
    const struct tensor *tensor = node_input(q->graph, node, 2);
    const float *bias = tensor->data;
    int64_t n = shape_elements(&tensor->shape);
    int32_t *data = ARENA_ARRAY(q->arena, (size_t)n, int32_t);
    for (int64_t i = 0; i < n; i++) {
        double exact = round((double)bias[i] / (double)scales->scale[scales->n > 1 ? i : 0]);
        data[i] = exact >= INT32_MAX    ? INT32_MAX
                  : exact <= -INT32_MAX ? -INT32_MAX
                                        : (int32_t)exact;
    }
    return constant_add(q, node->inputs[2], DTYPE_S32, data, scales);
}

static int32_t operand_add(struct quantizing *q, int32_t from, const struct quantization *scales)
{
    const struct tensor *tensor = &q->graph->tensors[from];
    const float *values = tensor->data;
    int64_t n = shape_elements(&tensor->shape);
    int8_t *data = ARENA_ARRAY(q->arena, (size_t)n, int8_t);
    for (int64_t i = 0; i < n; i++)
        data[i] = (int8_t)quantize_value((double)values[i], scales->scale[0], scales->zero_point[0],
                                         INT8_MIN);
    return constant_add(q, from, DTYPE_S8, data, scales);
}

static int32_t activation_add(struct quantizing *q, int32_t from)
{
    struct tensor tensor = q->graph->tensors[from];
    tensor.dtype = DTYPE_S8;
    tensor.quantization = q->fake->tensors[from];
    return q->ids[from] = graph_add_tensor(&q->builder, &tensor);
}

/* A quantize node that brings an activation to another scale. */
static int32_t requantize(struct quantizing *q, const struct node *node, int32_t k,
                          const struct quantization *scales)
{
    struct tensor tensor = *node_input(q->graph, node, k);
    tensor.name = arena_printf(q->arena, "%s_%d/quantized", node->name, k);
    tensor.dtype = DTYPE_S8;
    tensor.quantization = *scales;
    struct node to = {
        .name = arena_printf(q->arena, "%s_%d_quantize", node->name, k),
        .op = OP_quantize,
        .n_inputs = 1,
        .inputs = {q->ids[node->inputs[k]]},
        .output = graph_add_tensor(&q->builder, &tensor),
    };
    graph_add_node(&q->builder, &to);
    return to.output;
}

static int32_t input_add(struct quantizing *q, int32_t index, int32_t k)
{
    const struct node *node = &q->graph->nodes[index];
    const struct fake_node *fake = &q->fake->nodes[index];
    int is_constant = node_input(q->graph, node, k)->data != NULL;
    if (op_has_weights(node->op) && k == 1)
        return weights_add(q, node, &fake->weights);
    if (op_has_weights(node->op) && k == 2)
        return bias_add(q, node, &fake->bias);
    if (is_constant)
        return operand_add(q, node->inputs[k],
                           fake->inputs[k].n > 0 ? &fake->inputs[k]
                                                 : &q->fake->tensors[node->inputs[k]]);
    if (fake->inputs[k].n > 0)
        return requantize(q, node, k, &fake->inputs[k]);
    return q->ids[node->inputs[k]];
}

static void nodes_add(struct quantizing *q)
{
    for (int32_t i = 0; i < q->graph->n_nodes; i++) {
        struct node node = q->graph->nodes[i];
        for (int32_t k = 0; k < node.n_inputs; k++)
            node.inputs[k] = input_add(q, i, k);
        node.output = activation_add(q, node.output);
        graph_add_node(&q->builder, &node);
    }
}

enum status quantize(const struct graph *graph, const struct fake_quantization *fake,
                     struct arena *arena, struct graph **quantized, struct diag *diag)
{
    assert(fake->n_tensors == graph->n_tensors && fake->n_nodes == graph->n_nodes);
    struct arena scratch = {0};
    struct quantizing q = {
        .graph = graph,
        .fake = fake,
        .builder = graph_start(arena, graph->name),
        .ids = ARENA_ARRAY(&scratch, (size_t)graph->n_tensors, int32_t),
        .made = ARENA_ARRAY(&scratch, (size_t)graph->n_nodes * MAX_INPUTS, struct made),
        .arena = arena,
    };
    int32_t *inputs = ARENA_ARRAY(&scratch, (size_t)graph->n_inputs, int32_t);
    int32_t *outputs = ARENA_ARRAY(&scratch, (size_t)graph->n_outputs, int32_t);
    for (int32_t i = 0; i < graph->n_inputs; i++)
        inputs[i] = activation_add(&q, graph->inputs[i]);
    graph_set_inputs(&q.builder, inputs, graph->n_inputs);
    nodes_add(&q);
    for (int32_t i = 0; i < graph->n_outputs; i++)
        outputs[i] = q.ids[graph->outputs[i]];
    graph_set_outputs(&q.builder, outputs, graph->n_outputs);
    arena_free(&scratch);
    *quantized = q.builder.graph;
    return graph_verify(*quantized, diag);
}
