/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule of the verifier: a sound graph, one thing wrong in it, the message. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static const char sound[] = "graph sound\n"
                            "tensor \"x\" s8 1x4x4x2 scale 0.5 zero_point -1\n"
                            "tensor \"w\" s8 3x1x1x2 axis 0 scale 0.1 0.2 0.3 = 1*6\n"
                            "tensor \"b\" s32 3 axis 0 scale 0.05 0.1 0.15 = 1 2 3\n"
                            "tensor \"c\" s8 1x4x4x3 scale 0.25 zero_point 3\n"
                            "tensor \"dw\" s8 1x1x1x3 axis 3 scale 0.1 0.2 0.3 = 1*3\n"
                            "tensor \"d\" s8 1x4x4x3 scale 0.25 zero_point 3\n"
                            "tensor \"k\" s8 3 scale 1 zero_point 7 = 1 2 3\n"
                            "tensor \"s\" s8 1x4x4x3 scale 0.125 zero_point 4\n"
                            "tensor \"f\" s8 48 scale 0.125 zero_point 4\n"
                            "tensor \"p\" s8 48 scale 0.00390625 zero_point -128\n"
                            "tensor \"q\" f32 48\n"
                            "tensor \"e\" f32 48 = 1*48\n"
                            "tensor \"y\" f32 48\n"
                            "input \"x\"\n"
                            "node conv_2d conv \"x\" \"w\" \"b\" -> \"c\"\n"
                            "node depthwise_conv_2d depthwise \"c\" \"dw\" -> \"d\"\n"
                            "node add sum \"d\" \"k\" -> \"s\"\n"
                            "node reshape flat \"s\" -> \"f\"\n"
                            "node softmax soft \"f\" -> \"p\"\n"
                            "node dequantize real \"p\" -> \"q\"\n"
                            "node mul twice \"q\" \"e\" -> \"y\"\n"
                            "output \"y\"\n";

/* Ids in the sound graph, in the order above. */
enum { X, W, B, C, DW, D, K, S, F, P, Q, E, Y };
enum { CONV, DEPTHWISE, SUM, FLAT, SOFT, REAL, TWICE };

static struct arena arena;
static struct diag diag;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static enum status parse(const char *source, struct graph **graph)
{
    return graph_parse(source, strlen(source), &arena, graph, &diag);
}

static struct graph *sound_graph(void)
{
    struct graph *graph = NULL;
    if (parse(sound, &graph) != OK)
        fail_msg("%s", diag.message);
    return graph;
}

/* The sound text with the first `from` replaced by `to` gives this message. */
struct edit {
    const char *from, *to, *message;
};

static const char *edited(const struct edit *edit)
{
    const char *at = strstr(sound, edit->from);
    if (at == NULL)
        fail_msg("not in the text: %s", edit->from);
    return arena_printf(&arena, "%.*s%s%s", (int)(at - sound), sound, edit->to,
                        at + strlen(edit->from));
}

static void check_edits(const struct edit *edits, size_t n, enum status status)
{
    for (size_t i = 0; i < n; i++) {
        struct graph *graph = NULL;
        diag.message[0] = '\0';
        enum status got = parse(edited(&edits[i]), &graph);
        assert_string_equal(diag.message, edits[i].message);
        assert_int_equal(got, status);
    }
}

#define CHECK_EDITS(edits, status) check_edits(edits, sizeof edits / sizeof edits[0], status)

static void sound_graph_is_accepted(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"graph sound", "graph also_sound", ""},
        {"axis 0 scale 0.1 0.2 0.3 = 1*6\ntensor \"b\" s32 3 axis 0 scale 0.05 0.1 0.15",
         "scale 0.1 = 1*6\ntensor \"b\" s32 3 scale 0.05", ""},
        {" axis 0 scale 0.05 0.1 0.15", "", ""},
        {"\"w\" \"b\"", "\"w\"", ""},
        {"\"d\" \"k\"", "\"k\" \"d\"", ""},
        {"\"q\" \"e\"", "\"q\" \"q\"", ""},
        {"48 scale 0.125 zero_point 4", "48 scale 0.125001 zero_point 4", ""},
        {"output \"y\"", "output \"y\" \"p\"", ""},
        /* Nobody needs these, but they are sound. */
        {"input", "tensor \"unread\" f32 1 = 0\ninput", ""},
        {"input", "tensor \"unread\" f32 1\ninput \"unread\"\ninput", ""},
    };
    CHECK_EDITS(edits, OK);
}

