/* SPDX-License-Identifier: Apache-2.0 */
/* Normalizations that get the statistics of what they read: the function stays, filters get a norm
 * to train from. DTMM_SEED is the first random graph's seed. */
#include <inttypes.h>
#include <stdlib.h>

#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/unit/float_graph.h"
#include "test/unit/random_graph.h"
#include "train/normalization.h"

#include "test/unit/parsed.h" /* last */

enum { N_GRAPHS = 400, N_SAMPLES = 24 };

static uint64_t first_seed;

static struct graph *measured(const struct graph *graph, uint64_t seed)
{
    struct graph *result = NULL;
    const float *samples = random_inputs(graph, N_SAMPLES, seed, &arena);
    if (normalization_measure(graph, samples, N_SAMPLES, &arena, &result, &diag) != OK)
        fail_msg("%s", diag.message);
    return result;
}

static const struct node *reader_of(const struct graph *graph, int32_t tensor)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].inputs[0] == tensor)
            return &graph->nodes[i];
    return NULL;
}

/* The squared norm of each filter. */
static double *norms_of(const struct graph *graph, const struct node *layer, int32_t *n)
{
    const struct tensor *weights = node_input(graph, layer, 1);
    *n = filter_count(layer->op, &weights->shape);
    double *norms = ARENA_ARRAY(&arena, (size_t)*n, double);
    for (int64_t i = 0; i < shape_elements(&weights->shape); i++) {
        double value = (double)((const float *)weights->data)[i];
        norms[filter_of_weight(layer->op, &weights->shape, i)] += value * value;
    }
    return norms;
}

/* Two, or still zero; and absent weights are still absent. Returns how many filters had something
 * to scale. */
static int check_norms(const struct graph *before, const struct graph *after)
{
    int n_scaled = 0;
    for (int32_t i = 0; i < after->n_nodes; i++) {
        const struct node *layer = &after->nodes[i], *reader = reader_of(after, layer->output);
        if (!op_is_layer(layer->op) || reader == NULL || reader->op != OP_batch_normalization)
            continue;
        int32_t n;
        double *old = norms_of(before, &before->nodes[i], &n), *norms = norms_of(after, layer, &n);
        for (int32_t f = 0; f < n; f++) {
            double expected = old[f] > 0 ? 2 : 0;
            if (fabs(norms[f] - expected) > 1e-5)
                fail_msg("'%s', filter %d: %.9g, expected %g", layer->name, f, norms[f], expected);
            n_scaled += old[f] > 0;
        }
        const struct tensor *weights = node_input(after, layer, 1);
        const float *was = node_input(before, &before->nodes[i], 1)->data, *is = weights->data;
        for (int64_t k = 0; k < shape_elements(&weights->shape); k++)
            assert_true((was[k] == 0) == (is[k] == 0));
    }
    return n_scaled;
}

static void the_function_stays(void **state)
{
    (void)state;
    int n_scaled = 0;
    for (uint64_t k = first_seed; k < first_seed + N_GRAPHS; k++) {
        struct graph *graph = parse(random_graph(k, &arena)), *normal, *after;
        int is_usable = graph->n_inputs == 1;
        if (is_usable) {
            assert_int_equal(fold(float_of(graph, k, 1, &arena), &arena, &graph, &diag), OK);
            /* Without what nobody reads; an output may be a constant. */
            is_usable = k % 2 || shrink(graph, NULL, &arena, &graph, NULL, &diag) == OK;
        }
        if (is_usable) {
            assert_int_equal(renormalize(graph, &arena, &normal, &diag), OK);
            after = measured(normal, k);
            double difference = float_difference(graph, after, N_SAMPLES, k + 1);
            if (!(difference <= 1e-5))
                fail_msg("DTMM_SEED=%" PRIu64 ": outputs differ by %g", k, difference);
            n_scaled += k % 2 ? 0 : check_norms(normal, after);
        }
        arena_free(&arena);
    }
    assert_true(n_scaled > N_GRAPHS / 5);
}

#define NORMALIZATION(name, c)                                                                     \
    "tensor \"" name "/gamma\" f32 " c " = 1*" c "\n"                                              \
    "tensor \"" name "/beta\" f32 " c " = 0.5*" c "\n"                                             \
    "tensor \"" name "/mean\" f32 " c " = 0*" c "\n"                                               \
    "tensor \"" name "/variance\" f32 " c " = 0.999000013*" c "\n"
#define NORMALIZED(name, from, to)                                                                 \
    "node batch_normalization " name " \"" from "\" \"" name "/gamma\" \"" name "/beta\" \"" name  \
    "/mean\" \"" name "/variance\" -> \"" to "\" epsilon 0.001\n"

static void same_weights(const struct graph *before, const struct graph *after, int32_t node)
{
    const struct tensor *weights = node_input(before, &before->nodes[node], 1);
    assert_memory_equal(weights->data, node_input(after, &after->nodes[node], 1)->data,
                        tensor_bytes(weights));
}

/* Statistics are measured, what the filters are stays; a normalization that is none yet is told by
 * its values. */
