/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "graph/weights.h"
#include "pass/pass.h"
#include "prune/pruner_internal.h"

/* All activations in the same interval: what they are does not change what a kernel executes. */
static struct ranges *ranges_same(const struct graph *graph, struct arena *arena)
{
    struct ranges *ranges = ARENA_NEW(arena, struct ranges);
    ranges->method = "the same for all";
    ranges->n_tensors = graph->n_tensors;
    ranges->of = ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct range);
    ranges->largest = ARENA_ARRAY(arena, (size_t)graph->n_tensors, double *);
    ranges->mean = ARENA_ARRAY(arena, (size_t)graph->n_tensors, double *);
    for (int32_t t = 0; t < graph->n_tensors; t++)
        ranges->of[t] = (struct range){-1, 1};
    return ranges;
}

static enum status instructions_predict(struct pruner *p, struct arena *arena,
                                        struct graph **quantized, struct packed **packed)
{
    const struct scale_request request = {.input_known = 0};
    const struct pack_request how = {.core = p->options->core};
    struct fake_quantization *scales;
    TRY(choose_scales(p->graph, ranges_same(p->graph, arena), &request, arena, &scales, p->diag));
    TRY(quantize(p->graph, scales, arena, quantized, p->diag));
    return pack(*quantized, &how, arena, packed, p->diag);
}

/* Adds a part of a layer's cost, spread evenly over its weights. */
static void cost_add(const struct graph *graph, const char *name, struct scores *scores,
                     double cost)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0 && scores->nodes[i].of != NULL)
            scores->nodes[i].cost +=
                cost / (double)weight_counts(graph, &graph->nodes[i]).n_weights;
}

static void bytes_add(struct pruner *p, struct scores *scores)
{
    double sum = 0;
    for (int32_t i = 0; i < p->graph->n_nodes; i++)
        sum += (double)weight_counts(p->graph, &p->graph->nodes[i]).n_weights;
    for (int32_t i = 0; i < p->graph->n_nodes; i++)
        if (scores->nodes[i].of != NULL)
            scores->nodes[i].cost += 1 / sum;
}

static enum status instructions_add(struct pruner *p, struct scores *scores)
{
    struct arena scratch = {0};
    struct graph *quantized;
    struct packed *packed;
    double sum = 0;
    enum status status = instructions_predict(p, &scratch, &quantized, &packed);
    for (int32_t c = 0; status == OK && c < packed->n_calls; c++)
        sum += fmax(packed->calls[c].instructions, 0);
    for (int32_t c = 0; status == OK && c < packed->n_calls && sum > 0; c++)
        cost_add(p->graph, quantized->nodes[packed->calls[c].node].name, scores,
                 fmax(packed->calls[c].instructions, 0) / sum);
    arena_free(&scratch);
    return status;
}

enum status pruner_costs(struct pruner *p, struct scores *scores)
{
    enum rank_kind rank = p->rank;
    if (rank == RANK_BYTES || rank == RANK_BOTH)
        bytes_add(p, scores);
    return rank == RANK_INSTRUCTIONS || rank == RANK_BOTH ? instructions_add(p, scores) : OK;
}
