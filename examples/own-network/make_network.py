"""Makes net.pt: a small network of your own, as TorchScript, for `popaug search --model net.pt`.

    python make_network.py --classes 10 --channels 1 net.pt
    popaug search --data photos --model net.pt --preset best --out run
    popaug train --data photos --model net.pt --schedule run/best.schedule.json --out network

Any module works that takes float32 images [images, channels, height, width] and answers [images, classes]
logits, with its own weights as the start: pretrained ones too. Dropout inside it draws from torch's
generator, so such a network's runs do not repeat bit for bit.
"""

import argparse
import pathlib

import torch
from torch import nn


def network(classes: int, channels: int) -> nn.Module:
    """Three convolutions, then the mean over all pixels: any image side."""
    layers: list[nn.Module] = []
    inputs = channels
    for width in (32, 64, 128):
        layers += [nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
        inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("file", type=pathlib.Path)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.jit.script(network(options.classes, options.channels)).save(str(options.file))  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
