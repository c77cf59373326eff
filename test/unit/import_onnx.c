/* SPDX-License-Identifier: Apache-2.0 */
/* Small ONNX models made in memory: what each is imported as, how others are refused, and that
 * damaged ones do not crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "import/import.h"
#include "onnx_net.h"

/* Last: it defines fail() as a macro. */
#include <cmocka.h>

#define N_OF(array) (sizeof(array) / sizeof *(array))

/* Imports from a copy of exactly the size, so that a read behind it is found. */
static enum status bytes_import(const uint8_t *bytes, size_t size, struct arena *arena,
                                struct graph **graph, struct diag *diag)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    diag->message[0] = '\0';
    enum status status = import_onnx(copy, size, "net", arena, graph, diag);
    free(copy);
    return status;
}

static void check_dump(struct net *net, const char *expected)
{
    size_t size;
    const uint8_t *bytes = net_pack(net, &size);
    struct graph *graph;
    struct diag diag;
    struct text text = text_start(net->arena);
    enum status status = bytes_import(bytes, size, net->arena, &graph, &diag);
    assert_string_equal(diag.message, "");
    assert_int_equal(status, OK);
    graph_dump(graph, &text);
    assert_string_equal(text.data, expected);
}

/* ---- what models become ---- */

static void test_conv_is_channels_last(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct net *net = net_start(&arena, NET_DIMS(0, 2, 3, 3));
    net_counted(net, "w", NET_DIMS(1, 2, 2, 2));
    net_counted(net, "b", NET_DIMS(1));
    Onnx__NodeProto *conv = net_node(net, "Conv", "x w b", "c");
    conv->name = arena_string(&arena, "/body/body.0/Conv");
    NET_INTS(net, conv, "pads", 1, 0, 0, 1);
    net_node(net, "Relu", "c", "y");
    check_dump(net, "graph net\n"
                    "tensor \"x\" f32 1x3x3x2\n"
                    "tensor \"body_0_conv/weights\" f32 1x2x2x2 = 1 5 2 6 3 7 4 8\n"
                    "tensor \"body_0_conv/bias\" f32 1 = 1\n"
                    "tensor \"c\" f32 1x3x3x1\n"
                    "input \"x\"\n"
                    "node conv_2d body_0_conv \"x\" \"body_0_conv/weights\" "
                    "\"body_0_conv/bias\" -> \"c\" pads 1 0 0 1 activation\n"
                    "    relu\n"
                    "output \"c\"\n");
    arena_free(&arena);
}

static void test_auto_pad(void **state)
{
    (void)state;
    static const char *const pads[][2] = {
        {"SAME_UPPER", " pads 0 1 0 1"}, {"SAME_LOWER", " pads 1 0 1 0"}, {"VALID", ""}};
    for (size_t i = 0; i < N_OF(pads); i++) {
        struct arena arena = {0};
        struct net *net = net_start(&arena, NET_DIMS(1, 1, 4, 4));
        net_counted(net, "w", NET_DIMS(1, 1, 2, 2));
        Onnx__NodeProto *conv = net_node(net, "Conv", "x w", "y");
        net_string(net, conv, "auto_pad", pads[i][0]);
        int out = i < 2 ? 4 : 3;
        check_dump(net, arena_printf(&arena,
                                     "graph net\n"
                                     "tensor \"x\" f32 1x4x4x1\n"
                                     "tensor \"y/weights\" f32 1x2x2x1 = 1 2 3 4\n"
                                     "tensor \"y\" f32 1x%dx%dx1\n"
                                     "input \"x\"\n"
                                     "node conv_2d y \"x\" \"y/weights\" -> \"y\"%s\n"
                                     "output \"y\"\n",
                                     out, out, pads[i][1]));
        arena_free(&arena);
    }
}

