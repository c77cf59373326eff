# SPDX-License-Identifier: Apache-2.0
# usage: train_speed.py BATCH SECONDS
# Trains the network of zoo/resnet8.txt in PyTorch on made-up images; prints the images per second.
import sys
import time

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Conv2d(n_in, n_out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


batch, seconds = int(sys.argv[1]), float(sys.argv[2])
torch.manual_seed(1)
net = nn.Sequential(
    nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
    Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
    nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
images = torch.rand(batch, 3, 32, 32) * 255
labels = torch.arange(batch) % 10
n, started = -10, time.time()
while n < 0 or time.time() - started < seconds:
    if n <= 0:
        started = time.time()
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(images), labels).backward()
    optimizer.step()
    n += 1
print(round(n * batch / (time.time() - started)))
