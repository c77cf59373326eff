/* SPDX-License-Identifier: Apache-2.0 */
/* Two graphs with the same inputs and outputs must compute the same, for random inputs. */
#ifndef DTMM_TEST_UNIT_SAME_OUTPUTS_H
#define DTMM_TEST_UNIT_SAME_OUTPUTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "eval/eval.h"
#include "pass/pass.h"

/* Exits with code 1 and the message. */
static inline void check_ok(enum status status, const struct diag *diag)
{
    if (status == OK)
        return;
    fprintf(stderr, "failed: %s\n", diag->message);
    exit(1);
}

/* One graph, ready to run: all its inputs and outputs are in one buffer each. */
struct runnable {
    const struct graph *graph;
    struct packed *packed;
    uint8_t *inputs, *outputs;
};

static inline struct runnable runnable_make(const struct graph *graph, struct arena *arena)
{
    struct runnable runnable = {graph, NULL, NULL, NULL};
    struct diag diag;
    check_ok(pack(graph, NULL, arena, &runnable.packed, &diag), &diag);
    runnable.inputs = ARENA_ARRAY(arena, graph_input_bytes(graph), uint8_t);
    runnable.outputs = ARENA_ARRAY(arena, graph_output_bytes(graph), uint8_t);
    return runnable;
}

static inline void runnable_run(const struct runnable *runnable)
{
    const struct graph *graph = runnable->graph;
    const void *inputs[MAX_INPUTS];
    void *outputs[MAX_INPUTS];
    struct diag diag;
    size_t offset = 0;
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        inputs[i] = runnable->inputs + offset;
        offset += tensor_bytes(&graph->tensors[graph->inputs[i]]);
    }
    offset = 0;
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        outputs[i] = runnable->outputs + offset;
        offset += tensor_bytes(&graph->tensors[graph->outputs[i]]);
    }
    check_ok(eval_run(graph, runnable->packed, NULL, inputs, outputs, &diag), &diag);
}

/* Runs both graphs on `n` random inputs: the first for which an output of `b` differs from `a`'s,
 * or -1. Exits with code 1 when their inputs or outputs have other sizes. */
static inline int first_difference(const struct graph *a, const struct graph *b, int n,
                                   uint64_t seed)
{
    struct arena arena = {0};
    struct random random = {seed};
    struct runnable of_a = runnable_make(a, &arena), of_b = runnable_make(b, &arena);
    size_t n_inputs = graph_input_bytes(a), n_outputs = graph_output_bytes(a);
    int different = -1;
    if (graph_input_bytes(b) != n_inputs || graph_output_bytes(b) != n_outputs) {
        fprintf(stderr, "failed: inputs or outputs changed their sizes\n");
        exit(1);
    }
    for (int k = 0; k < n && different < 0; k++) {
        for (size_t i = 0; i < n_inputs; i++)
            of_a.inputs[i] = of_b.inputs[i] = (uint8_t)random_bits(&random);
        runnable_run(&of_a);
        runnable_run(&of_b);
        if (memcmp(of_a.outputs, of_b.outputs, n_outputs) != 0)
            different = k;
    }
    arena_free(&arena);
    return different;
}

#endif