static void test_gemm_reads_a_flattened_image(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct net *net = net_start(&arena, NET_DIMS(1, 2, 1, 3));
    net_counted(net, "w", NET_DIMS(6, 2));
    net_counted(net, "b", NET_DIMS(2));
    net_node(net, "Tanh", "x", "t");
    net_node(net, "Flatten", "t", "f");
    Onnx__NodeProto *gemm = net_node(net, "Gemm", "f w b", "y");
    net_float(net, gemm, "alpha", 0.5F);
    net_float(net, gemm, "beta", 2);
    check_dump(net, "graph net\n"
                    "tensor \"x\" f32 1x1x3x2\n"
                    "tensor \"t\" f32 1x1x3x2\n"
                    "tensor \"f\" f32 1x6\n"
                    "tensor \"y/weights\" f32 2x6 = 0.5 3.5 1.5 4.5 2.5 5.5 1 4 2 5 3 6\n"
                    "tensor \"y/bias\" f32 2 = 2 4\n"
                    "tensor \"y\" f32 1x2\n"
                    "input \"x\"\n"
                    "node tanh t \"x\" -> \"t\"\n"
                    "node reshape f \"t\" -> \"f\"\n"
                    "node fully_connected y \"f\" \"y/weights\" \"y/bias\" -> \"y\"\n"
                    "output \"y\"\n");
    arena_free(&arena);
}

static void test_shapes_are_folded(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct net *net = net_start(&arena, NET_DIMS(0, 1, 2, 2));
    net_integers(net, "zero", 1, (const int64_t[]){0});
    net_integers(net, "open", 1, (const int64_t[]){-1});
    net_node(net, "Relu", "x", "r");
    net_node(net, "Shape", "r", "s");
    net_node(net, "Gather", "s zero", "n");
    Onnx__NodeProto *join = net_node(net, "Concat", "n open", "to");
    net_int(net, join, "axis", 0);
    net_node(net, "Reshape", "r to", "y");
    check_dump(net, "graph net\n"
                    "tensor \"x\" f32 1x2x2x1\n"
                    "tensor \"r\" f32 1x2x2x1\n"
                    "tensor \"y\" f32 1x4\n"
                    "input \"x\"\n"
                    "node relu r \"x\" -> \"r\"\n"
                    "node reshape y \"r\" -> \"y\"\n"
                    "output \"y\"\n");
    arena_free(&arena);
}

static void test_element_types(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct net *net = net_start(&arena, NET_DIMS(1, 2));
    static const uint16_t halves[2] = {0x3C00, 0xB800}; /* 1, -0.5 */
    static const uint16_t brains[2] = {0x4040, 0xC000}; /* 3, -2 */
    static const double doubles[2] = {0.25, -8};
    net_raw(net, "half", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, 2, halves, 4);
    net_raw(net, "brain", ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, 2, brains, 4);
    net_raw(net, "double", ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, 2, doubles, 16);
    net_node(net, "Mul", "x half", "a");
    net_node(net, "Sub", "a brain", "b");
    net_node(net, "Div", "b double", "y");
    check_dump(net, "graph net\n"
                    "tensor \"x\" f32 1x2\n"
                    "tensor \"a/operand\" f32 1x2 = 1 -0.5\n"
                    "tensor \"a\" f32 1x2\n"
                    "tensor \"b/operand\" f32 1x2 = 3 -2\n"
                    "tensor \"b\" f32 1x2\n"
                    "tensor \"y/operand\" f32 1x2 = 4 -0.125\n"
                    "tensor \"y\" f32 1x2\n"
                    "input \"x\"\n"
                    "node mul a \"x\" \"a/operand\" -> \"a\"\n"
                    "node sub b \"a\" \"b/operand\" -> \"b\"\n"
                    "node mul y \"b\" \"y/operand\" -> \"y\"\n"
                    "output \"y\"\n");
    arena_free(&arena);
}

/* x of uint8 with scale 0.5 and zero point 130, a convolution with weights of int8, relu, y. */
static struct net *net_int8(struct arena *arena)
{
    static const int8_t weights[4] = {1, -2, 3, -128};
    struct net *net = net_start(arena, NET_DIMS(1, 2, 1, 3));
    net_number(net, "xs", 0.5F);
    net_byte(net, "xz", ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 130);
    Onnx__TensorProto *w =
        net_raw(net, "wq", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 4, weights, sizeof weights);
    w->n_dims = 4;
    w->dims = arena_copy(arena, (const int64_t[]){2, 2, 1, 1}, 32);
    net_raw(net, "ws", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 2, (const float[]){0.25F, 0.125F}, 8);
    net_raw(net, "b", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 2, (const float[]){1, -0.5F}, 8);
    net_number(net, "ys", 0.75F);
    net_byte(net, "yz", ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 0);
    net_node(net, "QuantizeLinear", "x xs xz", "xq");
    net_node(net, "DequantizeLinear", "xq xs xz", "xd");
    net_int(net, net_node(net, "DequantizeLinear", "wq ws", "w"), "axis", 0);
    net_node(net, "Conv", "xd w b", "c");
    net_node(net, "Relu", "c", "r");
    net_node(net, "QuantizeLinear", "r ys yz", "yq");
    net_node(net, "DequantizeLinear", "yq ys yz", "y");
    return net;
}

