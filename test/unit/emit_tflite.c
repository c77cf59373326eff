/* SPDX-License-Identifier: Apache-2.0 */
/* What is written as a .tflite file is read back as the same graph: graphs of test/ops and
 * test/import, and the networks of ../shared where they are. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "emit/emit.h"
#include "graph/facts.h"
#include "import/import.h"
#include "import/tflite_reader.h"
#include "test/unit/same_outputs.h"

#include <cmocka.h> /* last: it makes fail() a macro */

/* ---- the graph as the importer numbers and names it ---- */

struct canonical {
    const struct graph *from;
    struct graph_builder builder;
    int32_t *ids;
    struct arena *arena;
};

/* A bias without a scale gets that of its sums. */
static void bias_scale(struct canonical *to, const struct node *node, struct tensor *bias)
{
    const struct quantization *weights = &node_input(to->from, node, 1)->quantization;
    if (bias->dtype != DTYPE_S32 || bias->quantization.n != 0)
        return;
    float *scale = ARENA_ARRAY(to->arena, (size_t)weights->n, float);
    for (int32_t i = 0; i < weights->n; i++)
        scale[i] = node_input(to->from, node, 0)->quantization.scale[0] * weights->scale[i];
    bias->quantization = (struct quantization){
        .n = weights->n,
        .scale = scale,
        .zero_point = ARENA_ARRAY(to->arena, (size_t)weights->n, int32_t),
    };
}

static int32_t canonical_tensor(struct canonical *to, int32_t id, const struct node *node, int k)
{
    static const char *const roles[] = {NULL, "weights", "bias"};
    if (to->ids[id] >= 0)
        return to->ids[id];
    struct tensor tensor = to->from->tensors[id];
    if (node != NULL && op_has_weights(node->op) && k > 0)
        tensor.name = arena_printf(to->arena, "%s/%s", node->name, roles[k]);
    if (node != NULL && op_has_weights(node->op) && k == 2)
        bias_scale(to, node, &tensor);
    return to->ids[id] = graph_add_tensor(&to->builder, &tensor);
}

static struct graph *canonical(const struct graph *graph, struct arena *arena)
{
    struct canonical to = {graph, graph_start(arena, graph->name),
                           ARENA_ARRAY(arena, (size_t)graph->n_tensors, int32_t), arena};
    memset(to.ids, -1, (size_t)graph->n_tensors * sizeof *to.ids);
    int32_t list[64];
    for (int32_t i = 0; i < graph->n_inputs; i++)
        list[i] = canonical_tensor(&to, graph->inputs[i], NULL, 0);
    graph_set_inputs(&to.builder, list, graph->n_inputs);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        struct node node = graph->nodes[i];
        for (int32_t k = 0; k < node.n_inputs; k++)
            node.inputs[k] = canonical_tensor(&to, node.inputs[k], &graph->nodes[i], k);
        node.output = canonical_tensor(&to, node.output, NULL, 0);
        graph_add_node(&to.builder, &node);
    }
    for (int32_t i = 0; i < graph->n_outputs; i++)
        list[i] = to.ids[graph->outputs[i]];
    graph_set_outputs(&to.builder, list, graph->n_outputs);
    return to.builder.graph;
}

static const char *dump(const struct graph *graph, struct arena *arena)
{
    struct text text = text_start(arena);
    graph_dump(graph, &text);
    return text.data;
}

/* ---- round trips ---- */

static struct graph *parse(const char *source, struct arena *arena)
{
    struct graph *graph = NULL;
    struct diag diag = {""};
    graph_parse(source, strlen(source), arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    return graph;
}

static struct graph *round_trip(const struct graph *graph, struct arena *arena)
{
    struct file file, again;
    struct diag diag = {""};
    struct graph *back = NULL;
    emit_tflite(graph, arena, &file, &diag);
    assert_string_equal(diag.message, "");
    emit_tflite(graph, arena, &again, &diag);
    assert_int_equal(file.size, again.size);
    assert_memory_equal(file.data, again.data, file.size);
    import_tflite(file.data, file.size, graph->name, arena, &back, &diag);
    assert_string_equal(diag.message, "");
    return back;
}

static void same_text(const struct graph *graph, struct arena *arena)
{
    const char *before = dump(canonical(graph, arena), arena);
    const char *after = dump(round_trip(graph, arena), arena);
    size_t at = 0;
    while (before[at] != '\0' && before[at] == after[at])
        at++;
    if (before[at] != after[at])
        print_error("expected: %.200s\nfound: %.200s\n", before + at, after + at);
    assert_int_equal(before[at], after[at]);
}

/* The files of a folder whose name ends so. */
static int each_file(const char *folder, const char *suffix,
                     void (*test)(const char *name, const struct file *file, struct arena *arena))
{
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort), n_tests = 0;
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(entries[i]->d_name, '.');
        struct arena arena = {0};
        struct file file;
        struct diag diag = {""};
        if (dot != NULL && strcmp(dot, suffix) == 0) {
            file_read(arena_printf(&arena, "%s/%s", folder, entries[i]->d_name), &arena, &file,
                      &diag);
            assert_string_equal(diag.message, "");
            test(entries[i]->d_name, &file, &arena);
            n_tests++;
        }
        arena_free(&arena);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return n_tests;
}

