/* SPDX-License-Identifier: Apache-2.0 */
/* What of a float network is still as in the int8 network that it was made from. Tensors and nodes
 * of the two are the same when their names are. An activation has not changed when nothing has that
 * it is computed from. */
#include <string.h>

#include "graph/facts.h"
#include "pass/pass.h"

struct keeping {
    const struct graph *graph, *origin;
    const struct fake_quantization *scales; /* of the origin */
    struct fake_quantization *kept;
    int32_t *same; /* by tensor: the origin's tensor with the same values; -1: none has */
    struct arena *arena;
};

/* ---- the same name ---- */

static int32_t tensor_named(const struct graph *graph, const int32_t *ids, int32_t n,
                            const struct tensor *like)
{
    for (int32_t i = 0; i < n; i++) {
        const struct tensor *tensor = &graph->tensors[ids[i]];
        if (strcmp(tensor->name, like->name) == 0 && shape_equal(&tensor->shape, &like->shape))
            return ids[i];
    }
    return -1;
}

static int32_t node_named(const struct graph *graph, const struct node *like)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op == like->op && strcmp(graph->nodes[i].name, like->name) == 0)
            return i;
    return -1;
}

/* ---- the same values ---- */

static int attributes_equal(const struct node *a, const struct node *b, int32_t rank)
{
    for (enum attr_index i = 0; i < N_ATTRS; i++) {
        const struct attr_facts *facts = attr_facts(i);
        if (!(op_facts(a->op)->attributes >> i & 1))
            continue;
        for (int32_t k = 0; k < attr_count(facts, rank); k++)
            if (attr_get(&a->attrs, facts, k).bits != attr_get(&b->attrs, facts, k).bits)
                return 0;
    }
    return 1;
}

static int constants_equal(const struct tensor *a, const struct tensor *b)
{
    return a->data != NULL && b->data != NULL && a->dtype == b->dtype &&
           shape_equal(&a->shape, &b->shape) && memcmp(a->data, b->data, tensor_bytes(a)) == 0;
}

static int input_same(const struct keeping *k, const struct node *node, const struct node *before,
                      int32_t i)
{
    if (node_input(k->graph, node, i)->data != NULL)
        return constants_equal(node_input(k->graph, node, i), node_input(k->origin, before, i));
    return k->same[node->inputs[i]] == before->inputs[i];
}

/* Whether the node computes what the origin's node does. */
static int node_same(const struct keeping *k, const struct node *node, const struct node *before)
{
    if (node->n_inputs != before->n_inputs ||
        !attributes_equal(node, before, node_input(k->graph, node, 0)->shape.rank))
        return 0;
    for (int32_t i = 0; i < node->n_inputs; i++)
        if (!input_same(k, node, before, i))
            return 0;
    return 1;
}

/* ---- what is kept ---- */

/* The scales of those channels whose weights are as they were, or absent: multiples of the scale
 * still. */
static void weights_keep(struct keeping *k, const struct node *node, const struct node *before,
                         const struct quantization *scales, struct fake_node *kept)
{
    const struct tensor *now = node_input(k->graph, node, 1);
    const struct tensor *then = node_input(k->origin, before, 1);
    const float *weights = now->data, *weights_before = then->data;
    if (!shape_equal(&now->shape, &then->shape))
        return;
    float *scale = arena_copy(k->arena, scales->scale, (size_t)scales->n * sizeof *scale);
    for (int64_t i = 0; i < shape_elements(&now->shape); i++)
        if (weights[i] != weights_before[i] && weights[i] != 0)
            scale[scales->n > 1 ? weight_channel(node->op, &now->shape, i) : 0] = 0;
    kept->exact = 1;
    for (int32_t s = 0; s < scales->n; s++)
        kept->exact &= scale[s] > 0;
    kept->weights = *scales;
    kept->weights.scale = scale;
}

/* Everything of a node that computes the same. */
static void node_keep(struct keeping *k, const struct node *node, const struct node *before,
                      const struct fake_node *scales, struct fake_node *kept)
{
    *kept = *scales;
    kept->exact = op_has_weights(node->op);
    k->same[node->output] = before->output;
    k->kept->tensors[node->output] = k->scales->tensors[before->output];
}

static void nodes_keep(struct keeping *k)
{
    for (int32_t n = 0; n < k->graph->n_nodes; n++) {
        const struct node *node = &k->graph->nodes[n];
        int32_t at = node_named(k->origin, node);
        if (at < 0)
            continue;
        const struct node *before = &k->origin->nodes[at];
        if (node_same(k, node, before))
            node_keep(k, node, before, &k->scales->nodes[at], &k->kept->nodes[n]);
        else if (op_has_weights(node->op))
            weights_keep(k, node, before, &k->scales->nodes[at].weights, &k->kept->nodes[n]);
        for (int32_t i = 0; i < node->n_inputs && !op_has_weights(node->op); i++)
            if (i < before->n_inputs &&
                constants_equal(node_input(k->graph, node, i), node_input(k->origin, before, i)))
                k->kept->tensors[node->inputs[i]] = k->scales->tensors[before->inputs[i]];
    }
}

/* Inputs and outputs keep their scales: who uses the network has them too. */
static void ends_keep(struct keeping *k)
{
    const struct graph *graph = k->graph, *origin = k->origin;
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        int32_t t = graph->inputs[i];
        k->same[t] = tensor_named(origin, origin->inputs, origin->n_inputs, &graph->tensors[t]);
        if (k->same[t] >= 0)
            k->kept->tensors[t] = k->scales->tensors[k->same[t]];
    }
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        int32_t t = graph->outputs[i];
        int32_t from = tensor_named(origin, origin->outputs, origin->n_outputs, &graph->tensors[t]);
        if (from >= 0)
            k->kept->tensors[t] = k->scales->tensors[from];
    }
}

struct fake_quantization *keep_scales(const struct graph *graph, const struct int8_origin *origin,
                                      struct arena *arena)
{
    struct arena scratch = {0};
    struct keeping k = {
        .graph = graph,
        .origin = origin->graph,
        .scales = origin->scales,
        .kept = ARENA_NEW(arena, struct fake_quantization),
        .same = ARENA_ARRAY(&scratch, (size_t)graph->n_tensors, int32_t),
        .arena = arena,
    };
    *k.kept = (struct fake_quantization){
        graph->n_tensors, ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct quantization),
        graph->n_nodes, ARENA_ARRAY(arena, (size_t)graph->n_nodes, struct fake_node)};
    for (int32_t t = 0; t < graph->n_tensors; t++)
        k.same[t] = -1;
    ends_keep(&k);
    nodes_keep(&k);
    arena_free(&scratch);
    return k.kept;
}
