/* SPDX-License-Identifier: Apache-2.0 */
#include "test/train/cases.h"

#include <stddef.h>

#define CONSTANT(name, shape, initializer)                                                         \
    "tensor \"" name "\" f32 " shape " init " initializer "\n"

/* One node: its constants, and what it reads beside "x". */
#define NODE(op, x, constants, more, y, attributes)                                                \
    "graph g\n"                                                                                    \
    "tensor \"x\" f32 " x "\n" constants "tensor \"y\" f32 " y "\n"                                \
    "input \"x\"\n"                                                                                \
    "node " op " n \"x\" " more " -> \"y\" " attributes "\n"                                       \
    "output \"y\"\n"

/* Shapes of input, weights, bias and output. */
#define LAYER(op, x, w, b, y, attributes)                                                          \
    {                                                                                              \
        op " " x " by " w " " attributes,                                                          \
            NODE(op, x, CONSTANT("w", w, "he_normal") CONSTANT("b", b, "zeros"), "\"w\" \"b\"", y, \
                 attributes)                                                                       \
    }
#define LAYER_WITHOUT_BIAS(op, x, w, y, attributes)                                                \
    {                                                                                              \
        op " " x " by " w " without bias " attributes,                                             \
            NODE(op, x, CONSTANT("w", w, "he_normal"), "\"w\"", y, attributes)                     \
    }
#define NORMALIZATION(x, c, attributes)                                                            \
    {                                                                                              \
        "batch_normalization " x " " attributes,                                                   \
            NODE("batch_normalization", x,                                                         \
                 CONSTANT("gamma", c, "ones") CONSTANT("beta", c, "zeros")                         \
                     CONSTANT("mean", c, "zeros") CONSTANT("variance", c, "ones"),                 \
                 "\"gamma\" \"beta\" \"mean\" \"variance\"", x, attributes)                        \
    }
/* A node that reads nothing but the input. */
#define UNARY(op, x, y, attributes)                                                                \
    {                                                                                              \
        op " " x " to " y " " attributes, NODE(op, x, "", "", y, attributes)                       \
    }
/* The input and a constant of that shape; the constant first. */
#define BINARY(op, x, c, y, attributes)                                                            \
    {                                                                                              \
        op " " x " and constant " c " " attributes,                                                \
            NODE(op, x, CONSTANT("c", c, "he_normal"), "\"c\"", y, attributes)                     \
    }
#define BINARY_REVERSED(op, c, x, y, attributes)                                                   \
    {                                                                                              \
        op " constant " c " and " x " " attributes,                                                \
            "graph g\n"                                                                            \
            "tensor \"x\" f32 " x                                                                  \
            "\n" CONSTANT("c", c, "he_normal") "tensor \"y\" f32 " y "\n"                          \
                                               "input \"x\"\n"                                     \
                                               "node " op " n \"c\" \"x\" -> \"y\" " attributes    \
                                               "\n"                                                \
                                               "output \"y\"\n"                                    \
    }
/* The input 1 x 4 x 5 x 3 and what a strided slice (that takes the begin and step given) makes of
 * it, of shape `b`. */
#define BINARY_COMPUTED(op, b, attributes)                                                         \
    {                                                                                              \
        op " 1x4x5x3 and computed " b " " attributes,                                              \
            "graph g\n"                                                                            \
            "tensor \"x\" f32 1x4x5x3\n"                                                           \
            "tensor \"b\" f32 " b "\n"                                                             \
            "tensor \"y\" f32 1x4x5x3\n"                                                           \
            "input \"x\"\n"                                                                        \
            "node strided_slice s \"x\" -> \"b\"\n"                                                \
            "node " op " n \"x\" \"b\" -> \"y\" " attributes "\n"                                  \
            "output \"y\"\n"                                                                       \
    }

