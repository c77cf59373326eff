/* SPDX-License-Identifier: Apache-2.0 */
/* Training that feels int8: the roundings against their definitions, a rounded network against the
 * int8 graph on the host's kernels, gradients that stop where a value was clipped. DTMM_SEED is the
 * first random graph's seed. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/unit/float_graph.h"
#include "test/unit/random_graph.h"
#include "test/unit/same_outputs.h"
#include "train/calibrate.h"
#include "train/rounding.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static const struct scale_request plain = {.input_known = 0};
static const struct pass_band everything = {-INFINITY, INFINITY};

static struct graph *parse(const char *source, struct arena *arena)
{
    struct graph *graph = NULL;
    struct diag diag = {""};
    graph_parse(source, strlen(source), arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    return graph;
}

static struct quantization one_scale(float scale, int32_t zero_point, struct arena *arena)
{
    float *scales = arena_copy(arena, &scale, sizeof scale);
    int32_t *zero_points = arena_copy(arena, &zero_point, sizeof zero_point);
    return (struct quantization){.n = 1, .scale = scales, .zero_point = zero_points};
}

/* ---- by definition ---- */

static void activations(void **state)
{
    (void)state;
    enum { N = 2000 };
    struct arena arena = {0};
    struct random random = {3};
    for (int k = 0; k < 50; k++) {
        float scale = random_real(&random, 0.001f, 2);
        int32_t zero_point = random_range(&random, -128, 127);
        struct quantization q = one_scale(scale, zero_point, &arena);
        float values[N], rounded[N];
        uint8_t inside[N];
        for (int i = 0; i < N; i++)
            rounded[i] = values[i] = scale * random_real(&random, -400, 400);
        round_activations(&q, everything, rounded, N, inside);
        for (int i = 0; i < N; i++) {
            double at = (double)values[i] / (double)scale + zero_point;
            double nearest = fmin(fmax(nearbyint(at), -128), 127);
            if (fabs(at - floor(at) - 0.5) < 1e-3)
                continue; /* a half in float arithmetic is another in double */
            assert_true(fabs((double)rounded[i] - (double)scale * (nearest - zero_point)) <
                        1e-4 * (double)scale);
            assert_int_equal(inside[i], at >= -128.5 && at <= 127.5);
        }
        round_activations(&q, everything, values, N, NULL);
        assert_memory_equal(values, rounded, sizeof values);
        arena_free(&arena);
    }
}

/* Halves to even; both ends of the interval and what lies outside. */
static void halves_and_ends(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct quantization q = one_scale(0.5f, -28, &arena);
    float values[] = {0.25f, 0.75f, -0.25f, -0.75f, 77.5f, 77.75f, 78, -50, -50.25f, -50.5f, 1e30f};
    static const float expected[] = {0, 1, 0, -1, 77.5f, 77.5f, 77.5f, -50, -50, -50, 77.5f};
    static const uint8_t expected_inside[] = {1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0};
    float gradient[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    static const float expected_gradient[] = {1, 2, 3, 4, 5, 6, 0, 8, 9, 0, 0};
    uint8_t inside[11];
    round_activations(&q, everything, values, 11, inside);
    for (int i = 0; i < 11; i++)
        assert_true(values[i] == expected[i]);
    assert_memory_equal(inside, expected_inside, sizeof inside);
    round_backward(gradient, 11, inside);
    assert_memory_equal(gradient, expected_gradient, sizeof gradient);
    arena_free(&arena);
}

static int32_t find_tensor(const struct graph *graph, const char *name)
{
    for (int32_t t = 0; t < graph->n_tensors; t++)
        if (strcmp(graph->tensors[t].name, name) == 0)
            return t;
    return -1;
}

/* [-1, 1] for everything. */
static struct ranges *unit_ranges(const struct graph *graph, struct arena *arena)
{
    struct ranges *ranges = ARENA_NEW(arena, struct ranges);
    *ranges = (struct ranges){.method = "test",
                              .n_tensors = graph->n_tensors,
                              .of = ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct range)};
    for (int32_t t = 0; t < graph->n_tensors; t++)
        ranges->of[t] = (struct range){-1, 1};
    return ranges;
}

static struct fake_quantization *scales_of(const struct graph *graph, const struct ranges *ranges,
                                           struct arena *arena)
{
    struct fake_quantization *fake = NULL;
    struct diag diag = {""};
    choose_scales(graph, ranges, &plain, arena, &fake, &diag);
    assert_string_equal(diag.message, "");
    return fake;
}

/* The scales of weights are those of the values as they are now, one a filter; a constant operand
 * has that of its first values; a bias stays. */
