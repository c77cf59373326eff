/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing again what was int8 before: what has not changed keeps its scales and integers, on
 * random graphs and on the networks of ../shared where they are. DTMM_SEED is the first random
 * graph's seed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/quantizer.h"
#include "graph/draft.h"
#include "graph/facts.h"
#include "import/import.h"
#include "pass/pass.h"
#include "test/kernels/seed.h"
#include "test/unit/random_graph.h"
#include "test/unit/same_outputs.h"
#include "train/checkpoint.h"

#include "test/unit/data_files.h" /* after those with an arena of another name */

#include <cmocka.h> /* last: it makes fail() a macro */

enum { N_GRAPHS = 300, N_SAMPLES = 100 };

/* An int8 graph, its float graph, and what comes back of that with the old scales. */
struct network_pair {
    struct graph *real, *back;
    struct int8_origin origin;
};

static void ok(enum status status)
{
    if (status != OK)
        fail_msg("%s", diag.message);
}

static struct graph *parse(const char *source)
{
    struct graph *graph = NULL;
    ok(graph_parse(source, strlen(source), &arena, &graph, &diag));
    return graph;
}

static const char *dump(const struct graph *graph)
{
    struct text text = text_start(&arena);
    graph_dump(graph, &text);
    return text.data;
}

/* Whether the graph is int8 throughout, which dequantize() asks for. */
static int pair_make(const struct graph *graph, struct network_pair *pair)
{
    struct fake_quantization *fake;
    if (dequantize(graph, &arena, &pair->real, &fake, &diag) != OK)
        return 0;
    pair->origin = (struct int8_origin){pair->real, fake};
    ok(quantize(pair->real, fake, &arena, &pair->back, &diag));
    return 1;
}

/* The same graph, its tensors numbered from the last to the first. */
static struct graph *renumbered(const struct graph *graph)
{
    struct graph_builder builder = graph_start(&arena, graph->name);
    int32_t last = graph->n_tensors - 1, ids[MAX_INPUTS];
    for (int32_t t = last; t >= 0; t--)
        graph_add_tensor(&builder, &graph->tensors[t]);
    for (int32_t i = 0; i < graph->n_inputs; i++)
        ids[i] = last - graph->inputs[i];
    graph_set_inputs(&builder, ids, graph->n_inputs);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        struct node node = graph->nodes[i];
        for (int32_t k = 0; k < node.n_inputs; k++)
            node.inputs[k] = last - node.inputs[k];
        node.output = last - node.output;
        graph_add_node(&builder, &node);
    }
    for (int32_t i = 0; i < graph->n_outputs; i++)
        ids[i] = last - graph->outputs[i];
    graph_set_outputs(&builder, ids, graph->n_outputs);
    ok(graph_verify(builder.graph, &diag));
    return builder.graph;
}

/* Quantized with what is kept; all other activations are in [-1, 1]. */
static struct graph *quantized(const struct graph *graph, const struct int8_origin *origin)
{
    struct fake_quantization *fake;
    struct graph *result;
    struct scale_request request = {.kept = keep_scales(graph, origin, &arena)};
    struct ranges ranges = {.method = "test",
                            .n_tensors = graph->n_tensors,
                            .of = ARENA_ARRAY(&arena, (size_t)graph->n_tensors, struct range)};
    for (int32_t t = 0; t < graph->n_tensors; t++)
        ranges.of[t] = (struct range){-1, 1};
    ok(choose_scales(graph, &ranges, &request, &arena, &fake, &diag));
    ok(quantize(graph, fake, &arena, &result, &diag));
    return result;
}

static struct graph *model_load(const char *name)
{
    const char *path = arena_printf(&arena, "../shared/models/%s.tflite", name);
    struct graph *graph;
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    ok(driver_load(path, &arena, &graph, &diag));
    return graph;
}

/* ---- nothing has changed ---- */

static void random_graphs_come_back(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int n = 0;
    for (int k = 0; k < N_GRAPHS; k++) {
        struct network_pair pair;
        if (!pair_make(parse(random_graph(seed + (uint64_t)k, &arena)), &pair))
            continue;
        struct graph *result = quantized(renumbered(pair.real), &pair.origin);
        assert_string_equal(dump(result), dump(pair.back));
        n++;
    }
    assert_true(n > N_GRAPHS / 2);
}

