/* SPDX-License-Identifier: Apache-2.0 */
/* The text form: what is printed reads back to the same bytes, and bad text is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/random.h"

#include "test/unit/parsed.h" /* last */

/* A network with every kind of thing that is printed; already in the form that dump gives it. */
static const char example[] =
    "graph example\n"
    "tensor \"image\" s8 1x4x4x2 scale 0.5 zero_point -1\n"
    "tensor \"w \\\"1\\\"\\\\\\x0a\" s8 2x1x2x2 axis 0 scale 0.100000001 0.200000003 zero_point 0 "
    "= "
    "1 2 -3 4 0*4\n"
    "tensor \"b\" s32 2 axis 0 scale 0.0500000007 0.100000001 zero_point 0 = -2147483648 "
    "2147483647\n"
    "tensor \"c\" s8 1x2x2x2 scale 0.25 zero_point 3\n"
    "tensor \"flat\" s8 1x8 scale 0.25 zero_point 3\n"
    "tensor \"p\" s8 1x8 scale 0.00390625 zero_point -128\n"
    "tensor \"q\" f32 1x8\n"
    "input \"image\"\n"
    "node conv_2d conv \"image\" \"w \\\"1\\\"\\\\\\x0a\" \"b\" -> \"c\" stride 2 2 pads 0 0 0 1 "
    "activation relu6\n"
    "node reshape flatten \"c\" -> \"flat\"\n"
    "node softmax softmax \"flat\" -> \"p\" beta 0.5\n"
    "node dequantize real \"p\" -> \"q\"\n"
    "output \"q\" \"p\"\n";

static const char *dump(const struct graph *graph)
{
    struct text text = text_start(&arena);
    graph_dump(graph, &text);
    return text.data;
}

static void refuse(const char *source, const char *message)
{
    struct graph *graph = NULL;
    assert_int_equal(graph_parse(source, strlen(source), &arena, &graph, &diag), ERR_INPUT);
    assert_string_equal(diag.message, message);
}

static void dump_equals_source(void **state)
{
    (void)state;
    assert_string_equal(dump(parse(example)), example);
}

/* A network that is still to be trained. */
static void initializers_round_trip(void **state)
{
    (void)state;
    static const char text[] =
        "graph g\n"
        "tensor \"x\" f32 1x2\n"
        "tensor \"w\" f32 3x2 init he_normal\n"
        "tensor \"y\" f32 1x3\n"
        "tensor \"gamma\" f32 3 init ones\n"
        "tensor \"beta\" f32 3 init zeros\n"
        "tensor \"mean\" f32 3 = 0 1 2\n"
        "tensor \"z\" f32 1x3\n"
        "input \"x\"\n"
        "node fully_connected dense \"x\" \"w\" -> \"y\"\n"
        "node batch_normalization norm \"y\" \"gamma\" \"beta\" \"mean\" \"gamma\" -> \"z\" "
        "activation relu\n"
        "output \"z\"\n";
    const struct graph *graph = parse(text);
    assert_string_equal(dump(graph), text);
    assert_int_equal(graph->tensors[1].initializer, INITIALIZER_HE_NORMAL);
    assert_non_null(graph->tensors[1].data);
    assert_true(graph->nodes[1].attrs.epsilon == 0.001f);
    refuse("graph g\ntensor \"x\" f32 1 init lucky",
           "line 2, column 23: 'lucky' is not an initializer of an f32 tensor");
    refuse("graph g\ntensor \"x\" s32 1 init zeros",
           "line 2, column 23: 'zeros' is not an initializer of an f32 tensor");
}

static void parse_fills_structures(void **state)
{
    (void)state;
    const struct graph *graph = parse(example);
    const struct node *conv = &graph->nodes[0];
    const struct tensor *weights = node_input(graph, conv, 1), *bias = node_input(graph, conv, 2);
    static const int8_t values[8] = {1, 2, -3, 4, 0, 0, 0, 0};
    assert_string_equal(graph->name, "example");
    assert_int_equal(graph->n_tensors, 7);
    assert_int_equal(graph->n_nodes, 4);
    assert_string_equal(weights->name, "w \"1\"\\\n");
    assert_int_equal(weights->dtype, DTYPE_S8);
    assert_memory_equal(weights->data, values, sizeof values);
    assert_int_equal(weights->quantization.n, 2);
    assert_true(weights->quantization.scale[1] == 0.2f);
    assert_int_equal(((const int32_t *)bias->data)[0], INT32_MIN);
    assert_int_equal(((const int32_t *)bias->data)[1], INT32_MAX);
    assert_int_equal(conv->attrs.stride[1], 2);
    assert_int_equal(conv->attrs.dilation[0], 1);
    assert_int_equal(conv->attrs.pads[3], 1);
    assert_int_equal(conv->attrs.activation, ACTIVATION_RELU6);
    assert_int_equal(conv->attrs.window[0], 0);
    assert_null(node_input(graph, conv, 3));
    assert_int_equal(graph->n_outputs, 2);
    assert_int_equal(graph->outputs[1], 5);
    assert_null(graph->tensors[0].data);
}