static void test_qdq_becomes_int8(void **state)
{
    (void)state;
    struct arena arena = {0};
    check_dump(
        net_int8(&arena),
        "graph net\n"
        "tensor \"x\" s8 1x1x3x2 scale 0.5 zero_point 2\n"
        "tensor \"c/weights\" s8 2x1x1x2 axis 0 scale 0.25 0.125 zero_point 0 = 1 -2 3 -128\n"
        "tensor \"c/bias\" s32 2 axis 0 scale 0.125 0.0625 zero_point 0 = 8 -8\n"
        "tensor \"c\" s8 1x1x3x2 scale 0.75 zero_point -128\n"
        "input \"x\"\n"
        "node conv_2d c \"x\" \"c/weights\" \"c/bias\" -> \"c\" activation relu\n"
        "output \"c\"\n");
    arena_free(&arena);
}

/* ---- what is refused ---- */

static void unknown_op(struct net *net)
{
    net->nodes[0]->op_type = arena_string(net->arena, "Einsum");
}

static void control_flow(struct net *net)
{
    net->nodes[0]->op_type = arena_string(net->arena, "If");
}

static void other_domain(struct net *net)
{
    net->nodes[0]->domain = arena_string(net->arena, "com.example");
}

static void old_opset(struct net *net)
{
    net->opset.version = 8;
}

static void functions(struct net *net)
{
    Onnx__FunctionProto *function = ARENA_NEW(net->arena, Onnx__FunctionProto);
    onnx__function_proto__init(function);
    net->model.n_functions = 1;
    net->model.functions = arena_copy(net->arena, &function, sizeof(Onnx__FunctionProto *));
}