static void tensors_are_checked(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"\"q\" f32 48", "\"q\" f32 48 scale 1", "tensor 'q': f32 cannot be quantized"},
        {" scale 0.125 zero_point 4", "",
         "tensor 's': s8 needs a scale and a zero point; quantize the model"},
        {"scale 0.25 zero_point 3", "scale 0",
         "tensor 'c': scale 0 is 0, it must be finite and positive"},
        {"0.1 0.2 0.3", "0.1 0.2 -0.3",
         "tensor 'w': scale 2 is -0.300000012, it must be finite and positive"},
        {"zero_point 3", "zero_point 128", "tensor 'c': zero point 128 is outside of -128 .. 127"},
        {"zero_point 3", "zero_point -129",
         "tensor 'c': zero point -129 is outside of -128 .. 127"},
        {"0.1 0.2 0.3", "0.1 0.2 0.3 zero_point 0 4 0",
         "tensor 'w': zero point 1 is 4, it must be 0 for a scale per channel"},
        {"axis 0 scale 0.05 0.1 0.15", "scale 0.05 zero_point 1",
         "tensor 'b': zero point 0 is 1, it must be 0 for s32"},
    };
    CHECK_EDITS(edits, ERR_INPUT);
    static const struct edit unsupported[] = {
        {"1x4x4x3 scale 0.25", "1x4x4x3 axis 3 scale 0.25*3",
         "tensor 'c': only constants can have a scale per channel; requantize the activations per "
         "tensor"},
        {"axis 0 scale 0.05 0.1 0.15 = 1 2 3", "",
         "tensor 'b': s32 is supported for constant biases only"},
        {"f32 48", "f32 600000000", "tensor 'q': shape 600000000 takes more than 2147483647 bytes"},
    };
    CHECK_EDITS(unsupported, ERR_UNSUPPORTED);
}

static void references_are_checked(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"input \"x\"", "", "the graph has no inputs"},
        {"output \"y\"", "", "the graph has no outputs"},
        {"input \"x\"", "input \"x\" \"x\"", "tensor 'x': twice an input of the graph"},
        {"input \"x\"", "input \"x\" \"w\"", "tensor 'w': a constant is an input of the graph"},
        {"output \"y\"", "output \"y\" \"y\"", "tensor 'y': twice an output of the graph"},
        {"output \"y\"", "output \"x\"", "tensor 'x': an output of the graph that no node makes"},
        {"output \"y\"", "output \"w\"", "tensor 'w': an output of the graph that no node makes"},
        {"input \"x\"", "input \"k\"", "tensor 'k': a constant is an input of the graph"},
        {"input \"x\"", "input \"d\"",
         "depthwise_conv_2d 'depthwise': makes 'd', which is an input of the graph"},
        {"input", "tensor \"loose\" f32 1\ninput",
         "tensor 'loose': neither constant, nor an input of the graph, nor made by a node"},
        {"-> \"d\"", "-> \"c\"",
         "depthwise_conv_2d 'depthwise': makes 'c', which 'conv' makes already"},
        {"-> \"d\"", "-> \"k\"", "depthwise_conv_2d 'depthwise': makes 'k', which is a constant"},
        {"conv \"x\"", "conv \"s\"",
         "conv_2d 'conv': reads 's' before 'sum' makes it: a cycle, or nodes that are not in "
         "execution order"},
        {"depthwise \"c\"", "depthwise \"d\"",
         "depthwise_conv_2d 'depthwise': reads 'd' before 'depthwise' makes it: a cycle, or nodes "
         "that are not in execution order"},
        {"\"x\" \"w\" \"b\"", "\"x\"", "conv_2d 'conv': 1 inputs, must be 2 to 3"},
        {"\"p\" -> \"q\"", "\"p\" \"p\" -> \"q\"", "dequantize 'real': 2 inputs, must be 1 to 1"},
    };
    CHECK_EDITS(edits, ERR_INPUT);
}

