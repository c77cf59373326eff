/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pass/pass.h"

/* One filterlet of the whole network. */
struct candidate {
    float score;
    int32_t node;
    int64_t index; /* within the node's scores */
};

/* The lowest score first; equal scores in the order of the network, so that the choice never
 * depends on how the sort treats them. */
static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static int64_t filterlet_count(const struct node_scores *scores)
{
    return scores->filterlet ? (int64_t)scores->n_filters * scores->n_positions : 0;
}

/* Bytes of one filterlet of a node. */
static int64_t filterlet_bytes(const struct graph *graph, int32_t node)
{
    const struct tensor *weights = node_input(graph, &graph->nodes[node], 1);
    return weights->shape.dims[3] * (int64_t)dtype_bytes(weights->dtype);
}

struct candidates {
    struct candidate *sorted;
    int64_t n, bytes;
};

static struct candidates candidates_sort(const struct graph *graph, const struct scores *scores,
                                         struct arena *arena)
{
    struct candidates all = {0};
    for (int32_t n = 0; n < scores->n_nodes; n++)
        all.n += filterlet_count(&scores->nodes[n]);
    all.sorted = ARENA_ARRAY(arena, (size_t)all.n + 1, struct candidate);
    int64_t at = 0;
    for (int32_t n = 0; n < scores->n_nodes; n++) {
        const struct node_scores *node = &scores->nodes[n];
        for (int64_t i = 0; i < filterlet_count(node); i++) {
            all.sorted[at++] = (struct candidate){node->filterlet[i], n, i};
            all.bytes += filterlet_bytes(graph, n);
        }
    }
    qsort(all.sorted, (size_t)all.n, sizeof *all.sorted, candidate_compare);
    return all;
}

/* A copy of the graph in which every scored node has weights of its own. */
struct copy {
    struct graph *graph;
    uint8_t **weights; /* by node */
};

static struct copy copy_graph(const struct graph *graph, const struct scores *scores,
                              struct arena *arena)
{
    struct graph_builder builder = graph_start(arena, graph->name);
    struct copy copy = {builder.graph, ARENA_ARRAY(arena, (size_t)graph->n_nodes, uint8_t *)};
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        struct tensor tensor = graph->tensors[t];
        if (tensor.data)
            tensor.data = arena_copy(arena, tensor.data, tensor_bytes(&tensor));
        graph_add_tensor(&builder, &tensor);
    }
    uint8_t *taken = ARENA_ARRAY(arena, (size_t)graph->n_tensors, uint8_t);
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        struct node node = graph->nodes[n];
        if (filterlet_count(&scores->nodes[n]) > 0) {
            struct tensor weights = graph->tensors[node.inputs[1]];
            copy.weights[n] = arena_copy(arena, weights.data, tensor_bytes(&weights));
            weights.data = copy.weights[n];
            if (taken[node.inputs[1]]++) /* two layers share their weights */
                node.inputs[1] = graph_add_tensor(&builder, &weights);
            else
                copy.graph->tensors[node.inputs[1]].data = weights.data;
        }
        graph_add_node(&builder, &node);
    }
    graph_set_inputs(&builder, graph->inputs, graph->n_inputs);
    graph_set_outputs(&builder, graph->outputs, graph->n_outputs);
    return copy;
}

enum status prune(const struct graph *graph, const struct scores *scores, double sparsity,
                  struct arena *arena, struct graph **pruned, struct diag *diag)
{
    assert(scores->n_nodes == graph->n_nodes);
    if (!(sparsity >= 0 && sparsity < 1))
        return fail(diag, ERR_USAGE,
                    "sparsity %g is not in 0 <= sparsity < 1; it is the fraction to remove",
                    sparsity);
    struct arena scratch = {0};
    struct candidates all = candidates_sort(graph, scores, &scratch);
    int64_t *remaining = ARENA_ARRAY(&scratch, (size_t)graph->n_nodes, int64_t);
    for (int32_t n = 0; n < graph->n_nodes; n++)
        remaining[n] = filterlet_count(&scores->nodes[n]);
    struct copy copy = copy_graph(graph, scores, arena);
    /* A hair less, so that a product just above a whole number does not take one too many. */
    int64_t target = (int64_t)ceil(sparsity * (double)all.bytes - 1e-6), removed = 0;
    for (int64_t i = 0; i < all.n && removed < target; i++) {
        const struct candidate *candidate = &all.sorted[i];
        if (remaining[candidate->node] == 1)
            continue; /* a layer keeps its best filterlet */
        remaining[candidate->node]--;
        int64_t bytes = filterlet_bytes(graph, candidate->node);
        memset(copy.weights[candidate->node] + candidate->index * bytes, 0, (size_t)bytes);
        removed += bytes;
    }
    arena_free(&scratch);
    *pruned = copy.graph;
    return graph_verify(copy.graph, diag);
}
