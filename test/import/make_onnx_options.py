# SPDX-License-Identifier: Apache-2.0
"""Models written node by node, for what the exporter of PyTorch does not write. Each has a function
that computes the same in PyTorch. See make_onnx.py for the files."""
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional as F

IMAGE = (1, 4, 9, 7)
MODELS = []


def values(*shape):
    return torch.randn(*shape)


def constant(name, tensor, dtype=np.float32, raw=True):
    array = (tensor.numpy() if isinstance(tensor, torch.Tensor) else np.array(tensor)).astype(dtype)
    if raw:
        return numpy_helper.from_array(np.ascontiguousarray(array), name)
    return helper.make_tensor(name, helper.np_dtype_to_tensor_dtype(array.dtype) if hasattr(
        helper, "np_dtype_to_tensor_dtype") else onnx.mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype],
                              array.shape, array.flatten().tolist())


def ints(name, *numbers):
    return constant(name, numbers, np.int64)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def model(name, shape, opset, nodes, constants, function, plain=False, listed=False):
    MODELS.append((name, shape, opset, nodes, constants, function, plain, listed))


def pads_same(x, kernel, stride, lower):
    pads = []
    for size in reversed(x.shape[2:]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        small, large = total // 2, total - total // 2
        pads += [large, small] if lower else [small, large]
    return F.pad(x, pads)


def convolutions():
    w, b = values(5, 4, 3, 3), values(5)
    for mode, lower in (("SAME_UPPER", False), ("SAME_LOWER", True)):
        for stride in (1, 2, 3):
            model(f"conv_{mode.lower()}_{stride}", IMAGE, 13,
                  [node("Conv", "x w b", "y", auto_pad=mode, strides=[stride, stride])],
                  [constant("w", w), constant("b", b)],
                  lambda x, s=stride, l=lower: F.conv2d(pads_same(x, 3, s, l), w, b, s))
    model("conv_valid", IMAGE, 11, [node("Conv", "x w", "y", auto_pad="VALID")],
          [constant("w", w)], lambda x: F.conv2d(x, w))
    model("conv_float16", IMAGE, 11, [node("Conv", "x w b", "y")],
          [constant("w", w, np.float16), constant("b", b, np.float64)],
          lambda x: F.conv2d(x, w.half().float(), b))
    model("conv_typed_listed", IMAGE, 9, [node("Conv", "x w b", "y", kernel_shape=[3, 3])],
          [constant("w", w, raw=False), constant("b", b, raw=False)],
          lambda x: F.conv2d(x, w, b), listed=True)
    model("conv_constant_nodes", IMAGE, 13,
          [node("Constant", "", "w", value=constant("v", w)), node("Identity", "w", "w2"),
           node("Conv", "x w2", "y")], [], lambda x: F.conv2d(x, w))
    model("conv_add_bias", IMAGE, 13, [node("Conv", "x w", "c"), node("Add", "c b", "y")],
          [constant("w", w), constant("b", b.reshape(1, 5, 1, 1))], lambda x: F.conv2d(x, w, b))
    t = values(4, 5, 3, 3)
    model("conv_transpose_same", IMAGE, 13,
          [node("ConvTranspose", "x t b", "y", auto_pad="SAME_UPPER", strides=[2, 2])],
          [constant("t", t), constant("b", b)],
          lambda x: F.conv_transpose2d(x, t, b, 2)[:, :, :-1, :-1])
    model("conv_transpose_shape", IMAGE, 13,
          [node("ConvTranspose", "x t", "y", output_shape=[18, 13], strides=[2, 2])],
          [constant("t", t)], lambda x: F.conv_transpose2d(x, t, None, 2)[:, :, 1:, 1:-1])


def products():
    w, b = values(12, 5), values(5)
    model("gemm_scaled", (1, 12), 13, [node("Gemm", "x w b", "y", alpha=0.5, beta=-2.0)],
          [constant("w", w), constant("b", b)], lambda x: 0.5 * x @ w - 2 * b)
    model("gemm_scalar_bias", (1, 12), 11, [node("Gemm", "x w b", "y", transB=1)],
          [constant("w", w.T), constant("b", b[:1])], lambda x: x @ w + b[:1])
    model("gemm_transposed_input", (12, 1), 11, [node("Gemm", "x w", "y", transA=1)],
          [constant("w", w)], lambda x: x.T @ w)
    model("matmul_add", (1, 12), 13, [node("Transpose", "v", "w", perm=[1, 0]),
                                      node("MatMul", "x w", "m"), node("Add", "b m", "y")],
          [constant("v", w.T), constant("b", b)], lambda x: x @ w + b)
    model("matmul_channels_last", (1, 3, 4, 12), 13, [node("MatMul", "x w", "y")],
          [constant("w", w)], lambda x: x @ w, plain=True)
    v = values(4, 6)
    model("matmul_pixels", IMAGE, 13,
          [node("Relu", "x", "r"), node("Transpose", "r", "t", perm=[0, 2, 3, 1]),
           node("MatMul", "t v", "m"), node("Transpose", "m", "n", perm=[0, 3, 1, 2]),
           node("GlobalAveragePool", "n", "y")],
          [constant("v", v)],
          lambda x: (F.relu(x).permute(0, 2, 3, 1) @ v).permute(0, 3, 1, 2).mean((2, 3), True))


def elementwise():
    w = values(5, 4, 1, 1)
    model("clip_inputs", IMAGE, 11, [node("Conv", "x w", "c"), node("Clip", "c low high", "y")],
          [constant("w", w), constant("low", np.float32(0)), constant("high", np.float32(6))],
          lambda x: F.relu6(F.conv2d(x, w)))
    model("clip_attributes", IMAGE, 9, [node("Clip", "x", "y", min=-1.0, max=1.0)], [],
          lambda x: x.clamp(-1, 1))
    model("clip_open", IMAGE, 13, [node("Clip", "x low", "y")], [constant("low", np.float32(0))],
          F.relu)
    model("clip_nothing", IMAGE, 13, [node("Clip", "x", "c"), node("Tanh", "c", "y")], [],
          torch.tanh)
    model("relu_clip", IMAGE, 9, [node("Relu", "x", "r"), node("Clip", "r", "y", max=6.0)], [],
          F.relu6)
    model("hard_sigmoid", IMAGE, 13, [node("HardSigmoid", "x", "y")], [],
          lambda x: (0.2 * x + 0.5).clamp(0, 1))
    model("hard_swish", IMAGE, 14, [node("HardSwish", "x", "y")], [], F.hardswish)
    model("hard_swish_clip", IMAGE, 13,
          [node("Add", "three x", "a"), node("Clip", "a low high", "c"), node("Mul", "c sixth", "d"),
           node("Mul", "d x", "y")],
          [constant("three", [3.0]), constant("low", np.float32(0)), constant(
              "high", np.float32(6)), constant("sixth", np.float32(1 / 6))], F.hardswish)
    model("not_hard_swish", IMAGE, 13,
          [node("Tanh", "x", "t"), node("HardSigmoid", "t", "h", alpha=1 / 6),
           node("Mul", "h x", "y")], [], lambda x: x * F.hardsigmoid(torch.tanh(x)))
    s, m = values(4), values(4)
    model("batch_normalization", IMAGE, 9, [node("BatchNormalization", "x s m m v", "y",
                                                 epsilon=0.01)],
          [constant("s", s), constant("m", m), constant("v", m.abs())],
          lambda x: F.batch_norm(x, m, m.abs(), s, m, eps=0.01))
    model("leaky_relu", IMAGE, 13, [node("LeakyRelu", "x", "y")], [], F.leaky_relu)
    model("softmax_old", (1, 3, 20), 11, [node("Softmax", "x", "y", axis=1)], [],
          lambda x: x.flatten(1).softmax(-1).reshape(x.shape), plain=True)
    c, k, v = values(9, 7), values(24), values(24, 3)
    model("broadcast_image", IMAGE, 13, [node("Sub", "c x", "y")], [constant("c", c)],
          lambda x: c - x)
    model("broadcast_part", (1, 2, 3, 4), 13,
          [node("Relu", "x", "r"), node("Flatten", "r", "f"), node("Mul", "f c", "m"),
           node("Gemm", "m v", "y")], [constant("c", k), constant("v", v)],
          lambda x: (F.relu(x).flatten(1) * k) @ v)
    model("dropout_mask", IMAGE, 13, [node("Dropout", "x", "d mask"), node("Tanh", "d", "y")], [],
          torch.tanh)


def shapes():
    model("mean_axes_input", IMAGE, 18, [node("ReduceMean", "x axes", "y", keepdims=0)],
          [ints("axes", -1, -2)], lambda x: x.mean((2, 3)))
    model("mean_all", IMAGE, 13, [node("ReduceMean", "x", "y")], [],
          lambda x: x.mean().reshape(1, 1, 1, 1))
    model("squeeze_input", IMAGE, 13,
          [node("GlobalAveragePool", "x", "g"), node("Squeeze", "g a", "s"),
           node("Unsqueeze", "s a", "u"), node("Mul", "u x", "y")], [ints("a", 2, 3)],
          lambda x: x * x.mean((2, 3), True))
    model("reshape_zeros", IMAGE, 13, [node("Tanh", "x", "t"), node("Reshape", "t s", "r"),
                                       node("ReduceMean", "r", "y", axes=[2], keepdims=0)],
          [ints("s", 0, 0, -1)], lambda x: torch.tanh(x).mean((2, 3)))
    model("split_18", IMAGE, 18, [node("Split", "x", "a b", axis=2, num_outputs=2),
                                  node("Concat", "b a", "y", axis=2)], [],
          lambda x: torch.cat([x[:, :, 5:], x[:, :, :5]], 2))
    model("split_sizes", IMAGE, 13, [node("Split", "x s", "a b", axis=1), node("Tanh", "b", "y")],
          [ints("s", 1, 3)], lambda x: torch.tanh(x[:, 1:]))
    model("slice_back", IMAGE, 13, [node("Slice", "x b e a s", "y")],
          [ints("b", -1, 6), ints("e", -100, 0), ints("a", 2, 3), ints("s", -1, -2)],
          lambda x: x.flip(2)[:, :, :, [6, 4, 2]])
    model("pad_axes", IMAGE, 18, [node("Pad", "x p zero a", "y")],
          [ints("p", 1, 2), constant("zero", np.float32(0)), ints("a", 3)],
          lambda x: F.pad(x, (1, 2)))
    model("concat_constant", IMAGE, 13, [node("Concat", "x c", "y", axis=1)],
          [constant("c", torch.arange(63.0).reshape(1, 1, 9, 7))],
          lambda x: torch.cat([x, torch.arange(63.0).reshape(1, 1, 9, 7)], 1))
    w = values(3, 5, 3, 3)
    model("tensorflow", (1, 8, 6, 5), 13,
          [node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
           node("Conv", "t w", "c", auto_pad="SAME_UPPER", strides=[2, 2]), node("Relu", "c", "r"),
           node("Transpose", "r", "y", perm=[0, 2, 3, 1])],
          [constant("w", w)],
          lambda x: F.relu(F.conv2d(F.pad(x.permute(0, 3, 1, 2), (0, 1, 0, 1)), w, None, 2)
                           ).permute(0, 2, 3, 1), plain=True)


def resizes():
    scales = constant("s", [1.0, 1.0, 2.0, 3.0])

    def nearest(rows, columns):
        return lambda x: x[:, :, rows][:, :, :, columns]

    model("upsample_9", IMAGE, 9, [node("Upsample", "x s", "y", mode="nearest")], [scales],
          lambda x: F.interpolate(x, scale_factor=(2, 3)))
    model("resize_10", IMAGE, 10, [node("Resize", "x s", "y", mode="nearest")], [scales],
          lambda x: F.interpolate(x, scale_factor=(2, 3)))
    model("resize_half_pixel", IMAGE, 13, [node("Resize", "x - - z", "y",
                                                nearest_mode="round_prefer_ceil")],
          [ints("z", 1, 4, 12, 5)],
          nearest([(2 * i + 1) * 9 // 24 for i in range(12)],
                  [(2 * i + 1) * 7 // 10 for i in range(5)]))
    model("resize_corners", IMAGE, 11,
          [node("Resize", "x - - z", "y", coordinate_transformation_mode="align_corners",
                nearest_mode="round_prefer_ceil")], [ints("z", 1, 4, 17, 13)],
          nearest([int(i * 8 / 16 + 0.5) for i in range(17)],
                  [int(i * 6 / 12 + 0.5) for i in range(13)]))
    model("resize_double", IMAGE, 13, [node("Resize", "x - s", "y")], [scales],
          lambda x: F.interpolate(x, scale_factor=(2, 3)))


# ---- int8: QDQ form as TensorFlow's converter writes it: int8, constants quantized in the file ----


def fake_quantize(x, scale, zero_point):
    return ((x / scale).round() + zero_point).clamp(-128, 127).sub(zero_point) * scale


def pair(source, target, scale, zero_point):
    """A QuantizeLinear and a DequantizeLinear, with their constants."""
    names = f"{target}_scale {target}_zero"
    return ([node("QuantizeLinear", f"{source} {names}", f"{target}_q"),
             node("DequantizeLinear", f"{target}_q {names}", target)],
            [constant(f"{target}_scale", np.float32(scale)),
             constant(f"{target}_zero", np.int8(zero_point), np.int8)])


def weights(name, integers, scales, axis):
    return ([node("DequantizeLinear", f"{name}_q {name}_scale", name, axis=axis)],
            [constant(f"{name}_q", integers, np.int8), constant(f"{name}_scale", scales)])


def int8():
    w, v, b = torch.randint(-127, 128, (6, 4, 3, 3)), torch.randint(-127, 128, (18, 3)), values(3)
    ws, vs = torch.rand(6) * 0.004 + 0.001, torch.rand(3) * 0.004 + 0.001
    parts = [
        pair("x", "x1", 0.02, 3), weights("w", w.permute(2, 3, 1, 0), ws, 3),
        ([node("Transpose", "w", "wt", perm=[3, 2, 0, 1]),
          node("Conv", "x1 wt", "c", auto_pad="SAME_UPPER", strides=[2, 2])], []),
        pair("c", "c1", 0.04, -5), ([node("Sigmoid", "c1", "s")], []),
        pair("s", "s1", 1 / 256, -128), ([node("LeakyRelu", "c1", "l", alpha=0.1)], []),
        pair("l", "l1", 0.03, -100), ([node("HardSigmoid", "c1", "h", alpha=1 / 6)], []),
        pair("h", "h1", 1 / 200, -128), ([node("Concat", "s1 l1 h1", "j", axis=1)], []),
        pair("j", "j1", 0.03, -100), ([node("GlobalAveragePool", "j1", "g")], []),
        pair("g", "g1", 0.01, -90), ([node("Flatten", "g1", "f")], []),
        weights("v", v, vs, 1), ([node("MatMul", "f v", "m"), node("Add", "m b", "a")], []),
        pair("a", "y", 0.03, 0)]

    def function(x):
        x = fake_quantize(x, 0.02, 3)
        x = F.conv2d(pads_same(x, 3, 2, False), w * ws.reshape(6, 1, 1, 1), None, 2)
        x = fake_quantize(x, 0.04, -5)
        s, l, h = x.sigmoid(), F.leaky_relu(x, 0.1), F.hardsigmoid(x)
        x = torch.cat([fake_quantize(s, 1 / 256, -128), fake_quantize(l, 0.03, -100),
                       fake_quantize(h, 1 / 200, -128)], 1)
        x = fake_quantize(fake_quantize(x, 0.03, -100).mean((2, 3)), 0.01, -90)
        return fake_quantize(x @ (v * vs) + b, 0.03, 0)

    model("int8", (1, 4, 8, 6), 13, [n for nodes, _ in parts for n in nodes],
          [c for _, constants in parts for c in constants] + [constant("b", b)], function)


def channels_last(tensor, plain):
    array = tensor.detach().numpy()
    if array.ndim >= 3 and not plain:
        array = np.moveaxis(array, 1, -1)
    return np.ascontiguousarray(array, dtype="<f4").tobytes()


def fix_names(nodes):
    """`-` stands for an input that is left out."""
    for made in nodes:
        for i, name in enumerate(made.input):
            made.input[i] = "" if name == "-" else name


def write(folder, name, shape, opset, nodes, constants, function, plain, listed):
    fix_names(nodes)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    if listed:
        inputs += [helper.make_tensor_value_info(c.name, c.data_type, c.dims) for c in constants]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    path = os.path.join(folder, "option_" + name)
    onnx.save(made, path + ".onnx")
    x = values(*shape)
    with open(path + ".input", "wb") as file:
        file.write(channels_last(x, plain))
    with open(path + ".expected", "wb") as file:
        file.write(channels_last(function(x), plain))
    if name == "int8":
        with open(path + ".tolerance", "w") as file:
            file.write(str(2.5 * 0.03))


def make(folder):
    torch.manual_seed(11)
    convolutions()
    products()
    elementwise()
    shapes()
    resizes()
    int8()
    for arguments in MODELS:
        write(folder, *arguments)