static const char *const MODELS[] = {"ad01_int8", "kws_ref_model", "pretrainedResnet_quant",
                                     "vww_96_int8"};
enum { N_MODELS = sizeof MODELS / sizeof *MODELS };

static void int8_networks_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        struct network_pair pair;
        struct graph *graph = model_load(MODELS[i]);
        assert_true(pair_make(graph, &pair));
        struct graph *result = quantized(renumbered(pair.real), &pair.origin);
        assert_string_equal(dump(result), dump(pair.back));
        assert_int_equal(graph_input_bytes(result), graph_input_bytes(graph));
        assert_int_equal(first_difference(graph, result, 5, 1), -1);
    }
}

/* ---- one layer has changed ---- */

/* A weight that has become the largest of its layer. */
struct change {
    int64_t channel;
    double magnitude;
};

/* The graph with the largest weight of a node twice as large. */
static struct graph *changed_at(const struct graph *graph, int32_t index, struct change *change)
{
    struct draft draft = draft_start(graph, &arena);
    struct node *node = &draft.graph.nodes[index];
    float *weights = draft_own_values(&draft, node, 1);
    const struct shape *shape = &node_input(&draft.graph, node, 1)->shape;
    int64_t largest = 0;
    struct graph *result;
    for (int64_t i = 1; i < shape_elements(shape); i++)
        if (fabsf(weights[i]) > fabsf(weights[largest]))
            largest = i;
    weights[largest] = weights[largest] == 0 ? 1 : 2 * weights[largest];
    *change =
        (struct change){weight_channel(node->op, shape, largest), fabs((double)weights[largest])};
    ok(draft_finish(&draft, &arena, &result, &diag));
    return result;
}

static int32_t node_named(const struct graph *graph, const char *name)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return i;
    return -1;
}

static void check_scales(const struct tensor *a, const struct tensor *b)
{
    size_t n = (size_t)a->quantization.n;
    assert_int_equal(a->quantization.n, b->quantization.n);
    assert_memory_equal(a->quantization.scale, b->quantization.scale, n * sizeof(float));
    assert_memory_equal(a->quantization.zero_point, b->quantization.zero_point,
                        n * sizeof(int32_t));
}

static void check_constants(const struct graph *a, const struct node *in_a, const struct graph *b,
                            const struct node *in_b, int32_t from, int32_t to)
{
    for (int32_t k = from; k <= to; k++) {
        const struct tensor *of_a = node_input(a, in_a, k), *of_b = node_input(b, in_b, k);
        if (of_a == NULL || of_a->data == NULL)
            continue;
        check_scales(of_a, of_b);
        assert_memory_equal(of_a->data, of_b->data, tensor_bytes(of_a));
    }
}

static void check_ends(const struct graph *a, const struct graph *b)
{
    for (int32_t i = 0; i < a->n_inputs; i++)
        check_scales(&a->tensors[a->inputs[i]], &b->tensors[b->inputs[i]]);
    for (int32_t i = 0; i < a->n_outputs; i++)
        check_scales(&a->tensors[a->outputs[i]], &b->tensors[b->outputs[i]]);
}

/* The channel of the largest weight has the scale that this asks for; others keep theirs, where
 * there was one a channel before. */
static void check_changed(const struct tensor *before, const struct tensor *after,
                          const struct change *change)
{
    const struct quantization *p = &before->quantization, *q = &after->quantization;
    for (int32_t s = 0; s < q->n; s++)
        if (s == change->channel || q->n == 1)
            assert_true(q->scale[s] == (float)(change->magnitude / 127));
        else
            assert_true(p->n != q->n || q->scale[s] == p->scale[s]);
}

/* Integers and scales are the same but for channels with a bias that needs a larger scale, now that
 * the scale of the input is another. */
