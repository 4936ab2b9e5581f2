"""MobileNetV3 (1905.02244, tables 1 and 2); layers and names are torchvision's. Dropout is left out."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from popaug.models._parts import initialise, pool
from popaug.models.efficientnet_lite import round_channels

# Kernel, channels after expansion, channels out, squeeze-and-excitation, hard swish (else ReLU), stride.
_Row = tuple[int, int, int, bool, bool, int]
_LARGE: tuple[_Row, ...] = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
_SMALL: tuple[_Row, ...] = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)


def _layer(inputs: int, outputs: int, kernel: int, stride: int, groups: int, act: type[nn.Module] | None) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
    return nn.Sequential(conv, norm) if act is None else nn.Sequential(conv, norm, act())


class Excite(nn.Module):
    """Squeeze-and-excitation (1709.01507) with a hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = round_channels(channels // 4)
        self.fc1 = nn.Conv2d(channels, narrow, 1)
        self.fc2 = nn.Conv2d(narrow, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = F.hardsigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))
        return scale * x


class Block(nn.Module):
    """An inverted residual block."""

    def __init__(self, inputs: int, row: _Row) -> None:
        super().__init__()
        kernel, wide, outputs, squeeze, swish, stride = row
        act: type[nn.Module] = nn.Hardswish if swish else nn.ReLU
        parts: list[nn.Module] = []
        if wide != inputs:
            parts.append(_layer(inputs, wide, 1, 1, 1, act))
        parts.append(_layer(wide, wide, kernel, stride, wide, act))
        if squeeze:
            parts.append(Excite(wide))
        parts.append(_layer(wide, outputs, 1, 1, 1, None))
        self.block = nn.Sequential(*parts)
        self.adds = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.block(x)
        return h + x if self.adds else h


class MobileNetV3(nn.Module):
    """MobileNetV3, "large" or "small"."""

    def __init__(self, size: str, classes: int = 1000, channels: int = 3) -> None:
        super().__init__()
        rows, last, hidden = (_LARGE, 960, 1280) if size == "large" else (_SMALL, 576, 1024)
        parts: list[nn.Module] = [_layer(channels, 16, 3, 2, 1, nn.Hardswish)]
        inputs = 16
        for row in rows:
            parts.append(Block(inputs, row))
            inputs = row[2]
        parts.append(_layer(inputs, last, 1, 1, 1, nn.Hardswish))
        self.features = nn.Sequential(*parts)
        # Part 2 is torchvision's dropout.
        self.classifier = nn.Sequential(
            nn.Linear(last, hidden), nn.Hardswish(), nn.Identity(), nn.Linear(hidden, classes)
        )
        initialise(self)
        for part in self.modules():
            if isinstance(part, Excite):
                nn.init.zeros_(part.fc1.bias)  # type: ignore[arg-type]
                nn.init.zeros_(part.fc2.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(pool(self.features(x)))
        return logits
