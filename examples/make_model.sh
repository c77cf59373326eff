#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the int8 network examples/small_cnn.tflite, byte for byte the same on every host, or the
# file given. The weights are pseudo-random, spread as training spreads them; filters and filterlets
# (the weights of a filter at one kernel position) that are all zero are strewn in, as pruning leaves
# them. Output scales and the last biases were chosen so that no layer saturates.
#   image 28x28x1, conv 3x3 /2, conv 3x3, depthwise 3x3 /2, conv 1x1, conv 3x3, average pool,
#   fully connected, softmax over 10 classes
set -eu
cd "$(dirname "$0")/.."
output=${1:-examples/small_cnn.tflite}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk '
# Lehmer generator; the products stay below 2^53, so doubles hold them exactly.
function uniform() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }

# About normal, standard deviation 1, within +-3.5.
function normal() { return (uniform() + uniform() + uniform() + uniform() - 2) * 1.7320508 }

function round(x) { return x < 0 ? -int(0.5 - x) : int(x + 0.5) }

function join(list, item) { return list == "" ? item : list ", " item }

function add_buffer(bytes) { buffers = buffers ",\n    { data: [" bytes "] }"; return ++n_buffers }

function add_tensor(name, type, shape, buffer, quantization, more) {
    tensors = join(tensors, "\n      { name: \"" name "\", type: \"" type "\", shape: [" shape "]" \
        (buffer ? ", buffer: " buffer : "") ", quantization: { " quantization " }" more " }")
    return n_tensors++
}

function activation(name, shape, scale, zero_point) {
    return add_tensor(name, "INT8", shape, 0,
        sprintf("scale: [%.9g], zero_point: [%d]", scale, zero_point),
        ", shape_signature: [-1" substr(shape, 2) "]")
}

function add_op(code, inputs, outputs, type, options) {
    operators = join(operators, "\n      { opcode_index: " code ", inputs: [" inputs "], outputs: [" \
        outputs "]" (type == "" ? "" : ", builtin_options_type: \"" type "\", builtin_options: { " \
        options " }") " }")
}

# Four bytes of an int32, least significant first.
function int32(x,    i, bytes) {
    if (x < 0) x += 4294967296
    for (i = 0; i < 4; i++) { bytes = join(bytes, x % 256); x = int(x / 256) }
    return bytes
}

function byte(x) { return x < 0 ? x + 256 : x }

# Weights of `n` filters of `positions` filterlets of `depth`; `spread` is their standard deviation.
# `empty` lists the filters that are all zero, `absent` is the fraction of filterlets that are.
# Sets scale_of[filter].
function make_weights(n, positions, depth, spread, empty, absent,    o, p, i, keep, q, list) {
    list = ""
    for (o = 0; o < n; o++) {
        scale_of[o] = spread / 40 * (0.75 + 0.5 * uniform())
        for (p = 0; p < positions; p++) {
            keep = uniform() >= absent && index(" " empty " ", " " o " ") == 0
            for (i = 0; i < depth; i++) {
                q = round(40 * normal())
                q = q > 127 ? 127 : q < -127 ? -127 : q
                weight[o, p * depth + i] = keep ? q : 0
            }
        }
    }
    per_filter = positions * depth
    for (o = 0; o < n; o++)
        for (i = 0; i < per_filter; i++)
            list = join(list, byte(weight[o, i]))
    return list
}

# The same numbers in the order of depthwise weights: channel innermost.
function transpose(n,    o, i, list) {
    for (i = 0; i < per_filter; i++)
        for (o = 0; o < n; o++)
            list = join(list, byte(weight[o, i]))
    return list
}

function scales(n,    o, s, z) {
    for (o = 0; o < n; o++) { s = join(s, sprintf("%.9g", scale_of[o])); z = join(z, 0) }
    return "scale: [" s "], zero_point: [" z "]"
}

# Adds the bias tensor of layer `path`, random values of about `size`.
function make_bias(path, n, scale_in, size,    o, value, list, s, z) {
    for (o = 0; o < n; o++) {
        value = size * (uniform() - 0.4)
        list = join(list, int32(round(value / (scale_in * scale_of[o]))))
        s = join(s, sprintf("%.9g", scale_in * scale_of[o]))
        z = join(z, 0)
    }
    return add_tensor(path "/BiasAdd/ReadVariableOp", "INT32", n, add_buffer(list),
        "scale: [" s "], zero_point: [" z "]")
}