static void check_weights(const struct graph *a, const struct node *in_a, const struct graph *b,
                          const struct node *in_b)
{
    const struct tensor *of_a = node_input(a, in_a, 1), *of_b = node_input(b, in_b, 1);
    const struct tensor *bias = node_input(a, in_a, 2);
    const struct quantization *p = &of_a->quantization, *q = &of_b->quantization;
    int same = p->n == q->n;
    for (int32_t s = 0; s < q->n && p->n == q->n; s++)
        if (q->scale[s] != p->scale[s]) {
            assert_true(q->scale[s] > p->scale[s]);
            assert_true(abs(((const int32_t *)bias->data)[s]) > 1 << 24);
            same = 0;
        }
    if (same)
        check_constants(a, in_a, b, in_b, 1, 1);
    else
        assert_int_equal(p->n, q->n);
}

/* Nodes before `index` are as they were; those behind keep their weights. */
static void check_change(const struct network_pair *pair, int32_t index)
{
    const struct graph *a = pair->back;
    struct change change;
    const struct graph *b =
        quantized(renumbered(changed_at(pair->real, index, &change)), &pair->origin);
    check_ends(a, b);
    for (int32_t i = 0; i < pair->real->n_nodes; i++) {
        const char *name = pair->real->nodes[i].name;
        const struct node *in_a = &a->nodes[node_named(a, name)];
        const struct node *in_b = &b->nodes[node_named(b, name)];
        if (i < index) {
            check_scales(node_output(a, in_a), node_output(b, in_b));
            check_constants(a, in_a, b, in_b, 0, in_a->n_inputs - 1);
        } else if (i > index && op_has_weights(in_a->op)) {
            check_weights(a, in_a, b, in_b);
        } else if (i == index) {
            check_changed(node_input(a, in_a, 1), node_input(b, in_b, 1), &change);
        }
    }
    struct runnable runnable = runnable_make(b, &arena);
    runnable_run(&runnable);
}

static void random_graphs_change(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int n = 0;
    for (int k = 0; k < N_GRAPHS; k++) {
        struct network_pair pair;
        struct random random = {seed + (uint64_t)k};
        if (!pair_make(parse(random_graph(seed + (uint64_t)k, &arena)), &pair))
            continue;
        int32_t index = random_range(&random, 0, pair.real->n_nodes - 1);
        if (!op_has_weights(pair.real->nodes[index].op))
            continue;
        check_change(&pair, index);
        n++;
    }
    assert_true(n > N_GRAPHS / 10);
}

static void int8_networks_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        struct network_pair pair;
        assert_true(pair_make(model_load(MODELS[i]), &pair));
        int32_t index = pair.real->n_nodes / 2;
        while (!op_has_weights(pair.real->nodes[index].op))
            index--;
        check_change(&pair, index);
    }
}

/* ---- small networks ---- */

/* A channel whose weights are absent or as before keeps its scale, whatever its largest weight is
 * now. What cannot have the scale that it meets is brought to it by a quantize node. */
static const char TWO_BRANCHES[] =
    "graph g\ntensor \"x\" s8 1x1x1x2 scale 0.5 zero_point 3\n"
    "tensor \"w\" s8 2x1x1x2 axis 0 scale 0.25 0.125 zero_point 0 = 127 -3 127 4\n"
    "tensor \"y\" s8 1x1x1x2 scale 0.5 zero_point 3\n"
    "tensor \"c\" s8 1x1x1x4 scale 0.5 zero_point 3\n"
    "tensor \"v\" s8 1x4 scale 0.0625 zero_point 0 = 127 -1 2 1\n"
    "tensor \"z\" s8 1x1x1x1 scale 2 zero_point 0\ninput \"x\"\n"
    "node conv_2d conv \"x\" \"w\" -> \"y\"\n"
    "node concatenation both \"x\" \"y\" -> \"c\" axis 3\n"
    "node fully_connected dense \"c\" \"v\" -> \"z\"\noutput \"z\"\n";

static struct graph *with_weights(const struct graph *graph, const float *weights)
{
    struct draft draft = draft_start(graph, &arena);
    struct graph *result;
    struct node *conv = &draft.graph.nodes[0];
    memcpy(draft_own_values(&draft, conv, 1), weights, 4 * sizeof *weights);
    ok(draft_finish(&draft, &arena, &result, &diag));
    return result;
}

