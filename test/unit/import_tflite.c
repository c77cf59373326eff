/* SPDX-License-Identifier: Apache-2.0 */
/* Small models written as JSON (test/import/NAME.json), made into .tflite files by flatc: what each
 * is imported as (test/import/NAME.txt), and how each of many damaged variants is refused
 * (test/import/refused.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "import/import.h"

/* Last: it defines fail() as a macro. */
#include <cmocka.h>

#define FOLDER "test/import"
#define N_OF(array) (sizeof(array) / sizeof *(array))

static const char *const networks[] = {
    "activations",
    "binary",
    "concatenation",
    "conv_2d",
    "depthwise_conv_2d",
    "dynamic_range",
    "float32",
    "fully_connected",
    "mean",
    "pad",
    "pool_2d",
    "quantize",
    "reshape",
    "resize_nearest_neighbor",
    "sparse",
    "strided_slice",
    "transpose_conv",
};

struct edit {
    const char *find; /* occurs in the JSON; the first place is replaced */
    const char *replace;
};

struct variant {
    const char *name;
    const char *network;
    struct edit edits[2];
};

static const struct variant variants[] = {
    /* Ops. */
    {"unknown op",
     "binary",
     {{"deprecated_builtin_code: 0, builtin_code: \"ADD\"",
       "deprecated_builtin_code: 42, builtin_code: \"DIV\""}}},
    {"op without a name",
     "binary",
     {{"deprecated_builtin_code: 0, builtin_code: \"ADD\"",
       "deprecated_builtin_code: 127, builtin_code: 209"}}},
    {"custom op",
     "binary",
     {{"deprecated_builtin_code: 0, builtin_code: \"ADD\"",
       "deprecated_builtin_code: 32, builtin_code: \"CUSTOM\", custom_code: \"Detect\""}}},
    {"relu_n1_to_1 alone",
     "activations",
     {{"deprecated_builtin_code: 19, builtin_code: \"RELU\"",
       "deprecated_builtin_code: 20, builtin_code: \"RELU_N1_TO_1\""}}},
    {"op version", "conv_2d", {{"\"CONV_2D\", version: 3", "\"CONV_2D\", version: 99"}}},
    {"op code", "conv_2d", {{"opcode_index: 0", "opcode_index: 7"}}},
    {"options of another op",
     "conv_2d",
     {{"\"Conv2DOptions\"", "\"Pool2DOptions\""}, {", dilation_h_factor: 2", ""}}},
    {"two outputs", "conv_2d", {{"outputs: [3]", "outputs: [3, 4]"}}},
    {"output index", "conv_2d", {{"outputs: [3]", "outputs: [33]"}}},
    {"one input", "conv_2d", {{"inputs: [0, 1, 2]", "inputs: [0]"}}},
    {"activation missing", "conv_2d", {{"inputs: [0, 1, 2]", "inputs: [-1, 1, 2]"}}},
    {"input index", "conv_2d", {{"inputs: [0, 1, 2]", "inputs: [60, 1, 2]"}}},
    {"input index below -1", "conv_2d", {{"inputs: [0, 1, 2]", "inputs: [0, 1, -2]"}}},
    {"cycle", "conv_2d", {{"inputs: [0, 1, 2]", "inputs: [3, 1, 2]"}}},
    {"dangling", "conv_2d", {{"inputs: [0, 1, 2]", "inputs: [5, 1, 2]"}}},
    {"produced twice",
     "conv_2d",
     {{"outputs: [5],\n        builtin", "outputs: [3],\n        builtin"}}},
    {"input produced", "conv_2d", {{"outputs: [3]", "outputs: [0]"}}},
    {"constant produced", "conv_2d", {{"outputs: [3]", "outputs: [2]"}}},
    {"weights computed", "conv_2d", {{"inputs: [0, 1, 2]", "inputs: [0, 0, 2]"}}},
    {"bias of another type",
     "conv_2d",
     {{"\"image\", type: \"INT8\"", "\"image\", type: \"FLOAT32\""}}},
    {"fused tanh", "conv_2d", {{"\"RELU6\"", "\"TANH\""}}},
    {"stride 0", "conv_2d", {{"stride_w: 2", "stride_w: 0"}}},
    {"dilation below 1", "conv_2d", {{"dilation_h_factor: 2", "dilation_h_factor: -1"}}},
    {"image of 3 dimensions", "conv_2d", {{"[1, 6, 5, 2]", "[6, 5, 2]"}}},
    {"output shape", "conv_2d", {{"[1, 3, 3, 3]", "[1, 3, 4, 3]"}}},
    {"grouped",
     "conv_2d",
     {{"[1, 6, 5, 2], q", "[1, 6, 5, 4], q"}, {", shape_signature: [-1, 6, 5, 2]", ""}}},
    {"batch of 2",
     "conv_2d",
     {{"[1, 6, 5, 2]", "[2, 6, 5, 2]"}, {", shape_signature: [-1, 6, 5, 2]", ""}}},
    {"shuffled weights",
     "fully_connected",
     {{"builtin_options: {  }", "builtin_options: { weights_format: 1 }"}}},
    {"rows of another length", "fully_connected", {{"[1, 2, 2, 3]", "[1, 5, 1, 5]"}}},
    {"too many inputs",
     "concatenation",
     {{"inputs: [0, 1, 2], outputs: [3]", "inputs: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
                                          "0, 0], outputs: [3]"}}},
    {"concatenation axis", "concatenation", {{"axis: -1", "axis: -7"}}},
    {"negative padding",
     "pad",
     {{"0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0", "0, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0"}}},
    {"padding out of range", "pad", {{"5, 0, 0, 0, 0, 0, 0, 0] }", "5, 0, 0, 0, 0, 0, 0, 1] }"}}},
    {"paddings for another rank", "pad", {{"[1, 2, 3, 1]", "[2, 3, 1]"}}},
    {"paddings of floats",
     "pad",
     {{"\"paddings\", type: \"INT32\"", "\"paddings\", type: \"FLOAT32\""}}},
    {"paddings computed", "pad", {{"inputs: [0, 1]", "inputs: [0, 0]"}}},
    {"mean axis", "mean", {{"data: [255, 255, 255, 255]", "data: [9, 0, 0, 0]"}}},
    {"mean axes missing", "mean", {{"inputs: [0, 1]", "inputs: [0, -1]"}}},
    {"new shape", "reshape", {{"12, 0, 0, 0] }", "13, 0, 0, 0] }"}}},
    {"reshape to more", "reshape", {{"[12, 1]", "[12, 2]"}}},
    {"slice beyond", "strided_slice", {{"[1, 2, 5, 1]", "[1, 2, 5, 2]"}}},
    {"slice by 0",
     "strided_slice",
     {{"2, 0, 0, 0, 255, 255, 255, 255", "0, 0, 0, 0, 255, 255, 255, 255"}}},
    {"resize size", "resize_nearest_neighbor", {{"data: [4, 0", "data: [5, 0"}}},
    {"transposed shape", "transpose_conv", {{"data: [1, 0, 0, 0, 4", "data: [1, 0, 0, 0, 3"}}},
    {"transposed stride", "transpose_conv", {{"stride_h: 2", "stride_h: 4"}}},
    /* Tensors. */
    {"int16", "conv_2d", {{"\"image\", type: \"INT8\"", "\"image\", type: \"INT16\""}}},
    {"uint8", "conv_2d", {{"\"image\", type: \"INT8\"", "\"image\", type: \"UINT8\""}}},
    {"string", "conv_2d", {{"\"image\", type: \"INT8\"", "\"image\", type: \"STRING\""}}},
    {"float16 weights",
     "float32",
     {{"Conv2D\", type: \"FLOAT32\"", "Conv2D\", type: \"FLOAT16\""}}},
    {"int64 bias", "conv_2d", {{"type: \"INT32\"", "type: \"INT64\""}}},
    {"unknown type", "conv_2d", {{"\"image\", type: \"INT8\"", "\"image\", type: 99"}}},
    {"dynamic height",
     "conv_2d",
     {{"shape_signature: [-1, 6, 5, 2]", "shape_signature: [-1, -1, 5, 2]"}}},
    {"dynamic batch of 2", "conv_2d", {{"[1, 6, 5, 2]", "[2, 6, 5, 2]"}}},
    {"zero-sized dimension", "conv_2d", {{"[1, 6, 5, 2]", "[1, 0, 5, 2]"}}},
    {"negative dimension", "conv_2d", {{"[1, 6, 5, 2]", "[1, 6, -5, 2]"}}},
    {"size overflow", "conv_2d", {{"[1, 6, 5, 2]", "[1, 65536, 65536, 65536]"}}},
    {"size overflow of weights", "conv_2d", {{"[3, 3, 3, 2]", "[2147483647, 3, 3, 2]"}}},
    {"too many dimensions", "conv_2d", {{"[1, 6, 5, 2]", "[1, 1, 1, 6, 5, 2]"}}},
    {"variable", "conv_2d", {{"shape_signature: [-1, 6, 5, 2]", "is_variable: true"}}},
    {"buffer too small", "conv_2d", {{"[3, 3, 3, 2]", "[3, 3, 3, 3]"}}},
    {"buffer too large", "conv_2d", {{"[3, 3, 3, 2]", "[3, 3, 3, 1]"}}},
    {"buffer index", "conv_2d", {{"buffer: 1", "buffer: 1000"}}},
    {"external data", "conv_2d", {{"buffer: 1", "external_buffer: 1"}}},
    {"data behind the end",
     "conv_2d",
     {{"buffer: 1,", "buffer: 4,"}, {"\n  ]\n}", ",\n    { offset: 100000, size: 54 }\n  ]\n}"}}},
    {"zero points missing", "conv_2d", {{"zero_point: [-3]", "zero_point: []"}}},
    {"scale of 0", "conv_2d", {{"scale: [0.5]", "scale: [0.0]"}}},
    {"scale not a number", "conv_2d", {{"scale: [0.5]", "scale: [nan]"}}},
    {"zero point out of range", "conv_2d", {{"zero_point: [-3]", "zero_point: [128]"}}},
    {"zero points per channel", "conv_2d", {{"zero_point: [0, 0, 0]", "zero_point: [0, 1, 0]"}}},
    {"scales for another axis", "conv_2d", {{"quantized_dimension: 0", "quantized_dimension: 3"}}},
    {"scales for no axis", "conv_2d", {{"quantized_dimension: 0", "quantized_dimension: -1"}}},
    {"other quantization",
     "conv_2d",
     {{"quantization: { scale: [0.5], zero_point: [-3] }",
       "quantization: { details_type: \"CustomQuantization\", "
       "details: { } }"}}},
    {"not quantized",
     "conv_2d",
     {{"quantization: { scale: [0.5], zero_point: [-3] }", "quantization: { }"}}},
    /* The network. */
    {"schema version", "conv_2d", {{"version: 3", "version: 2"}}},
    {"two subgraphs", "conv_2d", {{"\n  } ],\n  buffers", "\n  }, { } ],\n  buffers"}}},
    {"no subgraph",
     "conv_2d",
     {{"subgraphs: [ {", "subgraphs: [ /* {"}, {"\n  } ],\n  buffers", "\n  } */ ],\n  buffers"}}},
    {"no input", "binary", {{"inputs: [0, 1],\n    outputs", "inputs: [],\n    outputs"}}},
    {"no output", "binary", {{"outputs: [5],\n    operators", "outputs: [],\n    operators"}}},
    {"input twice", "binary", {{"inputs: [0, 1],\n    outputs", "inputs: [0, 0],\n    outputs"}}},
    {"constant input",
     "binary",
     {{"inputs: [0, 1],\n    outputs", "inputs: [0, 3],\n    outputs"}}},
    {"network input index",
     "binary",
     {{"inputs: [0, 1],\n    outputs", "inputs: [0, 77],\n    outputs"}}},
    {"constant output",
     "binary",
     {{"outputs: [5],\n    operators", "outputs: [3],\n    operators"}}},
    {"output not produced",
     "binary",
     {{"\n    ],\n    inputs",
       ",\n      { name: \"lost\", type: \"INT8\", shape: [1] }\n    ],\n    inputs"},
      {"outputs: [5],\n    operators", "outputs: [6],\n    operators"}}},
    {"buffers missing",
     "binary",
     {{"buffers: [\n    {}", "buffers: [\n    /* {}"}, {"\n  ]\n}", "*/\n  ]\n}"}}},
    /* Sparse weights. */
    {"sparse index outside", "sparse", {{"values: [1, 3, 0]", "values: [1, 4, 0]"}}},
    {"sparse indices unordered", "sparse", {{"values: [1, 3, 0]", "values: [3, 1, 0]"}}},
    {"sparse segments", "sparse", {{"values: [0, 2, 2, 3]", "values: [0, 2, 1, 3]"}}},
    {"sparse segments outside", "sparse", {{"values: [0, 2, 2, 3]", "values: [0, 200, 2, 3]"}}},
    {"sparse segments short", "sparse", {{"values: [0, 2, 2, 3]", "values: [0, 3]"}}},
    {"sparse negative index",
     "sparse",
     {{"array_indices: { values: [1, 0] }", "array_indices: { values: [-1, 0] }"}}},
    {"sparse size", "sparse", {{"dense_size: 3", "dense_size: 2"}}},
    {"sparse order", "sparse", {{"traversal_order: [0, 1]", "traversal_order: [1, 1]"}}},
    {"sparse levels", "sparse", {{"traversal_order: [0, 1]", "traversal_order: [0]"}}},
    {"sparse block map", "sparse", {{"block_map: [0, 1]", "block_map: [0, 0]"}}},
    {"sparse block size",
     "sparse",
     {{"dense_size: 2 }, { format: \"DENSE\", dense_size: 2",
       "dense_size: 2 }, { format: \"DENSE\", dense_size: 3"}}},
    {"sparse blocks not dense",
     "sparse",
     {{"dense_size: 2 }, { format: \"DENSE\", dense_size: 2",
       "dense_size: 2 }, { format: \"SPARSE_CSR\", "
       "dense_size: 2"}}},
    {"sparse format", "sparse", {{"format: \"DENSE\"", "format: 5"}}},
    {"sparse values", "sparse", {{"data: [11, 244, 13]", "data: [11, 244]"}}},
    {"sparse bomb", "sparse", {{"shape: [3, 4]", "shape: [46340, 46340]"}}},
};

