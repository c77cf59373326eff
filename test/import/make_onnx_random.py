# SPDX-License-Identifier: Apache-2.0
"""Random networks that reshape and transpose between their layers, for the layouts of the importer.
See make_onnx.py for the files."""
import random

import torch
from torch import nn
from torch.nn import functional as F

OPSETS = (11, 13)


class Random(nn.Module):
    """Draws its layers anew at each call, the same for the same seed."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed
        self.layers = nn.ModuleDict()
        self.constants = {}

    def layer(self, key, make):
        if key not in self.layers:
            self.layers[key] = make().eval()
        return self.layers[key]

    def constant(self, key, shape):
        if key not in self.constants:
            self.constants[key] = torch.randn(shape)
        return self.constants[key]

    def image(self, x, key, op, draw):
        n, c, h, w = x.shape
        outputs, groups = draw.choice([6, 8, 12]), draw.choice([2, 3])
        if op == "shuffle" and c % groups == 0:
            x = x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)
            return self.layer(key, lambda: nn.Conv2d(c, c, 3, 1, 1, groups=c))(x)
        if op == "layer":
            return self.layer(key, lambda: nn.Conv2d(c, outputs, 3, 1, 1))(x)
        if op == "depthwise":
            return self.layer(key, lambda: nn.Conv2d(c, c * groups, 3, 1, 1, groups=c))(x)
        if op == "norm":
            return self.layer(key, lambda: nn.BatchNorm2d(c))(x)
        if op == "constant":
            return x + self.constant(key, draw.choice([(c, 1, 1), (h, w), (1, c, h, w), (1,)]))
        if op == "gate":
            return x * torch.sigmoid(x.mean((2, 3), keepdim=True))
        if op == "pool" and min(h, w) > 1:
            return F.max_pool2d(x, 2)
        if op == "join":
            return torch.cat([x, torch.tanh(x)], 1)
        if op == "flatten":
            return x.flatten(1)
        if op == "tokens":
            return x.flatten(2).transpose(1, 2)
        if op == "transpose":
            return x.permute(0, 2, 3, 1)
        return F.relu(x)

    def tokens(self, x, key, op, draw):
        n, a, b = x.shape
        outputs = draw.choice([4, 6, 12])
        if op in ("layer", "depthwise"):
            return self.layer(key, lambda: nn.Linear(b, outputs))(x)
        if op == "norm":
            return self.layer(key, lambda: nn.BatchNorm1d(a))(x)
        if op == "pool":
            return self.layer(key, lambda: nn.Conv1d(a, outputs, 1))(x)
        if op == "constant":
            return x * self.constant(key, draw.choice([(b,), (a, 1), (1, a, b)]))
        if op == "join":
            return torch.cat([x, torch.tanh(x)], 2)
        if op == "flatten":
            return x.flatten(1)
        if op == "transpose":
            return x.transpose(1, 2)
        if op == "shuffle" and b % 2 == 0:
            return x.reshape(n, a, 2, b // 2)
        return torch.tanh(x)

    def row(self, x, key, op, draw):
        size, outputs = x.shape[1], draw.choice([4, 6, 12])
        if op == "layer":
            return self.layer(key, lambda: nn.Linear(size, outputs))(x)
        if op == "norm":
            return self.layer(key, lambda: nn.BatchNorm1d(size))(x)
        if op == "constant":
            return x * self.constant(key, (size,))
        return F.leaky_relu(x)

    def forward(self, x):
        ops = ["shuffle", "layer", "depthwise", "norm", "constant", "gate", "pool", "join", "flatten",
               "tokens", "transpose", "relu"]
        draw = random.Random(self.seed)
        x = self.layer("first", lambda: nn.Conv2d(3, 12, 3, padding=1))(x)
        for i in range(draw.randint(2, 7)):
            step = {4: self.image, 3: self.tokens, 2: self.row}[x.dim()]
            x = step(x, str(i), draw.choice(ops), draw)
        if x.dim() > 2:
            x = x.mean(tuple(range(2, x.dim())) if draw.random() < 0.5 else 1).flatten(1)
        return self.layer("last", lambda: nn.Linear(x.shape[1], 4))(x)


def make(export, folder, seed, n):
    for i in range(seed, seed + n):
        torch.manual_seed(i)
        model = Random(i).eval()
        with torch.no_grad():
            model(torch.randn(1, 3, 6, 8))
        export(folder, f"random_{i}", model, (1, 3, 6, 8), OPSETS[i % 2], False,
               training=torch.onnx.TrainingMode.PRESERVE)
