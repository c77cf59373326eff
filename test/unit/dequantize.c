/* SPDX-License-Identifier: Apache-2.0 */
/* The float network of an int8 network: quantized again with the scales that it had, it is the int8
 * network; on the graphs of test/ops, on random ones, and on the networks of ../shared where they
 * are. DTMM_SEED is the first random graph's seed. */
#include <dirent.h>
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
#include "test/unit/same_outputs.h"

#include <cmocka.h> /* last: it makes fail() a macro */

enum { N_GRAPHS = 300 };

static struct graph *parse(const char *source, struct arena *arena)
{
    struct graph *graph = NULL;
    struct diag diag = {""};
    graph_parse(source, strlen(source), arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    return graph;
}

static const struct node *node_named(const struct graph *graph, const char *name)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i].name, name) == 0)
            return &graph->nodes[i];
    return NULL;
}

/* Whether the integer comes back as far as float has it: a weight of -128 is beyond the range that
 * quantize() gives weights, a bias has 24 bits. */
static int comes_back(enum dtype dtype, int64_t before, int64_t after)
{
    if (dtype == DTYPE_S8)
        return after == (before == -128 ? -127 : before);
    int64_t difference = llabs(after - before), size = llabs(before);
    return difference <= size >> 23;
}

static int64_t integer_of(const struct tensor *tensor, int64_t i)
{
    return tensor->dtype == DTYPE_S8 ? ((const int8_t *)tensor->data)[i]
                                     : ((const int32_t *)tensor->data)[i];
}

/* Same scales, and integers that come back; whether they are the same. */
static int check_constant(const struct tensor *a, const struct tensor *b)
{
    const struct quantization *p = &a->quantization, *q = &b->quantization;
    assert_true(a->dtype == b->dtype && shape_equal(&a->shape, &b->shape));
    for (int64_t i = 0; i < shape_elements(&a->shape); i++)
        assert_true(comes_back(a->dtype, integer_of(a, i), integer_of(b, i)));
    if (p->n > 0) {
        assert_true(p->n == q->n && (p->n == 1 || p->axis == q->axis));
        assert_memory_equal(p->scale, q->scale, (size_t)p->n * sizeof *p->scale);
    }
    return memcmp(a->data, b->data, tensor_bytes(a)) == 0;
}

static int has_float(const struct graph *graph)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (node_output(graph, &graph->nodes[i])->dtype == DTYPE_F32 &&
            graph->nodes[i].op != OP_dequantize)
            return 1;
    return 0;
}

/* Whether inputs and outputs are int8, and no node changes the scale of what it reads alone. */
static int is_closed(const struct graph *graph)
{
    for (int32_t i = 0; i < graph->n_nodes; i++)
        if (graph->nodes[i].op == OP_quantize || graph->nodes[i].op == OP_dequantize)
            return 0;
    return 1;
}

/* Returns whether the graph came back to compute the same. */
static int check_graph(const struct graph *graph, struct arena *arena)
{
    struct graph *real, *back;
    struct fake_quantization *fake;
    struct diag diag = {""};
    int same = 1;
    if (has_float(graph)) {
        assert_int_equal(dequantize(graph, arena, &real, &fake, &diag), ERR_UNSUPPORTED);
        return 0;
    }
    dequantize(graph, arena, &real, &fake, &diag);
    assert_string_equal(diag.message, "");
    for (int32_t t = 0; t < real->n_tensors; t++)
        assert_int_equal(real->tensors[t].dtype, DTYPE_F32);
    quantize(real, fake, arena, &back, &diag);
    assert_string_equal(diag.message, "");
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        const struct node *before = &graph->nodes[i], *after = node_named(back, before->name);
        for (int32_t k = 1; k < before->n_inputs && op_has_weights(before->op); k++)
            same &= check_constant(node_input(graph, before, k), node_input(back, after, k));
    }
    if (!same || !is_closed(graph))
        return 0;
    assert_int_equal(first_difference(graph, back, 20, 1), -1);
    return 1;
}

static void operators(void **state)
{
    (void)state;
    DIR *folder = opendir("test/ops");
    int n = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct arena arena = {0};
        struct file file;
        struct diag diag = {""};
        if (strstr(entry->d_name, ".txt") == NULL)
            continue;
        assert_int_equal(
            file_read(arena_printf(&arena, "test/ops/%s", entry->d_name), &arena, &file, &diag),
            OK);
        char *text = arena_printf(&arena, "%.*s", (int)file.size, (const char *)file.data);
        *strstr(text, "\n---") = '\0';
        n += check_graph(parse(arena_printf(&arena, "%s\n", text), &arena), &arena);
        arena_free(&arena);
    }
    closedir(folder);
    assert_true(n > 40);
}

static void random_graphs(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int n = 0;
    for (int k = 0; k < N_GRAPHS; k++) {
        struct arena arena = {0};
        n += check_graph(parse(random_graph(seed + (uint64_t)k, &arena), &arena), &arena);
        arena_free(&arena);
    }
    assert_true(n > N_GRAPHS / 10);
}

/* 10 log10 of the float output's mean square over that of what int8 makes differently, on random
 * inputs; small ones, that are within all ranges. */
