/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/pass.h"

#include "graph/draft.h"

static const float epsilon = 1e-3f;

/* Whether some reader is a batch normalization. */
static int is_normalized(const struct draft *draft, int32_t tensor)
{
    for (int32_t i = 0; i < draft->graph.n_nodes; i++)
        if (draft->graph.nodes[i].op == OP_batch_normalization &&
            draft->graph.nodes[i].inputs[0] == tensor)
            return 1;
    return 0;
}

/* Whether the tensor is what the network answers, or its logits. */
static int is_answer(const struct draft *draft, int32_t tensor)
{
    const struct graph *graph = &draft->graph;
    for (int32_t i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i] == tensor)
            return 1;
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *node = &graph->nodes[i];
        int passes = node->op == OP_softmax || node->op == OP_logistic || node->op == OP_reshape;
        for (int32_t k = 0; k < graph->n_outputs && passes; k++)
            if (node->inputs[0] == tensor && graph->outputs[k] == node->output)
                return 1;
    }
    return 0;
}

static int32_t parameter_add(struct draft *draft, const char *layer, const char *name, int32_t n,
                             const float *values, float otherwise)
{
    float *copy = ARENA_ARRAY(draft->arena, (size_t)n, float);
    for (int32_t i = 0; i < n; i++)
        copy[i] = values != NULL ? values[i] : otherwise;
    struct tensor tensor = {.name = arena_printf(draft->arena, "%s/%s", layer, name),
                            .dtype = DTYPE_F32,
                            .shape = {1, {n}},
                            .data = copy};
    return draft_add_tensor(draft, &tensor);
}

/* Puts an identity behind a layer: its bias becomes beta, its activation moves along. */
static void normalization_insert(struct draft *draft, int32_t index)
{
    struct node *node = &draft->graph.nodes[index];
    struct tensor linear = draft->graph.tensors[node->output];
    const char *name = node->name;
    int32_t n = linear.shape.dims[linear.shape.rank - 1];
    const float *bias = node->n_inputs > 2 ? draft->graph.tensors[node->inputs[2]].data : NULL;
    struct node norm = {.name = arena_printf(draft->arena, "%s_norm", name),
                        .op = OP_batch_normalization,
                        .n_inputs = 5,
                        .output = node->output};
    norm.attrs.epsilon = epsilon;
    norm.attrs.activation = node->attrs.activation;
    linear.name = arena_printf(draft->arena, "%s/linear", linear.name);
    norm.inputs[0] = draft_add_tensor(draft, &linear);
    norm.inputs[1] = parameter_add(draft, name, "gamma", n, NULL, 1);
    norm.inputs[2] = parameter_add(draft, name, "beta", n, bias, 0);
    norm.inputs[3] = parameter_add(draft, name, "mean", n, NULL, 0);
    norm.inputs[4] = parameter_add(draft, name, "variance", n, NULL, 1 - epsilon);
    node->n_inputs = 2;
    node->attrs.activation = ACTIVATION_NONE;
    node->output = norm.inputs[0];
    draft_insert_node(draft, index + 1, &norm);
}

enum status renormalize(const struct graph *graph, struct arena *arena, struct graph **normalized,
                        struct diag *diag)
{
    struct arena scratch = {0};
    struct draft draft = draft_start(graph, &scratch);
    for (int32_t i = 0; i < draft.graph.n_nodes; i++) {
        const struct node *node = &draft.graph.nodes[i];
        if (op_is_layer(node->op) && !is_normalized(&draft, node->output) &&
            !is_answer(&draft, node->output))
            normalization_insert(&draft, i);
    }
    enum status status = draft_finish(&draft, arena, normalized, diag);
    arena_free(&scratch);
    return status;
}