static void constants(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph =
        parse("graph g\ntensor \"x\" f32 1x1x1x2\ntensor \"w\" f32 2x1x1x2 = 9 9 9 9\n"
              "tensor \"b\" f32 2 = 0.3 0.7\ntensor \"k\" f32 1x1x1x2 = 2.55 0\n"
              "tensor \"y\" f32 1x1x1x2\ntensor \"z\" f32 1x1x1x2\ninput \"x\"\n"
              "node conv_2d c \"x\" \"w\" \"b\" -> \"y\"\nnode add a \"y\" \"k\" -> \"z\"\n"
              "output \"z\"\n",
              &arena);
    struct rounding rounding = {scales_of(graph, unit_ranges(graph, &arena), &arena), {0, 0}};
    int64_t *offset = ARENA_ARRAY(&arena, (size_t)graph->n_tensors, int64_t);
    offset[find_tensor(graph, "b")] = 4;
    offset[find_tensor(graph, "k")] = 6;
    static const float values[] = {1.27f, 0.126f, -0.0127f, 0.00996f, 0.3f, 0.7f, 2, 0.018f};
    static const float expected[] = {1.27f, 0.13f, -0.0127f, 0.01f, 0.3f, 0.7f, 2, 0.02f};
    float rounded[8];
    memcpy(rounded, values, sizeof values);
    for (int32_t i = 0; i < graph->n_nodes; i++)
        round_constants(&rounding, graph, &graph->nodes[i], offset, values, rounded);
    for (int i = 0; i < 8; i++)
        assert_true(fabsf(rounded[i] - expected[i]) <= 1e-6f);
    arena_free(&arena);
}

/* ---- against the int8 graph ---- */

enum { N_GRAPHS = 150, N_SAMPLES = 20 };

static struct network *network_of(const struct graph *graph, const struct rounding *rounding)
{
    struct network *network = NULL;
    struct network_options options = {.n_threads = 1, .rounding = rounding};
    struct diag diag = {""};
    network_make(graph, &options, &network, &diag);
    assert_string_equal(diag.message, "");
    return network;
}

static struct ranges *ranges_of(const struct graph *graph, const float *inputs, struct arena *arena)
{
    struct network *network = network_of(graph, NULL);
    struct calibration calibration = {CALIBRATION_MINMAX, 100};
    struct ranges *ranges = calibrate(network, graph, &calibration, inputs, N_SAMPLES, arena);
    network_free(network);
    return ranges;
}

/* How far outputs are apart, in steps of int8: how many of them by 0, 1, 2 and more. */
struct distances {
    int64_t n[4];
    double worst;
};

static void distance_add(struct distances *distances, double steps)
{
    int64_t whole = llround(fabs(steps));
    distances->n[whole > 3 ? 3 : whole]++;
    distances->worst = fmax(distances->worst, fabs(steps));
}

static void distances_measure(const struct graph *result, const float *inputs, const float *rounded,
                              struct arena *arena, struct distances *distances)
{
    struct runnable runnable = runnable_make(result, arena);
    const struct tensor *input = &result->tensors[result->inputs[0]];
    const struct tensor *output = &result->tensors[result->outputs[0]];
    int64_t n_inputs = shape_elements(&input->shape), n_outputs = shape_elements(&output->shape);
    const struct quantization *in = &input->quantization, *out = &output->quantization;
    for (int k = 0; k < N_SAMPLES; k++) {
        for (int64_t i = 0; i < n_inputs; i++)
            runnable.inputs[i] = (uint8_t)quantize_value((double)inputs[k * n_inputs + i],
                                                         in->scale[0], in->zero_point[0], INT8_MIN);
        runnable_run(&runnable);
        for (int64_t i = 0; i < n_outputs; i++)
            distance_add(distances, (double)rounded[k * n_outputs + i] / (double)out->scale[0] +
                                        out->zero_point[0] - (int8_t)runnable.outputs[i]);
    }
}

/* Whether the graph has one input, and so was tried. */
static int try_graph(uint64_t seed, struct distances *distances)
{
    struct arena arena = {0};
    struct diag diag = {""};
    struct graph *graph = parse(random_graph(seed, &arena), &arena), *result = NULL;
    int has_one_input = graph->n_inputs == 1;
    if (has_one_input) {
        fold(float_of(graph, seed, 1, &arena), &arena, &graph, &diag);
        const float *inputs = random_inputs(graph, N_SAMPLES, seed, &arena);
        struct rounding rounding = {scales_of(graph, ranges_of(graph, inputs, &arena), &arena),
                                    {0, 0}};
        quantize(graph, rounding.scales, &arena, &result, &diag);
        assert_string_equal(diag.message, "");
        struct network *network = network_of(graph, &rounding);
        float *outputs[MAX_INPUTS] = {ARENA_ARRAY(
            &arena, (size_t)(shape_elements(&graph->tensors[graph->outputs[0]].shape) * N_SAMPLES),
            float)};
        network_infer(network, inputs, N_SAMPLES, outputs);
        network_free(network);
        distances_measure(result, inputs, outputs[0], &arena, distances);
    }
    arena_free(&arena);
    return has_one_input;
}