static void absent_weights_keep_the_scale(void **state)
{
    (void)state;
    struct network_pair pair;
    static const float weights[] = {0, -0.75f, 12.7f, 0.5f};
    assert_true(pair_make(parse(TWO_BRANCHES), &pair));
    const struct graph *result = quantized(with_weights(pair.real, weights), &pair.origin);
    const struct tensor *w = node_input(result, &result->nodes[0], 1);
    static const int8_t expected[] = {0, -3, 127, 5};
    assert_memory_equal(w->data, expected, sizeof expected);
    assert_true(w->quantization.scale[0] == 0.25f && w->quantization.scale[1] == 12.7f / 127);
}

static void scales_that_differ_meet(void **state)
{
    (void)state;
    struct network_pair pair;
    static const float weights[] = {0, -0.75f, 12.7f, 0.5f};
    assert_true(pair_make(parse(TWO_BRANCHES), &pair));
    const struct graph *result = quantized(with_weights(pair.real, weights), &pair.origin);
    const struct node *both = &result->nodes[node_named(result, "both")];
    assert_int_equal(result->n_nodes, 4);
    assert_int_equal(result->nodes[1].op, OP_quantize);
    assert_int_equal(both->inputs[0], result->nodes[1].output);
    assert_int_equal(both->inputs[1], result->nodes[0].output);
    check_scales(node_output(result, both), node_input(result, both, 0));
    check_scales(node_output(result, both), node_input(result, both, 1));
    assert_true(fabsf(node_output(result, both)->quantization.scale[0] - 2.0f / 255) < 1e-6f);
    check_ends(pair.back, result);
}

/* A bias that needs a larger scale of the weights gets it. */
static void large_biases_fit(void **state)
{
    (void)state;
    struct network_pair pair;
    assert_true(
        pair_make(parse("graph g\ntensor \"x\" s8 1x2 scale 0.5 zero_point 3\n"
                        "tensor \"w\" s8 1x2 scale 0.25 zero_point 0 = 4 -3\n"
                        "tensor \"b\" s32 1 scale 0.125 zero_point 0 = 9\n"
                        "tensor \"y\" s8 1x1 scale 0.5 zero_point 0\ninput \"x\"\n"
                        "node fully_connected d \"x\" \"w\" \"b\" -> \"y\"\noutput \"y\"\n"),
                  &pair));
    struct draft draft = draft_start(pair.real, &arena);
    struct graph *changed;
    draft_own_values(&draft, &draft.graph.nodes[0], 2)[0] = 1e9f;
    ok(draft_finish(&draft, &arena, &changed, &diag));
    const struct graph *result = quantized(changed, &pair.origin);
    float scale = node_input(result, &result->nodes[0], 1)->quantization.scale[0];
    int32_t bias = *(const int32_t *)node_input(result, &result->nodes[0], 2)->data;
    assert_true(scale > 0.25f && bias < INT32_MAX);
    assert_true(fabs(0.5 * (double)scale * bias - 1e9) < 1e3);
}

/* ---- the whole way, from a file to a file ---- */

/* Random integers as samples of a network's input. */
static void samples_put(const struct graph *graph, const char *type)
{
    const struct shape *shape = &graph->tensors[graph->inputs[0]].shape;
    struct random random = {7};
    size_t n = (size_t)shape_elements(shape) * N_SAMPLES;
    uint8_t *values = ARENA_ARRAY(&arena, n, uint8_t);
    struct text dims = text_start(&arena);
    text_printf(&dims, "(%d", N_SAMPLES);
    for (int32_t d = 1; d < shape->rank; d++)
        text_printf(&dims, ", %d", shape->dims[d]);
    text_printf(&dims, ")");
    for (size_t i = 0; i < n; i++)
        values[i] = (uint8_t)random_bits(&random);
    put_npy("samples.npy", type, dims.data, values, n);
}

