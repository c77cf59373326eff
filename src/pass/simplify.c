/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/simplify.h"

#include "pass/pass.h"

/* Whether all activations between the quantize and dequantize nodes at the edges are int8. */
static int is_int8(const struct graph *graph)
{
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        const struct node *node = &graph->nodes[n];
        if (node->op != OP_dequantize && node_output(graph, node)->dtype != DTYPE_S8)
            return 0;
    }
    return 1;
}

enum status simplify(const struct graph *graph, struct arena *arena, struct graph **simplified,
                     struct diag *diag)
{
    if (!is_int8(graph))
        *simplified = graph_copy(graph, arena);
    else
        *simplified = simplify_rounds(graph, DTYPE_S8, NULL, arena).graph;
    return graph_verify(*simplified, diag);
}