/* Their pads are no padding of the format: they come back as more nodes, or not at all. */
static const char *const padded[] = {"conv_2d_dilation.txt", "depthwise_conv_2d_multiplier.txt",
                                     "average_pool_2d_channels.txt"};

static void test_op_file(const char *name, const struct file *file, struct arena *arena)
{
    char *mark = strstr((char *)file->data, "\n---\n");
    if (mark != NULL)
        mark[1] = '\0';
    for (size_t i = 0; i < sizeof padded / sizeof *padded; i++)
        if (strcmp(name, padded[i]) == 0)
            return;
    print_message("  %s\n", name);
    same_text(parse((const char *)file->data, arena), arena);
}

static void ops_round_trip(void **state)
{
    (void)state;
    assert_true(each_file("test/ops", ".txt", test_op_file) > 50);
}

static void test_import_file(const char *name, const struct file *file, struct arena *arena)
{
    if (strcmp(name, "refused.txt") == 0)
        return;
    print_message("  %s\n", name);
    same_text(parse((const char *)file->data, arena), arena);
}

static void imports_round_trip(void **state)
{
    (void)state;
    assert_true(each_file("test/import", ".txt", test_import_file) > 10);
}

static void test_model(const char *name, const struct file *file, struct arena *arena)
{
    struct diag diag = {""};
    struct graph *graph = NULL;
    print_message("  %s\n", name);
    if (import_tflite(file->data, file->size, "model", arena, &graph, &diag) == ERR_UNSUPPORTED)
        return;
    assert_string_equal(diag.message, "");
    same_text(graph, arena);
}

static void models_round_trip(void **state)
{
    (void)state;
    assert_true(each_file("examples", ".tflite", test_model) > 0);
    if (access("../shared/models", R_OK) != 0)
        skip();
    assert_true(each_file("../shared/models", ".tflite", test_model) > 0);
}

/* ---- what the format says in other words ---- */

static void rewritten(const char *source, const char *const *ops)
{
    struct arena arena = {0};
    struct graph *graph = parse(source, &arena);
    struct graph *back = round_trip(graph, &arena);
    for (int32_t i = 0; i < back->n_nodes; i++)
        assert_string_equal(op_name(back->nodes[i].op), ops[i]);
    assert_null(ops[back->n_nodes]);
    assert_int_equal(first_difference(graph, back, 50, 1), -1);
    assert_string_equal(back->tensors[back->inputs[0]].name, "x");
    assert_string_equal(back->tensors[back->outputs[0]].name, "y");
    arena_free(&arena);
}

#define X_3x3 "tensor \"x\" s8 1x3x3x1 scale 0.5 zero_point 3\n"
#define W_2x2 "tensor \"w\" s8 1x2x2x1 scale 0.5 zero_point 0 = 1 -2 3 4\n"
#define IO(node) "input \"x\"\nnode " node "\noutput \"y\"\n"