static struct quantizer_options options_of(const struct int8_origin *origin)
{
    return (struct quantizer_options){
        .model_path = in("float.safetensors"),
        .origin = origin,
        .data_path = in("samples.npy"),
        .out_path = in("out.tflite"),
        .scale = {1, 0},
        .calibration = {CALIBRATION_PERCENTILE, 99.99},
        .n_calibration = 20,
        .validation_fraction = 0.1,
        .seed = 1,
        .equalize = 1,
        .correct_bias = 1,
    };
}

static struct quantizer_result run(const struct quantizer_options *options,
                                   const struct graph *real)
{
    struct quantizer_result result;
    struct graph *back;
    ok(checkpoint_write_graph(options->model_path, real, &diag));
    ok(quantizer_run(options, &arena, &result, &diag));
    ok(driver_load(options->out_path, &arena, &back, &diag));
    assert_int_equal(first_difference(result.graph, back, 3, 1), -1);
    return result;
}

static void networks_come_back_from_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_MODELS; i++) {
        struct network_pair pair;
        struct graph *graph = model_load(MODELS[i]);
        assert_true(pair_make(graph, &pair));
        samples_put(graph, "|i1");
        struct quantizer_options options = options_of(&pair.origin);
        options.input_like = arena_printf(&arena, "../shared/models/%s.tflite", MODELS[i]);
        const struct graph *same = run(&options, pair.real).graph;
        assert_string_equal(dump(same) + strcspn(dump(same), "\n"),
                            dump(pair.back) + strcspn(dump(pair.back), "\n"));
    }
}

/* Stored s8 and u8 are the integers of the input, whether the original is given or not. */
static void samples_are_the_inputs_integers(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * N_MODELS; i++) {
        struct network_pair pair;
        struct graph *graph = model_load(MODELS[i / 2]);
        assert_true(pair_make(graph, &pair));
        samples_put(graph, i % 2 ? "|i1" : "|u1");
        struct quantizer_options options = options_of(NULL);
        options.equalize = options.correct_bias = 0;
        options.input_like = arena_printf(&arena, "../shared/models/%s.tflite", MODELS[i / 2]);
        const struct graph *result = run(&options, pair.real).graph;
        check_scales(&result->tensors[result->inputs[0]], &graph->tensors[graph->inputs[0]]);
    }
}

/* Two layers that change, and one before them that does not. */
static const char LAYERS[] =
    "graph g\ntensor \"x\" s8 1x4 scale 0.0500000007 zero_point 3\n"
    "tensor \"u\" s8 4x4 scale 0.01 zero_point 0 = 90 -3 5 8 1 -90 40 3 -20 5 127 1 2 3 4 -100\n"
    "tensor \"y\" s8 1x4 scale 0.0299999993 zero_point -5\n"
    "tensor \"v\" s8 4x4 scale 0.02 zero_point 0 = 50 -3 5 8 1 -90 40 3 -20 5 127 1 2 3 4 -100\n"
    "tensor \"z\" s8 1x4 scale 0.0700000003 zero_point -128\n"
    "tensor \"w\" s8 2x4 scale 0.03 zero_point 0 = 90 -3 5 8 1 -90 40 127\n"
    "tensor \"b\" s32 2 scale 0.0021 zero_point 0 = 123 -456\n"
    "tensor \"a\" s8 1x2 scale 0.2 zero_point 7\ninput \"x\"\n"
    "node fully_connected one \"x\" \"u\" -> \"y\"\n"
    "node fully_connected two \"y\" \"v\" -> \"z\"\n"
    "node fully_connected three \"z\" \"w\" \"b\" -> \"a\"\noutput \"a\"\n";

/* A relu with a scale of its own is not folded: two roundings are not one. */
static void relu_stays(void **state)
{
    (void)state;
    struct network_pair pair;
    assert_true(pair_make(parse("graph g\ntensor \"x\" s8 1x2 scale 0.5 zero_point 3\n"
                                "tensor \"w\" s8 2x2 scale 0.25 zero_point 0 = 4 -3 2 100\n"
                                "tensor \"y\" s8 1x2 scale 0.5 zero_point 0\n"
                                "tensor \"z\" s8 1x2 scale 0.3 zero_point -128\ninput \"x\"\n"
                                "node fully_connected d \"x\" \"w\" -> \"y\"\n"
                                "node relu r \"y\" -> \"z\"\noutput \"z\"\n"),
                          &pair));
    samples_put(pair.back, "|i1");
    struct quantizer_options options = options_of(&pair.origin);
    assert_string_equal(dump(run(&options, pair.real).graph), dump(pair.back));
}