/* Where the .tflite files are; made once. */
static struct arena fixture;
static const char *folder;

static const char *file_text(struct arena *arena, const char *path, size_t *size)
{
    struct file file;
    struct diag diag = {""};
    file_read(path, arena, &file, &diag);
    assert_string_equal(diag.message, "");
    if (size != NULL)
        *size = file.size;
    return (const char *)file.data;
}

static const char *text_edit(struct arena *arena, const char *text, const struct edit *edit)
{
    if (edit->find == NULL)
        return text;
    const char *at = strstr(text, edit->find);
    if (at == NULL)
        print_error("not found: %s\n", edit->find);
    assert_non_null(at);
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, edit->replace,
                        at + strlen(edit->find));
}

static int files_make(void **state)
{
    (void)state;
    struct diag diag;
    if (folder_temporary(&fixture, &folder, &diag) != OK)
        return -1;
    for (size_t i = 0; i < N_OF(variants); i++) {
        const struct variant *variant = &variants[i];
        const char *path = arena_printf(&fixture, FOLDER "/%s.json", variant->network);
        const char *text = file_text(&fixture, path, NULL);
        for (size_t e = 0; e < N_OF(variant->edits); e++)
            text = text_edit(&fixture, text, &variant->edits[e]);
        path = arena_printf(&fixture, "%s/variant_%zu.json", folder, i);
        if (file_write(path, text, strlen(text), &diag) != OK)
            return -1;
    }
    return system(arena_printf(
        &fixture, "flatc -b -o %s src/import/tflite.fbs " FOLDER "/*.json %s/variant_*.json",
        folder, folder));
}