static void element_types_are_checked(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"\"b\" s32 3 axis 0 scale 0.05 0.1 0.15", "\"b\" f32 3",
         "conv_2d 'conv': 'b' is f32, it must be s32"},
        {"\"w\" s8 3x1x1x2 axis 0 scale 0.1 0.2 0.3", "\"w\" f32 3x1x1x2",
         "conv_2d 'conv': 'w' is f32, it must be s8"},
        {"\"c\" s8 1x4x4x3 scale 0.25 zero_point 3", "\"c\" f32 1x4x4x3",
         "conv_2d 'conv': 'c' is f32, it must be s8"},
        {"\"k\" s8 3 scale 1 zero_point 7", "\"k\" f32 3", "add 'sum': 'k' is f32, it must be s8"},
        {"\"k\" s8 3 scale 1 zero_point 7", "\"k\" s32 3", "add 'sum': 'k' is s32, it must be s8"},
        {"mul twice \"q\" \"e\"", "mul twice \"q\" \"f\"",
         "mul 'twice': 'f' is s8, it must be f32"},
        {"\"d\" \"k\"", "\"b\" \"d\"", "add 'sum': 'b' is s32, it must be s8 or f32"},
        {"dequantize", "quantize", "quantize 'real': 'q' is f32, it must be s8"},
        {"\"p\" s8 48 scale 0.00390625 zero_point -128", "\"p\" f32 48",
         "softmax 'soft': 'p' is f32, it must be s8"},
        {"mul twice \"q\" \"e\"", "dequantize twice \"q\"",
         "dequantize 'twice': 'q' is f32, it must be s8"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        struct graph *graph = NULL;
        assert_int_not_equal(parse(edited(&edits[i]), &graph), OK);
        assert_string_equal(diag.message, edits[i].message);
    }
}

static void quantization_is_checked(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"48 scale 0.125 zero_point 4", "48 scale 0.1251 zero_point 4",
         "reshape 'flat': 's' has scale 0.125 and zero point 4, 'f' 0.125100002 and 4: they must "
         "be "
         "equal; put a quantize node before it"},
        {"48 scale 0.125 zero_point 4", "48 scale 0.125 zero_point 5",
         "reshape 'flat': 's' has scale 0.125 and zero point 4, 'f' 0.125 and 5: they must be "
         "equal; put a quantize node before it"},
        {"0.00390625 zero_point -128", "0.00390626 zero_point -128",
         "softmax 'soft': 'p' has scale 0.00390625978 and zero point -128, they must be 0.00390625 "
         "and -128"},
        {"0.00390625 zero_point -128", "0.00390625 zero_point 0",
         "softmax 'soft': 'p' has scale 0.00390625 and zero point 0, they must be 0.00390625 and "
         "-128"},
        {"softmax soft", "tanh soft",
         "tanh 'soft': 'p' has scale 0.00390625 and zero point -128, they must be 0.0078125 and 0"},
        {"3 scale 1 zero_point 7", "3 axis 0 scale 1*3",
         "add 'sum': 'k' must have one scale for the whole tensor"},
        {"3x1x1x2 axis 0 scale 0.1 0.2 0.3", "3x1x1x2 axis 3 scale 0.1 0.2",
         "conv_2d 'conv': the weights 'w' have scales along axis 3, not 0"},
        {"scale 0.05 0.1 0.15", "scale 0.05 0.1 0.35",
         "conv_2d 'conv': scale 2 of the bias 'b' is 0.349999994, it must be that of the input "
         "times that of the weights, 0.150000006"},
    };
    CHECK_EDITS(edits, ERR_INPUT);
    static const struct edit unsupported[] = {
        {"axis 0 scale 0.1 0.2 0.3", "scale 0.1 zero_point 1",
         "conv_2d 'conv': the weights 'w' have zero point 1; quantize them symmetrically"},
        {"1x4x4x3 scale 0.125", "1x4x4x3 scale 1e-6",
         "add 'sum': the output's scale 9.99999997e-07 is too small for inputs of scale 0.25 and "
         "1"},
    };
    CHECK_EDITS(unsupported, ERR_UNSUPPORTED);
}