static void external_data(struct net *net)
{
    net->tensors[0]->has_data_location = 1;
    net->tensors[0]->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

static void short_data(struct net *net)
{
    net->tensors[0]->n_float_data--;
}

static void huge_dimension(struct net *net)
{
    net->tensors[0]->dims[0] = INT64_C(1) << 40;
}

static void strings(struct net *net)
{
    net->tensors[0]->data_type = ONNX__TENSOR_PROTO__DATA_TYPE__STRING;
}

static void open_height(struct net *net)
{
    net->inputs[0] = net_value(net, "x", NET_DIMS(1, 2, 0, 4));
}

static void bytes_input(struct net *net)
{
    net->inputs[0]->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
}

static void no_outputs(struct net *net)
{
    net->graph.n_output = 0;
}

static void unknown_output(struct net *net)
{
    net->outputs[0]->name = arena_string(net->arena, "z");
}

static void cycle(struct net *net)
{
    net->nodes[0]->input[0] = arena_string(net->arena, "y");
}

static void dangling(struct net *net)
{
    net->nodes[0]->input[0] = arena_string(net->arena, "nothing");
}

static void twice(struct net *net)
{
    net_node(net, "Relu", "x", "y");
}

static void attribute_type(struct net *net)
{
    net_float(net, net->nodes[0], "group", 1);
}

static void negative_pads(struct net *net)
{
    NET_INTS(net, net->nodes[0], "pads", 0, 0, -1, 0);
}

static void dynamic_weights(struct net *net)
{
    net->nodes[0]->input[1] = net->nodes[0]->input[0];
}

static void many_groups(struct net *net)
{
    net_int(net, net->nodes[0], "group", 3);
}

static void clip(struct net *net)
{
    Onnx__NodeProto *node = net_node(net, "Clip", "y", "z");
    net_float(net, node, "min", -2);
    net_float(net, node, "max", 2);
    net->outputs[0]->name = arena_string(net->arena, "z");
}

static void transposed(struct net *net)
{
    Onnx__NodeProto *node = net_node(net, "Transpose", "y", "t");
    NET_INTS(net, node, "perm", 0, 2, 1, 3);
    net_counted(net, "v", NET_DIMS(1, 3, 1, 1));
    net_node(net, "Conv", "t v", "z");
    net->outputs[0]->name = arena_string(net->arena, "z");
}

static void flattened_output(struct net *net)
{
    net_node(net, "Flatten", "y", "z");
    net->outputs[0]->name = arena_string(net->arena, "z");
}

static void linear_resize(struct net *net)
{
    net_raw(net, "scales", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 4, (const float[]){1, 1, 2, 2},
            16);
    Onnx__NodeProto *node = net_node(net, "Resize", "y - scales", "z");
    net_string(net, node, "mode", "linear");
    net->outputs[0]->name = arena_string(net->arena, "z");
}

static void output_is_input(struct net *net)
{
    net->outputs[0]->name = arena_string(net->arena, "x");
}

static void float_weights(struct net *net)
{
    net_counted(net, "v", NET_DIMS(2, 2, 1, 1));
    net->nodes[3]->input[1] = arena_string(net->arena, "v");
}

static void asymmetric_weights(struct net *net)
{
    net_raw(net, "wz", ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 2, (const int8_t[]){5, 5}, 2);
    net->nodes[2]->n_input = net_words(net, "wq ws wz", &net->nodes[2]->input);
}

static void channel_activations(struct net *net)
{
    net->nodes[0]->input[1] = arena_string(net->arena, "ws");
    net->nodes[0]->n_input = 2;
}

static void float_between(struct net *net)
{
    net_node(net, "Tanh", "r", "t");
    net->nodes[5]->input[0] = arena_string(net->arena, "t");
    Onnx__NodeProto *last = net->nodes[7];
    net->nodes[7] = net->nodes[6];
    net->nodes[6] = net->nodes[5];
    net->nodes[5] = last;
}

static void other_scale(struct net *net)
{
    net->nodes[6]->input[1] = arena_string(net->arena, "xs");
}

static void integers_read(struct net *net)
{
    net->nodes[3]->input[0] = arena_string(net->arena, "xq");
}

static void float_input(struct net *net)
{
    net->nodes[3]->input[0] = arena_string(net->arena, "x");
}

struct refusal {
    void (*change)(struct net *net);
    enum status status;
    const char *message; /* what it starts with */
};

static const struct refusal refusals[] = {
    {unknown_op, ERR_UNSUPPORTED,
     "node 0 Einsum 'y': this op is not supported; rewrite the network with Add, AveragePool, "
     "BatchNormalization, "},
    {control_flow, ERR_UNSUPPORTED, "node 0 If 'y': control flow is not supported; export with "},
    {other_domain, ERR_UNSUPPORTED, "node 0 Conv 'y': the op is of domain 'com.example'"},
    {old_opset, ERR_UNSUPPORTED, "the file has opset 8, 9 to 18 are supported; "},
    {functions, ERR_UNSUPPORTED, "the file defines functions; "},
    {external_data, ERR_UNSUPPORTED, "initializer 'w': the weights are in another file; "},
    {short_data, ERR_INPUT, "initializer 'w': a constant of 24 elements has data for 23; "},
    {huge_dimension, ERR_INPUT, "initializer 'w': the size of a constant overflows; "},
    {strings, ERR_UNSUPPORTED, "initializer 'w': a constant has element type 8, "},
    {open_height, ERR_UNSUPPORTED, "dimension 2 ('batch') of input 'x' is not fixed; "},
    {bytes_input, ERR_UNSUPPORTED, "input 'x' holds 8-bit integers; "},
    {no_outputs, ERR_INPUT, "the network has no outputs; "},
    {unknown_output, ERR_INPUT, "no node produces the output 'z'; "},
    {cycle, ERR_INPUT, "node 0 Conv 'y': nothing before it produces 'y': a dangling or cyclic "},
    {dangling, ERR_INPUT, "node 0 Conv '': nothing produces its input 'nothing'; "},
    {twice, ERR_INPUT, "node 1 Relu '': 'y' is produced twice, "},
    {attribute_type, ERR_INPUT, "node 0 Conv 'y': attribute group has type 1, it must have 2; "},
    {negative_pads, ERR_UNSUPPORTED, "node 0 Conv 'y': a pad of -1 is not supported"},
    {dynamic_weights, ERR_UNSUPPORTED, "node 0 Conv 'y': the weights 'x' must be constant; "},
    {many_groups, ERR_INPUT, "node 0 Conv 'y': 2 channels cannot make 3 groups"},
    {clip, ERR_UNSUPPORTED, "node 1 Clip 'z': the range -2 to 2 is not supported; use 0 to 6, "},
    {transposed, ERR_UNSUPPORTED,
     "node 2 Conv 'z': 't' (1x3x3x3 in the file) would have to be transposed in memory"},
    {flattened_output, ERR_UNSUPPORTED, "the output 'z' is flattened from channels first, "},
    {linear_resize, ERR_UNSUPPORTED, "node 1 Resize 'z': mode 'linear' with 'half_pixel' is not "},
    {output_is_input, ERR_UNSUPPORTED, "the output 'x' is an input of the network; "},
};

static const struct refusal int8_refusals[] = {
    {float_weights, ERR_UNSUPPORTED,
     "conv_2d 'c': the weights 'c/weights' are not quantized, but activations are; quantize all "},
    {asymmetric_weights, ERR_UNSUPPORTED,
     "conv_2d 'c': the weights 'c/weights' are not in the range of int8 around 0; "},
    {channel_activations, ERR_UNSUPPORTED,
     "node 0 QuantizeLinear 'xq': an activation has one scale a channel; "},
    {float_between, ERR_UNSUPPORTED,
     "conv_2d 'c': its output 'c' is not quantized, but other activations are; "},
    {other_scale, ERR_UNSUPPORTED,
     "node 6 DequantizeLinear 'y': 'yq' is not quantized with this scale and zero point; "},
    {integers_read, ERR_UNSUPPORTED,
     "node 3 Conv 'c': it reads quantized values; put DequantizeLinear in front"},
    {float_input, ERR_UNSUPPORTED, "the input 'x' is not quantized, but other activations are; "},
};

/* One convolution of 2 channels to 3. */
static struct net *net_small(struct arena *arena)
{
    struct net *net = net_start(arena, NET_DIMS(1, 2, 4, 4));
    net_counted(net, "w", NET_DIMS(3, 2, 2, 2));
    net_node(net, "Conv", "x w", "y");
    return net;
}

static void refusals_check(const struct refusal *list, size_t n, struct net *start(struct arena *))
{
    for (size_t i = 0; i < n; i++) {
        struct arena arena = {0};
        struct net *net = start(&arena);
        list[i].change(net);
        size_t size;
        const uint8_t *bytes = net_pack(net, &size);
        struct graph *graph;
        struct diag diag;
        enum status status = bytes_import(bytes, size, &arena, &graph, &diag);
        if (strncmp(diag.message, list[i].message, strlen(list[i].message)) != 0)
            assert_string_equal(diag.message, list[i].message);
        assert_int_equal(status, list[i].status);
        arena_free(&arena);
    }
}

static void test_refused(void **state)
{
    (void)state;
    refusals_check(refusals, N_OF(refusals), net_small);
    refusals_check(int8_refusals, N_OF(int8_refusals), net_int8);
}

/* Attributes that hold graphs that hold attributes: the decoder would recurse as deep. */
static void test_deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 100000, LEVEL = 12 };
    struct arena arena = {0};
    /* Backwards: each level is the field of the one around it. */
    static const uint8_t keys[3] = {1 << 3 | 2, 5 << 3 | 2, 6 << 3 | 2}; /* node, attribute, g */
    uint8_t *bytes = arena_alloc(&arena, DEPTH, LEVEL);
    size_t at = (size_t)DEPTH * LEVEL, end = at;
    for (int i = 0; i < DEPTH; i++) {
        size_t length = end - at;
        uint8_t varint[10];
        size_t n = 0;
        for (; n == 0 || length > 0; length >>= 7)
            varint[n++] = (uint8_t)((length & 0x7F) | (length > 0x7F ? 0x80 : 0));
        at -= n;
        memcpy(bytes + at, varint, n);
        bytes[--at] = i == DEPTH - 1 ? 7 << 3 | 2 : keys[(2 + 3 * DEPTH - i) % 3];
    }
    struct graph *graph;
    struct diag diag;
    assert_int_equal(bytes_import(bytes + at, end - at, &arena, &graph, &diag), ERR_INPUT);
    arena_free(&arena);
}