static int files_remove(void **state)
{
    (void)state;
    struct diag diag;
    enum status status = folder_remove(folder, &diag);
    arena_free(&fixture);
    return status == OK ? 0 : -1;
}

/* Imports a copy of exactly the file's size, so that a read behind it is found. */
static enum status model_import(const char *path, const char *name, struct arena *arena,
                                struct graph **graph, struct diag *diag)
{
    size_t size;
    const char *data = file_text(arena, path, &size);
    void *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    diag->message[0] = '\0';
    enum status status = import_tflite(copy, size, name, arena, graph, diag);
    free(copy);
    return status;
}

/* Compares with a file, and prints the first line that differs. */
static void texts_check(struct arena *arena, const char *text, const char *path)
{
    const char *expected = file_text(arena, path, NULL);
    int line = 1, start = 0, i = 0;
    for (; text[i] == expected[i] && text[i] != '\0'; i++)
        if (text[i] == '\n') {
            start = i + 1;
            line++;
        }
    if (text[i] != expected[i])
        print_error("%s:%d: expected '%.*s', received '%.*s'\n", path, line,
                    (int)strcspn(expected + start, "\n"), expected + start,
                    (int)strcspn(text + start, "\n"), text + start);
    assert_true(text[i] == expected[i]);
}

static void test_networks_are_imported(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OF(networks); i++) {
        struct arena arena = {0};
        struct diag diag;
        struct graph *graph;
        const char *path = arena_printf(&arena, "%s/%s.tflite", folder, networks[i]);
        enum status status = model_import(path, networks[i], &arena, &graph, &diag);
        assert_string_equal(diag.message, "");
        assert_int_equal(status, OK);
        struct text text = text_start(&arena);
        graph_dump(graph, &text);
        texts_check(&arena, text.data, arena_printf(&arena, FOLDER "/%s.txt", networks[i]));
        arena_free(&arena);
    }
}