/* Ops that keep scale and zero point, each between two tensors that differ in the zero point. */
static void ops_that_keep_the_scale(void **state)
{
    (void)state;
    static const char *const nodes[] = {
        "concatenation n \"x\" -> \"y\"",   "pad n \"x\" -> \"y\"",
        "average_pool_2d n \"x\" -> \"y\"", "max_pool_2d n \"x\" -> \"y\"",
        "reshape n \"x\" -> \"y\"",         "resize_nearest_neighbor n \"x\" -> \"y\"",
        "strided_slice n \"x\" -> \"y\"",
    };
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++)
        for (int zero_point = 0; zero_point < 2; zero_point++) {
            struct graph *graph = NULL;
            enum status status =
                parse(arena_printf(&arena,
                                   "graph g\ntensor \"x\" s8 1x2x2x2 scale 1 zero_point 0\n"
                                   "tensor \"y\" s8 1x2x2x2 scale 1 zero_point %d\n"
                                   "input \"x\"\nnode %s\noutput \"y\"\n",
                                   zero_point, nodes[i]),
                      &graph);
            assert_int_equal(status, zero_point == 0 ? OK : ERR_INPUT);
            assert_true(zero_point == 0 || strstr(diag.message, "they must be equal") != NULL);
        }
}

static void constants_are_checked(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {"\"q\" \"e\"", "\"e\" \"e\"",
         "mul 'twice': all inputs are constant; replace the output by a constant"},
    };
    CHECK_EDITS(edits, ERR_UNSUPPORTED);
    struct graph *graph = NULL;
    assert_int_equal(parse("graph g\ntensor \"x\" f32 1x2\ntensor \"w\" f32 3x2\n"
                           "tensor \"y\" f32 1x3\ninput \"x\" \"w\"\n"
                           "node fully_connected n \"x\" \"w\" -> \"y\"\noutput \"y\"\n",
                           &graph),
                     ERR_UNSUPPORTED);
    assert_string_equal(diag.message, "fully_connected 'n': the weights 'w' must be constant");
}

static void limits_of_the_runtime_are_checked(void **state)
{
    (void)state;
    struct graph *graph = NULL;
    static const char form[] =
        "graph g\ntensor \"x\" f32 1x%dx1x1\ntensor \"w\" f32 1x%dx1x1 = 0*%d\n"
        "tensor \"y\" f32 1x%dx1x1\ninput \"x\"\n"
        "node conv_2d n \"x\" \"w\" -> \"y\" %s\noutput \"y\"\n";
    assert_int_equal(parse(arena_printf(&arena, form, 300, 255, 255, 46, ""), &graph), OK);
    assert_int_equal(parse(arena_printf(&arena, form, 300, 256, 256, 45, ""), &graph),
                     ERR_UNSUPPORTED);
    assert_string_equal(diag.message, "conv_2d 'n': a window of 256, at most 255 is supported");
    assert_int_equal(parse(arena_printf(&arena, form, 300, 1, 1, 2, "stride 255 1"), &graph), OK);
    assert_int_equal(parse(arena_printf(&arena, form, 300, 1, 1, 2, "stride 256 1"), &graph),
                     ERR_UNSUPPORTED);
    assert_string_equal(diag.message, "conv_2d 'n': a stride or dilation of more than 255");
    assert_int_equal(parse(arena_printf(&arena, form, 300, 1, 1, 300, "dilation 1 256"), &graph),
                     ERR_UNSUPPORTED);
    assert_string_equal(diag.message, "conv_2d 'n': a stride or dilation of more than 255");
    assert_int_equal(parse(arena_printf(&arena, form, 1, 1, 1, 257, "pads 0 256 0 0"), &graph),
                     ERR_UNSUPPORTED);
    assert_string_equal(diag.message,
                        "conv_2d 'n': a pad of more than 255; use a pad node before it");
    assert_int_equal(parse(arena_printf(&arena, form, 65536, 1, 1, 65536, ""), &graph),
                     ERR_UNSUPPORTED);
    assert_string_equal(diag.message, "conv_2d 'n': an image higher or wider than 65535");
    assert_int_equal(parse(arena_printf(&arena, form, 65535, 1, 1, 65535, ""), &graph), OK);
}

/* Changes the structures of a sound graph in a way that the text form cannot, and expects the
 * message. */
#define REFUSED(text, change)                                                                      \
    do {                                                                                           \
        struct graph *g = sound_graph();                                                           \
        struct tensor *t = g->tensors;                                                             \
        struct node *n = g->nodes;                                                                 \
        (void)t;                                                                                   \
        (void)n;                                                                                   \
        change;                                                                                    \
        assert_int_not_equal(graph_verify(g, &diag), OK);                                          \
        assert_string_equal(diag.message, text);                                                   \
    } while (0)

