"""Shake-Shake, "Shake-Shake regularization", 1705.07485: two branches, mixed anew for every image."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from popaug.models._parts import ShakeDraws, conv, initialise, pool, shake


def uniform_draws(block: int, images: int) -> tuple[Tensor, Tensor]:
    """One uniform number per image on each way, from torch's own generator."""
    return torch.rand(images), torch.rand(images)


class Branch(nn.Module):
    """ReLU, 3x3 convolution, batch norm, twice."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv(outputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(F.relu(x))))
        out: Tensor = self.bn2(self.conv2(x))
        return out


class Shortcut(nn.Module):
    """Two flows that see pixels one apart: each picks every `stride`-th pixel and halves the width by a
    1x1 convolution; the second flow's image is first moved right and down by one pixel."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs, outputs // 2, 1, stride)
        self.conv2 = conv(inputs, outputs // 2, 1, stride)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        moved = F.pad(x, (1, -1, 1, -1))
        out: Tensor = self.bn(torch.cat((self.conv1(x), self.conv2(moved)), dim=1))
        return out


class Block(nn.Module):
    """A shortcut and two branches; branch1 counts alpha, branch2 counts 1 - alpha, at evaluation 1/2 each."""

    shortcut_type: type[nn.Module] = Shortcut
    branch_type: type[nn.Module] = Branch

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch1 = self.branch_type(inputs, outputs, stride)
        self.branch2 = self.branch_type(inputs, outputs, stride)
        self.shortcut = None if inputs == outputs else self.shortcut_type(inputs, outputs, stride)

    def forward(self, x: Tensor, mix: tuple[Tensor, Tensor] | None) -> Tensor:
        one, two = self.branch1(x), self.branch2(x)
        mixed: Tensor = 0.5 * (one + two) if mix is None else shake(one, two, *mix)
        return mixed + (x if self.shortcut is None else self.shortcut(x))


class ShakeShake(nn.Module):
    """Shake-Shake 26 2 x `width`d: a stem of 16, three stages of 4 blocks, widths w, 2w, 4w.

    `draws` gives the mixes of training: called as draws(block, images) for block 0, 1, ... 11.
    """

    block_type: type[Block] = Block

    def __init__(self, width: int, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        self.draws: ShakeDraws = uniform_draws
        self.conv1 = conv(channels, 16, 3)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._layer(16, width, 1)
        self.layer2 = self._layer(width, 2 * width, 2)
        self.layer3 = self._layer(2 * width, 4 * width, 2)
        self.fc = nn.Linear(4 * width, classes)
        initialise(self)

    def _layer(self, inputs: int, outputs: int, stride: int) -> nn.ModuleList:
        first = self.block_type(inputs, outputs, stride)
        return nn.ModuleList([first, *(self.block_type(outputs, outputs, 1) for _ in range(3))])

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x))
        index = 0
        for layer in (self.layer1, self.layer2, self.layer3):
            for block in layer:
                x = block(x, self.draws(index, x.shape[0]) if self.training else None)
                index += 1
        logits: Tensor = self.fc(pool(F.relu(x)))
        return logits
