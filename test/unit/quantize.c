/* SPDX-License-Identifier: Apache-2.0 */
/* From float to int8: the scales of small graphs by hand, extreme ranges and weights, random graphs
 * against the float engine. DTMM_SEED is the first random graph's seed. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "emit/emit.h"
#include "import/import.h"
#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/unit/float_graph.h"
#include "test/unit/random_graph.h"
#include "test/unit/same_outputs.h"
#include "train/calibrate.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static struct graph *parse(const char *source, struct arena *arena)
{
    struct graph *graph = NULL;
    struct diag diag = {""};
    graph_parse(source, strlen(source), arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    return graph;
}

static const char *dump(const struct graph *graph, struct arena *arena)
{
    struct text text = text_start(arena);
    graph_dump(graph, &text);
    return text.data;
}

static int32_t find_tensor(const struct graph *graph, const char *name)
{
    for (int32_t t = 0; t < graph->n_tensors; t++)
        if (strcmp(graph->tensors[t].name, name) == 0)
            return t;
    return -1;
}

struct named_range {
    const char *name;
    float min, max;
};

/* The ranges by name; all others are [-1, 1]. The list ends with a NULL name. */
static struct ranges *ranges_of(const struct graph *graph, const struct named_range *list,
                                struct arena *arena)
{
    struct ranges *ranges = ARENA_NEW(arena, struct ranges);
    *ranges = (struct ranges){.method = "test",
                              .n_tensors = graph->n_tensors,
                              .of = ARENA_ARRAY(arena, (size_t)graph->n_tensors, struct range)};
    for (int32_t t = 0; t < graph->n_tensors; t++)
        ranges->of[t] = (struct range){-1, 1};
    for (; list->name != NULL; list++)
        ranges->of[find_tensor(graph, list->name)] = (struct range){list->min, list->max};
    return ranges;
}

static struct graph *quantized(const struct graph *graph, const struct ranges *ranges,
                               const struct scale_request *request, struct arena *arena)
{
    struct fake_quantization *fake;
    struct graph *result = NULL;
    struct diag diag = {""};
    if (choose_scales(graph, ranges, request, arena, &fake, &diag) == OK)
        quantize(graph, fake, arena, &result, &diag);
    assert_string_equal(diag.message, "");
    return result;
}

static void check_text(const char *before, const struct named_range *list,
                       const struct scale_request *request, const char *after)
{
    struct arena arena = {0};
    struct graph *graph = parse(before, &arena);
    struct graph *result = quantized(graph, ranges_of(graph, list, &arena), request, &arena);
    assert_string_equal(dump(result, &arena), dump(parse(after, &arena), &arena));
    arena_free(&arena);
}

static const struct scale_request plain = {.input_known = 0};

/* ---- by hand ---- */

/* Weights: one scale a filter, largest / 127. Activations: (max - min) / 255, the zero point to
 * nearest. Bias: the product of the scales. */
static void a_convolution(void **state)
{
    (void)state;
    static const struct named_range list[] = {{"x", -1, 4.1f}, {"y", 0, 25.5f}, {NULL, 0, 0}};
    check_text("graph g\ntensor \"x\" f32 1x1x2x1\n"
               "tensor \"w\" f32 2x1x1x2 = 12.7 -3.04 0.635 0.635\n"
               "tensor \"b\" f32 2 = 1 -0.5\ntensor \"p\" f32 1x1x2x2\ntensor \"y\" f32 1x1x2x2\n"
               "input \"x\"\nnode pad p \"x\" -> \"p\" before 0 0 0 0 after 0 0 0 1\n"
               "node conv_2d c \"p\" \"w\" \"b\" -> \"y\" activation relu\noutput \"y\"\n",
               list, &plain,
               "graph g\ntensor \"x\" s8 1x1x2x1 scale 0.0199999996 zero_point -78\n"
               "tensor \"p\" s8 1x1x2x2 scale 0.0199999996 zero_point -78\n"
               "tensor \"w\" s8 2x1x1x2 axis 0 scale 0.100000001 0.00499999989 zero_point 0 = "
               "127 -30 127 127\n"
               "tensor \"b\" s32 2 axis 0 scale 0.00200000009 9.99999975e-05 zero_point 0 = "
               "500 -5000\n"
               "tensor \"y\" s8 1x1x2x2 scale 0.100000001 zero_point -128\n"
               "input \"x\"\nnode pad p \"x\" -> \"p\" before 0 0 0 0 after 0 0 0 1\n"
               "node conv_2d c \"p\" \"w\" \"b\" -> \"y\" activation relu\noutput \"y\"\n");
}