static void the_int8_graph(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    struct distances all = {{0}, 0};
    int n_tried = 0, n_far = 0;
    for (int k = 0; k < N_GRAPHS; k++) {
        struct distances distances = {{0}, 0};
        n_tried += try_graph(seed + (uint64_t)k, &distances);
        for (int i = 0; i < 4; i++)
            all.n[i] += distances.n[i];
        if (distances.worst > 2.5)
            print_message("seed %" PRIu64 ": %.0f steps\n", seed + (uint64_t)k, distances.worst);
        n_far += distances.worst > 2.5;
    }
    print_message("%d graphs, %d far; values 0, 1, 2, more steps apart: %lld, %lld, %lld, %lld\n",
                  n_tried, n_far, (long long)all.n[0], (long long)all.n[1], (long long)all.n[2],
                  (long long)all.n[3]);
    assert_true(n_tried > N_GRAPHS / 4);
    assert_true(n_far <= n_tried / 20);
    assert_true((double)all.n[0] >= 0.97 * (double)(all.n[0] + all.n[1] + all.n[2] + all.n[3]));
}

/* ---- gradients ---- */

enum { N_INPUTS = 6 };
/* The first two outputs are inside (the second rounds to 0), two are above, two below. */
static const float batch_inputs[N_INPUTS] = {0.3f, 0, 0.6f, 0.9f, -0.59f, -1};

static void fill(void *context, int32_t worker, int32_t shard, float *inputs)
{
    (void)context;
    (void)worker;
    (void)shard;
    memcpy(inputs, batch_inputs, sizeof batch_inputs);
}

/* The loss is the sum of the outputs, each times its place from 1. */
static void loss(void *context, int32_t worker, int32_t shard, const float *const *heads,
                 float *const *gradients)
{
    (void)worker;
    (void)shard;
    memcpy(context, heads[0], N_INPUTS * sizeof(float));
    for (int i = 0; i < N_INPUTS; i++)
        gradients[0][i] = (float)(i + 1);
}

/* y = x + 0.0005 by these nodes, rounded to 255 steps in [low, 0.5]; gradients of the weight and of
 * the bias. */
static void check_gradients(const char *nodes, float low, float of_weight, float of_bias)
{
    struct arena arena = {0};
    const char *text =
        arena_printf(&arena,
                     "graph g\ntensor \"x\" f32 1x1x1x1\ntensor \"w\" f32 1x1x1x1 = 1\n"
                     "tensor \"b\" f32 1 = 0.0005\ntensor \"y\" f32 1x1x1x1\n%sinput \"x\"\n"
                     "node conv_2d c \"x\" \"w\" \"b\" -> %s\noutput \"y\"\n",
                     strstr(nodes, "\"s\"") != NULL ? "tensor \"s\" f32 1x1x1x1\n" : "", nodes);
    struct graph *graph = parse(text, &arena);
    struct ranges *ranges = unit_ranges(graph, &arena);
    ranges->of[find_tensor(graph, "x")] = (struct range){-2, 2};
    ranges->of[find_tensor(graph, "y")] = (struct range){low, 0.5f};
    struct rounding rounding = {scales_of(graph, ranges, &arena), {0, 0}};
    struct network_options options = {
        .n_threads = 1, .shard_samples = N_INPUTS, .training = 1, .rounding = &rounding};
    struct network *network = NULL;
    struct diag diag = {""};
    float outputs[N_INPUTS];
    network_make(graph, &options, &network, &diag);
    assert_string_equal(diag.message, "");
    struct network_batch batch = {outputs, 1, fill, loss, NULL};
    assert_int_equal(network_step(network, &batch, &diag), OK);
    struct parameters parameters = network_parameters(network);
    assert_int_equal(parameters.n, 2);
    assert_true(fabsf(outputs[0] - 0.3f) < 0.007f && outputs[1] == 0);
    assert_true(fabsf(outputs[3] - 0.5f) < 0.007f);
    for (int i = 0; i < 2; i++) {
        float expected = parameters.list[i].role == PARAMETER_WEIGHTS ? of_weight : of_bias;
        assert_true(fabsf(parameters.gradients[parameters.list[i].first] - expected) < 1e-5f);
    }
    network_free(network);
    arena_free(&arena);
}

/* A relu of its own reads the rounded 0, which has no slope. The weight is multiplied with what
 * int8 has of the input: steps of 4/255, 0.3 is 19 of them. */
static void gradients(void **state)
{
    (void)state;
    check_gradients("\"y\"", -0.5f, 19 * 4 / 255.0f, 1 + 2);
    check_gradients("\"y\" activation relu", 0, 19 * 4 / 255.0f, 1 + 2);
    check_gradients("\"s\"\nnode relu r \"s\" -> \"y\"", 0, 19 * 4 / 255.0f, 1);
    check_gradients("\"y\" activation relu_n1_to_1", -2, (19 - 5 * 38) * 4 / 255.0f, 1 + 2 + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations), cmocka_unit_test(halves_and_ends),
        cmocka_unit_test(constants),   cmocka_unit_test(the_int8_graph),
        cmocka_unit_test(gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