/* ---- damage ---- */

/* A network of many ops. */
static struct net *net_varied(struct arena *arena)
{
    struct net *net = net_start(arena, NET_DIMS(0, 2, 6, 6));
    net_counted(net, "w1", NET_DIMS(4, 2, 3, 3));
    net_counted(net, "w2", NET_DIMS(4, 1, 3, 3));
    net_counted(net, "c", NET_DIMS(4));
    net_counted(net, "w3", NET_DIMS(36, 3));
    net_integers(net, "to", 2, (const int64_t[]){1, -1});
    net_integers(net, "pads", 8, (const int64_t[]){0, 0, 1, 1, 0, 0, 1, 1});
    Onnx__NodeProto *conv = net_node(net, "Conv", "x w1 c", "a");
    NET_INTS(net, conv, "pads", 1, 1, 1, 1);
    NET_INTS(net, conv, "kernel_shape", 3, 3);
    net_node(net, "BatchNormalization", "a c c c c", "b");
    net_node(net, "Relu", "b", "r");
    Onnx__NodeProto *depthwise = net_node(net, "Conv", "r w2", "d");
    net_int(net, depthwise, "group", 4);
    net_node(net, "Pad", "d pads", "p");
    net_node(net, "Concat", "p r", "j");
    net_int(net, net->nodes[net->graph.n_node - 1], "axis", 1);
    Onnx__NodeProto *slice = net_node(net, "Split", "j", "s t");
    net_int(net, slice, "axis", 1);
    net_node(net, "Add", "s t", "u");
    Onnx__NodeProto *pool = net_node(net, "AveragePool", "u", "v");
    NET_INTS(net, pool, "kernel_shape", 2, 2);
    NET_INTS(net, pool, "strides", 2, 2);
    net_node(net, "Reshape", "v to", "f");
    net_node(net, "MatMul", "f w3", "m");
    net_node(net, "Softmax", "m", "y");
    return net;
}