/* fully_connected has one scale by default; 8-bit input data keeps its values. */
static void a_dense_layer(void **state)
{
    (void)state;
    static const struct named_range list[] = {{"y", -51, 204}, {NULL, 0, 0}};
    static const struct scale_request raw = {
        .input_known = 1, .input_scale = 1, .input_zero_point = -128};
    check_text("graph g\ntensor \"x\" f32 1x2\ntensor \"w\" f32 2x2 = 1.27 0.5 0.02 -0.014\n"
               "tensor \"y\" f32 1x2\ntensor \"s\" f32 1x2\ninput \"x\"\n"
               "node fully_connected d \"x\" \"w\" -> \"y\"\nnode softmax s \"y\" -> \"s\"\n"
               "output \"s\"\n",
               list, &raw,
               "graph g\ntensor \"x\" s8 1x2 scale 1 zero_point -128\n"
               "tensor \"w\" s8 2x2 scale 0.00999999978 zero_point 0 = 127 50 2 -1\n"
               "tensor \"y\" s8 1x2 scale 1 zero_point -77\n"
               "tensor \"s\" s8 1x2 scale 0.00390625 zero_point -128\ninput \"x\"\n"
               "node fully_connected d \"x\" \"w\" -> \"y\"\nnode softmax s \"y\" -> \"s\"\n"
               "output \"s\"\n");
}

/* A concatenation's inputs get its scale, but for those whose scale is given. */
static void a_concatenation(void **state)
{
    (void)state;
    static const struct named_range list[] = {
        {"x", -1, 1.55f}, {"r", 0, 5.1f}, {"l", 0, 1}, {"y", 0, 1}, {NULL, 0, 0}};
    check_text("graph g\ntensor \"x\" f32 1x2\ntensor \"r\" f32 1x2\ntensor \"l\" f32 1x2\n"
               "tensor \"k\" f32 1x2 = 0.5 -1\ntensor \"y\" f32 1x8\ninput \"x\"\n"
               "node relu r \"x\" -> \"r\"\nnode logistic l \"x\" -> \"l\"\n"
               "node concatenation c \"r\" \"l\" \"x\" \"k\" -> \"y\" axis 1\noutput \"y\"\n",
               list, &plain,
               "graph g\ntensor \"x\" s8 1x2 scale 0.0239215679 zero_point -86\n"
               "tensor \"r\" s8 1x2 scale 0.0239215679 zero_point -86\n"
               "tensor \"l\" s8 1x2 scale 0.00390625 zero_point -128\n"
               "tensor \"c_1/quantized\" s8 1x2 scale 0.0239215679 zero_point -86\n"
               "tensor \"k\" s8 1x2 scale 0.0239215679 zero_point -86 = -65 -128\n"
               "tensor \"y\" s8 1x8 scale 0.0239215679 zero_point -86\ninput \"x\"\n"
               "node relu r \"x\" -> \"r\"\nnode logistic l \"x\" -> \"l\"\n"
               "node quantize c_1_quantize \"l\" -> \"c_1/quantized\"\n"
               "node concatenation c \"r\" \"c_1/quantized\" \"x\" \"k\" -> \"y\" axis 1\n"
               "output \"y\"\n");
}

