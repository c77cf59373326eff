/* SPDX-License-Identifier: Apache-2.0 */
/* Real networks: their text reads back to the same bytes and the same graph, in bounded time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "graph/graph.h"
#include "import/import.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static struct arena arena;
static struct diag diag;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct text dump(const struct graph *graph)
{
    struct text text = text_start(&arena);
    graph_dump(graph, &text);
    return text;
}

static void check_tensor(const struct tensor *a, const struct tensor *b)
{
    size_t n = (size_t)a->quantization.n;
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->dtype, b->dtype);
    assert_true(shape_equal(&a->shape, &b->shape));
    assert_int_equal(a->quantization.n, b->quantization.n);
    if (n > 0) {
        assert_memory_equal(a->quantization.scale, b->quantization.scale, n * 4);
        assert_memory_equal(a->quantization.zero_point, b->quantization.zero_point, n * 4);
    }
    assert_int_equal(a->data == NULL, b->data == NULL);
    if (a->data != NULL)
        assert_memory_equal(a->data, b->data, tensor_bytes(a));
}

static void check_same(const struct graph *a, const struct graph *b)
{
    assert_int_equal(a->n_tensors, b->n_tensors);
    assert_int_equal(a->n_nodes, b->n_nodes);
    for (int32_t i = 0; i < a->n_tensors; i++)
        check_tensor(&a->tensors[i], &b->tensors[i]);
    for (int32_t i = 0; i < a->n_nodes; i++) {
        const struct node *from = &a->nodes[i], *to = &b->nodes[i];
        assert_string_equal(from->name, to->name);
        assert_int_equal(from->op, to->op);
        assert_int_equal(from->n_inputs, to->n_inputs);
        assert_memory_equal(from->inputs, to->inputs,
                            (size_t)from->n_inputs * sizeof from->inputs[0]);
        assert_int_equal(from->output, to->output);
        assert_memory_equal(&from->attrs, &to->attrs, sizeof from->attrs);
    }
}

static void check_round_trip(const struct graph *graph)
{
    struct text once = dump(graph);
    struct graph *again = NULL;
    clock_t start = clock();
    if (graph_parse(once.data, once.length, &arena, &again, &diag) != OK)
        fail_msg("%s", diag.message);
    assert_in_range((clock() - start) / CLOCKS_PER_SEC, 0, 5);
    check_same(graph, again);
    struct text twice = dump(again);
    assert_int_equal(once.length, twice.length);
    assert_memory_equal(once.data, twice.data, once.length);
}

static void file_round_trips(const char *path)
{
    struct file file;
    struct graph *graph = NULL;
    assert_int_equal(file_read(path, &arena, &file, &diag), OK);
    if (import_tflite(file.data, file.size, "model", &arena, &graph, &diag) != OK)
        fail_msg("%s", diag.message);
    check_round_trip(graph);
}

static void shipped_model_round_trips(void **state)
{
    (void)state;
    file_round_trips("examples/small_cnn.tflite");
}

static void shared_model_round_trips(void **state)
{
    const char *shared = getenv("DTMM_SHARED");
    const char *path = arena_printf(&arena, "%s/models/%s", shared != NULL ? shared : "../shared",
                                    (const char *)*state);
    if (access(path, R_OK) != 0) {
        arena_free(&arena);
        skip();
    }
    file_round_trips(path);
}

/* Four million weights, and as many tensors as a text of a few megabytes holds. */
static void large_graphs_round_trip(void **state)
{
    (void)state;
    enum { N = 4000000, N_NODES = 20000 };
    struct graph_builder builder = graph_start(&arena, "large");
    int8_t *weights = ARENA_ARRAY(&arena, N, int8_t);
    for (int i = 0; i < N; i++)
        weights[i] = (int8_t)(i * 73 ^ i >> 7);
    float scale = 0.1f;
    int32_t zero_point = 0;
    struct tensor tensor = {.name = "x",
                            .dtype = DTYPE_S8,
                            .shape = {1, {N}},
                            .quantization = {1, 0, &scale, &zero_point}};
    int32_t input = graph_add_tensor(&builder, &tensor), at = input;
    tensor.data = weights;
    int32_t constant = graph_add_tensor(&builder, &tensor);
    tensor.data = NULL;
    for (int i = 0; i < N_NODES; i++) {
        struct node node = {.name = "Add/x", .op = OP_add, .n_inputs = 2, .inputs = {at, constant}};
        at = node.output = graph_add_tensor(&builder, &tensor);
        graph_add_node(&builder, &node);
    }
    graph_set_inputs(&builder, &input, 1);
    graph_set_outputs(&builder, &at, 1);
    check_round_trip(builder.graph);
}

#define MODEL(name)                                                                                \
    {                                                                                              \
        name, shared_model_round_trips, NULL, tear_down, (char *)(uintptr_t)name                   \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODEL("ad01_int8.tflite"),
        MODEL("kws_ref_model.tflite"),
        MODEL("pretrainedResnet_quant.tflite"),
        MODEL("vww_96_int8.tflite"),
        MODEL("ad01_fp32.tflite"),
        MODEL("pretrainedResnet.tflite"),
        MODEL("vww_96_float.tflite"),
        cmocka_unit_test_teardown(shipped_model_round_trips, tear_down),
        cmocka_unit_test_teardown(large_graphs_round_trip, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