/* Free layout reads as the same graph: comments, blank lines, continued lines, left-out and
 * repeated values. */
static void layout_is_free(void **state)
{
    (void)state;
    static const char tidy[] = "graph g\n"
                               "tensor \"x\" s8 1x2x2x4 scale 1 zero_point 0\n"
                               "tensor \"w\" s8 1x1x1x4 axis 3 scale 1*4 zero_point 0 = 5*4\n"
                               "tensor \"y\" s8 1x2x2x4 scale 1 zero_point 0\n"
                               "input \"x\"\n"
                               "node depthwise_conv_2d d \"x\" \"w\" -> \"y\"\n"
                               "output \"y\"\n";
    static const char loose[] = "\r\n  # a comment\n\n graph g # another\n"
                                "tensor \"x\" s8 1x2x2x4 scale 1.0\n"
                                "tensor \"w\" s8 1x1x1x4\n"
                                "\taxis 3 scale 1*3 1e0\n\n"
                                "# in between\n"
                                "  zero_point 0*2 -0 0 =\n  5 5*2\n 5\n"
                                "tensor \"\\x79\" s8 1x2x2x4 scale 10e-1 zero_point 0\n"
                                "input \"x\"\n"
                                "node depthwise_conv_2d d \"x\" \"w\"->\"y\" activation none\n"
                                "  dilation 1 1 stride 1 1\n"
                                "output \"y\" # no newline at the end";
    assert_string_equal(dump(parse(loose)), tidy);
}

static void floats_round_trip(void **state)
{
    (void)state;
    enum { N = 2000 };
    struct graph_builder builder = graph_start(&arena, "Floats");
    float *values = ARENA_ARRAY(&arena, N, float);
    struct random random = {1};
    for (int i = 0; i < N; i++) {
        uint32_t bits = (uint32_t)random_bits(&random);
        if ((bits >> 23 & 0xff) == 0xff)
            bits ^= UINT32_C(1) << 30;
        memcpy(&values[i], &bits, sizeof bits);
    }
    values[0] = -0.0f;
    values[1] = 1e-45f;
    values[2] = 3.40282347e38f;
    struct tensor tensor = {.name = "x", .shape = {1, {N}}};
    int32_t x = graph_add_tensor(&builder, &tensor);
    int32_t y = graph_add_tensor(&builder, &tensor);
    tensor.data = values;
    int32_t c = graph_add_tensor(&builder, &tensor);
    graph_add_node(&builder,
                   &(struct node){.op = OP_add, .n_inputs = 2, .inputs = {x, c}, .output = y});
    graph_set_inputs(&builder, &x, 1);
    graph_set_outputs(&builder, &y, 1);
    if (graph_verify(builder.graph, &diag) != OK)
        fail_msg("%s", diag.message);
    const char *text = dump(builder.graph);
    const struct graph *again = parse(text);
    assert_string_equal(again->tensors[c].name, "x_2");
    assert_memory_equal(again->tensors[c].data, values, N * sizeof(float));
    assert_string_equal(dump(again), text);
}

static void lines_are_short(void **state)
{
    (void)state;
    struct graph_builder builder = graph_start(&arena, "long");
    int8_t *values = ARENA_ARRAY(&arena, 1000, int8_t);
    for (int i = 0; i < 1000; i++)
        values[i] = (int8_t)(i * 37);
    float scale = 0.1f;
    int32_t zero_point = 0;
    struct tensor tensor = {.name = "x",
                            .dtype = DTYPE_S8,
                            .shape = {2, {10, 100}},
                            .quantization = {1, 0, &scale, &zero_point}};
    int32_t ids[2] = {graph_add_tensor(&builder, &tensor)};
    tensor.data = values;
    ids[1] = graph_add_tensor(&builder, &tensor);
    tensor.data = NULL;
    tensor.shape.dims[0] = 20;
    int32_t y = graph_add_tensor(&builder, &tensor);
    graph_add_node(&builder, &(struct node){.name = "Join/Both",
                                            .op = OP_concatenation,
                                            .n_inputs = 2,
                                            .inputs = {ids[0], ids[1]},
                                            .output = y});
    graph_set_inputs(&builder, ids, 1);
    graph_set_outputs(&builder, &y, 1);
    const char *text = dump(builder.graph);
    assert_string_equal(dump(parse(text)), text);
    assert_string_equal(builder.graph->nodes[0].name, "join_both");
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_in_range(strchr(line, '\n') - line, 1, 100);
}

