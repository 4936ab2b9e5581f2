"""EfficientNet-Lite: EfficientNet (1905.11946) without squeeze-and-excitation and with ReLU6.

Layers and names are those of timm's tf_efficientnet_lite0 to 4: convolutions of stride 2 are padded as
TensorFlow's "SAME" pads. Dropout is left out.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as F

from popaug.models._parts import initialise, pool

# Factors of widths and depths, by variant.
_FACTORS = ((1.0, 1.0), (1.0, 1.1), (1.1, 1.2), (1.2, 1.4), (1.4, 1.8))
# Repeats, kernel, stride, expansion, channels out.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def round_channels(width: float) -> int:
    """The nearest multiple of 8, but not below nine tenths of the width."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded


class SameConv(nn.Conv2d):
    """A convolution without bias, padded as TensorFlow's "SAME" pads: the odd pixel goes last."""

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, side, stride=stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        side, stride = self.kernel_size[0], self.stride[0]
        pads: list[int] = []
        for size in (x.shape[3], x.shape[2]):
            total = max((-(-size // stride) - 1) * stride + side - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class DepthwiseBlock(nn.Module):
    """The block of the first stage, which does not expand."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv_dw = SameConv(inputs, inputs, kernel, stride, groups=inputs)
        self.bn1 = _norm(inputs)
        self.conv_pw = SameConv(inputs, outputs, 1)
        self.bn2 = _norm(outputs)
        self.adds = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = F.relu6(self.bn1(self.conv_dw(x)))
        h = self.bn2(self.conv_pw(h))
        return h + x if self.adds else h


class InvertedResidual(nn.Module):
    """Expand by a 1x1 convolution, filter each channel, project by a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.conv_pw = SameConv(inputs, wide, 1)
        self.bn1 = _norm(wide)
        self.conv_dw = SameConv(wide, wide, kernel, stride, groups=wide)
        self.bn2 = _norm(wide)
        self.conv_pwl = SameConv(wide, outputs, 1)
        self.bn3 = _norm(outputs)
        self.adds = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = F.relu6(self.bn1(self.conv_pw(x)))
        h = F.relu6(self.bn2(self.conv_dw(h)))
        h = self.bn3(self.conv_pwl(h))
        return h + x if self.adds else h


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0 to Lite4."""

    def __init__(self, variant: int, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        width, depth = _FACTORS[variant]
        self.conv_stem = SameConv(channels, 32, 3, 2)
        self.bn1 = _norm(32)
        inputs = 32
        stages: list[nn.Sequential] = []
        for place, (repeats, kernel, stride, expansion, out) in enumerate(_STAGES):
            fixed = place in (0, len(_STAGES) - 1)
            outputs = round_channels(out * width)
            blocks: list[nn.Module] = []
            for i in range(repeats if fixed else math.ceil(repeats * depth)):
                step = stride if i == 0 else 1
                if expansion == 1:
                    blocks.append(DepthwiseBlock(inputs, outputs, kernel, step))
                else:
                    blocks.append(InvertedResidual(inputs, outputs, kernel, step, expansion))
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = SameConv(inputs, 1280, 1)
        self.bn2 = _norm(1280)
        self.classifier = nn.Linear(1280, classes)
        initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.bn1(self.conv_stem(x)))
        x = self.blocks(x)
        x = F.relu6(self.bn2(self.conv_head(x)))
        logits: Tensor = self.classifier(pool(x))
        return logits
