/* SPDX-License-Identifier: Apache-2.0 */
/* Random graphs with every layer in place that can be, in a planned arena, against the same graphs
 * with a block of memory for each tensor. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eval/eval.h"
#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/unit/random_graph.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { N_GRAPHS = 1500, N_INPUTS = 4, MOST_SIDES = 4 };

struct memory {
    const void *inputs[MOST_SIDES];
    void *outputs[MOST_SIDES];
};

static struct memory memory_for(const struct graph *graph, struct random *random,
                                struct arena *arena)
{
    struct memory memory;
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        size_t n = tensor_bytes(&graph->tensors[graph->inputs[i]]);
        uint8_t *bytes = ARENA_ARRAY(arena, n, uint8_t);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)random_bits(random);
        memory.inputs[i] = bytes;
    }
    for (int32_t i = 0; i < graph->n_outputs; i++)
        memory.outputs[i] =
            ARENA_ARRAY(arena, tensor_bytes(&graph->tensors[graph->outputs[i]]), uint8_t);
    return memory;
}

/* Calls whose output starts where an input of another size did. */
static int count_uneven(const struct graph *graph, const struct packed *packed,
                        const struct layout *layout)
{
    int n = 0;
    for (int32_t i = 0; i < packed->n_calls; i++) {
        const struct packed_call *call = &packed->calls[i];
        const struct tensor_place *input = &layout->tensors[call->inputs[0]];
        const struct tensor_place *output = &layout->tensors[call->output];
        n += input->place == PLACE_ARENA && output->place == PLACE_ARENA &&
             input->offset == output->offset && input->last_call == i && output->first_call == i &&
             tensor_bytes(&graph->tensors[call->inputs[0]]) !=
                 tensor_bytes(&graph->tensors[call->output]);
    }
    return n;
}

static int try_graph(uint64_t seed)
{
    struct arena arena = {0};
    struct random random = {seed};
    struct graph *graph;
    struct packed *apart, *packed;
    struct layout *layout;
    struct diag diag = {""};
    const char *text = random_graph(seed, &arena);
    const struct target *host;
    assert_int_equal(target_find("host", &host, &diag), OK);
    if (graph_parse(text, strlen(text), &arena, &graph, &diag) != OK)
        fail_msg("seed %" PRIu64 ": %s", seed, diag.message);
    uint8_t *everywhere = ARENA_ARRAY(&arena, (size_t)graph->n_nodes, uint8_t);
    memset(everywhere, 1, (size_t)graph->n_nodes);
    const struct pack_request request = {.core = host->core, .in_place = everywhere};
    if (pack(graph, NULL, &arena, &apart, &diag) != OK ||
        pack(graph, &request, &arena, &packed, &diag) != OK ||
        plan(graph, packed, &arena, &layout, &diag) != OK)
        fail_msg("seed %" PRIu64 ": %s", seed, diag.message);
    for (int k = 0; k < N_INPUTS; k++) {
        struct memory one = memory_for(graph, &random, &arena), other = one;
        for (int32_t i = 0; i < graph->n_outputs; i++)
            other.outputs[i] =
                ARENA_ARRAY(&arena, tensor_bytes(&graph->tensors[graph->outputs[i]]), uint8_t);
        assert_int_equal(eval_run(graph, apart, NULL, one.inputs, one.outputs, &diag), OK);
        assert_int_equal(eval_run(graph, packed, layout, other.inputs, other.outputs, &diag), OK);
        for (int32_t i = 0; i < graph->n_outputs; i++)
            if (memcmp(one.outputs[i], other.outputs[i],
                       tensor_bytes(&graph->tensors[graph->outputs[i]])) != 0)
                fail_msg("seed %" PRIu64 ": output %d differs", seed, (int)i);
    }
    int n = count_uneven(graph, packed, layout);
    arena_free(&arena);
    return n;
}

static void random_graphs_run_in_place(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int n_uneven = 0;
    for (uint64_t i = 0; i < N_GRAPHS; i++)
        n_uneven += try_graph(seed + i);
    print_message("%d calls over an input of another size\n", n_uneven);
    assert_true(n_uneven > N_GRAPHS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_graphs_run_in_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