static void bad_text_is_refused(void **state)
{
    (void)state;
    refuse("", "line 1, column 1: the text must start with 'graph NAME'");
    refuse("graph", "line 1, column 6: the line ends where the graph's name should be");
    refuse("graph Big", "line 1, column 7: 'Big' is not a C identifier in lower case");
    refuse("graph int", "line 1, column 7: 'int' is not a C identifier in lower case");
    refuse("graph g x", "line 1, column 9: unexpected 'x' at the end of the line");
    refuse("graph g\n\nfoo",
           "line 3, column 1: a line must start with tensor, input, node or output");
    refuse("graph g\n  $", "line 2, column 3: unexpected byte 0x24");
    refuse("graph g\ntensor x s8", "line 2, column 8: expected the tensor's name in quotes");
    refuse("graph g\ntensor \"x", "line 2, column 8: the string is not closed on its line");
    refuse("graph g\ntensor \"x\\\n\" s8 1",
           "line 2, column 8: the string is not closed on its line");
    refuse("graph g\ntensor \"\\q\" s8 1",
           "line 2, column 8: an escape must be \\\", \\\\ or \\xhh (lower case)");
    refuse("graph g\ntensor \"\\x00\" s8 1",
           "line 2, column 8: a string cannot contain a zero byte");
    refuse("graph g\ntensor \"x\" u8 1",
           "line 2, column 12: 'u8' is not an element type (f32, s8, s32)");
    refuse("graph g\ntensor \"x\" s8 1x2x3x4x5x6",
           "line 2, column 15: a shape of more than 5 dimensions");
    refuse("graph g\ntensor \"x\" s8 1x0",
           "line 2, column 15: '1x0' is outside of 1 .. 2147483647");
    refuse("graph g\ntensor \"x\" s8 1x", "line 2, column 15: '1x' is not an integer");
    refuse("graph g\ntensor \"x\" s8 65536x65536",
           "line 2, column 15: a tensor of more than 2147483647 elements");
    refuse("graph g\ntensor \"x\" f32 2147483647 = 0*2147483647",
           "line 2, column 29: constants of more than 256 MiB");
    refuse("graph g\ntensor \"x\" s8 2 axis 1 scale 1",
           "line 2, column 22: axis 1 of a tensor with 1 dimensions");
    refuse("graph g\ntensor \"x\" s8 2 scale 1 2",
           "line 2, column 25: more values than the shape has, by 1");
    refuse("graph g\ntensor \"x\" s8 2 scale nan", "line 2, column 23: expected 1 values, found 0");
    refuse("graph g\ntensor \"x\" s8 2 scale 1e99",
           "line 2, column 23: '1e99' is too large for a 32-bit float");
    refuse("graph g\ntensor \"x\" s8 2 scale 0x1p3",
           "line 2, column 23: '0x1p3' is not a decimal number");
    refuse("graph g\ntensor \"x\" s8 2 = 1 128",
           "line 2, column 21: '128' is outside of -128 .. 127");
    refuse("graph g\ntensor \"x\" s8 2 = 1", "line 2, column 20: expected 2 values, found 1");
    refuse("graph g\ntensor \"x\" s8 2 = 1*0",
           "line 2, column 19: '1*0' is outside of 1 .. 2147483647");
    refuse("graph g\ntensor \"x\" s8 1\ntensor \"x\" s8 1",
           "line 3, column 8: a second tensor 'x'");
    refuse("graph g\ninput \"x\"", "line 2, column 7: no tensor 'x' stands above");
    refuse("graph g\nnode conv n", "line 2, column 6: 'conv' is not an op");
    refuse("graph g\ntensor \"x\" s8 1\nnode relu n \"x\" \"x\"",
           "line 3, column 20: the line ends where -> should be");
    refuse("graph g\ntensor \"x\" s8 1\nnode relu n \"x\" -> \"x\" beta 1",
           "line 3, column 24: relu has no attribute 'beta'");
    refuse("graph g\ntensor \"x\" s8 1\nnode softmax n \"x\" -> \"x\" beta 1 beta 1",
           "line 3, column 34: a second 'beta'");
    refuse("graph g\ntensor \"x\" s8 1\nnode softmax n \"x\" -> \"x\" beta",
           "line 3, column 31: the line ends where the attribute's value should be");
    refuse("graph g\ntensor \"x\" s8 1\nnode relu n \"x\" -> \"x\"\nnode relu n \"x\" -> \"x\"",
           "line 4, column 11: a second node 'n'");
    refuse("graph g\ntensor \"x\" s8 1 scale 1", "the graph has no inputs");
}

