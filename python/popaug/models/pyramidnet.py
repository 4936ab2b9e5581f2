"""PyramidNet (1610.02915) with ShakeDrop (1802.02375): the width grows a little with every block."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from popaug.models._parts import DropDraws, conv, initialise, pad_channels, pool, shake_drop


class Bottleneck(nn.Module):
    """Batch norm, 1x1, batch norm, ReLU, 3x3, batch norm, ReLU, 1x1 to four times the width, batch norm.

    The shortcut averages 2x2 pixels where the block halves the sides, and fills up with zero channels.
    """

    def __init__(self, inputs: int, width: int, stride: int, keep: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, width, 1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, stride)
        self.bn3 = nn.BatchNorm2d(width)
        self.conv3 = conv(width, 4 * width, 1)
        self.bn4 = nn.BatchNorm2d(4 * width)
        self.stride = stride
        self.grow = 4 * width - inputs
        self.keep = keep

    def forward(self, x: Tensor, mix: tuple[Tensor, Tensor, Tensor] | None) -> Tensor:
        out = self.conv1(self.bn1(x))
        out = self.conv2(F.relu(self.bn2(out)))
        out = self.bn4(self.conv3(F.relu(self.bn3(out))))
        # At evaluation the expectation of gate + alpha - gate alpha, which is `keep` as alpha's mean is 0.
        out = self.keep * out if mix is None else shake_drop(out, *mix)
        shortcut = x if self.stride == 1 else F.avg_pool2d(x, 2, self.stride, ceil_mode=True)
        return out + pad_channels(shortcut, 0, self.grow)


class PyramidNet(nn.Module):
    """PyramidNet-`depth` with bottlenecks: 3n blocks, n = (depth - 2) / 9, widths floor(16 + alpha k / 3n).

    Rounding down is the paper's equation 2 and gives its parameter counts (26.0 million for 272, 200).

    The probability of dropping a block grows linearly to 1/2 at the last one. `draws` gives the mixes of
    training: draws(block, images) for block 0, 1, ...: gate (1 with probability keep(block)), alpha
    uniform in [-1, 1), beta uniform in [0, 1).
    """

    block_type: type[Bottleneck] = Bottleneck

    @staticmethod
    def width(alpha: int, block: int, blocks: int) -> int:
        """The width of a block, counted from 1."""
        return 16 + alpha * block // blocks

    def __init__(self, depth: int = 272, alpha: int = 200, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        if depth < 11 or (depth - 2) % 9 != 0:
            raise ValueError(f"pyramidnet-{depth}: the depth is {depth}; expected 9n + 2")
        blocks = (depth - 2) // 3
        self.draws: DropDraws = self._random_draws
        self.conv1 = conv(channels, 16, 3)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        layers: list[nn.ModuleList] = []
        for k in range(blocks):
            first = k % (blocks // 3) == 0
            if first:
                layers.append(nn.ModuleList())
            width = self.width(alpha, k + 1, blocks)
            stride = 2 if first and k > 0 else 1
            layers[-1].append(self.block_type(inputs, width, stride, keep=1 - 0.5 * (k + 1) / blocks))
            inputs = 4 * width
        self.layer1, self.layer2, self.layer3 = layers
        self.bn_final = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs, classes)
        initialise(self)

    def blocks(self) -> list[Bottleneck]:
        """All blocks in the order of the forward pass."""
        layers = (self.layer1, self.layer2, self.layer3)
        return [b for layer in layers for b in layer if isinstance(b, Bottleneck)]

    def _random_draws(self, block: int, images: int) -> tuple[Tensor, Tensor, Tensor]:
        gate = (torch.rand(images) < self.blocks()[block].keep).float()
        return gate, 2 * torch.rand(images) - 1, torch.rand(images)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x))
        for index, block in enumerate(self.blocks()):
            x = block(x, self.draws(index, x.shape[0]) if self.training else None)
        logits: Tensor = self.fc(pool(F.relu(self.bn_final(x))))
        return logits
