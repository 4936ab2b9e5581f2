"""The networks as the published PBA implementation builds them, where they differ from their papers.

Facts of `arcelien/pba`; docs/fidelity.md lists them. Padding follows TensorFlow's "SAME": a 3x3
convolution of stride 2 pads an image of even side at the bottom and on the right only.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from popaug.models import pyramidnet, shake_shake
from popaug.models._parts import conv, pad_channels, pool


class SameConv(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's "SAME" pads: the odd pixel goes last."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, side, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for size in (x.shape[3], x.shape[2]):
            side, stride = self.kernel_size[0], self.stride[0]
            total = max((-(-size // stride) - 1) * stride + side - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


def initialise(network: nn.Module) -> None:
    """Convolutions from N(0, 2 / (side * side * outputs)), the classifier uniform in 1 / sqrt(classes)."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            fan_out = part.out_channels * part.kernel_size[0] * part.kernel_size[1]
            nn.init.normal_(part.weight, std=math.sqrt(2 / fan_out))
        elif isinstance(part, nn.Linear):
            bound = 1 / math.sqrt(part.out_features)
            nn.init.uniform_(part.weight, -bound, bound)
            nn.init.zeros_(part.bias)


def carry(x: Tensor, outputs: int, stride: int) -> Tensor:
    """A shortcut without weights: pooled by `stride`, zero channels on both sides; x where widths agree."""
    grow = outputs - x.shape[1]
    if grow == 0:
        return x
    if stride > 1:
        x = F.avg_pool2d(x, stride, stride, ceil_mode=True)  # sides that do not divide: as convolutions
    return pad_channels(x, grow // 2, grow // 2)


class WideBlock(nn.Module):
    """A pre-activation block; in the very first one the shortcut starts from the activated input."""

    def __init__(self, inputs: int, outputs: int, stride: int, shared: bool) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = SameConv(inputs, outputs, 3, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = SameConv(outputs, outputs, 3)
        self.outputs, self.stride, self.shared = outputs, stride, shared

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.bn1(x))
        out: Tensor = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return carry(active if self.shared else x, self.outputs, self.stride) + out


class WideGroup(nn.Module):
    """Blocks of one width; the group's input is added once more to its output."""

    def __init__(self, blocks: int, inputs: int, outputs: int, stride: int, shared: bool) -> None:
        super().__init__()
        first = WideBlock(inputs, outputs, stride, shared)
        rest = (WideBlock(outputs, outputs, 1, shared=False) for _ in range(blocks - 1))
        self.layer = nn.Sequential(first, *rest)
        self.outputs, self.stride = outputs, stride

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        return out + carry(x, self.outputs, self.stride)


class PublishedWideResNet(nn.Module):
    """WRN with weightless shortcuts, each group's input and at the end the stem's output added once more."""

    def __init__(self, depth: int, widen: int, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        if depth < 10 or (depth - 4) % 6 != 0:
            raise ValueError(f"wrn-published-{depth}-{widen}: the depth is {depth}; expected 6n + 4, for example 28")
        blocks = (depth - 4) // 6
        width = 16 * widen
        self.conv1 = SameConv(channels, 16, 3)
        self.block1 = WideGroup(blocks, 16, width, 1, shared=True)
        self.block2 = WideGroup(blocks, width, 2 * width, 2, shared=False)
        self.block3 = WideGroup(blocks, 2 * width, 4 * width, 2, shared=False)
        self.bn1 = nn.BatchNorm2d(4 * width)
        self.fc = nn.Linear(4 * width, classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        stem = self.conv1(x)
        x = self.block3(self.block2(self.block1(stem)))
        x = x + carry(stem, self.fc.in_features, 4)
        logits: Tensor = self.fc(pool(F.relu(self.bn1(x))))
        return logits


def _share(images: int) -> Tensor:
    one, two = torch.rand(images), torch.rand(images)
    return one / (one + two)


def ratio_draws(block: int, images: int) -> tuple[Tensor, Tensor]:
    """Shares u1 / (u1 + u2) of two uniform numbers: nearer to 1/2 than one uniform number."""
    return _share(images), _share(images)


class PublishedBranch(shake_shake.Branch):
    """A branch whose strided convolution pads bottom and right only."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__(inputs, outputs, stride)
        self.conv1 = SameConv(inputs, outputs, 3, stride)


class PublishedShortcut(shake_shake.Shortcut):
    """The second flow's image is moved left and up by one pixel."""

    def forward(self, x: Tensor) -> Tensor:
        moved = F.pad(x, (-1, 1, -1, 1))
        out: Tensor = self.bn(torch.cat((self.conv1(x), self.conv2(moved)), dim=1))
        return out


class PublishedShakeBlock(shake_shake.Block):
    shortcut_type = PublishedShortcut
    branch_type = PublishedBranch


class PublishedShakeShake(shake_shake.ShakeShake):
    """Shake-Shake 26 with mixes u1 / (u1 + u2)."""

    block_type = PublishedShakeBlock

    def __init__(self, width: int, classes: int = 10, channels: int = 3) -> None:
        super().__init__(width, classes, channels)
        self.draws = ratio_draws
        initialise(self)


class PublishedBottleneck(pyramidnet.Bottleneck):
    """A bottleneck whose strided convolution pads bottom and right only."""

    def __init__(self, inputs: int, width: int, stride: int, keep: float) -> None:
        super().__init__(inputs, width, stride, keep)
        self.conv2 = SameConv(width, width, 3, stride)


class PublishedPyramidNet(pyramidnet.PyramidNet):
    """PyramidNet + ShakeDrop with the published padding and initial weights; widths round to the nearest."""

    block_type = PublishedBottleneck

    @staticmethod
    def width(alpha: int, block: int, blocks: int) -> int:
        return 16 + (2 * alpha * block + blocks) // (2 * blocks)

    def __init__(self, depth: int = 272, alpha: int = 200, classes: int = 10, channels: int = 3) -> None:
        super().__init__(depth, alpha, classes, channels)
        initialise(self)


class FlatBlock(nn.Module):
    """A pre-activation block at full size; the first one has a 1x1 shortcut from the activated input."""

    def __init__(self, inputs: int, outputs: int, first: bool, momentum: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs, momentum=momentum)
        self.conv1 = conv(inputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs, momentum=momentum)
        self.conv2 = conv(outputs, outputs, 3)
        self.convShortcut = conv(inputs, outputs, 1) if first else None

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.bn1(x))
        shortcut = x if self.convShortcut is None else self.convShortcut(active)
        out: Tensor = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + shortcut


class PublishedResNet20(nn.Module):
    """The 'ResNet-20' of the published code: no stem, one stage of 9 blocks of 32 filters, no downsampling.

    Its batch norm keeps 0.997 of the old statistics at each step (momentum 0.003 in torch's words).
    """

    def __init__(self, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        momentum = 1 - 0.997
        blocks = [FlatBlock(channels, 32, True, momentum)]
        blocks += [FlatBlock(32, 32, False, momentum) for _ in range(8)]
        self.layer1 = nn.Sequential(*blocks)
        self.bn1 = nn.BatchNorm2d(32, momentum=momentum)
        self.fc = nn.Linear(32, classes)
        for part in self.modules():
            if isinstance(part, nn.Conv2d):  # TensorFlow's variance scaling: by fan in, factor 1
                fan_in = part.in_channels * part.kernel_size[0] * part.kernel_size[1]
                # Its normal draws are cut at two deviations and widened to keep the variance.
                std = math.sqrt(1 / fan_in) / 0.87962566103423978
                nn.init.trunc_normal_(part.weight, std=std, a=-2 * std, b=2 * std)
        nn.init.xavier_uniform_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(pool(F.relu(self.bn1(self.layer1(x)))))
        return logits
