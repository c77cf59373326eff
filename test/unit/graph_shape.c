/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes computed by hand for every op, and the ones that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

#include <cmocka.h> /* last: it makes fail() a macro */

/* A float graph of one node. */
struct layer {
    const char *op, *inputs[5], *attributes;
    const char *output; /* shape, or the message that refuses the layer */
};

static struct arena arena;
static struct diag diag;

static int tear_down(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static long elements(const char *shape)
{
    long n = 1, dim;
    int used;
    while (sscanf(shape, "%ldx%n", &dim, &used) == 1) {
        n *= dim;
        if (strchr(shape, 'x') == NULL)
            break;
        shape = strchr(shape, 'x') + 1;
    }
    return n;
}

static int is_binary(const char *op)
{
    return strcmp(op, "add") == 0 || strcmp(op, "sub") == 0 || strcmp(op, "mul") == 0 ||
           strcmp(op, "concatenation") == 0;
}

static const char *quantization(const char *dtype)
{
    return strcmp(dtype, "s8") == 0 ? " scale 0.5 zero_point 0" : "";
}

/* The text of a graph with this layer and the given shape of its output. */
static const char *layer_text(const struct layer *layer, const char *output)
{
    struct text text = text_start(&arena);
    const char *from = strcmp(layer->op, "dequantize") == 0 ? "s8" : "f32";
    const char *to = strcmp(layer->op, "quantize") == 0 ? "s8" : "f32";
    text_printf(&text, "graph g\n");
    for (int i = 0; i < 5 && layer->inputs[i] != NULL; i++) {
        text_printf(&text, "tensor \"%d\" %s %s%s", i, from, layer->inputs[i], quantization(from));
        if (i > 0 && !is_binary(layer->op))
            text_printf(&text, " = 0*%ld", elements(layer->inputs[i]));
        text_printf(&text, "\n");
    }
    text_printf(&text, "tensor \"out\" %s %s%s\ninput \"0\"\n", to, output, quantization(to));
    for (int i = 1; i < 5 && is_binary(layer->op) && layer->inputs[i] != NULL; i++)
        text_printf(&text, "input \"%d\"\n", i);
    text_printf(&text, "node %s n", layer->op);
    for (int i = 0; i < 5 && layer->inputs[i] != NULL; i++)
        text_printf(&text, " \"%d\"", i);
    text_printf(&text, " -> \"out\" %s\noutput \"out\"\n", layer->attributes);
    return text.data;
}

static void check_accepted(const struct layer *layer)
{
    const char *source = layer_text(layer, layer->output);
    struct graph *graph = NULL;
    struct shape shape;
    if (graph_parse(source, strlen(source), &arena, &graph, &diag) != OK)
        fail_msg("%s\n%s", diag.message, source);
    assert_int_equal(shape_infer(graph, &graph->nodes[0], &shape, &diag), OK);
    assert_string_equal(shape_string(&shape, &arena), layer->output);
    assert_int_equal(shape_elements(&shape), elements(layer->output));
}

/* The same layer with one more element in the last dimension of its output. */
static void check_other_refused(const struct layer *layer)
{
    char other[64];
    const char *cross = strrchr(layer->output, 'x');
    int head = cross == NULL ? 0 : (int)(cross + 1 - layer->output);
    snprintf(other, sizeof other, "%.*s%ld", head, layer->output,
             elements(layer->output + head) + 1);
    const char *source = layer_text(layer, other);
    struct graph *graph = NULL;
    if (graph_parse(source, strlen(source), &arena, &graph, &diag) != ERR_INPUT)
        fail_msg("accepted: %s", source);
    assert_non_null(strstr(diag.message, layer->op));
}

static void shapes_are_as_computed_by_hand(void **state)
{
    (void)state;
    static const struct layer layers[] = {
        /* (8 - 3) / 1 + 1, (7 - 2) / 1 + 1 */
        {"conv_2d", {"1x8x7x3", "5x3x2x3", "5"}, "", "1x6x6x5"},
        /* (8 + 0 + 1 - 3) / 2 + 1, (7 + 1 + 1 - 2) / 2 + 1 */
        {"conv_2d", {"1x8x7x3", "5x3x2x3"}, "stride 2 2 pads 0 1 1 1", "1x4x4x5"},
        /* extents 2 * 2 + 1 = 5 and 1 * 3 + 1 = 4 */
        {"conv_2d", {"1x8x7x3", "5x3x2x3"}, "dilation 2 3", "1x4x4x5"},
        /* (8 + 7 + 0 - 3) / 5 + 1, (7 + 0 + 9 - 2) / 3 + 1 */
        {"conv_2d", {"1x8x7x3", "5x3x2x3"}, "stride 5 3 pads 7 0 0 9", "1x3x5x5"},
        {"conv_2d", {"1x3x2x3", "5x3x2x3"}, "stride 9 9 activation relu", "1x1x1x5"},
        {"depthwise_conv_2d", {"1x8x8x3", "1x3x3x3", "3"}, "pads 1 1 1 1", "1x8x8x3"},
        {"depthwise_conv_2d", {"1x8x8x3", "1x3x3x6", "6"}, "stride 2 1 dilation 1 2", "1x3x4x6"},
        /* a convolution of 8 + 0 + 1 by 3, stride 2, makes 4 */
        {"transpose_conv", {"1x4x4x3", "5x3x3x3", "5"}, "stride 2 2 pads 0 1 0 1", "1x8x8x5"},
        {"transpose_conv", {"1x4x4x3", "5x3x3x3"}, "stride 2 2", "1x9x9x5"},
        {"transpose_conv", {"1x4x4x3", "5x3x3x3"}, "stride 2 2", "1x10x9x5"},
        {"transpose_conv", {"1x4x4x3", "5x2x2x3"}, "stride 3 3", "1x12x11x5"},
        {"fully_connected", {"1x12", "7x12", "7"}, "activation relu6", "1x7"},
        {"fully_connected", {"2x3x4x2", "7x8"}, "", "6x7"},
        {"fully_connected", {"1x3x4x2", "7x2"}, "", "1x3x4x7"},
        {"fully_connected", {"1x3x4x2", "7x2"}, "", "12x7"},
        {"fully_connected", {"12", "7x12"}, "", "7"},
        {"batch_normalization", {"1x4x4x3", "3", "3", "3", "3"}, "epsilon 0.01", "1x4x4x3"},
        {"batch_normalization", {"1x5", "5", "5", "5", "5"}, "activation relu", "1x5"},
        {"add", {"1x4x4x3", "1x4x4x3"}, "activation relu_n1_to_1", "1x4x4x3"},
        {"add", {"1x4x4x3", "3"}, "", "1x4x4x3"},
        {"sub", {"scalar", "2x3"}, "", "2x3"},
        {"mul", {"1x4x1x3", "5x1x6x1"}, "", "5x4x6x3"},
        {"mul", {"2x3x4x5x6", "2x3x4x5x6"}, "", "2x3x4x5x6"},
        {"concatenation", {"1x4x4x3", "1x4x4x2", "1x4x4x1"}, "axis 3", "1x4x4x6"},
        {"concatenation", {"2x3", "5x3"}, "", "7x3"},
        {"pad", {"1x4x5x3"}, "before 0 1 0 2 after 0 0 3 0", "1x5x8x5"},
        {"pad", {"4"}, "", "4"},
        {"mean", {"1x4x5x3"}, "axes 6", "1x1x1x3"},
        {"mean", {"2x3"}, "axes 2", "2x1"},
        {"average_pool_2d", {"1x25x5x64"}, "window 25 5 stride 25 5", "1x1x1x64"},
        {"average_pool_2d", {"1x5x5x2"}, "window 2 2 stride 2 2 pads 0 1 0 1", "1x3x3x2"},
        {"max_pool_2d", {"1x5x6x2"}, "window 3 2 stride 1 2 pads 2 2 1 1", "1x7x4x2"},
        {"max_pool_2d", {"1x5x6x2"}, "", "1x5x6x2"},
        {"reshape", {"1x4x5x3"}, "", "60"},
        {"reshape", {"1"}, "", "scalar"},
        {"softmax", {"1x10"}, "beta 2", "1x10"},
        {"logistic", {"scalar"}, "", "scalar"},
        {"tanh", {"2x3x4"}, "", "2x3x4"},
        {"relu", {"1x2x3x4x5"}, "", "1x2x3x4x5"},
        {"relu6", {"3"}, "", "3"},
        {"leaky_relu", {"3x2"}, "alpha -0.5", "3x2"},
        {"hard_swish", {"3x2"}, "", "3x2"},
        {"quantize", {"3x2"}, "", "3x2"},
        {"dequantize", {"3x2"}, "", "3x2"},
        {"resize_nearest_neighbor", {"1x3x4x2"}, "align_corners 1", "1x6x7x2"},
        {"resize_nearest_neighbor", {"1x3x4x2"}, "half_pixel_centers 1", "1x1x1x2"},
        /* indices 1 4 7; 6 4 2 0; all */
        {"strided_slice", {"8x7x2"}, "begin 1 6 0 step 3 -2 1", "3x4x2"},
        {"strided_slice", {"8x7"}, "begin 7 0 step -1 100", "8x1"},
    };
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        check_accepted(&layers[i]);
}

static void other_output_shapes_are_refused(void **state)
{
    (void)state;
    static const struct layer layers[] = {
        {"conv_2d", {"1x8x7x3", "5x3x2x3"}, "", "1x6x6x5"},
        {"depthwise_conv_2d", {"1x8x8x3", "1x3x3x3"}, "", "1x6x6x3"},
        {"transpose_conv", {"1x4x4x3", "5x3x3x3"}, "stride 2 2", "1x9x9x5"},
        {"fully_connected", {"1x12", "7x12"}, "", "1x7"},
        {"batch_normalization", {"1x4", "4", "4", "4", "4"}, "", "1x4"},
        {"add", {"1x4", "1x4"}, "", "1x4"},
        {"concatenation", {"2x3", "5x3"}, "", "7x3"},
        {"pad", {"4"}, "after 2", "6"},
        {"mean", {"2x3"}, "axes 2", "2x1"},
        {"average_pool_2d", {"1x4x4x4"}, "window 2 2", "1x3x3x4"},
        {"max_pool_2d", {"1x4x4x4"}, "window 2 2", "1x3x3x4"},
        {"reshape", {"12"}, "", "3x4"},
        {"softmax", {"1x10"}, "", "1x10"},
        {"logistic", {"3"}, "", "3"},
        {"tanh", {"3"}, "", "3"},
        {"relu", {"3"}, "", "3"},
        {"relu6", {"3"}, "", "3"},
        {"leaky_relu", {"3"}, "", "3"},
        {"hard_swish", {"3"}, "", "3"},
        {"quantize", {"3"}, "", "3"},
        {"dequantize", {"3"}, "", "3"},
        {"resize_nearest_neighbor", {"1x3x4x2"}, "", "1x6x8x2"},
        {"strided_slice", {"8"}, "step 2", "4"},
    };
    assert_int_equal(N_OPS - 2, sizeof layers / sizeof layers[0]); /* sub and mul are like add */
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        check_other_refused(&layers[i]);
}

static void bad_layers_are_refused(void **state)
{
    (void)state;
    static const struct layer layers[] = {
        {"conv_2d",
         {"8x7x3", "5x3x2x3"},
         "",
         "the input has 3 dimensions, it must have 4 (batch, height, width, channels)"},
        {"conv_2d",
         {"4x8x7x3", "5x3x2x3"},
         "",
         "batch size 4 is not supported; export the model with batch size 1"},
        {"conv_2d",
         {"1x8x7x3", "5x3x6"},
         "",
         "the weights '1' have 3 dimensions, they must have 4"},
        {"conv_2d",
         {"1x8x7x4", "6x3x2x2"},
         "",
         "grouped convolution (4 channels in groups of 2) is not supported; split it into one "
         "convolution a group"},
        {"conv_2d",
         {"1x8x7x3", "6x3x2x2"},
         "",
         "the weights are for 2 input channels, the input has 3"},
        {"conv_2d",
         {"1x8x7x3", "6x3x2x3", "5"},
         "",
         "the bias '2' must have one dimension of size 6"},
        {"conv_2d", {"1x8x7x3", "6x3x2x3"}, "stride 0 1", "stride 0x1: both must be at least 1"},
        {"conv_2d",
         {"1x8x7x3", "6x3x2x3"},
         "dilation 1 -1",
         "dilation 1x-1: both must be at least 1"},
        {"conv_2d",
         {"1x8x7x3", "6x3x2x3"},
         "pads 0 0 -1 0",
         "pads 0 0 -1 0: a pad cannot be negative"},
        {"conv_2d",
         {"1x8x7x3", "6x3x2x3"},
         "dilation 2147483647 1",
         "a window of height 4294967295 does not fit into 8 (pads included)"},
        {"depthwise_conv_2d",
         {"1x8x8x3", "2x3x3x3"},
         "",
         "dimension 0 of the weights is 2, it must be 1"},
        {"depthwise_conv_2d",
         {"1x8x8x3", "1x3x3x4"},
         "",
         "4 output channels are no multiple of the 3 input channels"},
        {"transpose_conv",
         {"1x4x4x3", "5x3x3x3"},
         "stride 2 2",
         "the output must have shape 1 x height x width x 5"},
        {"fully_connected",
         {"1x13", "7x12"},
         "",
         "the input has 13 elements, the weights are for a multiple of 12"},
        {"add", {"2x3", "2x4"}, "", "dimension 1 of the inputs is 3 and 4: not compatible"},
        {"add",
         {"1x2x3x4x5", "5"},
         "",
         "broadcasting in 5 dimensions is not supported; reshape to at most 4"},
        {"concatenation", {"2x3", "2x3"}, "axis 2", "axis 2 is not one of the 2 dimensions"},
        {"concatenation",
         {"2x3", "2x4"},
         "",
         "input '1' does not have the shape of the first, axis 0 apart"},
        {"pad", {"4"}, "before -1", "dimension 0: a pad cannot be negative"},
        {"pad", {"4"}, "before 2147483647", "dimension 0 of the output would be 2147483651"},
        {"pad",
         {"40x4"},
         "before 2000000000 0",
         "the output would have more than 2147483647 elements"},
        {"mean", {"4"}, "", "axes 0 must name at least one of the 1 dimensions, no others"},
        {"mean", {"4"}, "axes 2", "axes 2 must name at least one of the 1 dimensions, no others"},
        {"max_pool_2d",
         {"1x4x4x1"},
         "window 2 2 pads 0 2 0 0",
         "a pad of 2 leaves a window of 2 without any input"},
        {"average_pool_2d",
         {"1x4x4x1"},
         "window 5 1",
         "a window of height 5 does not fit into 4 (pads included)"},
        {"softmax", {"scalar"}, "", "the input is a scalar"},
        {"strided_slice", {"4"}, "step 0", "dimension 0: a step cannot be 0"},
        {"strided_slice", {"4"}, "begin 4", "dimension 0: takes indices 4 to 4, but its size is 4"},
        {"strided_slice",
         {"4"},
         "begin -1",
         "dimension 0: takes indices -1 to -1, but its size is 4"},
        {"strided_slice",
         {"4x4"},
         "",
         "the output has 1 dimensions, the input 2; drop dimensions with a reshape"},
    };
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        char expected[256];
        const char *source = layer_text(&layers[i], "1");
        struct graph *graph = NULL;
        snprintf(expected, sizeof expected, "%s 'n': %s", layers[i].op, layers[i].output);
        assert_int_not_equal(graph_parse(source, strlen(source), &arena, &graph, &diag), OK);
        assert_string_equal(diag.message, expected);
    }
}

