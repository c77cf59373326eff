/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "graph/draft.h"
#include "pass/pass.h"

static void weights_clear(struct tensor *weights, const uint8_t *kept, struct arena *arena)
{
    size_t bytes = dtype_bytes(weights->dtype);
    uint8_t *values = arena_copy(arena, weights->data, tensor_bytes(weights));
    for (int64_t i = 0; i < shape_elements(&weights->shape); i++)
        if (!kept[i])
            memset(values + (size_t)i * bytes, 0, bytes);
    weights->data = values;
}

/* Gives a node its own input `k`, unless it was the first one to get it. */
static void input_replace(struct draft *draft, int32_t node, int32_t k, const struct tensor *tensor,
                          uint8_t *taken)
{
    int32_t id = draft->graph.nodes[node].inputs[k];
    if (taken[id]++) /* two layers share their weights */
        draft->graph.nodes[node].inputs[k] = draft_add_tensor(draft, tensor);
    else
        draft->graph.tensors[id].data = tensor->data;
}

/* Without the biases of the filters whose class is absent. */
static void bias_clear(struct tensor *bias, const int32_t *groups, const uint8_t *absent,
                       struct arena *arena)
{
    size_t bytes = dtype_bytes(bias->dtype);
    uint8_t *values = arena_copy(arena, bias->data, tensor_bytes(bias));
    for (int64_t i = 0; i < shape_elements(&bias->shape); i++)
        if (groups[i] >= 0 && absent[groups[i]])
            memset(values + (size_t)i * bytes, 0, bytes);
    bias->data = values;
}

enum status prune(const struct graph *graph, const struct masks *masks, const struct groups *groups,
                  struct arena *arena, struct graph **pruned, struct diag *diag)
{
    struct arena scratch = {0};
    struct draft draft = draft_start(graph, &scratch);
    uint8_t *taken = ARENA_ARRAY(&scratch, (size_t)graph->n_tensors, uint8_t);
    const uint8_t *absent = groups != NULL ? groups_absent(groups, graph, masks, &scratch) : NULL;
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (masks->kept[n] == NULL)
            continue;
        struct tensor weights = *node_input(graph, node, 1);
        weights_clear(&weights, masks->kept[n], &scratch);
        input_replace(&draft, n, 1, &weights, taken);
        if (groups == NULL || node->n_inputs < 3)
            continue;
        struct tensor bias = *node_input(graph, node, 2);
        bias_clear(&bias, groups->of[n], absent, &scratch);
        input_replace(&draft, n, 2, &bias, taken);
    }
    enum status status = draft_finish(&draft, arena, pruned, diag);
    arena_free(&scratch);
    return status;
}
