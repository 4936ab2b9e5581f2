#!/usr/bin/env python3
"""Why PyTorch's gradients of a Wide-ResNet differ from float64 by far more than float32's 6e-8.

    .venv/bin/python bench/studies/train/gradient_error.py --network wrn-16-1 --batch 64

One step in float32, eager, channels_last, against the same step in float64: the error of the whole
gradient (norm over norm) and how many ReLUs are open in one and shut in the other. Then again with
causes taken away one at a time: with float64's ReLU masks, with batch statistics taken in float64,
and with both.
"""

from __future__ import annotations

import argparse

import torch
from eager import WideResNet
from torch import nn

Masks = list[torch.Tensor]


class Relu:
    """torch.relu, which remembers its masks or takes over those of another run."""

    def __init__(self, given: Masks | None) -> None:
        self.given = given
        self.seen: Masks = []

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        mask = x > 0
        self.seen.append(mask)
        if self.given is None:
            return torch.where(mask, x, torch.zeros((), dtype=x.dtype))
        return x * self.given[len(self.seen) - 1].to(x.dtype)


def exact_norm(x: torch.Tensor, norm: nn.BatchNorm2d) -> torch.Tensor:
    """Batch norm computed in float64, result in x's type."""
    y = x.double()
    y = y - y.mean((0, 2, 3), keepdim=True)
    y = y / (y.square().mean((0, 2, 3), keepdim=True) + norm.eps).sqrt()
    return (y * norm.weight.double().view(1, -1, 1, 1) + norm.bias.double().view(1, -1, 1, 1)).to(x.dtype)


def gradient(
    net: WideResNet, images: torch.Tensor, labels: torch.Tensor, relu: Relu, exact: bool
) -> list[torch.Tensor]:
    def norm(x: torch.Tensor, layer: nn.BatchNorm2d) -> torch.Tensor:
        return exact_norm(x, layer) if exact else layer(x)

    net.zero_grad()
    x = net.conv1(images)
    for block in net.blocks:
        o = relu(norm(x, block.bn1))
        y = block.conv2(relu(norm(block.conv1(o), block.bn2)))
        x = y + (x if block.shortcut is None else block.shortcut(o))
    x = relu(norm(x, net.bn))
    nn.functional.cross_entropy(net.fc(x.mean((2, 3))), labels).backward()
    return [p.grad.double().clone() for p in net.parameters() if p.grad is not None]


def distance(a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
    difference = sum(float((x - y).square().sum()) for x, y in zip(a, b, strict=True))
    return float((difference / sum(float(y.square().sum()) for y in b)) ** 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="wrn-16-1")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--batches", type=int, default=3)
    flags = parser.parse_args()
    depth, width = (int(part) for part in flags.network.split("-")[1:])
    torch.set_num_threads(1)
    for seed in range(flags.batches):
        torch.manual_seed(seed)
        net = WideResNet(depth, width).to(memory_format=torch.channels_last)
        images = torch.rand(flags.batch, 3, 32, 32).mul(4).sub(2)
        labels = torch.randint(0, 10, (flags.batch,))
        single = images.to(memory_format=torch.channels_last)
        twin = WideResNet(depth, width).double()
        twin.load_state_dict(net.state_dict())
        truth = Relu(None)
        right = gradient(twin, images.double(), labels, truth, exact=False)
        count = sum(mask.numel() for mask in truth.seen)
        for what, given, exact in (
            ("as it is", None, False),
            ("float64's ReLU masks", truth.seen, False),
            ("batch norm in float64", None, True),
            ("both", truth.seen, True),
        ):
            relu = Relu(given)
            error = distance(gradient(net, single, labels, relu, exact), right)
            flips = sum(int((a != b).sum()) for a, b in zip(relu.seen, truth.seen, strict=True))
            print(f"batch {seed}, {what}: error {error:.2g}, {flips} of {count} ReLUs differ", flush=True)


if __name__ == "__main__":
    main()
