/* SPDX-License-Identifier: Apache-2.0 */
/* Int8 networks with weights from a seed, for tests of what a search over them does. */
#ifndef DTMM_TEST_UNIT_SCHEDULE_NETWORK_H
#define DTMM_TEST_UNIT_SCHEDULE_NETWORK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pass/pass.h"
#include "train/initialize.h"

static inline void must(enum status status, const struct diag *diag)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s\n", diag->message);
    abort();
}

/* Without weights that are zero by chance: a channel that only such weights read would leave. */
static inline void weights_fill(struct graph *graph, struct arena *arena)
{
    for (int32_t n = 0; n < graph->n_nodes; n++) {
        if (!op_is_layer(graph->nodes[n].op))
            continue;
        struct tensor *weights = &graph->tensors[graph->nodes[n].inputs[1]];
        int8_t *values = arena_copy(arena, weights->data, tensor_bytes(weights));
        for (int64_t i = 0; i < shape_elements(&weights->shape); i++)
            values[i] = values[i] == 0 ? 1 : values[i];
        weights->data = values;
    }
}

/* The int8 form of a float network in text form, simplified. */
static inline struct graph *int8_network(const char *text, struct arena *arena)
{
    struct diag diag = {""};
    struct graph *graph;
    struct fake_quantization *fake;
    struct scale_request plain = {.input_known = 0};
    must(graph_parse(text, strlen(text), arena, &graph, &diag), &diag);
    must(fold(initialize(graph, 3, arena), arena, &graph, &diag), &diag);
    struct ranges ranges = {"test", graph->n_tensors,
                            ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct range), NULL, NULL};
    for (int32_t t = 0; t < graph->n_tensors; t++)
        ranges.of[t] = (struct range){-4, 4};
    must(choose_scales(graph, &ranges, &plain, arena, &fake, &diag), &diag);
    must(quantize(graph, fake, arena, &graph, &diag), &diag);
    must(simplify(graph, arena, &graph, &diag), &diag);
    weights_fill(graph, arena);
    return graph;
}

#endif