static void test_damaged_variants_are_refused(void **state)
{
    (void)state;
    static const char *const status_names[] = {
#define X(name, exit_code, meaning) #name,
        STATUS_LIST(X)
#undef X
    };
    struct arena arena = {0};
    struct text text = text_start(&arena);
    for (size_t i = 0; i < N_OF(variants); i++) {
        struct diag diag;
        struct graph *graph;
        const char *path = arena_printf(&arena, "%s/variant_%zu.tflite", folder, i);
        enum status status = model_import(path, "model", &arena, &graph, &diag);
        text_printf(&text, "%s: %s\n    %s\n", variants[i].name, status_names[status],
                    diag.message);
    }
    texts_check(&arena, text.data, FOLDER "/refused.txt");
    arena_free(&arena);
}

/* In models above 2 GiB the data stands behind the flat buffer and is found by its offset. */
static void test_data_behind_the_tables(void **state)
{
    (void)state;
    enum { OFFSET = 100000 };
    struct arena arena = {0};
    struct diag diag;
    const struct variant *variant = NULL;
    size_t index = 0;
    for (; variant == NULL; index++)
        if (strcmp(variants[index].name, "data behind the end") == 0)
            variant = &variants[index];
    size_t size;
    const char *data =
        file_text(&arena, arena_printf(&arena, "%s/variant_%zu.tflite", folder, index - 1), &size);
    char *longer = arena_alloc(&arena, OFFSET + 54, 1);
    assert_true(size < OFFSET);
    memcpy(longer, data, size);
    for (int i = 0; i < 54; i++)
        longer[OFFSET + i] = (char)(i - 27);
    struct graph *graph;
    assert_int_equal(import_tflite(longer, OFFSET + 54, "model", &arena, &graph, &diag), OK);
    const struct tensor *weights = node_input(graph, &graph->nodes[0], 1);
    assert_memory_equal(weights->data, longer + OFFSET, 54);
    assert_int_equal(import_tflite(longer, OFFSET + 53, "model", &arena, &graph, &diag), ERR_INPUT);
    arena_free(&arena);
}

static void message_check(const char *data, size_t size, const char *message)
{
    struct arena arena = {0};
    struct diag diag = {""};
    struct graph *graph;
    assert_int_equal(import_tflite(data, size, "model", &arena, &graph, &diag), ERR_INPUT);
    assert_string_equal(diag.message, message);
    arena_free(&arena);
}

static void test_other_files_are_refused(void **state)
{
    (void)state;
    static const char text[] = "This is not a network, it is a text.\n";
    static const char bad_root[] = {-1, -1, -1, 127, 'T', 'F', 'L', '3', 0, 0, 0, 0};
    const char *foreign = "not a TensorFlow Lite model (no 'TFL3' at byte 4); give a .tflite file";
    message_check("", 0, "the file is empty");
    message_check("\0\0\0\0TFL", 7, foreign);
    message_check(text, sizeof text - 1, foreign);
    message_check(
        bad_root, sizeof bad_root,
        "the file is damaged or cut off (its tables point outside of it); copy or export it again");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_are_imported),
        cmocka_unit_test(test_damaged_variants_are_refused),
        cmocka_unit_test(test_data_behind_the_tables),
        cmocka_unit_test(test_other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
