#!/usr/bin/env python3
"""Images per second of a step in plain PyTorch: eager, channels_last, one thread.

    taskset -c 1 .venv/bin/python bench/studies/train/eager.py --network wrn-28-2 --batch 128 --json

Wide-ResNets are written below, other networks are those of python/popaug/models. A step is one of training, or with
--evaluate a forward pass in evaluation mode. Prints one row a network with every step's seconds, so that a caller can interleave and take medians.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import types
import unittest.mock
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

PACKAGE = Path(__file__).resolve().parents[3] / "python/popaug"


class Block(nn.Module):
    """Pre-activation block of Wide-ResNet (1605.07146)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = (
            nn.Conv2d(inputs, outputs, 1, stride, 0, bias=False) if stride != 1 or inputs != outputs else None
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        o = torch.relu(self.bn1(x))
        y = self.conv2(torch.relu(self.bn2(self.conv1(o))))
        return y + (x if self.shortcut is None else self.shortcut(o))


class WideResNet(nn.Module):
    def __init__(self, depth: int, width: int, classes: int = 10, channels: int = 3) -> None:
        super().__init__()
        each = (depth - 4) // 6
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        layers: list[nn.Module] = []
        inputs = 16
        for group, outputs in enumerate((16 * width, 32 * width, 64 * width)):
            for i in range(each):
                layers.append(Block(inputs, outputs, 2 if group > 0 and i == 0 else 1))
                inputs = outputs
        self.blocks = nn.Sequential(*layers)
        self.bn = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn(self.blocks(self.conv1(x))))
        return self.fc(x.mean((2, 3)))


def make_network(network: str) -> nn.Module:
    if network.startswith("wrn-"):
        depth, width = (int(part) for part in network.split("-")[1:])
        return WideResNet(depth, width)
    # The package's definitions, without its compiled part, which they do not need.
    package = types.ModuleType("popaug")
    package.__path__ = [str(PACKAGE)]
    sys.modules["popaug"] = package
    sys.modules["popaug._core"] = unittest.mock.MagicMock()
    from popaug import models

    built: nn.Module = models.build(network)
    return built


def make_step(
    network: str, batch: int, side: int, evaluate: bool = False, compiled: bool = False
) -> Callable[[], None]:
    torch.manual_seed(0)
    net = make_network(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images = torch.randn(batch, 3, side, side).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (batch,))

    @torch.inference_mode()
    def forward() -> None:
        net(images)

    if compiled:
        net.compile()
    if evaluate:
        net.eval()
        return forward

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(images), labels).backward()
        optimiser.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="wrn-28-2")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--evaluate", action="store_true", help="a forward pass in evaluation mode")
    parser.add_argument("--compile", action="store_true", help="by torch.compile instead of eager")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", action="store_true", help="time one step for every line on stdin (interleaving)")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    step = make_step(flags.network, flags.batch, flags.side, flags.evaluate, flags.compile)
    for _ in range(flags.warm_up):
        step()

    def timed() -> dict[str, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}

    if flags.serve:
        print("ready", flush=True)
        for _ in sys.stdin:
            print(json.dumps(timed()), flush=True)
        return
    rows = [timed() for _ in range(flags.steps)]
    wall = sorted(row["wall"] for row in rows)
    middle = wall[len(wall) // 2]
    result = {
        "name": f"{'compiled' if flags.compile else 'eager'} {flags.network}",
        "images_per_second": flags.batch / middle,
        "seconds": rows,
    }
    print(json.dumps([result]) if flags.json else f"{result['name']}: {flags.batch / middle:.1f}/s")


if __name__ == "__main__":
    main()
