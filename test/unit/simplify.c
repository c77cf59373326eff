/* SPDX-License-Identifier: Apache-2.0 */
/* The pass `simplify` on random graphs: the same outputs bit for bit, nothing left to do, and never
 * more weights. DTMM_SEED is the first graph's seed; with DTMM_GRAPHS=1 only that one is tried, and
 * printed. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph/weights.h"
#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/unit/random_graph.h"
#include "test/unit/same_outputs.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { N_GRAPHS = 3000, N_INPUTS = 20 };

/* What the graphs were, over all of them. */
struct seen {
    int ops[N_OPS];
    int shrunk, unchanged;
};

static const char *dump(const struct graph *graph, struct arena *arena)
{
    struct text text = text_start(arena);
    graph_dump(graph, &text);
    return text.data;
}

static struct graph *simplified(const struct graph *graph, struct arena *arena, uint64_t seed)
{
    struct graph *result;
    struct diag diag = {""};
    if (simplify(graph, arena, &result, &diag) != OK)
        fail_msg("seed %" PRIu64 ": %s", seed, diag.message);
    return result;
}

static int64_t count_weights(const struct graph *graph)
{
    int64_t n = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++)
        n += weight_counts(graph, &graph->nodes[i]).n_weights;
    return n;
}

static void try_graph(uint64_t seed, struct seen *seen, int print)
{
    struct arena arena = {0};
    struct graph *graph;
    struct diag diag = {""};
    const char *text = random_graph(seed, &arena);
    if (graph_parse(text, strlen(text), &arena, &graph, &diag) != OK)
        fail_msg("seed %" PRIu64 ": %s\n%s", seed, diag.message, text);
    struct graph *after = simplified(graph, &arena, seed);
    if (print)
        printf("%s---\n%s", dump(graph, &arena), dump(after, &arena)); /* print_message() cuts */
    int different = first_difference(graph, after, N_INPUTS, seed);
    if (different >= 0)
        fail_msg("seed %" PRIu64 ": other outputs for random input %d", seed, different);
    if (strcmp(dump(simplified(after, &arena, seed), &arena), dump(after, &arena)) != 0)
        fail_msg("seed %" PRIu64 ": simplified twice is not simplified once", seed);
    if (count_weights(after) > count_weights(graph) || after->n_nodes > graph->n_nodes)
        fail_msg("seed %" PRIu64 ": grew", seed);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        seen->ops[graph->nodes[i].op]++;
    seen->shrunk += count_weights(after) < count_weights(graph);
    seen->unchanged += strcmp(dump(graph, &arena), dump(after, &arena)) == 0;
    arena_free(&arena);
}

static void random_graphs_keep_their_outputs(void **state)
{
    (void)state;
    struct seen seen = {{0}, 0, 0};
    uint64_t seed = test_seed();
    const char *n_graphs = getenv("DTMM_GRAPHS");
    int n = n_graphs ? atoi(n_graphs) : N_GRAPHS;
    for (int i = 0; i < n; i++)
        try_graph(seed + (uint64_t)i, &seen, n == 1);
    try_graph(150629, &seen, 0); /* took a round that only dropped a bias */
    print_message("%d graphs, %d lost weights, %d stayed as they were\n", n, seen.shrunk,
                  seen.unchanged);
    if (n < N_GRAPHS)
        return;
    assert_true(seen.shrunk > n / 2);
    for (int op = 0; op < N_OPS; op++)
        if (seen.ops[op] < n / 100 && op_runs_on_s8((enum op)op))
            fail_msg("only %d nodes %s", seen.ops[op], op_name((enum op)op));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs_keep_their_outputs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