static void operands_and_fused_activations(void **state)
{
    (void)state;
    static const struct named_range list[] = {
        {"x", 0, 2.55f}, {"a", -3, 9}, {"m", -1, 1}, {"t", -1, 1}, {NULL, 0, 0}};
    check_text("graph g\ntensor \"x\" f32 1x2\ntensor \"k\" f32 1x2 = 1.02 0\n"
               "tensor \"c\" f32 scalar = -5.1\ntensor \"a\" f32 1x2\ntensor \"m\" f32 1x2\n"
               "tensor \"t\" f32 1x2\ninput \"x\"\n"
               "node add a \"x\" \"k\" -> \"a\" activation relu6\n"
               "node mul m \"a\" \"c\" -> \"m\"\nnode tanh t \"m\" -> \"t\"\noutput \"t\"\n",
               list, &plain,
               "graph g\ntensor \"x\" s8 1x2 scale 0.00999999978 zero_point -128\n"
               "tensor \"k\" s8 1x2 scale 0.00399999972 zero_point -128 = 127 -128\n"
               "tensor \"a\" s8 1x2 scale 0.0235294122 zero_point -128\n"
               "tensor \"c\" s8 scalar scale 0.0199999996 zero_point 127 = -128\n"
               "tensor \"m\" s8 1x2 scale 0.00784313772 zero_point -1\n"
               "tensor \"t\" s8 1x2 scale 0.0078125 zero_point 0\ninput \"x\"\n"
               "node add a \"x\" \"k\" -> \"a\" activation relu6\n"
               "node mul m \"a\" \"c\" -> \"m\"\nnode tanh t \"m\" -> \"t\"\noutput \"t\"\n");
}

/* Clipping the one large weight costs less than rounding the many small ones coarsely. */
static void weights_are_clipped_for_the_least_error(void **state)
{
    (void)state;
    struct arena arena = {0};
    static const struct named_range list[] = {{NULL, 0, 0}};
    struct text text = text_start(&arena);
    text_printf(&text, "graph g\ntensor \"x\" f32 1x400\ntensor \"w\" f32 1x400 = 1");
    for (int i = 1; i < 400; i++)
        text_printf(&text, " %.9g", 0.0041 * (i % 2 == 0 ? 1 : -1));
    text_printf(&text, "\ntensor \"y\" f32 1x1\ninput \"x\"\n"
                       "node fully_connected d \"x\" \"w\" -> \"y\"\noutput \"y\"\n");
    struct graph *graph = parse(text.data, &arena);
    struct ranges *ranges = ranges_of(graph, list, &arena);
    static const struct scale_request clip = {.rounding.clip = 1};
    const struct graph *all = quantized(graph, ranges, &plain, &arena);
    const struct graph *clipped = quantized(graph, ranges, &clip, &arena);
    float scale = all->tensors[1].quantization.scale[0];
    float clipped_scale = clipped->tensors[1].quantization.scale[0];
    assert_true(fabsf(scale - 1.0f / 127) < 1e-9f);
    assert_true(clipped_scale < scale && clipped_scale >= scale / 2);
    arena_free(&arena);
}

/* ---- extremes: what 32 bits cannot do is avoided ---- */

static void check_runs(const char *source, const struct named_range *list)
{
    struct arena arena = {0};
    struct graph *graph = parse(source, &arena);
    struct graph *result = quantized(graph, ranges_of(graph, list, &arena), &plain, &arena);
    struct runnable runnable = runnable_make(result, &arena); /* pack refuses what overflows */
    runnable_run(&runnable);
    arena_free(&arena);
}