static struct graph *left_alone(const char *text, int n_layers)
{
    struct graph *before = parse(text), *after = measured(before, 3);
    for (int i = 0; i < n_layers; i++)
        same_weights(before, after, i);
    assert_true(float_difference(before, after, N_SAMPLES, 4) <= 1e-5);
    const struct node *norm = &after->nodes[n_layers];
    assert_int_equal(norm->op, OP_batch_normalization);
    const float *mean = node_input(after, norm, 3)->data;
    const float *variance = node_input(after, norm, 4)->data;
    assert_true(mean[0] != 0 && fabs((double)variance[0] - 0.999) > 1e-3);
    return after;
}

static void a_bias_stays(void **state)
{
    (void)state;
    left_alone("graph g\n"
               "tensor \"x\" f32 1x2x2x2\n"
               "tensor \"w\" f32 2x1x1x2 = 3 1 -2 0.5\n"
               "tensor \"b\" f32 2 = 1 -2\n"
               "tensor \"y\" f32 1x2x2x2\n"
               "tensor \"z\" f32 1x2x2x2\n" NORMALIZATION("n", "2") //
               "input \"x\"\n"
               "node conv_2d a \"x\" \"w\" \"b\" -> \"y\"\n" NORMALIZED("n", "y", "z") //
               "output \"z\"\n",
               1);
}

static void shared_weights_stay(void **state)
{
    (void)state;
    left_alone("graph g\n"
               "tensor \"x\" f32 1x2x2x2\n"
               "tensor \"w\" f32 2x1x1x2 = 3 1 -2 0.5\n"
               "tensor \"y\" f32 1x2x2x2\n"
               "tensor \"v\" f32 1x2x2x2\n"
               "tensor \"z\" f32 1x2x2x2\n"
               "tensor \"u\" f32 1x2x2x2\n" NORMALIZATION("n", "2") NORMALIZATION("m", "2") //
               "input \"x\"\n"
               "node conv_2d a \"x\" \"w\" -> \"y\"\n"
               "node conv_2d b \"y\" \"w\" -> \"v\"\n" NORMALIZED("n", "v", "z")
                   NORMALIZED("m", "z", "u") //
               "output \"u\"\n",
               2);
}

/* A second reader, or the world, would see the filters longer. */
static void a_tensor_with_two_readers_stays(void **state)
{
    (void)state;
    left_alone("graph g\n"
               "tensor \"x\" f32 1x2x2x2\n"
               "tensor \"w\" f32 2x1x1x2 = 3 1 -2 0.5\n"
               "tensor \"y\" f32 1x2x2x2\n"
               "tensor \"z\" f32 1x2x2x2\n"
               "tensor \"s\" f32 1x2x2x2\n" NORMALIZATION("n", "2") //
               "input \"x\"\n"
               "node conv_2d a \"x\" \"w\" -> \"y\"\n" NORMALIZED("n", "y", "z") //
               "node add s \"y\" \"z\" -> \"s\"\n"
               "output \"s\"\n",
               1);
    left_alone("graph g\n"
               "tensor \"x\" f32 1x2x2x2\n"
               "tensor \"w\" f32 2x1x1x2 = 3 1 -2 0.5\n"
               "tensor \"y\" f32 1x2x2x2\n"
               "tensor \"z\" f32 1x2x2x2\n" NORMALIZATION("n", "2") //
               "input \"x\"\n"
               "node conv_2d a \"x\" \"w\" -> \"y\"\n" NORMALIZED("n", "y", "z") //
               "output \"z\" \"y\"\n",
               1);
}

/* One that has been trained keeps its numbers. */
static void a_trained_normalization_stays(void **state)
{
    (void)state;
    struct graph *before = parse("graph g\n"
                                 "tensor \"x\" f32 1x2x2x2\n"
                                 "tensor \"w\" f32 2x1x1x2 = 3 1 -2 0.5\n"
                                 "tensor \"y\" f32 1x2x2x2\n"
                                 "tensor \"z\" f32 1x2x2x2\n"
                                 "tensor \"gamma\" f32 2 = 1 1\n"
                                 "tensor \"beta\" f32 2 = 0 1\n"
                                 "tensor \"mean\" f32 2 = 0 0.25\n"
                                 "tensor \"variance\" f32 2 = 0.999 0.999\n"
                                 "input \"x\"\n"
                                 "node conv_2d a \"x\" \"w\" -> \"y\"\n"
                                 "node batch_normalization n \"y\" \"gamma\" \"beta\" \"mean\" "
                                 "\"variance\" -> \"z\" epsilon 0.001\n"
                                 "output \"z\"\n"),
                 *after = measured(before, 3);
    for (int k = 1; k < 5; k++)
        assert_memory_equal(node_input(before, &before->nodes[1], k)->data,
                            node_input(after, &after->nodes[1], k)->data, 2 * sizeof(float));
    same_weights(before, after, 0);
}

int main(void)
{
    first_seed = test_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_function_stays, tear_down),
        cmocka_unit_test_teardown(a_bias_stays, tear_down),
        cmocka_unit_test_teardown(shared_weights_stay, tear_down),
        cmocka_unit_test_teardown(a_tensor_with_two_readers_stays, tear_down),
        cmocka_unit_test_teardown(a_trained_normalization_stays, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
