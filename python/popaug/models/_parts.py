"""What the networks share: initial weights, the classifier's pooling, and the shake and drop mixes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# (block, images) -> (alpha, beta), each of shape [images]: the share of branch 1 on the way forward
# and on the way back. Blocks count from 0 in the order of the forward pass.
ShakeDraws = Callable[[int, int], tuple[Tensor, Tensor]]
# (block, images) -> (gate, alpha, beta), each of shape [images]; a gate is 0 or 1.
DropDraws = Callable[[int, int], tuple[Tensor, Tensor, Tensor]]


def conv(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias whose padding keeps the size at stride 1."""
    return nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2, bias=False)


def initialise(network: nn.Module) -> None:
    """He's normal weights by fan out (1502.01852) for convolutions, ones and zeros for batch norm."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
        elif isinstance(part, nn.Linear):
            nn.init.zeros_(part.bias)


def pool(x: Tensor) -> Tensor:
    """The mean over both sides: [images, channels, y, x] to [images, channels]."""
    return x.mean(dim=(2, 3))


def pad_channels(x: Tensor, before: int, after: int) -> Tensor:
    """Zero channels in front of and behind those of x."""
    if before == 0 and after == 0:
        return x
    return F.pad(x, (0, 0, 0, 0, before, after))


class _Shake(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, one: Tensor, two: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        ctx.save_for_backward(beta)
        return alpha * one + (1 - alpha) * two

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (beta,) = ctx.saved_tensors
        return beta * grads[0], (1 - beta) * grads[0], None, None


def shake(one: Tensor, two: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """Shake-Shake (1705.07485, section 2): alpha mixes on the way forward, beta on the way back."""
    shape = (-1, 1, 1, 1)
    return _Shake.apply(one, two, alpha.to(one).view(shape), beta.to(one).view(shape))  # type: ignore[no-any-return, no-untyped-call]


class _Scale(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, forth: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return forth * x

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (back,) = ctx.saved_tensors
        return back * grads[0], None, None


def shake_drop(x: Tensor, gate: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """ShakeDrop (1802.02375, equation 6): gate + alpha - gate alpha forward, with beta on the way back."""
    gate, alpha, beta = (t.to(x).view(-1, 1, 1, 1) for t in (gate, alpha, beta))
    forth = gate + alpha - gate * alpha
    back = gate + beta - gate * beta
    return _Scale.apply(x, forth, back)  # type: ignore[no-any-return, no-untyped-call]