static void extremes(void **state)
{
    (void)state;
    static const char layers[] =
        "graph g\ntensor \"x\" f32 1x2\ntensor \"w\" f32 3x2 = 1e-6 0 0 0 3 1e6\n"
        "tensor \"b\" f32 3 = 1e6 5 -1e-6\ntensor \"y\" f32 1x3\ntensor \"k\" f32 3 = 0 0 0\n"
        "tensor \"a\" f32 1x3\ntensor \"m\" f32 1x3\ntensor \"s\" f32 1x3\ninput \"x\"\n"
        "node fully_connected d \"x\" \"w\" \"b\" -> \"y\"\nnode add a \"y\" \"k\" -> \"a\"\n"
        "node mul m \"a\" \"y\" -> \"m\"\nnode softmax s \"m\" -> \"s\"\noutput \"s\"\n";
    static const char convs[] =
        "graph g\ntensor \"x\" f32 1x1x2x2\ntensor \"w\" f32 3x1x1x2 = 1e-6 0 0 0 3 1e6\n"
        "tensor \"b\" f32 3 = 1e6 5 -1e-6\ntensor \"y\" f32 1x1x2x3\ntensor \"r\" f32 1x1x2x3\n"
        "tensor \"m\" f32 1x1x1x3\ntensor \"h\" f32 1x1x1x3\ntensor \"l\" f32 1x1x1x3\n"
        "tensor \"z\" f32 1x1x1x3\ninput \"x\"\nnode conv_2d c \"x\" \"w\" \"b\" -> \"y\"\n"
        "node relu r \"y\" -> \"r\"\nnode mean m \"r\" -> \"m\" axes 6\n"
        "node hard_swish h \"m\" -> \"h\"\nnode leaky_relu l \"h\" -> \"l\" alpha 0.1\n"
        "node sub z \"l\" \"h\" -> \"z\"\noutput \"z\"\n";
    static const float sizes[] = {0, 1e-38f, 1e-20f, 1e-6f, 1, 1e6f, 1e20f};
    static const char *const names[] = {"x", "y", "a", "m", "s", "r", "h", "l", "z"};
    enum { N = sizeof sizes / sizeof *sizes };
    /* Each activation very narrow or wide, or constant, beside ordinary ones. */
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (int k = 0; k < 2 * N; k++) {
            const struct named_range list[] = {{names[n], k % 2 ? -sizes[k / 2] : 0, sizes[k / 2]},
                                               {NULL, 0, 0}};
            if (strstr("xyams", names[n]) != NULL)
                check_runs(layers, list);
            /* hard_swish reads at most 10^5 steps of 1 */
            if (strstr("xyrmhlz", names[n]) != NULL && sizes[k / 2] <= 1e6f)
                check_runs(convs, list);
        }
}

static void bad_ranges_are_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph = parse("graph g\ntensor \"x\" f32 1x2\ntensor \"y\" f32 1x2\ninput \"x\"\n"
                                "node relu r \"x\" -> \"y\"\noutput \"y\"\n",
                                &arena);
    const struct named_range list[] = {{"y", -1, NAN}, {NULL, 0, 0}};
    struct fake_quantization *fake;
    struct diag diag;
    assert_int_equal(
        choose_scales(graph, ranges_of(graph, list, &arena), &plain, &arena, &fake, &diag),
        ERR_INPUT);
    assert_non_null(strstr(diag.message, "'y' takes values from"));
    graph = parse("graph g\ntensor \"x\" s8 1x2 scale 1\ntensor \"y\" s8 1x2 scale 1\ninput \"x\"\n"
                  "node relu r \"x\" -> \"y\"\noutput \"y\"\n",
                  &arena);
    const struct named_range none[] = {{NULL, 0, 0}};
    assert_int_equal(
        choose_scales(graph, ranges_of(graph, none, &arena), &plain, &arena, &fake, &diag),
        ERR_UNSUPPORTED);
    assert_string_equal(diag.message,
                        "'x' is s8: the network is quantized already; give the float network");
    arena_free(&arena);
}

/* ---- random graphs ---- */

enum { N_GRAPHS = 300, N_SAMPLES = 40 };

/* What the fake quantization says of the weights is what the int8 graph holds. */
static void check_fake(const struct graph *graph, const struct fake_quantization *fake,
                       const struct graph *result, struct arena *arena)
{
    int32_t at = 0;
    for (int32_t i = 0; i < graph->n_nodes; i++, at++) {
        while (strcmp(result->nodes[at].name, graph->nodes[i].name) != 0)
            at++; /* a quantize node before it */
        if (!op_has_weights(graph->nodes[i].op))
            continue;
        const struct tensor *before = node_input(graph, &graph->nodes[i], 1);
        float *weights = arena_copy(arena, before->data, tensor_bytes(before));
        fake_quantize_weights(graph->nodes[i].op, &before->shape, &fake->nodes[i].weights, weights);
        const struct tensor *after = node_input(result, &result->nodes[at], 1);
        const float *real = real_values(after, arena);
        for (int64_t k = 0; k < shape_elements(&before->shape); k++)
            assert_true(fabsf(weights[k] - real[k]) <= 1e-6f * fabsf(real[k]));
    }
}