# A convolution with relu from tensor `input`; returns its output.
function conv(code, layer, input, scale_in, shape, kernel, depth, n, stride, spread, empty, absent, \
              scale_out,    depthwise, list, w, b, out, path) {
    depthwise = code == 1
    path = "small_cnn/" layer
    list = make_weights(n, kernel * kernel, depth, spread, empty, absent)
    if (depthwise) list = transpose(n)
    w = add_tensor(path (depthwise ? "/depthwise" : "/Conv2D"), "INT8",
        (depthwise ? "1, " kernel ", " kernel ", " n : n ", " kernel ", " kernel ", " depth),
        add_buffer(list), scales(n) (depthwise ? ", quantized_dimension: 3" : ""))
    b = make_bias(path, n, scale_in, 0.2)
    out = activation("small_cnn/relu_" layer "/Relu;" path "/BiasAdd", shape, scale_out, -128)
    add_op(code, input ", " w ", " b, out,
        depthwise ? "DepthwiseConv2DOptions" : "Conv2DOptions",
        "padding: \"SAME\", stride_w: " stride ", stride_h: " stride \
        ", fused_activation_function: \"RELU\"" (depthwise ? ", depth_multiplier: 1" : ""))
    return out
}

BEGIN {
    seed = 20240607
    t0 = activation("image", "1, 28, 28, 1", 1 / 255, -128)
    s1 = 0.0118; s2 = 0.0176; s3 = 0.0125; s4 = 0.0102; s5 = 0.0118; s6 = 0.055
    t = conv(0, "conv2d", t0, 1 / 255, "1, 14, 14, 8", 3, 1, 8, 2, 0.47, "", 0, s1)
    t = conv(0, "conv2d_1", t, s1, "1, 14, 14, 16", 3, 8, 16, 1, 0.2, "3 9 14", 0.3, s2)
    t = conv(1, "depthwise_conv2d", t, s2, "1, 7, 7, 16", 3, 1, 16, 2, 0.47, "", 0, s3)
    t = conv(0, "conv2d_2", t, s3, "1, 7, 7, 32", 1, 16, 32, 1, 0.35, "7 20", 0, s4)
    t = conv(0, "conv2d_3", t, s4, "1, 7, 7, 32", 3, 32, 32, 1, 0.12, "5 17 30", 0.5, s5)

    pool = activation("small_cnn/average_pooling2d/AvgPool", "1, 1, 1, 32", s5, -128)
    add_op(2, t, pool, "Pool2DOptions",
        "padding: \"VALID\", stride_w: 7, stride_h: 7, filter_width: 7, filter_height: 7")
    shape = add_tensor("small_cnn/flatten/Const", "INT32", "2",
        add_buffer(int32(-1) ", " int32(32)), "")
    flat = activation("small_cnn/flatten/Reshape", "1, 32", s5, -128)
    add_op(3, pool ", " shape, flat, "ReshapeOptions", "")

    list = make_weights(10, 1, 32, 3.5, "", 0)
    w = add_tensor("small_cnn/dense/MatMul", "INT8", "10, 32", add_buffer(list),
        sprintf("scale: [%.9g], zero_point: [0]", scale_of[0]))
    n = split("2.7 2.3 -5.9 2.6 2.6 8.4 -0.7 -3.8 2.2 -0.2", biases, " ")
    bias = ""
    for (o = 0; o < n; o++)
        bias = join(bias, int32(round(biases[o + 1] / (s5 * scale_of[0]))))
    b = add_tensor("small_cnn/dense/BiasAdd/ReadVariableOp", "INT32", "10", add_buffer(bias),
        sprintf("scale: [%.9g], zero_point: [0]", s5 * scale_of[0]))
    logits = activation("small_cnn/dense/MatMul;small_cnn/dense/BiasAdd", "1, 10", s6, 0)
    add_op(4, flat ", " w ", " b, logits, "FullyConnectedOptions", "")
    result = activation("Identity", "1, 10", 1 / 256, -128)
    add_op(5, logits, result, "SoftmaxOptions", "beta: 1.0")

    print "{ version: 3, description: \"DTMM example\", operator_codes: ["
    print "    { deprecated_builtin_code: 3, builtin_code: \"CONV_2D\", version: 3 },"
    print "    { deprecated_builtin_code: 4, builtin_code: \"DEPTHWISE_CONV_2D\", version: 3 },"
    print "    { deprecated_builtin_code: 1, builtin_code: \"AVERAGE_POOL_2D\", version: 2 },"
    print "    { deprecated_builtin_code: 22, builtin_code: \"RESHAPE\", version: 1 },"
    print "    { deprecated_builtin_code: 9, builtin_code: \"FULLY_CONNECTED\", version: 4 },"
    print "    { deprecated_builtin_code: 25, builtin_code: \"SOFTMAX\", version: 2 } ],"
    print "  subgraphs: [ { name: \"main\", tensors: [" tensors " ],"
    print "    inputs: [" t0 "], outputs: [" result "], operators: [" operators " ] } ],"
    print "  buffers: [ {}" buffers " ] }"
}' >"$work/small_cnn.json"

flatc -b -o "$work" src/import/tflite.fbs "$work/small_cnn.json"
cp "$work/small_cnn.tflite" "$output.partial"
mv "$output.partial" "$output"
