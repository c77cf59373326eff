/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that are in ../shared when it is there: what is imported, and that damaged copies
 * are refused without a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "import/import.h"

/* Last: it defines fail() as a macro. */
#include <cmocka.h>

#define EXAMPLE "examples/small_cnn.tflite"

enum { N_FLIPS = 300 };

struct expected {
    const char *file;
    int32_t n_nodes;
    int64_t macs;
    const char *input, *output; /* shapes */
    enum dtype dtype;
    int32_t ops[N_OPS];
    const char *names; /* of the nodes, up to the first softmax or all */
};

static const struct expected models[] = {
    {"pretrainedResnet_quant.tflite",
     16,
     12501632,
     "1x32x32x3",
     "1x10",
     DTYPE_S8,
     {[OP_conv_2d] = 9,
      [OP_add] = 3,
      [OP_average_pool_2d] = 1,
      [OP_reshape] = 1,
      [OP_fully_connected] = 1,
      [OP_softmax] = 1},
     "conv2d conv2d_1 conv2d_2 add conv2d_3 conv2d_4 conv2d_5 add_1 conv2d_6 conv2d_7 conv2d_8 "
     "add_2 average_pooling2d flatten dense softmax"},
    {"kws_ref_model.tflite",
     13,
     2656768,
     "1x49x10x1",
     "1x12",
     DTYPE_S8,
     {[OP_conv_2d] = 5,
      [OP_depthwise_conv_2d] = 4,
      [OP_average_pool_2d] = 1,
      [OP_reshape] = 1,
      [OP_fully_connected] = 1,
      [OP_softmax] = 1},
     "conv2d depthwise_conv2d conv2d_1 depthwise_conv2d_1 conv2d_2 depthwise_conv2d_2 conv2d_3 "
     "depthwise_conv2d_3 conv2d_4 average_pooling2d flatten dense softmax"},
    {"vww_96_int8.tflite",
     31,
     7489664,
     "1x96x96x3",
     "1x2",
     DTYPE_S8,
     {[OP_conv_2d] = 14,
      [OP_depthwise_conv_2d] = 13,
      [OP_average_pool_2d] = 1,
      [OP_reshape] = 1,
      [OP_fully_connected] = 1,
      [OP_softmax] = 1},
     "conv2d depthwise_conv2d conv2d_1 depthwise_conv2d_1 conv2d_2 depthwise_conv2d_2 conv2d_3 "
     "depthwise_conv2d_3 conv2d_4 depthwise_conv2d_4 conv2d_5 depthwise_conv2d_5 conv2d_6 "
     "depthwise_conv2d_6 conv2d_7 depthwise_conv2d_7 conv2d_8 depthwise_conv2d_8 conv2d_9 "
     "depthwise_conv2d_9 conv2d_10 depthwise_conv2d_10 conv2d_11 depthwise_conv2d_11 conv2d_12 "
     "depthwise_conv2d_12 conv2d_13 average_pooling2d flatten dense softmax"},
    {"ad01_int8.tflite",
     10,
     264192,
     "1x640",
     "1x640",
     DTYPE_S8,
     {[OP_fully_connected] = 10},
     "dense dense_1 dense_2 dense_3 dense_4 dense_5 dense_6 dense_7 dense_8 dense_9"},
    {EXAMPLE,
     9,
     723952,
     "1x28x28x1",
     "1x10",
     DTYPE_S8,
     {[OP_conv_2d] = 4,
      [OP_depthwise_conv_2d] = 1,
      [OP_average_pool_2d] = 1,
      [OP_reshape] = 1,
      [OP_fully_connected] = 1,
      [OP_softmax] = 1},
     "conv2d conv2d_1 depthwise_conv2d conv2d_2 conv2d_3 average_pooling2d flatten dense softmax"},
    {"pretrainedResnet.tflite",
     16,
     12501632,
     "1x32x32x3",
     "1x10",
     DTYPE_F32,
     {[OP_conv_2d] = 9,
      [OP_add] = 3,
      [OP_average_pool_2d] = 1,
      [OP_reshape] = 1,
      [OP_fully_connected] = 1,
      [OP_softmax] = 1},
     "conv2d conv2d_1 conv2d_2 add conv2d_3 conv2d_4 conv2d_5 add_1 conv2d_6 conv2d_7 conv2d_8 "
     "add_2 average_pooling2d flatten dense softmax"},
    {"kws_ref_model_float32.tflite",
     13,
     2656768,
     "1x49x10x1",
     "1x12",
     DTYPE_F32,
     {[OP_conv_2d] = 5,
      [OP_depthwise_conv_2d] = 4,
      [OP_average_pool_2d] = 1,
      [OP_reshape] = 1,
      [OP_fully_connected] = 1,
      [OP_softmax] = 1},
     "conv2d depthwise_conv2d conv2d_1 depthwise_conv2d_1 conv2d_2 depthwise_conv2d_2 conv2d_3 "
     "depthwise_conv2d_3 conv2d_4 average_pooling2d flatten dense softmax"},
    {"ad01_fp32.tflite",
     10,
     264192,
     "1x640",
     "1x640",
     DTYPE_F32,
     {[OP_fully_connected] = 10},
     "dense dense_1 dense_2 dense_3 dense_4 dense_5 dense_6 dense_7 dense_8 dense_9"},
    {"vww_96_float.tflite",
     31,
     7489664,
     "1x96x96x3",
     "1x2",
     DTYPE_F32,
     {[OP_conv_2d] = 14,
      [OP_depthwise_conv_2d] = 13,
      [OP_average_pool_2d] = 1,
      [OP_reshape] = 1,
      [OP_fully_connected] = 1,
      [OP_softmax] = 1},
     "conv2d depthwise_conv2d conv2d_1 depthwise_conv2d_1 conv2d_2 depthwise_conv2d_2 conv2d_3 "
     "depthwise_conv2d_3 conv2d_4 depthwise_conv2d_4 conv2d_5 depthwise_conv2d_5 conv2d_6 "
     "depthwise_conv2d_6 conv2d_7 depthwise_conv2d_7 conv2d_8 depthwise_conv2d_8 conv2d_9 "
     "depthwise_conv2d_9 conv2d_10 depthwise_conv2d_10 conv2d_11 depthwise_conv2d_11 conv2d_12 "
     "depthwise_conv2d_12 conv2d_13 average_pooling2d flatten dense softmax"},
};

