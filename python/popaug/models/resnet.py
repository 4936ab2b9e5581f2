"""Residual networks, "Deep Residual Learning for Image Recognition", 1512.03385."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from popaug.models._parts import conv, initialise, pad_channels, pool


class CifarBlock(nn.Module):
    """The block of section 4.2: its shortcut has no weights (option A: every second pixel, zero channels
    behind)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs, outputs, 3, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv(outputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.grow = outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        shortcut = pad_channels(x[:, :, :: self.stride, :: self.stride], 0, self.grow)
        return F.relu(out + shortcut)


class CifarResNet(nn.Module):
    """ResNet-(6n+2) for small images: widths 16, 32, 64, n blocks each."""

    def __init__(self, depth: int = 20, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = conv(channels, 16, 3)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._layer(blocks, 16, 16, 1)
        self.layer2 = self._layer(blocks, 16, 32, 2)
        self.layer3 = self._layer(blocks, 32, 64, 2)
        self.fc = nn.Linear(64, classes)
        initialise(self)

    @staticmethod
    def _layer(blocks: int, inputs: int, outputs: int, stride: int) -> nn.Sequential:
        first = CifarBlock(inputs, outputs, stride)
        return nn.Sequential(first, *(CifarBlock(outputs, outputs, 1) for _ in range(blocks - 1)))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        logits: Tensor = self.fc(pool(self.layer3(self.layer2(self.layer1(x)))))
        return logits


def _downsample(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _downsample(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1; the stride sits in the 3x3 convolution, as in torchvision."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv(inputs, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = _downsample(inputs, 4 * width, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = F.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """ResNet-18, 34 and 50 for large images, state dict as torchvision's."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks: tuple[int, int, int, int],
        classes: int = 1000,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.conv1 = conv(channels, 64, 7, 2)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        layers: list[nn.Sequential] = []
        for stage, count in enumerate(blocks):
            width = 64 << stage
            parts: list[nn.Module] = []
            for i in range(count):
                parts.append(block(inputs, width, 2 if stage > 0 and i == 0 else 1))
                inputs = width * block.expansion
            layers.append(nn.Sequential(*parts))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.fc = nn.Linear(inputs, classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(pool(x))
        return logits


def resnet(depth: int, classes: int = 1000, channels: int = 3) -> ResNet:
    """ResNet-18, -34 or -50."""
    if depth == 18:
        return ResNet(BasicBlock, (2, 2, 2, 2), classes, channels)
    if depth == 34:
        return ResNet(BasicBlock, (3, 4, 6, 3), classes, channels)
    return ResNet(Bottleneck, (3, 4, 6, 3), classes, channels)