/* Normalizations are folded; inputs and outputs keep their scales. */
static void normalizations_are_folded(void **state)
{
    (void)state;
    struct network_pair pair;
    struct graph *normalized;
    assert_true(pair_make(parse(LAYERS), &pair));
    samples_put(pair.back, "|i1");
    ok(renormalize(pair.real, &arena, &normalized, &diag));
    assert_true(normalized->n_nodes > 3);
    struct quantizer_options options = options_of(&pair.origin);
    options.scale.scale = 0.05f;
    const struct graph *result = run(&options, normalized).graph;
    assert_int_equal(result->n_nodes, 3);
    check_ends(pair.back, result);
    check_constants(pair.back, &pair.back->nodes[2], result, &result->nodes[2], 1, 1);
}

/* Equalization and correction of biases leave a layer alone that has not changed. */
static void other_layers_are_equalized(void **state)
{
    (void)state;
    struct network_pair pair;
    assert_true(pair_make(parse(LAYERS), &pair));
    samples_put(pair.back, "|i1");
    struct draft draft = draft_start(pair.real, &arena);
    struct graph *changed;
    for (int32_t i = 1; i < 3; i++)
        draft_own_values(&draft, &draft.graph.nodes[i], 1)[0] *= 1.5f;
    ok(draft_finish(&draft, &arena, &changed, &diag));
    struct quantizer_options options = options_of(&pair.origin);
    options.scale.scale = 0.05f;
    const struct graph *result = run(&options, changed).graph;
    check_ends(pair.back, result);
    check_constants(pair.back, &pair.back->nodes[0], result, &result->nodes[0], 1, 1);
    check_scales(node_output(pair.back, &pair.back->nodes[0]),
                 node_output(result, &result->nodes[0]));
    assert_int_equal(result->nodes[0].n_inputs, 2); /* no bias to correct anything */
    assert_int_equal(result->nodes[1].n_inputs, 3);
}

/* Training with rounding changes weights; activations keep the scales that it has rounded them to.
 */
static void training_keeps_activations(void **state)
{
    (void)state;
    struct network_pair pair;
    assert_true(pair_make(parse(LAYERS), &pair));
    samples_put(pair.back, "|i1");
    struct quantizer_options options = options_of(&pair.origin);
    options.scale.scale = 0.05f;
    options.equalize = 0;
    options.n_qat_epochs = 3;
    options.qat_rate = 0.1;
    struct quantizer_result trained = run(&options, pair.real);
    const struct graph *result = trained.graph;
    check_ends(pair.back, result);
    for (int32_t i = 0; i < 3; i++)
        check_scales(node_output(pair.back, &pair.back->nodes[i]),
                     node_output(result, &result->nodes[i]));
    for (int32_t i = 0; i < 3; i++)
        assert_memory_not_equal(node_input(pair.real, &pair.real->nodes[i], 1)->data,
                                node_input(trained.folded, &trained.folded->nodes[i], 1)->data,
                                8 * sizeof(float));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(random_graphs_come_back),
        FOLDER_TEST(int8_networks_come_back),
        FOLDER_TEST(random_graphs_change),
        FOLDER_TEST(int8_networks_change),
        FOLDER_TEST(absent_weights_keep_the_scale),
        FOLDER_TEST(scales_that_differ_meet),
        FOLDER_TEST(large_biases_fit),
        FOLDER_TEST(networks_come_back_from_files),
        FOLDER_TEST(samples_are_the_inputs_integers),
        FOLDER_TEST(relu_stays),
        FOLDER_TEST(normalizations_are_folded),
        FOLDER_TEST(other_layers_are_equalized),
        FOLDER_TEST(training_keeps_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