static void small_functions(void **state)
{
    (void)state;
    struct tensor tensor = {.dtype = DTYPE_S32, .shape = {3, {2, 3, 4}}};
    struct shape other = tensor.shape;
    assert_int_equal(tensor_bytes(&tensor), 96);
    assert_true(shape_equal(&tensor.shape, &other));
    other.dims[4] = 9;
    assert_true(shape_equal(&tensor.shape, &other));
    other.dims[2] = 9;
    assert_false(shape_equal(&tensor.shape, &other));
    other = (struct shape){2, {2, 3}};
    assert_false(shape_equal(&tensor.shape, &other));
    assert_int_equal(
        shape_elements(&(struct shape){4, {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}}),
        INT64_MAX);
    assert_string_equal(op_name(OP_strided_slice), "strided_slice");
    assert_string_equal(dtype_name(DTYPE_S32), "s32");
    assert_string_equal(activation_name(ACTIVATION_RELU_N1_TO_1), "relu_n1_to_1");
    assert_int_equal(dtype_bytes(DTYPE_F32), 4);
    assert_int_equal(dtype_bytes(DTYPE_S8), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(shapes_are_as_computed_by_hand, tear_down),
        cmocka_unit_test_teardown(other_output_shapes_are_refused, tear_down),
        cmocka_unit_test_teardown(bad_layers_are_refused, tear_down),
        cmocka_unit_test(small_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
