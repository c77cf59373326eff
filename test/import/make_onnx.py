#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: make_onnx.py make DIR | random DIR SEED COUNT | compare DIR TOLERANCE

`make` exports networks of PyTorch to DIR/NAME.onnx, with an input (NAME.input) and PyTorch's own
outputs (NAME.expected) as raw float32 in the layout of the importer: channels last. `random` makes
random networks, of which some need a transposition and must be refused.
`compare` reads what was computed (NAME.actual): the largest difference, relative to the largest
magnitude of the expected values, must not exceed TOLERANCE; of an int8 network the difference must
not exceed the number in NAME.tolerance.
"""
import os
import sys
import warnings

import make_onnx_options
import make_onnx_random
import numpy as np
import torch
from torch import nn
from torch.ao import quantization
from torch.nn import functional as F

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
torch.manual_seed(3)
OPSETS = (9, 11, 13, 16)

# ---- networks ----


class ConvNormRelu(nn.Sequential):
    def __init__(self, inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs), activation())


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = ConvNormRelu(inputs, outputs, 3, stride)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                          nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.norm2(self.conv2(self.conv1(x))) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvNormRelu(3, 8)
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.blocks = nn.Sequential(Residual(8, 8, 1), Residual(8, 16, 2), Residual(16, 24, 2))
        self.head = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(24, 10)

    def forward(self, x):
        x = self.head(self.blocks(self.pool(self.stem(x))))
        return self.fc(torch.flatten(x, 1))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expand, activation=nn.ReLU6, squeeze=False):
        super().__init__()
        hidden = inputs * expand
        self.expand = ConvNormRelu(inputs, hidden, 1, activation=activation)
        self.depthwise = ConvNormRelu(hidden, hidden, 3, stride, hidden, activation)
        self.gate = Gate(hidden) if squeeze else nn.Identity()
        self.project = nn.Sequential(nn.Conv2d(hidden, outputs, 1, bias=False),
                                     nn.BatchNorm2d(outputs))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.project(self.gate(self.depthwise(self.expand(x))))
        return x + y if self.residual else y


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            ConvNormRelu(3, 8, 3, 2, activation=nn.ReLU6), InvertedResidual(8, 8, 1, 2),
            InvertedResidual(8, 12, 2, 3), InvertedResidual(12, 12, 1, 3),
            ConvNormRelu(12, 32, 1, activation=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(32, 7))

    def forward(self, x):
        return self.classifier(self.features(x).mean([2, 3]))


class Gate(nn.Module):
    """Squeeze and excitation."""

    def __init__(self, channels):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, channels // 4, 1)
        self.fc2 = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.fc2(F.relu(self.fc1(self.pool(x)))))


class MobileNetV3(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            ConvNormRelu(3, 8, 3, 2, activation=nn.Hardswish),
            InvertedResidual(8, 8, 1, 2, nn.Hardswish, True),
            InvertedResidual(8, 12, 2, 4, nn.Hardswish, True))
        self.classifier = nn.Sequential(nn.Linear(12, 16), nn.Hardswish(), nn.Linear(16, 5))

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(x.view(x.size(0), -1))


class Fire(nn.Module):
    def __init__(self, inputs, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.left = nn.Conv2d(squeeze, expand, 1)
        self.right = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat([F.relu(self.left(x)), F.relu(self.right(x))], 1)


class SqueezeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(),
                                      nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8, 4, 8),
                                      Fire(16, 4, 8), nn.Dropout(), nn.Conv2d(16, 6, 1), nn.ReLU(),
                                      nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        return F.softmax(torch.flatten(self.features(x), 1), dim=1)


class UNet(nn.Module):
    def __init__(self, transposed):
        super().__init__()
        self.down1 = ConvNormRelu(3, 8)
        self.down2 = ConvNormRelu(8, 12)
        self.bottom = ConvNormRelu(12, 16)
        if transposed:
            self.up2 = nn.ConvTranspose2d(16, 12, 2, 2)
            self.up1 = nn.ConvTranspose2d(12, 8, 3, 2, 1, output_padding=1)
        else:
            self.up2 = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(16, 12, 1))
            self.up1 = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(12, 8, 1))
        self.merge2 = ConvNormRelu(24, 12)
        self.merge1 = ConvNormRelu(16, 8)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        d1 = self.down1(x)
        d2 = self.down2(F.max_pool2d(d1, 2))
        u2 = self.merge2(torch.cat([self.up2(self.bottom(F.max_pool2d(d2, 2))), d2], 1))
        u1 = self.merge1(torch.cat([self.up1(u2), d1], 1))
        return torch.sigmoid(self.head(u1))


class Line(nn.Module):
    """Convolution over a sequence."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv1d(4, 8, 5, 2, 2), nn.BatchNorm1d(8), nn.ReLU(),
                                  nn.MaxPool1d(2), nn.Conv1d(8, 8, 3, padding=2, dilation=2,
                                                             groups=8), nn.Conv1d(8, 12, 1),
                                  nn.LeakyReLU(0.1))
        self.skip = nn.Conv1d(12, 12, 3, padding=1)
        self.fc1 = nn.Linear(12 * 8, 16)
        self.norm = nn.BatchNorm1d(16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        x = self.body(x)
        x = F.relu(x + self.skip(x))
        return self.fc2(F.relu(self.norm(self.fc1(x.view(x.size(0), -1)))))


class Flat(nn.Module):
    """An image flattened before a linear layer; no pooling in between."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 6, 3)
        self.norm = nn.BatchNorm1d(6 * 6 * 4)
        self.fc = nn.Linear(6 * 6 * 4, 5)

    def forward(self, x):
        x = torch.tanh(self.conv(x))
        return self.fc(self.norm(x.view(x.size(0), -1)))


class Shuffle(nn.Module):
    """Grouped and depthwise convolutions, channels shuffled in between."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(4, 12, 3, 1, 1, groups=2)
        self.depthwise = nn.Conv2d(12, 24, 3, 2, 1, groups=12)
        self.norm = nn.BatchNorm2d(24)
        self.conv2 = nn.Conv2d(24, 5, 1)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        n, c, h, w = x.shape
        x = x.view(n, 3, c // 3, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.conv2(F.avg_pool2d(self.norm(self.depthwise(x)), 2))


class Mixer(nn.Module):
    """Image to tokens and a linear layer over each."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.fc1 = nn.Linear(8, 16)
        self.fc2 = nn.Linear(16, 8)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = x + self.fc2(F.relu(self.fc1(x)))
        return F.softmax(x.mean(1), -1)


# ---- one op each ----


class Call(nn.Module):
    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.modules_used = nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.modules_used)


IMAGE = (1, 4, 9, 7)
EVEN = (1, 4, 8, 8)
OPS = {
    "conv_stride_pads": (nn.Conv2d(4, 5, (3, 2), (2, 1), (1, 0)), IMAGE),
    "conv_dilation": (nn.Conv2d(4, 5, 3, dilation=2, padding=2), IMAGE),
    "conv_depthwise": (nn.Conv2d(4, 4, 3, groups=4), IMAGE),
    "conv_multiplier": (nn.Conv2d(4, 12, 3, groups=4, padding=1), IMAGE),
    "conv_groups": (nn.Conv2d(4, 6, 3, groups=2), IMAGE),
    "conv_relu": (nn.Sequential(nn.Conv2d(4, 5, 3), nn.ReLU()), IMAGE),
    "conv_relu_read_twice": (nn.Sequential(nn.Conv2d(4, 5, 3), Call(lambda x: x + F.relu(x))),
                             IMAGE),
    "conv_transpose_1": (nn.ConvTranspose2d(4, 3, 3, 2, 1, output_padding=1), IMAGE),
    "conv_transpose_2": (nn.ConvTranspose2d(4, 3, (2, 4), (2, 3), (0, 1)), IMAGE),
    "linear": (nn.Linear(12, 5), (1, 12)),
    "linear_tokens": (nn.Linear(12, 5), (1, 6, 12)),
    "batch_norm": (nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()), IMAGE),
    "relu": (nn.ReLU(), IMAGE),
    "relu6": (nn.Sequential(nn.Conv2d(4, 5, 3), nn.ReLU6()), IMAGE),
    "hardtanh": (nn.Hardtanh(), IMAGE),
    "clamp_min": (Call(lambda x: x.clamp(min=0)), IMAGE),
    "leaky_relu": (nn.LeakyReLU(0.2), IMAGE),
    "hardswish": (nn.Hardswish(), IMAGE),
    "hardswish_clip": (Call(lambda x: x * F.relu6(x + 3) / 6), IMAGE),
    "hardswish_clip_2": (Call(lambda x: x * (F.relu6(x + 3) * (1 / 6))), IMAGE),
    "hardsigmoid": (nn.Hardsigmoid(), IMAGE),
    "sigmoid": (nn.Sigmoid(), IMAGE),
    "tanh": (nn.Tanh(), IMAGE),
    "softmax": (nn.Softmax(1), (1, 12)),
    "softmax_channels": (nn.Softmax(1), IMAGE),
    "softmax_tokens": (nn.Softmax(-1), (1, 6, 12)),
    "add": (Call(lambda x: x + torch.sigmoid(x)), IMAGE),
    "add_constant": (Call((lambda c: lambda x: x + c)(torch.randn(4, 1, 1))), IMAGE),
    "sub_from_constant": (Call((lambda c: lambda x: c - x)(torch.randn(1, 4, 9, 7))), IMAGE),
    "mul_row": (Call((lambda c: lambda x: x * c)(torch.randn(7))), IMAGE),
    "mul_channels": (Call(lambda x: x * x.mean((2, 3), keepdim=True)), IMAGE),
    "mul_place": (Call(lambda x: x * x.mean(1, keepdim=True)), IMAGE),
    "sub": (Call(lambda x: F.relu(x - torch.tanh(x))), IMAGE),
    "div_constant": (Call(lambda x: x / 3), IMAGE),
    "concat_channels": (Call(lambda x: torch.cat([x, torch.tanh(x), x[:, :1]], 1)), IMAGE),
    "concat_rows": (Call(lambda x: torch.cat([x, torch.tanh(x)], 2)), IMAGE),
    "max_pool": (nn.MaxPool2d(3, 2, 1), IMAGE),
    "max_pool_ceil": (nn.MaxPool2d(3, 2, ceil_mode=True), EVEN),
    "max_pool_ceil_pads": (nn.MaxPool2d(2, 2, 1, ceil_mode=True), IMAGE),
    "average_pool": (nn.AvgPool2d(2), IMAGE),
    "average_pool_pads": (nn.AvgPool2d(3, 2, 1), IMAGE),
    "average_pool_exclude": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE),
    "average_pool_ceil": (nn.AvgPool2d(3, 2, ceil_mode=True), EVEN),
    "average_pool_ceil_pads": (nn.AvgPool2d(3, 2, 1, ceil_mode=True), EVEN),
    "average_pool_ceil_exclude": (nn.AvgPool2d(3, 2, 1, True, False), EVEN),
    "global_average_pool": (nn.AdaptiveAvgPool2d(1), IMAGE),
    "global_max_pool": (nn.AdaptiveMaxPool2d(1), IMAGE),
    "mean_keep": (Call(lambda x: x.mean(2, keepdim=True)), IMAGE),
    "mean_drop": (Call(lambda x: x.mean((1, 2))), IMAGE),
    "flatten_plain": (nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), (1, 3, 4)),
    "flatten_image": (nn.Sequential(nn.Conv2d(4, 3, 3), nn.Flatten(), nn.Linear(105, 3)), IMAGE),
    "squeeze": (Call(lambda x: F.relu(x.mean((2, 3), keepdim=True).squeeze(3).squeeze(2))), IMAGE),
    "unsqueeze": (nn.Sequential(Call(lambda x: x.unsqueeze(1)), nn.Conv2d(1, 3, 3)), (1, 8, 6)),
    "transpose_back": (Call(lambda x: torch.tanh(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)),
                       IMAGE),
    "transpose_input": (nn.Sequential(Call(lambda x: x.permute(0, 3, 1, 2)), nn.Conv2d(5, 3, 3)),
                        (1, 8, 6, 5), "plain"),
    "pad": (nn.Sequential(nn.ZeroPad2d((1, 2, 0, 3)), nn.Conv2d(4, 3, 3)), IMAGE),
    "pad_channels": (Call(lambda x: F.pad(x, (0, 0, 0, 0, 1, 2))), IMAGE),
    "upsample": (nn.Upsample(scale_factor=2), IMAGE),
    "upsample_3_2": (nn.Upsample(scale_factor=(3, 2)), IMAGE),
    "upsample_size": (nn.Upsample(size=(18, 21)), IMAGE),
    "dropout": (nn.Sequential(nn.Conv2d(4, 5, 1), nn.Dropout()), IMAGE),
    "slice": (Call(lambda x: x[:, 1:3, :, 2:-1]), IMAGE),
    "slice_step": (Call(lambda x: x[:, ::2, 1::3]), IMAGE),
    "split": (Call(lambda x: (lambda a, b: a * torch.sigmoid(b))(*x.chunk(2, 1))), IMAGE),
    "two_outputs": (Call(lambda x, c: (F.relu(c(x)), c(x).mean((2, 3))), nn.Conv2d(4, 5, 3)),
                    IMAGE),
    "line_pool": (nn.Sequential(nn.Conv1d(3, 6, 3), nn.AvgPool1d(2), nn.Conv1d(6, 4, 3)),
                  (1, 3, 20)),
    "line_transposed": (nn.Sequential(Call(lambda x: x.transpose(1, 2)), nn.Conv1d(5, 6, 3),
                                      nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 2)),
                        (1, 16, 5), "plain"),
    "line_conv_transpose": (nn.ConvTranspose1d(3, 4, 4, 2, 1), (1, 3, 10)),
    "shape_from_input": (Call(lambda x: F.relu(x.reshape(x.size(0), x.size(1), -1).mean(2))),
                         IMAGE),
}

# name: network, input shape
NETWORKS = {
    "resnet": (ResNet, (1, 3, 32, 32)),
    "mobilenet": (MobileNet, (1, 3, 32, 32)),
    "mobilenet_v3": (MobileNetV3, (1, 3, 32, 32)),
    "squeezenet": (SqueezeNet, (1, 3, 33, 33)),
    "unet_transposed": (lambda: UNet(True), (1, 3, 16, 24)),
    "unet_resized": (lambda: UNet(False), (1, 3, 16, 24)),
    "line": (Line, (1, 4, 32)),
    "flat": (Flat, (1, 2, 8, 6)),
    "shuffle": (Shuffle, (1, 4, 8, 8)),
    "mixer": (Mixer, (1, 3, 16, 16)),
}

# ---- int8 ----


class Int8(nn.Module):
    """Quantized by PyTorch: exported in QDQ form."""

    def __init__(self):
        super().__init__()
        self.quantize = quantization.QuantStub()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.relu1 = nn.ReLU()
        self.depthwise = nn.Conv2d(8, 8, 3, 2, 1, groups=8)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(8, 8, 1)
        self.sum = nn.quantized.FloatFunctional()
        self.join = nn.quantized.FloatFunctional()
        self.up = nn.Upsample(scale_factor=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 5)
        self.dequantize = quantization.DeQuantStub()

    def forward(self, x):
        x = F.max_pool2d(self.relu1(self.conv1(self.quantize(x))), 2)
        y = self.relu2(self.depthwise(x))
        y = self.up(self.sum.add(y, self.conv2(y)))
        x = self.join.cat([x, y], 1)
        return self.dequantize(self.fc(torch.flatten(self.pool(x), 1)))


def make_int8(folder):
    for engine in ("onednn", "qnnpack"):
        if engine not in torch.backends.quantized.supported_engines:
            continue
        torch.backends.quantized.engine = engine
        torch.manual_seed(9)
        model = quantization.fuse_modules(Int8().eval(), [["conv1", "relu1"],
                                                          ["depthwise", "relu2"]])
        model.qconfig = quantization.get_default_qconfig(engine)
        quantization.prepare(model, inplace=True)
        for _ in range(8):
            model(torch.randn(1, 3, 16, 16))
        quantization.convert(model, inplace=True)
        x = torch.randn(1, 3, 16, 16)
        path = os.path.join(folder, f"int8_{engine}")
        torch.onnx.export(model, x, path + ".onnx", opset_version=13)
        write_values(path + ".input", [(x.numpy(), False)])
        write_values(path + ".expected", [(model(x).numpy(), False)])
        with open(path + ".tolerance", "w") as file:
            file.write(str(2.5 * float(model.fc.scale)))


# ---- making ----


def randomize(model):
    """Statistics and factors as training leaves them."""
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    return model.eval()


def channels_last(array, plain):
    if array.ndim >= 3 and not plain:
        array = np.moveaxis(array, 1, -1)
    return np.ascontiguousarray(array, dtype="<f4")


def write_values(path, arrays):
    with open(path, "wb") as file:
        for array, plain in arrays:
            file.write(channels_last(array, plain).tobytes())


# What the exporter writes from this version on only.
FIRST_OPSET = {"slice_step": 11}
PLAIN_OUTPUT = {"linear_tokens", "softmax_tokens", "mean_drop"}
PLAIN_INPUT = {"linear_tokens", "softmax_tokens", "flatten_plain", "unsqueeze"}


def export(folder, name, model, shape, opset, plain, **options):
    torch.manual_seed(len(name) + opset)
    randomize(model)
    x = torch.randn(shape)
    with torch.no_grad():
        outputs = model(x)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    path = os.path.join(folder, f"{name}_{opset}")
    torch.onnx.export(model, x, path + ".onnx", opset_version=opset, **options)
    write_values(path + ".input", [(x.numpy(), plain or name in PLAIN_INPUT)])
    write_values(path + ".expected", [(y.numpy(), name in PLAIN_OUTPUT) for y in outputs])


def make_pytorch(folder):
    keep = torch.onnx.TrainingMode.PRESERVE
    for name, (network, shape) in NETWORKS.items():
        for opset in OPSETS:
            torch.manual_seed(7)
            model = network()
            export(folder, name, model, shape, opset, False)
            export(folder, name + "_norm", model, shape, opset, False, training=keep,
                   do_constant_folding=False)
        export(folder, name + "_batch", model, shape, 13, False, input_names=["x"],
               dynamic_axes={"x": {0: "batch"}})
    for name, (model, shape, *plain) in OPS.items():
        for opset in OPSETS:
            if opset >= FIRST_OPSET.get(name, 0):
                export(folder, name, model, shape, opset, bool(plain), training=keep)


def main(arguments):
    if arguments[0] == "random":
        make_onnx_random.make(export, arguments[1], int(arguments[2]), int(arguments[3]))
    elif arguments[0] == "make":
        make_pytorch(arguments[1])
        make_int8(arguments[1])
        make_onnx_options.make(arguments[1])
    else:
        sys.exit(compare(arguments[1], float(arguments[2])))


def compare(folder, tolerance):
    worst, bad, n = 0.0, 0, 0
    for entry in sorted(os.listdir(folder)):
        if not entry.endswith(".expected"):
            continue
        path = os.path.join(folder, entry[:-len(".expected")])
        expected = np.fromfile(path + ".expected", "<f4")
        actual = np.fromfile(path + ".actual", "<f4") if os.path.exists(path + ".actual") else []
        n += 1
        if len(actual) != len(expected):
            print(f"{os.path.basename(path)}: {len(actual)} values, not {len(expected)}")
            bad += 1
            continue
        error = np.abs(expected - actual).max()
        if os.path.exists(path + ".tolerance"):
            allowed = float(open(path + ".tolerance").read())
            if not error <= allowed:
                print(f"{os.path.basename(path)}: error {error:.3g}, {allowed:.3g} is allowed")
                bad += 1
            continue
        error /= max(np.abs(expected).max(), 1e-30)
        worst = max(worst, error)
        if not error <= tolerance:
            print(f"{os.path.basename(path)}: relative error {error:.3g}")
            bad += 1
    print(f"note: {n} models, the largest relative error is {worst:.2g}")
    return 1 if bad or n == 0 else 0


if __name__ == "__main__":
    main(sys.argv[1:])