static int64_t node_macs(const struct graph *graph, const struct node *node)
{
    if (node->op != OP_conv_2d && node->op != OP_depthwise_conv_2d &&
        node->op != OP_fully_connected)
        return 0;
    const struct shape *weights = &node_input(graph, node, 1)->shape;
    int64_t outputs = shape_elements(&node_output(graph, node)->shape);
    if (node->op == OP_depthwise_conv_2d)
        return outputs * weights->dims[1] * weights->dims[2];
    return outputs * shape_elements(weights) / weights->dims[0];
}

/* Reads a model into the arena; skips the test when it is not there, unless it is our own. */
static struct file model_read(const char *name, struct arena *arena)
{
    const char *shared = getenv("DTMM_SHARED");
    const char *path =
        arena_printf(arena, "%s/models/%s", shared != NULL ? shared : "../shared", name);
    struct file file;
    struct diag diag;
    if (strcmp(name, EXAMPLE) == 0)
        path = EXAMPLE;
    else if (access(path, R_OK) != 0) {
        arena_free(arena);
        skip();
    }
    assert_int_equal(file_read(path, arena, &file, &diag), OK);
    return file;
}

static void model_import(const struct expected *expected)
{
    struct arena arena = {0};
    struct file file = model_read(expected->file, &arena);
    struct diag diag = {""};
    struct graph *graph;
    enum status status = import_tflite(file.data, file.size, "model", &arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    assert_int_equal(status, OK);

    int64_t macs = 0;
    int32_t ops[N_OPS] = {0};
    struct text names = text_start(&arena);
    for (int32_t i = 0; i < graph->n_nodes; i++) {
        macs += node_macs(graph, &graph->nodes[i]);
        ops[graph->nodes[i].op]++;
        text_printf(&names, "%s%s", i == 0 ? "" : " ", graph->nodes[i].name);
    }
    assert_int_equal(graph->n_nodes, expected->n_nodes);
    assert_int_equal(macs, expected->macs);
    assert_memory_equal(ops, expected->ops, sizeof ops);
    assert_string_equal(names.data, expected->names);
    assert_int_equal(graph->n_inputs, 1);
    assert_int_equal(graph->n_outputs, 1);
    const struct tensor *input = &graph->tensors[graph->inputs[0]];
    const struct tensor *output = &graph->tensors[graph->outputs[0]];
    assert_int_equal(input->dtype, expected->dtype);
    assert_string_equal(shape_string(&input->shape, &arena), expected->input);
    assert_string_equal(shape_string(&output->shape, &arena), expected->output);
    arena_free(&arena);
}

/* Imports a copy of exactly `size` bytes, so that a read behind it is found. */
static enum status copy_import(const uint8_t *data, size_t size, struct diag *diag)
{
    struct arena arena = {0};
    struct graph *graph;
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    diag->message[0] = '\0';
    enum status status = import_tflite(copy, size, "model", &arena, &graph, diag);
    free(copy);
    arena_free(&arena);
    return status;
}

static void model_truncate(const struct expected *expected)
{
    struct arena arena = {0};
    struct file file = model_read(expected->file, &arena);
    struct diag diag;
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(copy_import(file.data, file.size * i / 16, &diag), ERR_INPUT);
        const char *message = i == 0 ? "the file is empty"
                                     : "the file is damaged or cut off (its tables point outside "
                                       "of it); copy or export it again";
        assert_string_equal(diag.message, message);
    }
    arena_free(&arena);
}