static void pads_become_operators(void **state)
{
    (void)state;
    rewritten("graph g\n" X_3x3 W_2x2 "tensor \"y\" s8 1x4x4x1 scale 1 zero_point -5\n" IO(
                  "conv_2d c \"x\" \"w\" -> \"y\" pads 1 1 1 1"),
              (const char *const[]){"pad", "conv_2d", NULL});
    rewritten("graph g\n" X_3x3 W_2x2 "tensor \"y\" s8 1x3x4x1 scale 1 zero_point -5\n" IO(
                  "depthwise_conv_2d c \"x\" \"w\" -> \"y\" pads 1 0 1 1 activation relu6"),
              (const char *const[]){"pad", "depthwise_conv_2d", NULL});
    rewritten("graph g\n" X_3x3 W_2x2 "tensor \"y\" s8 1x5x4x1 scale 1 zero_point -5\n" IO(
                  "transpose_conv c \"x\" \"w\" -> \"y\" stride 2 2 pads 1 0 1 1 activation relu"),
              (const char *const[]){"transpose_conv", "strided_slice", NULL});
    rewritten("graph g\ntensor \"x\" s8 1x3x3x1 scale 0.5 zero_point -128\n"
              "tensor \"y\" s8 1x4x4x1 scale 0.5 zero_point -128\n" IO(
                  "max_pool_2d p \"x\" -> \"y\" pads 1 1 1 1 window 2 2"),
              (const char *const[]){"pad", "max_pool_2d", NULL});
    /* Rows and columns that no window reaches do not matter. */
    rewritten("graph g\n" X_3x3 W_2x2 "tensor \"y\" s8 1x2x2x1 scale 1 zero_point -5\n" IO(
                  "conv_2d c \"x\" \"w\" -> \"y\" stride 2 2 pads 0 2 0 1"),
              (const char *const[]){"conv_2d", NULL});
}

static void refused(const char *source, const char *message)
{
    struct arena arena = {0};
    struct file file;
    struct diag diag;
    assert_int_equal(emit_tflite(parse(source, &arena), &arena, &file, &diag), ERR_UNSUPPORTED);
    assert_string_equal(diag.message, message);
    arena_free(&arena);
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    refused("graph g\n" X_3x3 "tensor \"y\" s8 1x4x4x1 scale 0.5 zero_point 3\n" IO(
                "average_pool_2d p \"x\" -> \"y\" pads 1 1 1 1 window 2 2"),
            "average_pool_2d 'p': a .tflite file has the paddings SAME and VALID only, not 1 1 1 "
            "1; change the pooling to one of them");
    refused("graph g\n" X_3x3 "tensor \"y\" s8 1x4x4x1 scale 0.5 zero_point 3\n" IO(
                "max_pool_2d p \"x\" -> \"y\" pads 1 1 1 1 window 2 2"),
            "max_pool_2d 'p': a .tflite file has the paddings SAME and VALID only, not 1 1 1 1; "
            "change the pooling to one of them, or put a relu before it");
    refused("graph g\ntensor \"x\" f32 1x2\ntensor \"c\" f32 2 = 1 1\ntensor \"y\" f32 1x2\n" IO(
                "batch_normalization b \"x\" \"c\" \"c\" \"c\" \"c\" -> \"y\""),
            "batch_normalization 'b': a .tflite file cannot have it; fold it into the layer before "
            "it");
}

/* Versions as TensorFlow Lite's converter writes them, constants where a device can use them. */
static void codes_and_alignment(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct graph *graph =
        parse("graph g\n" X_3x3 W_2x2 "tensor \"b\" s32 1 scale 0.25 zero_point 0 = 7\n"
              "tensor \"c\" s8 1x2x2x1 scale 1 zero_point -5\n"
              "tensor \"y\" s8 1x4 scale 1 zero_point -5\n"
              "input \"x\"\nnode conv_2d c \"x\" \"w\" \"b\" -> \"c\"\n"
              "node reshape r \"c\" -> \"y\"\noutput \"y\"\n",
              &arena);
    struct file file;
    struct diag diag;
    struct tflite_model model;
    assert_int_equal(emit_tflite(graph, &arena, &file, &diag), OK);
    assert_null(tflite_read(file.data, file.size, &arena, &model));
    assert_int_equal(model.version, 3);
    assert_int_equal(model.n_codes, 2);
    assert_int_equal(model.codes[0].builtin, 3);
    assert_int_equal(model.codes[0].version, 3);
    assert_int_equal(model.codes[1].builtin, 22);
    assert_int_equal(model.codes[1].version, 1);
    assert_int_equal(model.n_buffers, 4);
    assert_int_equal(model.buffers[0].data.n, 0);
    for (uint32_t i = 1; i < model.n_buffers; i++)
        assert_int_equal((model.buffers[i].data.data - model.file) % 16, 0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ops_round_trip),
        cmocka_unit_test(imports_round_trip),
        cmocka_unit_test(models_round_trip),
        cmocka_unit_test(pads_become_operators),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(codes_and_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
