"""Wide residual networks, "Wide Residual Networks", 1605.07146."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from popaug.models._parts import conv, initialise, pool


class Block(nn.Module):
    """Batch norm, ReLU, 3x3 convolution, twice; the shortcut is a 1x1 convolution where widths differ.

    The shortcut convolution starts from the activated input, the identity from the input itself.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = conv(outputs, outputs, 3)
        self.convShortcut = None if inputs == outputs else conv(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.bn1(x))
        shortcut = x if self.convShortcut is None else self.convShortcut(active)
        out: Tensor = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return out + shortcut


class Group(nn.Module):
    """The blocks of one width; the first takes the stride."""

    def __init__(self, blocks: int, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.layer = nn.Sequential(
            *(Block(inputs if i == 0 else outputs, outputs, stride if i == 0 else 1) for i in range(blocks))
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        return out


class WideResNet(nn.Module):
    """WRN-depth-widen: three groups of (depth - 4) / 6 blocks, widths 16k, 32k, 64k after a stem of 16."""

    def __init__(self, depth: int, widen: int, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        if depth < 10 or (depth - 4) % 6 != 0:
            raise ValueError(f"wrn-{depth}-{widen}: the depth is {depth}; expected 6n + 4, for example 16, 28 or 40")
        blocks = (depth - 4) // 6
        width = 16 * widen
        self.conv1 = conv(channels, 16, 3)
        self.block1 = Group(blocks, 16, width, 1)
        self.block2 = Group(blocks, width, 2 * width, 2)
        self.block3 = Group(blocks, 2 * width, 4 * width, 2)
        self.bn1 = nn.BatchNorm2d(4 * width)
        self.fc = nn.Linear(4 * width, classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        logits: Tensor = self.fc(pool(F.relu(self.bn1(x))))
        return logits
