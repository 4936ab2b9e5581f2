"""Plain PyTorch definitions of popaug's networks; needs torch.

    network = popaug.models.build("wrn-28-2", classes=10)
    network, info = popaug.models.load("run/best.safetensors")
    popaug.models.export_onnx(network, "network.onnx", info)
    popaug.models.save_weights(timm_model, "weights.safetensors")  # for popaug train --init

Inputs are float32 tensors [images, channels, height, width] of normalised pixels, outputs are logits
[images, classes]. The names of a state dict are those of popaug's own checkpoints.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Callable

from torch import nn

from popaug.models._checkpoint import CheckpointInfo, export_onnx, fill, read, scripted
from popaug.models._parts import DropDraws, ShakeDraws
from popaug.models.efficientnet_lite import EfficientNetLite
from popaug.models.mobilenet_v3 import MobileNetV3
from popaug.models.published import (
    PublishedPyramidNet,
    PublishedResNet20,
    PublishedShakeShake,
    PublishedWideResNet,
)
from popaug.models.pyramidnet import PyramidNet
from popaug.models.resnet import CifarResNet, ResNet, resnet
from popaug.models.shake_shake import ShakeShake
from popaug.models.weights import WeightsReport, convert_weights, save_weights
from popaug.models.wrn import WideResNet

__all__ = [
    "CheckpointInfo",
    "CifarResNet",
    "DropDraws",
    "EfficientNetLite",
    "MobileNetV3",
    "PublishedPyramidNet",
    "PublishedResNet20",
    "PublishedShakeShake",
    "PublishedWideResNet",
    "PyramidNet",
    "ResNet",
    "ShakeDraws",
    "ShakeShake",
    "WeightsReport",
    "WideResNet",
    "build",
    "convert_weights",
    "export_onnx",
    "load",
    "names",
    "save_weights",
]

_FIXED: dict[str, Callable[[int, int], nn.Module]] = {
    "mobilenet-v3-large": lambda classes, channels: MobileNetV3("large", classes, channels),
    "mobilenet-v3-small": lambda classes, channels: MobileNetV3("small", classes, channels),
    "resnet-18": lambda classes, channels: resnet(18, classes, channels),
    "resnet-20": lambda classes, channels: CifarResNet(20, classes, channels),
    "resnet-34": lambda classes, channels: resnet(34, classes, channels),
    "resnet-50": lambda classes, channels: resnet(50, classes, channels),
    "resnet-20-published": PublishedResNet20,
    "pyramidnet-272": lambda classes, channels: PyramidNet(272, 200, classes, channels),
    "pyramidnet-published-272": lambda classes, channels: PublishedPyramidNet(272, 200, classes, channels),
}
_FIXED |= {f"efficientnet-lite-{variant}": functools.partial(EfficientNetLite, variant) for variant in range(5)}
_SHAPED: list[tuple[str, Callable[..., nn.Module]]] = [
    (r"wrn-(\d{1,4})-(\d{1,3})", WideResNet),
    (r"wrn-published-(\d{1,4})-(\d{1,3})", PublishedWideResNet),
    (r"shake-shake-26-2x(\d{1,4})d", ShakeShake),
    (r"shake-shake-published-26-2x(\d{1,4})d", PublishedShakeShake),
]


def names() -> list[str]:
    """The names that `build` knows; other depths and widths of the same form are built too."""
    shaped = [f"wrn-{form}" for form in ("16-1", "28-2", "28-10", "40-2")]
    shaped += [f"wrn-published-{form}" for form in ("28-2", "28-10")]
    for family in ("shake-shake", "shake-shake-published"):
        shaped += [f"{family}-26-2x{width}d" for width in (32, 96, 112)]
    return sorted([*_FIXED, *shaped])


def build(name: str, classes: int = 10, channels: int = 3) -> nn.Module:
    """A network by its name, with fresh weights from torch's generator.

    Raises ValueError for an unknown name, naming the nearest known one.
    """
    if classes < 1 or channels < 1:
        raise ValueError(f"{name}: {classes} classes and {channels} channels; expected at least 1 of each")
    if name in _FIXED:
        return _FIXED[name](classes, channels)
    for form, family in _SHAPED:
        match = re.fullmatch(form, name)
        if match and all(int(size) > 0 for size in match.groups()):
            return family(*(int(size) for size in match.groups()), classes, channels)
    near = difflib.get_close_matches(name, names(), 1)
    hint = f'; the nearest known is "{near[0]}"' if near else ""
    raise ValueError(f'"{name}" is not a network{hint}; known: {", ".join(names())}')


def load(path: str | os.PathLike[str]) -> tuple[nn.Module, CheckpointInfo]:
    """The network of a checkpoint (`best.safetensors` of a training or search), in evaluation mode, and what the file says
    of itself: class names, image size and normalisation. A network of your own comes as the TorchScript that it was. Raises Error for anything but a whole checkpoint of popaug's."""
    info, tensors = read(path)
    if info.network == "torchscript":
        network: nn.Module = scripted(tensors, os.fspath(path))
    else:
        network = build(info.network, len(info.classes), info.channels)
        network.__dict__["checkpoint_info"] = info  # for save_weights
    fill(network, tensors, os.fspath(path))
    return network.eval(), info