/* Mean squares of the first output and of its error. */
struct power {
    double signal, noise;
};

static struct power power_measure(const struct graph *graph, const struct graph *result,
                                  const float *inputs, struct arena *arena)
{
    float **exact = float_outputs(graph, inputs, N_SAMPLES, arena);
    struct runnable runnable = runnable_make(result, arena);
    const struct tensor *input = &result->tensors[result->inputs[0]];
    const struct tensor *output = &result->tensors[result->outputs[0]];
    int64_t n_inputs = shape_elements(&input->shape), n_outputs = shape_elements(&output->shape);
    struct power power = {0, 0};
    for (int k = 0; k < N_SAMPLES; k++) {
        for (int64_t i = 0; i < n_inputs; i++)
            runnable.inputs[i] = (uint8_t)quantize_value(
                (double)inputs[k * n_inputs + i], input->quantization.scale[0],
                input->quantization.zero_point[0], INT8_MIN);
        runnable_run(&runnable);
        for (int64_t i = 0; i < n_outputs; i++) {
            double value = (double)exact[0][k * n_outputs + i];
            double error = value - (double)dequantize_value((int8_t)runnable.outputs[i],
                                                            output->quantization.scale[0],
                                                            output->quantization.zero_point[0]);
            power.signal += value * value;
            power.noise += error * error;
        }
    }
    return power;
}

/* Written and read back, the int8 graph computes the same; pools with other pads are not written.
 */
static void check_file(const struct graph *result, struct arena *arena)
{
    struct file file;
    struct graph *back = NULL;
    struct diag diag = {""};
    if (emit_tflite(result, arena, &file, &diag) == ERR_UNSUPPORTED)
        return;
    assert_int_equal(import_tflite(file.data, file.size, "back", arena, &back, &diag), OK);
    assert_int_equal(first_difference(result, back, 10, 1), -1);
}

static double try_graph(uint64_t seed, int corrected)
{
    struct arena arena = {0};
    struct graph *graph = parse(random_graph(seed, &arena), &arena), *result;
    double decibels = NAN;
    if (graph->n_inputs == 1) {
        struct diag diag = {""};
        fold(float_of(graph, seed, 1, &arena), &arena, &graph, &diag);
        const float *inputs = random_inputs(graph, N_SAMPLES, seed, &arena);
        struct network *network;
        struct network_options options = {.n_threads = 1};
        assert_int_equal(network_make(graph, &options, &network, &diag), OK);
        struct calibration calibration = {CALIBRATION_MINMAX, 100};
        struct ranges *ranges = calibrate(network, graph, &calibration, inputs, N_SAMPLES, &arena);
        network_free(network);
        struct fake_quantization *fake;
        choose_scales(graph, ranges, &plain, &arena, &fake, &diag);
        if (corrected)
            correct_bias(graph, fake, ranges, &arena, &graph, &diag);
        assert_string_equal(diag.message, "");
        result = quantized(graph, ranges, &plain, &arena);
        choose_scales(graph, ranges, &plain, &arena, &fake, &diag);
        check_fake(graph, fake, result, &arena);
        check_file(result, &arena);
        struct power power = power_measure(graph, result, inputs, &arena);
        decibels = power.noise == 0 ? 100 : 10 * log10(power.signal / power.noise);
    }
    arena_free(&arena);
    return decibels;
}

static void random_graphs(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int n = 0, n_good = 0;
    for (int k = 0; k < N_GRAPHS; k++) {
        double decibels = try_graph(seed + (uint64_t)k, k % 2);
        n += !isnan(decibels);
        n_good += decibels > 20;
        if (decibels < 20)
            print_message("seed %" PRIu64 ": %.1f dB\n", seed + (uint64_t)k, decibels);
    }
    print_message("%d of %d graphs above 20 dB\n", n_good, n);
    assert_true(n > N_GRAPHS / 4);
    assert_true(n_good >= n * 9 / 10);
}

