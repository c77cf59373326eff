/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "graph/weights.h"
#include "pass/pass.h"
#include "pruner_internal.h"

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

static void cost_set(const struct graph *graph, const char *name, struct scores *scores,
                     double instructions)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0 && scores->nodes[i].of != NULL)
            scores->nodes[i].cost +=
                instructions / (double)weight_counts(graph, &graph->nodes[i]).n_weights;
}

enum status pruner_costs(struct pruner *p, struct scores *scores)
{
    struct arena scratch = {0};
    struct graph *quantized;
    struct packed *packed;
    enum status status = OK;
    if (p->options->rank == RANK_BYTES)
        for (int32_t i = 0; i < scores->n_nodes; i++)
            scores->nodes[i].cost = 1;
    if (p->options->rank == RANK_INSTRUCTIONS) {
        status = instructions_predict(p, &scratch, &quantized, &packed);
        for (int32_t c = 0; status == OK && c < packed->n_calls; c++)
            if (packed->calls[c].instructions > 0)
                cost_set(p->graph, quantized->nodes[packed->calls[c].node].name, scores,
                         packed->calls[c].instructions);
    }
    arena_free(&scratch);
    return status;
}