static void broken_structures_are_refused(void **state)
{
    (void)state;
    static const float not_finite[48] = {[47] = NAN};
    static const float infinite = INFINITY;
    REFUSED("the name of the graph is not a C identifier: 'A b'", g->name = "A b");
    REFUSED("the name of the graph is not a C identifier: ''", g->name = NULL);
    REFUSED("tensor 3 has no name", t[3].name = NULL);
    REFUSED("tensor 'x': two tensors have this name", t[Y].name = "x");
    REFUSED("tensor 'y': unknown element type 3", t[Y].dtype = (enum dtype)3);
    REFUSED("tensor 'y': 6 dimensions, at most 5 are supported", t[Y].shape.rank = 6);
    REFUSED("tensor 'y': -1 dimensions, at most 5 are supported", t[Y].shape.rank = -1);
    REFUSED("tensor 'y': dimension 0 is 0, it must be at least 1", t[Y].shape.dims[0] = 0);
    REFUSED("tensor 'c': incomplete quantization", t[C].quantization.scale = NULL);
    REFUSED("tensor 'c': incomplete quantization", t[C].quantization.zero_point = NULL);
    REFUSED("tensor 'c': incomplete quantization", t[C].quantization.n = -1);
    REFUSED("tensor 'c': scale 0 is inf, it must be finite and positive",
            t[C].quantization.scale = &infinite);
    REFUSED("tensor 'w': 2 scales do not match dimension 0 of shape 3x1x1x2",
            t[W].quantization.n = 2);
    REFUSED("tensor 'w': 3 scales do not match dimension 4 of shape 3x1x1x2",
            t[W].quantization.axis = 4);
    REFUSED("tensor 'w': 3 scales do not match dimension -1 of shape 3x1x1x2",
            t[W].quantization.axis = -1);
    REFUSED("tensor 'e': element 47 is nan; train again, the training has diverged",
            t[E].data = not_finite);
    REFUSED("graph input 0 is tensor 13 of 13", g->inputs[0] = 13);
    REFUSED("graph input 0 is tensor -1 of 13", g->inputs[0] = -1);
    REFUSED("graph output 0 is tensor 13 of 13", g->outputs[0] = 13);
    REFUSED("node 2 has unknown op 99", n[SUM].op = (enum op)99);
    REFUSED("add 'Sum': the name of node 2 is not a C identifier", n[SUM].name = "Sum");
    REFUSED("add 'while': the name of node 2 is not a C identifier", n[SUM].name = "while");
    REFUSED("add '': the name of node 2 is not a C identifier", n[SUM].name = NULL);
    REFUSED("reshape 'sum': two nodes have this name", n[FLAT].name = "sum");
    REFUSED("add 'sum': 17 inputs, must be 2 to 2", n[SUM].n_inputs = 17);
    REFUSED("add 'sum': input 1 is tensor 13 of 13", n[SUM].inputs[1] = 13);
    REFUSED("add 'sum': input 1 is tensor -1 of 13", n[SUM].inputs[1] = -1);
    REFUSED("add 'sum': the output is tensor -1 of 13", n[SUM].output = -1);
    REFUSED("add 'sum': stride[1] has no meaning here, must be 0", n[SUM].attrs.stride[1] = 1);
    REFUSED("add 'sum': unknown activation 4", n[SUM].attrs.activation = (enum activation)4);
    REFUSED("softmax 'soft': beta is inf, it must be finite", n[SOFT].attrs.beta = INFINITY);
    REFUSED("softmax 'soft': beta 0 must be positive", n[SOFT].attrs.beta = 0);
    REFUSED("conv_2d 'conv': stride 0x0: both must be at least 1",
            memset(n[CONV].attrs.stride, 0, sizeof n[CONV].attrs.stride));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sound_graph_is_accepted, tear_down),
        cmocka_unit_test_teardown(tensors_are_checked, tear_down),
        cmocka_unit_test_teardown(references_are_checked, tear_down),
        cmocka_unit_test_teardown(element_types_are_checked, tear_down),
        cmocka_unit_test_teardown(quantization_is_checked, tear_down),
        cmocka_unit_test_teardown(ops_that_keep_the_scale, tear_down),
        cmocka_unit_test_teardown(constants_are_checked, tear_down),
        cmocka_unit_test_teardown(limits_of_the_runtime_are_checked, tear_down),
        cmocka_unit_test_teardown(broken_structures_are_refused, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