/* ---- calibration ---- */

/* 10,000 values in [0, 1], one of 20. */
static void calibration_methods(void **state)
{
    (void)state;
    enum { N = 10000 };
    struct arena arena = {0};
    struct graph *graph = parse("graph g\ntensor \"x\" f32 1x2\ntensor \"y\" f32 1x2\ninput \"x\"\n"
                                "node relu r \"x\" -> \"y\"\noutput \"y\"\n",
                                &arena);
    float *samples = ARENA_ARRAY(&arena, N, float);
    for (int i = 0; i < N; i++)
        samples[i] = (float)(i % 1000) / 999.0f * (i % 2 == 0 ? 1 : 0.5f);
    samples[5] = 20;
    struct network *network;
    struct network_options options = {.n_threads = 1};
    struct diag diag;
    assert_int_equal(network_make(graph, &options, &network, &diag), OK);
    struct calibration calibration = {CALIBRATION_MINMAX, 99.9};
    struct ranges *ranges = calibrate(network, graph, &calibration, samples, N / 2, &arena);
    assert_true(ranges->of[1].min == 0 && ranges->of[1].max == 20);
    assert_true(fabs(ranges->mean[1][0] - 0.5) < 0.01 && fabs(ranges->mean[1][1] - 0.25) < 0.01);
    calibration.method = CALIBRATION_PERCENTILE;
    ranges = calibrate(network, graph, &calibration, samples, N / 2, &arena);
    assert_true(ranges->of[1].max > 0.99f && ranges->of[1].max < 1.03f);
    calibration.method = CALIBRATION_MSE;
    ranges = calibrate(network, graph, &calibration, samples, N / 2, &arena);
    assert_true(ranges->of[1].max > 1 && ranges->of[1].max <= 20);
    assert_string_equal(ranges->method, "mse");
    samples[7] = NAN;
    ranges = calibrate(network, graph, &calibration, samples, N / 2, &arena);
    assert_true(isnan(ranges->of[0].max));
    network_free(network);
    arena_free(&arena);
}

/* relu(a + b) with a = x and b = -x / 2: below -b, a may be any number. */
static void summands_before_relu(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph = parse(
        "graph g\ntensor \"x\" f32 1x1\ntensor \"one\" f32 1 = 1\ntensor \"half\" f32 1 = -0.5\n"
        "tensor \"a\" f32 1x1\ntensor \"b\" f32 1x1\ntensor \"y\" f32 1x1\ninput \"x\"\n"
        "node mul a \"x\" \"one\" -> \"a\"\nnode mul b \"x\" \"half\" -> \"b\"\n"
        "node add y \"a\" \"b\" -> \"y\" activation relu\noutput \"y\"\n",
        &arena);
    static const float samples[] = {-4, 0, 4};
    static const struct network_options options = {.n_threads = 1};
    static const struct calibration calibration = {CALIBRATION_MINMAX, 100};
    struct network *network;
    struct diag diag;
    assert_int_equal(network_make(graph, &options, &network, &diag), OK);
    struct ranges *ranges = calibrate(network, graph, &calibration, samples, 3, &arena);
    network_free(network);
    const struct range *a = &ranges->of[find_tensor(graph, "a")];
    const struct range *b = &ranges->of[find_tensor(graph, "b")];
    assert_true(a->min == -2 && a->max == 4);
    assert_true(b->min == -2 && b->max == 2);
    assert_true(ranges->largest[find_tensor(graph, "a")][0] == 4);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_convolution),
        cmocka_unit_test(a_dense_layer),
        cmocka_unit_test(a_concatenation),
        cmocka_unit_test(operands_and_fused_activations),
        cmocka_unit_test(weights_are_clipped_for_the_least_error),
        cmocka_unit_test(extremes),
        cmocka_unit_test(bad_ranges_are_refused),
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(calibration_methods),
        cmocka_unit_test(summands_before_relu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