static void damaged_import(const uint8_t *bytes, size_t size, int *refused)
{
    struct arena arena = {0};
    struct graph *graph;
    struct diag diag;
    enum status status = bytes_import(bytes, size, &arena, &graph, &diag);
    assert_true(status == OK || status == ERR_INPUT || status == ERR_UNSUPPORTED);
    assert_int_equal(status == OK, diag.message[0] == '\0');
    assert_null(strchr(diag.message, '\n'));
    *refused += status != OK;
    arena_free(&arena);
}

static void truncations_check(struct net *make(struct arena *))
{
    struct arena arena = {0};
    size_t size;
    const uint8_t *bytes = net_pack(make(&arena), &size);
    int refused = 0;
    damaged_import(bytes, size, &refused);
    assert_int_equal(refused, 0);
    for (size_t i = 0; i < size; i++)
        damaged_import(bytes, i, &refused);
    assert_int_equal(refused, size);
    arena_free(&arena);
}

static void test_truncated(void **state)
{
    (void)state;
    truncations_check(net_varied);
    truncations_check(net_int8);
}

static void flips_check(struct net *make(struct arena *))
{
    enum { N_FLIPS = 10000 };
    struct arena arena = {0};
    size_t size;
    uint8_t *bytes = net_pack(make(&arena), &size);
    struct random random = {20261127};
    int refused = 0;
    for (int i = 0; i < N_FLIPS; i++) {
        uint8_t old[3];
        size_t at[3], n = (size_t)random_range(&random, 1, 3);
        for (size_t k = 0; k < n; k++) {
            at[k] = (size_t)(random_bits(&random) % size);
            old[k] = bytes[at[k]];
            bytes[at[k]] = (uint8_t)random_bits(&random);
        }
        damaged_import(bytes, size, &refused);
        while (n-- > 0)
            bytes[at[n]] = old[n];
    }
    assert_true(refused > 0 && refused < N_FLIPS);
    arena_free(&arena);
}

static void test_flipped(void **state)
{
    (void)state;
    flips_check(net_varied);
    flips_check(net_int8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_is_channels_last),
        cmocka_unit_test(test_auto_pad),
        cmocka_unit_test(test_gemm_reads_a_flattened_image),
        cmocka_unit_test(test_shapes_are_folded),
        cmocka_unit_test(test_element_types),
        cmocka_unit_test(test_qdq_becomes_int8),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_deep_nesting_is_refused),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
