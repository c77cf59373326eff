/* SPDX-License-Identifier: Apache-2.0 */
/* The passes on float graphs that must not change the function: fold and equalize, on random graphs
 * and on the float networks of ../shared where they are. DTMM_SEED is the first graph's seed. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "import/import.h"
#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/unit/float_graph.h"
#include "test/unit/random_graph.h"
#include "train/calibrate.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { N_GRAPHS = 400, N_SAMPLES = 5 };

static struct graph *random_float_graph(uint64_t seed, struct arena *arena)
{
    struct graph *graph;
    struct diag diag = {""};
    const char *text = random_graph(seed, arena);
    graph_parse(text, strlen(text), arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    return graph->n_inputs == 1 ? float_of(graph, seed, 1, arena) : NULL;
}

static void check_same(const struct graph *before, const struct graph *after, uint64_t seed)
{
    double difference = float_difference(before, after, N_SAMPLES, seed);
    if (!(difference < 1e-5)) {
        struct arena arena = {0};
        struct text text = text_start(&arena);
        graph_dump(before, &text);
        fail_msg("seed %" PRIu64 ": outputs differ by %g of the largest\n%s", seed, difference,
                 text.data);
    }
}

static void folding_keeps_the_function(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int32_t n_normalizations = 0, n_before = 0, n_after = 0;
    for (int k = 0; k < N_GRAPHS; k++) {
        struct arena arena = {0};
        struct graph *graph = random_float_graph(seed + (uint64_t)k, &arena), *folded;
        struct diag diag = {""};
        if (graph != NULL) {
            fold(graph, &arena, &folded, &diag);
            assert_string_equal(diag.message, "");
            check_same(graph, folded, seed + (uint64_t)k);
            for (int32_t i = 0; i < graph->n_nodes; i++)
                n_normalizations += graph->nodes[i].op == OP_batch_normalization;
            for (int32_t i = 0; i < folded->n_nodes; i++)
                assert_true(folded->nodes[i].op != OP_batch_normalization);
            n_before += graph->n_nodes;
            n_after += folded->n_nodes;
        }
        arena_free(&arena);
    }
    assert_true(n_normalizations > N_GRAPHS / 4);
    assert_true(n_after < n_before);
}

static struct ranges *measured(const struct graph *graph, uint64_t seed, struct arena *arena)
{
    struct network *network;
    const struct network_options options = {.n_threads = 1};
    const struct calibration calibration = {CALIBRATION_MINMAX, 100};
    struct diag diag;
    assert_int_equal(network_make(graph, &options, &network, &diag), OK);
    struct ranges *ranges =
        calibrate(network, graph, &calibration, random_inputs(graph, N_SAMPLES, seed, arena),
                  N_SAMPLES, arena);
    network_free(network);
    return ranges;
}

static void equalizing_keeps_the_function(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int n_changed = 0;
    for (int k = 0; k < N_GRAPHS; k++) {
        struct arena arena = {0};
        struct graph *graph = random_float_graph(seed + (uint64_t)k, &arena), *equalized, *again;
        struct diag diag = {""};
        if (graph != NULL) {
            fold(graph, &arena, &graph, &diag);
            equalize(graph, NULL, NULL, &arena, &equalized, &diag);
            assert_string_equal(diag.message, "");
            check_same(graph, equalized, seed + (uint64_t)k);
            equalize(graph, measured(graph, seed + (uint64_t)k, &arena), NULL, &arena, &again,
                     &diag);
            assert_string_equal(diag.message, "");
            check_same(graph, again, seed + (uint64_t)k);
            struct text a = text_start(&arena), b = text_start(&arena);
            graph_dump(graph, &a);
            graph_dump(equalized, &b);
            n_changed += strcmp(a.data, b.data) != 0;
        }
        arena_free(&arena);
    }
    assert_true(n_changed > N_GRAPHS / 20);
}

static void float_networks(void **state)
{
    (void)state;
    static const char *const names[] = {"pretrainedResnet", "ad01_fp32", "vww_96_float"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena arena = {0};
        struct file file;
        struct diag diag = {""};
        struct graph *graph, *folded, *equalized;
        const char *path = arena_printf(&arena, "../shared/models/%s.tflite", names[i]);
        if (access(path, R_OK) != 0) {
            print_message("%s is not there\n", path);
            skip();
        }
        file_read(path, &arena, &file, &diag);
        import_tflite(file.data, file.size, names[i], &arena, &graph, &diag);
        fold(graph, &arena, &folded, &diag);
        equalize(folded, NULL, NULL, &arena, &equalized, &diag);
        assert_string_equal(diag.message, "");
        check_same(graph, folded, i);
        check_same(graph, equalized, i);
        arena_free(&arena);
    }
}

static void untrained_networks_are_refused(void **state)
{
    (void)state;
    static const char source[] = "graph g\ntensor \"x\" f32 1x2\n"
                                 "tensor \"w\" f32 2x2 init he_normal\ntensor \"y\" f32 1x2\n"
                                 "input \"x\"\nnode fully_connected d \"x\" \"w\" -> \"y\"\n"
                                 "output \"y\"\n";
    struct arena arena = {0};
    struct graph *graph, *folded;
    struct diag diag;
    assert_int_equal(graph_parse(source, strlen(source), &arena, &graph, &diag), OK);
    assert_int_equal(fold(graph, &arena, &folded, &diag), ERR_INPUT);
    assert_string_equal(diag.message,
                        "'w' has no trained values yet; train the network first (dtmm train)");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folding_keeps_the_function),
        cmocka_unit_test(equalizing_keeps_the_function),
        cmocka_unit_test(float_networks),
        cmocka_unit_test(untrained_networks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