static double decibels_of(const struct graph *graph, struct arena *arena)
{
    struct graph *real;
    struct fake_quantization *fake;
    struct diag diag;
    struct random random = {1};
    double signal = 0, noise = 0;
    assert_int_equal(dequantize(graph, arena, &real, &fake, &diag), OK);
    struct runnable runnable = runnable_make(graph, arena);
    const struct tensor *input = &graph->tensors[graph->inputs[0]];
    const struct tensor *output = &graph->tensors[graph->outputs[0]];
    int64_t n_inputs = shape_elements(&input->shape), n_outputs = shape_elements(&output->shape);
    float *inputs = ARENA_ARRAY(arena, (size_t)n_inputs, float);
    for (int k = 0; k < 5; k++) {
        for (int64_t i = 0; i < n_inputs; i++) {
            int32_t q = input->quantization.zero_point[0] + random_range(&random, -20, 20);
            runnable.inputs[i] = (uint8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
            inputs[i] = dequantize_value((int8_t)runnable.inputs[i], input->quantization.scale[0],
                                         input->quantization.zero_point[0]);
        }
        runnable_run(&runnable);
        float *exact = float_outputs(real, inputs, 1, arena)[0];
        for (int64_t i = 0; i < n_outputs; i++) {
            double error =
                (double)exact[i] - (double)dequantize_value((int8_t)runnable.outputs[i],
                                                            output->quantization.scale[0],
                                                            output->quantization.zero_point[0]);
            signal += (double)exact[i] * (double)exact[i];
            noise += error * error;
        }
    }
    return noise == 0 ? 100 : 10 * log10(signal / noise);
}

static void int8_networks(void **state)
{
    (void)state;
    static const char *const names[] = {"pretrainedResnet_quant", "ad01_int8", "vww_96_int8",
                                        "kws_ref_model"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct arena arena = {0};
        struct file file;
        struct graph *graph;
        struct diag diag = {""};
        const char *path = arena_printf(&arena, "../shared/models/%s.tflite", names[i]);
        if (access(path, R_OK) != 0) {
            print_message("%s is not there\n", path);
            skip();
        }
        file_read(path, &arena, &file, &diag);
        import_tflite(file.data, file.size, names[i], &arena, &graph, &diag);
        assert_string_equal(diag.message, "");
        int same = check_graph(graph, &arena);
        double decibels = decibels_of(graph, &arena);
        print_message("%s: %s, float is %.1f dB above its difference\n", names[i],
                      same ? "the same" : "the same weights", decibels);
        assert_true(decibels > 10);
        arena_free(&arena);
    }
}

static const char *dequantized(const char *source, struct arena *arena)
{
    struct graph *real;
    struct fake_quantization *fake;
    struct diag diag = {""};
    struct text text = text_start(arena);
    dequantize(parse(source, arena), arena, &real, &fake, &diag);
    assert_string_equal(diag.message, "");
    graph_dump(real, &text);
    return text.data;
}

/* Integers that end at 0 are a relu; at 0 and 6 a relu6. */
static void implied_activations(void **state)
{
    (void)state;
    struct arena arena = {0};
    static const char *const outputs[] = {"scale 0.5 zero_point -128",
                                          "scale 0.0235294122 zero_point -128",
                                          "scale 0.5 zero_point -127"};
    static const char *const activations[] = {" activation relu", " activation relu6", ""};
    for (int k = 0; k < 3; k++)
        assert_string_equal(
            dequantized(
                arena_printf(&arena,
                             "graph g\ntensor \"x\" s8 1x2 scale 0.5 zero_point 3\n"
                             "tensor \"w\" s8 1x2 scale 0.25 zero_point 0 = 4 -3\n"
                             "tensor \"b\" s32 1 scale 0.125 zero_point 0 = 9\n"
                             "tensor \"y\" s8 1x1 %s\ninput \"x\"\n"
                             "node fully_connected d \"x\" \"w\" \"b\" -> \"y\"\noutput \"y\"\n",
                             outputs[k]),
                &arena),
            arena_printf(&arena,
                         "graph g\ntensor \"x\" f32 1x2\ntensor \"w\" f32 1x2 = 1 -0.75\n"
                         "tensor \"b\" f32 1 = 1.125\ntensor \"y\" f32 1x1\ninput \"x\"\n"
                         "node fully_connected d \"x\" \"w\" \"b\" -> \"y\"%s\noutput \"y\"\n",
                         activations[k]));
    arena_free(&arena);
}

/* quantize and dequantize nodes at the ends and between leave. */
static void changes_of_scale_leave(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_string_equal(
        dequantized("graph g\ntensor \"in\" f32 1x2\ntensor \"x\" s8 1x2 scale 0.5 zero_point 3\n"
                    "tensor \"q\" s8 1x2 scale 0.25 zero_point 0\n"
                    "tensor \"y\" s8 1x2 scale 0.25 zero_point 0\ntensor \"out\" f32 1x2\n"
                    "input \"in\"\nnode quantize a \"in\" -> \"x\"\n"
                    "node quantize b \"x\" -> \"q\"\nnode relu r \"q\" -> \"y\"\n"
                    "node dequantize c \"y\" -> \"out\"\noutput \"out\"\n",
                    &arena),
        "graph g\ntensor \"in\" f32 1x2\ntensor \"y\" f32 1x2\ninput \"in\"\n"
        "node relu r \"in\" -> \"y\"\noutput \"y\"\n");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators),
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(int8_networks),
        cmocka_unit_test(implied_activations),
        cmocka_unit_test(changes_of_scale_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