const struct train_case train_cases[] = {
    LAYER("conv_2d", "1x5x4x3", "5x1x1x3", "5", "1x5x4x5", ""),
    LAYER("conv_2d", "1x5x7x1", "3x3x3x1", "3", "1x5x7x3", "pads 1 1 1 1 activation relu"),
    LAYER("conv_2d", "1x8x6x3", "11x3x3x3", "11", "1x4x3x11", "stride 2 2 pads 0 1 0 1"),
    LAYER("conv_2d", "1x9x7x5", "16x3x3x5", "16", "1x7x5x16", "activation relu6"),
    LAYER("conv_2d", "1x6x9x23", "11x1x1x23", "11", "1x3x3x11", "stride 2 3"),
    LAYER("conv_2d", "1x4x4x64", "23x1x1x64", "23", "1x4x4x23", "activation relu"),
    LAYER("conv_2d", "1x4x3x16", "64x3x3x16", "64", "1x4x3x64", "pads 1 1 1 1"),
    LAYER("conv_2d", "1x10x9x3", "5x5x5x3", "5", "1x3x3x5",
          "stride 3 3 pads 2 1 1 2 activation relu_n1_to_1"),
    LAYER("conv_2d", "1x9x11x3", "5x3x3x3", "5", "1x5x7x5", "dilation 2 2"),
    LAYER("conv_2d", "1x9x8x5", "3x3x2x5", "3", "1x4x7x3", "stride 2 1 dilation 2 3 pads 3 0 0 2"),
    LAYER("conv_2d", "1x12x5x1", "16x4x2x1", "16", "1x6x5x16",
          "stride 2 1 pads 1 1 0 1 activation relu"),
    LAYER("conv_2d", "1x5x5x11", "1x5x5x11", "1", "1x1x1x1", ""),
    LAYER("conv_2d", "1x1x7x5", "23x1x3x5", "23", "1x1x7x23", "pads 0 0 1 1"),
    LAYER("conv_2d", "1x3x3x3", "5x2x3x3", "5", "1x6x4x5", "pads 3 1 0 3"),
    LAYER_WITHOUT_BIAS("conv_2d", "1x6x5x3", "16x3x3x3", "1x6x5x16", "pads 1 1 1 1"),
    LAYER_WITHOUT_BIAS("conv_2d", "1x5x5x16", "11x1x1x16", "1x5x5x11", "activation relu6"),

    LAYER("depthwise_conv_2d", "1x5x6x3", "1x3x3x3", "3", "1x5x6x3", "pads 1 1 1 1"),
    LAYER("depthwise_conv_2d", "1x8x7x11", "1x3x3x11", "11", "1x4x4x11",
          "stride 2 2 pads 0 1 1 1 activation relu6"),
    LAYER("depthwise_conv_2d", "1x6x6x1", "1x3x3x16", "16", "1x4x4x16", "activation relu"),
    LAYER("depthwise_conv_2d", "1x6x5x5", "1x3x2x15", "15", "1x3x4x15",
          "stride 2 1 pads 1 0 0 0 activation relu"),
    LAYER("depthwise_conv_2d", "1x9x8x3", "1x3x3x6", "6", "1x5x6x6",
          "dilation 2 2 pads 0 0 1 1 activation relu_n1_to_1"),
    LAYER("depthwise_conv_2d", "1x7x7x64", "1x5x5x64", "64", "1x3x3x64", "stride 3 3 pads 2 2 2 2"),
    LAYER("depthwise_conv_2d", "1x4x3x23", "1x1x1x23", "23", "1x4x3x23", ""),
    LAYER("depthwise_conv_2d", "1x5x4x16", "1x5x4x16", "16", "1x1x1x16", ""),
    LAYER_WITHOUT_BIAS("depthwise_conv_2d", "1x6x5x16", "1x3x3x16", "1x6x5x16", "pads 1 1 1 1"),

    LAYER("transpose_conv", "1x3x4x3", "5x2x2x3", "5", "1x6x8x5", "stride 2 2"),
    LAYER("transpose_conv", "1x4x3x5", "11x3x3x5", "11", "1x8x6x11",
          "stride 2 2 pads 0 1 0 1 activation relu"),
    LAYER("transpose_conv", "1x3x3x16", "3x3x3x16", "3", "1x3x3x3", "pads 1 1 1 1"),
    LAYER("transpose_conv", "1x2x3x1", "3x5x4x1", "3", "1x6x10x3",
          "stride 3 3 pads 2 0 0 0 activation relu6"),
    LAYER("transpose_conv", "1x3x2x3", "5x1x2x3", "5", "1x5x5x5",
          "stride 2 3 activation relu_n1_to_1"),
    LAYER_WITHOUT_BIAS("transpose_conv", "1x3x4x11", "5x3x3x11", "1x6x7x5",
                       "stride 2 2 pads 1 0 1 1"),

    LAYER("fully_connected", "1x23", "11x23", "11", "1x11", ""),
    LAYER("fully_connected", "1x3x2x5", "16x30", "16", "1x16", "activation relu"),
    LAYER("fully_connected", "1x3x4x5", "3x5", "3", "1x3x4x3", "activation relu6"),
    LAYER("fully_connected", "1x4x6", "5x3", "5", "8x5", "activation relu_n1_to_1"),
    LAYER("fully_connected", "1x64", "1x64", "1", "1x1", ""),
    LAYER_WITHOUT_BIAS("fully_connected", "1x16", "10x16", "1x10", ""),

    NORMALIZATION("1x4x5x3", "3", ""),
    NORMALIZATION("1x3x3x16", "16", "activation relu"),
    NORMALIZATION("1x2x3x23", "23", "epsilon 0.1 activation relu6"),
    NORMALIZATION("1x11", "11", "epsilon 0.0001 activation relu_n1_to_1"),
    NORMALIZATION("1x7x5", "5", ""),
    NORMALIZATION("1x6x6x1", "1", "activation relu"),

    BINARY("add", "1x4x5x3", "1x4x5x3", "1x4x5x3", "activation relu"),
    BINARY("add", "1x4x5x3", "3", "1x4x5x3", ""),
    BINARY("add", "1x4x5x3", "1x4x5x1", "1x4x5x3", "activation relu6"),
    BINARY("add", "1x4x5x3", "scalar", "1x4x5x3", "activation relu_n1_to_1"),
    BINARY("add", "1x1x1x5", "1x3x4x1", "1x3x4x5", ""),
    BINARY_REVERSED("add", "1x3x1x5", "1x3x4x5", "1x3x4x5", ""),
    BINARY_COMPUTED("add", "1x1x1x3", "activation relu"),
    BINARY_COMPUTED("add", "1x4x5x1", ""),
    BINARY("sub", "1x4x5x3", "1x4x5x3", "1x4x5x3", "activation relu"),
    BINARY("sub", "1x11", "scalar", "1x11", "activation relu_n1_to_1"),
    BINARY_REVERSED("sub", "1x1x1x5", "1x3x4x5", "1x3x4x5", "activation relu6"),
    BINARY_REVERSED("sub", "1x3x4x1", "1x1x1x5", "1x3x4x5", ""),
    BINARY_COMPUTED("sub", "1x1x1x3", ""),
    BINARY_COMPUTED("sub", "1x1x5x3", "activation relu"),
    BINARY("mul", "1x4x5x3", "1x4x5x3", "1x4x5x3", "activation relu6"),
    BINARY("mul", "1x4x5x16", "1x1x1x16", "1x4x5x16", ""),
    BINARY("mul", "1x4x5x3", "1x4x1x1", "1x4x5x3", "activation relu"),
    BINARY("mul", "1x2x3x4", "scalar", "1x2x3x4", ""),
    BINARY_REVERSED("mul", "3x4x1", "1x1x1x5", "1x3x4x5", "activation relu_n1_to_1"),
    BINARY_COMPUTED("mul", "1x1x1x3", ""),
    BINARY_COMPUTED("mul", "1x4x5x1", "activation relu"),
    BINARY_COMPUTED("mul", "1x1x1x1", ""),

    UNARY("pad", "1x3x4x5", "1x6x5x5", "before 0 1 0 0 after 0 2 1 0"),
    UNARY("pad", "1x3x2x3", "1x3x2x6", "before 0 0 0 1 after 0 0 0 2"),
    UNARY("pad", "1x11", "1x16", "before 0 2 after 0 3"),
    UNARY("mean", "1x4x5x11", "1x1x1x11", "axes 6"),
    UNARY("mean", "1x4x5x3", "1x4x1x3", "axes 4"),
    UNARY("mean", "1x4x5x3", "1x4x5x1", "axes 8"),
    UNARY("mean", "1x4x5x3", "1x1x1x1", "axes 14"),
    UNARY("mean", "1x16", "1x1", "axes 2"),
    UNARY("average_pool_2d", "1x6x4x3", "1x3x2x3", "stride 2 2 window 2 2"),
    UNARY("average_pool_2d", "1x5x7x11", "1x3x4x11", "stride 2 2 pads 1 1 1 1 window 3 3"),
    UNARY("average_pool_2d", "1x6x5x5", "1x6x4x5", "pads 0 1 1 0 window 2 3 activation relu"),
    UNARY("average_pool_2d", "1x7x8x1", "1x3x3x1",
          "stride 3 3 pads 3 0 0 2 window 4 4 activation relu6"),
    UNARY("average_pool_2d", "1x5x3x23", "1x1x1x23", "window 5 3 activation relu_n1_to_1"),
    UNARY("max_pool_2d", "1x6x4x3", "1x3x2x3", "stride 2 2 window 2 2"),
    UNARY("max_pool_2d", "1x7x5x11", "1x4x3x11", "stride 2 2 pads 1 1 1 1 window 3 3"),
    UNARY("max_pool_2d", "1x6x7x5", "1x6x5x5", "pads 0 1 0 1 window 2 4 activation relu"),
    UNARY("max_pool_2d", "1x8x7x1", "1x3x3x1",
          "stride 3 2 pads 1 1 0 0 window 4 3 activation relu6"),
    UNARY("max_pool_2d", "1x4x4x16", "1x2x2x16", "window 3 3 activation relu_n1_to_1"),
    UNARY("reshape", "1x3x4x5", "1x60", ""),
    UNARY("reshape", "1x24", "1x2x4x3", ""),
    UNARY("softmax", "1x11", "1x11", ""),
    UNARY("softmax", "1x3x4x5", "1x3x4x5", "beta 0.5"),
    UNARY("logistic", "1x3x5x3", "1x3x5x3", ""),
    UNARY("logistic", "1x5", "1x5", ""),
    UNARY("tanh", "1x3x5x3", "1x3x5x3", ""),
    UNARY("relu", "1x3x4x16", "1x3x4x16", ""),
    UNARY("relu6", "1x3x4x23", "1x3x4x23", ""),
    UNARY("leaky_relu", "1x3x4x11", "1x3x4x11", "alpha 0.1"),
    UNARY("leaky_relu", "1x3x4x5", "1x3x4x5", ""),
    UNARY("leaky_relu", "1x64", "1x64", "alpha -0.5"),
    UNARY("hard_swish", "1x4x5x5", "1x4x5x5", ""),
    UNARY("resize_nearest_neighbor", "1x3x4x5", "1x6x8x5", ""),
    UNARY("resize_nearest_neighbor", "1x4x5x3", "1x7x3x3", "align_corners 1"),
    UNARY("resize_nearest_neighbor", "1x5x3x1", "1x3x8x1", "half_pixel_centers 1"),
    /* A place that is one rounding below one half. */
    UNARY("resize_nearest_neighbor", "1x1x2x1", "1x1x83x1", "align_corners 1"),
    UNARY("resize_nearest_neighbor", "1x4x3x11", "1x9x5x11",
          "align_corners 1 half_pixel_centers 1"),
    UNARY("strided_slice", "1x5x6x3", "1x2x3x3", "begin 0 1 0 0 step 1 2 2 1"),
    UNARY("strided_slice", "1x5x6x11", "1x5x2x4", "begin 0 4 5 10 step 1 -1 -3 -3"),
    UNARY("strided_slice", "1x16", "1x5", "begin 0 3 step 1 2"),

    /* Two branches joined along the channels, one of them the input itself. */
    {"concatenation", "graph g\n"
                      "tensor \"x\" f32 1x3x4x5\n"
                      "tensor \"w\" f32 11x1x1x5 init he_normal\n"
                      "tensor \"a\" f32 1x3x4x11\n"
                      "tensor \"b\" f32 1x3x4x5\n"
                      "tensor \"y\" f32 1x3x4x21\n"
                      "input \"x\"\n"
                      "node conv_2d a \"x\" \"w\" -> \"a\"\n"
                      "node tanh b \"x\" -> \"b\"\n"
                      "node concatenation y \"a\" \"x\" \"b\" -> \"y\" axis 3\n"
                      "output \"y\"\n"},
    {"concatenation with a constant and the same tensor twice, along rows",
     "graph g\n"
     "tensor \"x\" f32 1x3x4x5\n"
     "tensor \"c\" f32 1x2x4x5 init he_normal\n"
     "tensor \"y\" f32 1x8x4x5\n"
     "input \"x\"\n"
     "node concatenation y \"x\" \"c\" \"x\" -> \"y\" axis 1\n"
     "output \"y\"\n"},
    {"a square", "graph g\n"
                 "tensor \"x\" f32 1x3x4x5\n"
                 "tensor \"y\" f32 1x3x4x5\n"
                 "input \"x\"\n"
                 "node mul y \"x\" \"x\" -> \"y\"\n"
                 "output \"y\"\n"},
    {"residual block with batch normalization",
     "graph g\n"
     "tensor \"x\" f32 1x6x5x3\n"
     "tensor \"w1\" f32 11x3x3x3 init he_normal\n"
     "tensor \"gamma\" f32 11 init ones\n"
     "tensor \"beta\" f32 11 init zeros\n"
     "tensor \"mean\" f32 11 init zeros\n"
     "tensor \"variance\" f32 11 init ones\n"
     "tensor \"w2\" f32 11x3x3x11 init he_normal\n"
     "tensor \"b2\" f32 11 init zeros\n"
     "tensor \"dense/w\" f32 10x11 init glorot_uniform\n"
     "tensor \"dense/b\" f32 10 init zeros\n"
     "tensor \"c1\" f32 1x6x5x11\n"
     "tensor \"n1\" f32 1x6x5x11\n"
     "tensor \"c2\" f32 1x6x5x11\n"
     "tensor \"sum\" f32 1x6x5x11\n"
     "tensor \"mean_1\" f32 1x1x1x11\n"
     "tensor \"flat\" f32 1x11\n"
     "tensor \"logits\" f32 1x10\n"
     "tensor \"scores\" f32 1x10\n"
     "input \"x\"\n"
     "node conv_2d c1 \"x\" \"w1\" -> \"c1\" pads 1 1 1 1\n"
     "node batch_normalization n1 \"c1\" \"gamma\" \"beta\" \"mean\" \"variance\" -> \"n1\" "
     "activation relu\n"
     "node conv_2d c2 \"n1\" \"w2\" \"b2\" -> \"c2\" pads 1 1 1 1\n"
     "node add sum \"c2\" \"n1\" -> \"sum\" activation relu\n"
     "node mean m \"sum\" -> \"mean_1\" axes 6\n"
     "node reshape flat \"mean_1\" -> \"flat\"\n"
     "node fully_connected dense \"flat\" \"dense/w\" \"dense/b\" -> \"logits\"\n"
     "node softmax scores \"logits\" -> \"scores\"\n"
     "output \"scores\"\n"},
    {"weights shared by two layers, two outputs, one of which is read on",
     "graph g\n"
     "tensor \"x\" f32 1x5x4x3\n"
     "tensor \"w\" f32 3x3x3x3 init he_normal\n"
     "tensor \"b\" f32 3 init zeros\n"
     "tensor \"y1\" f32 1x5x4x3\n"
     "tensor \"y2\" f32 1x5x4x3\n"
     "input \"x\"\n"
     "node conv_2d y1 \"x\" \"w\" \"b\" -> \"y1\" pads 1 1 1 1 activation relu\n"
     "node conv_2d y2 \"y1\" \"w\" \"b\" -> \"y2\" pads 1 1 1 1\n"
     "output \"y2\" \"y1\"\n"},
    {"gate of the channels", "graph g\n"
                             "tensor \"x\" f32 1x4x5x11\n"
                             "tensor \"w1\" f32 3x1x1x11 init he_normal\n"
                             "tensor \"w2\" f32 11x1x1x3 init he_normal\n"
                             "tensor \"b2\" f32 11 init zeros\n"
                             "tensor \"m\" f32 1x1x1x11\n"
                             "tensor \"s1\" f32 1x1x1x3\n"
                             "tensor \"s2\" f32 1x1x1x11\n"
                             "tensor \"g\" f32 1x1x1x11\n"
                             "tensor \"y\" f32 1x4x5x11\n"
                             "input \"x\"\n"
                             "node mean m \"x\" -> \"m\" axes 6\n"
                             "node conv_2d s1 \"m\" \"w1\" -> \"s1\" activation relu\n"
                             "node conv_2d s2 \"s1\" \"w2\" \"b2\" -> \"s2\"\n"
                             "node logistic g \"s2\" -> \"g\"\n"
                             "node mul y \"g\" \"x\" -> \"y\"\n"
                             "output \"y\"\n"},
    {"a layer that no output needs", "graph g\n"
                                     "tensor \"x\" f32 1x3x4x5\n"
                                     "tensor \"w\" f32 3x1x1x5 init he_normal\n"
                                     "tensor \"unread\" f32 1x3x4x3\n"
                                     "tensor \"y\" f32 1x3x4x5\n"
                                     "input \"x\"\n"
                                     "node conv_2d u \"x\" \"w\" -> \"unread\"\n"
                                     "node tanh y \"x\" -> \"y\"\n"
                                     "output \"y\"\n"},
    {NULL, NULL},
};
