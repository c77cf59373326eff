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

enum status prune(const struct graph *graph, const struct masks *masks, struct arena *arena,
                  struct graph **pruned, struct diag *diag)
{
    struct arena scratch = {0};
    struct draft draft = draft_start(graph, &scratch);
    uint8_t *taken = ARENA_ARRAY(&scratch, (size_t)graph->n_tensors, uint8_t);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        if (masks->kept[n] == NULL)
            continue;
        int32_t id = graph->nodes[n].inputs[1];
        struct tensor weights = graph->tensors[id];
        weights_clear(&weights, masks->kept[n], &scratch);
        if (taken[id]++) /* two layers share their weights */
            draft.graph.nodes[n].inputs[1] = draft_add_tensor(&draft, &weights);
        else
            draft.graph.tensors[id].data = weights.data;
    }
    enum status status = draft_finish(&draft, arena, pruned, diag);
    arena_free(&scratch);
    return status;
}