/* A flipped byte may go unnoticed (weights, names) but never crashes, and never gives a graph that
 * breaks the rules: import ends with the verifier. */
static void model_flip(const struct expected *expected)
{
    struct arena arena = {0};
    struct file file = model_read(expected->file, &arena);
    struct random random = {20240229};
    struct diag diag;
    int refused = 0;
    for (int i = 0; i < N_FLIPS; i++) {
        /* Half of them where tables stand: at the end of these files, behind the weights. */
        size_t low = i % 2 == 0 ? 0 : file.size - file.size / 4;
        size_t at = low + (size_t)(random_bits(&random) % (file.size - low));
        uint8_t old = file.data[at];
        file.data[at] ^= (uint8_t)(1 + random_bits(&random) % 255);
        enum status status = copy_import(file.data, file.size, &diag);
        assert_true(status == OK || status == ERR_INPUT || status == ERR_UNSUPPORTED);
        assert_int_equal(status == OK, diag.message[0] == '\0');
        assert_null(strchr(diag.message, '\n'));
        refused += status != OK;
        file.data[at] = old;
    }
    assert_true(refused > 0);
    arena_free(&arena);
}

#define MODEL_TESTS(i, name)                                                                       \
    static void test_##name##_imports(void **state)                                                \
    {                                                                                              \
        (void)state;                                                                               \
        model_import(&models[i]);                                                                  \
    }                                                                                              \
    static void test_##name##_truncated(void **state)                                              \
    {                                                                                              \
        (void)state;                                                                               \
        model_truncate(&models[i]);                                                                \
    }                                                                                              \
    static void test_##name##_flipped(void **state)                                                \
    {                                                                                              \
        (void)state;                                                                               \
        model_flip(&models[i]);                                                                    \
    }

MODEL_TESTS(0, resnet)
MODEL_TESTS(1, kws)
MODEL_TESTS(2, vww)
MODEL_TESTS(3, ad)
MODEL_TESTS(4, example)

#define FLOAT_TEST(i, name)                                                                        \
    static void test_float_##name##_imports(void **state)                                          \
    {                                                                                              \
        (void)state;                                                                               \
        model_import(&models[i]);                                                                  \
    }

FLOAT_TEST(5, resnet)
FLOAT_TEST(6, kws)
FLOAT_TEST(7, ad)
FLOAT_TEST(8, vww)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resnet_imports),    cmocka_unit_test(test_resnet_truncated),
        cmocka_unit_test(test_resnet_flipped),    cmocka_unit_test(test_kws_imports),
        cmocka_unit_test(test_kws_truncated),     cmocka_unit_test(test_kws_flipped),
        cmocka_unit_test(test_vww_imports),       cmocka_unit_test(test_vww_truncated),
        cmocka_unit_test(test_vww_flipped),       cmocka_unit_test(test_ad_imports),
        cmocka_unit_test(test_ad_truncated),      cmocka_unit_test(test_ad_flipped),
        cmocka_unit_test(test_example_imports),   cmocka_unit_test(test_example_truncated),
        cmocka_unit_test(test_example_flipped),   cmocka_unit_test(test_float_resnet_imports),
        cmocka_unit_test(test_float_kws_imports), cmocka_unit_test(test_float_ad_imports),
        cmocka_unit_test(test_float_vww_imports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