static void names_become_identifiers(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"conv", "conv"},       {"Model/Conv2D;BN", "model_conv2d_bn"},
        {"__x", "x"},           {"/a//b/", "a_b"},
        {"2nd", "n2nd"},        {"_2", "n2"},
        {"", "unnamed"},        {"/:/", "unnamed"},
        {"while", "while_"},    {"Class", "class_"},
        {"a__b", "a__b"},       {"a_/_b", "a__b"},
        {"\xc3\xa9tat", "tat"}, {"x_", "x_"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(identifier_make(&arena, cases[i].from), cases[i].to);
}

static void equal_names_get_suffixes(void **state)
{
    (void)state;
    struct graph_builder builder = graph_start(&arena, "g");
    static const char *const given[] = {"x", "x", "x_1", "x", NULL, NULL};
    static const char *const tensors[] = {"x", "x_1", "x_1_1", "x_2", "", "_1"};
    static const char *const nodes[] = {"x", "x_1", "x_1_1", "x_2", "unnamed", "unnamed_1"};
    for (int i = 0; i < 6; i++) {
        graph_add_tensor(&builder, &(struct tensor){.name = given[i]});
        graph_add_node(&builder, &(struct node){.name = given[i]});
        assert_string_equal(builder.graph->tensors[i].name, tensors[i]);
        assert_string_equal(builder.graph->nodes[i].name, nodes[i]);
    }
    for (int i = 0; i < 20000; i++)
        graph_add_tensor(&builder, &(struct tensor){.name = "x"});
    assert_string_equal(builder.graph->tensors[20005].name, "x_20002");
}

/* The manual's example is in the printed form, and the manual names all there is. */
static void manual_is_complete(void **state)
{
    (void)state;
    static const char *const names[] = {
#define OP(name, min_inputs, max_inputs, attributes) "`" #name "`",
#include "graph/ops.inc"
#undef OP
#define ATTR(name, count, type, initial, doc) "| `" #name "` |",
#include "graph/attrs.inc"
#undef ATTR
#define X(suffix, name) "`" #name "`",
        ACTIVATION_LIST(X)
#undef X
    };
    struct file manual;
    assert_int_equal(file_read("doc/graph.md", &arena, &manual, &diag), OK);
    char *text = (char *)manual.data;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strstr(text, names[i]) == NULL)
            fail_msg("not in the manual: %s", names[i]);
    char *source = strstr(text, "```graph\n") + strlen("```graph\n");
    *strstr(source, "```") = '\0';
    assert_string_equal(dump(parse(source)), source);
}

/* Random damage is an error or another graph, never a crash; whatever still parses round-trips. */
static void damaged_text_is_survived(void **state)
{
    (void)state;
    struct random random = {20240229};
    int parsed = 0;
    for (int round = 0; round < 20000; round++) {
        size_t length = sizeof example - 1;
        char *text = arena_copy(&arena, example, length);
        for (int32_t edits = random_range(&random, 1, 4); edits > 0 && length > 0; edits--) {
            size_t at = (size_t)random_range(&random, 0, (int32_t)length - 1);
            switch (random_range(&random, 0, 3)) {
            case 0:
                text[at] = (char)random_bits(&random);
                break;
            case 1:
                text[at] ^= (char)(1 << random_range(&random, 0, 7));
                break;
            case 2:
                memmove(text + at, text + at + 1, --length - at);
                break;
            default:
                text[at] = example[random_range(&random, 0, (int32_t)sizeof example - 2)];
                break;
            }
        }
        /* Exactly as long as it is, so that the sanitizer sees a read past the end. */
        char *exact = malloc(length > 0 ? length : 1);
        memcpy(exact, text, length);
        struct graph *graph = NULL;
        if (graph_parse(exact, length, &arena, &graph, &diag) == OK) {
            const char *once = dump(graph);
            assert_string_equal(dump(parse(once)), once);
            parsed++;
        }
        free(exact);
        arena_free(&arena);
    }
    assert_in_range(parsed, 500, 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(dump_equals_source, tear_down),
        cmocka_unit_test_teardown(initializers_round_trip, tear_down),
        cmocka_unit_test_teardown(parse_fills_structures, tear_down),
        cmocka_unit_test_teardown(layout_is_free, tear_down),
        cmocka_unit_test_teardown(floats_round_trip, tear_down),
        cmocka_unit_test_teardown(lines_are_short, tear_down),
        cmocka_unit_test_teardown(bad_text_is_refused, tear_down),
        cmocka_unit_test_teardown(names_become_identifiers, tear_down),
        cmocka_unit_test_teardown(equal_names_get_suffixes, tear_down),
        cmocka_unit_test_teardown(manual_is_complete, tear_down),
        cmocka_unit_test_teardown(damaged_text_is_survived, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
